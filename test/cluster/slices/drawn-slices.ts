/** Slices, manifests and outcomes as fast-check draws them, for the tests of their codecs. */
import fc from 'fast-check';
import type { BatchOutcomes, BatchPlace, SliceBatch, SliceEnd } from '../../../src/cluster/slices/slice.js';
import { TokenBlock, type TokenEncoding } from '../../../src/push/token-block.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** As many pieces as `count`, end to end, and where each begins. */
function pieces(count: number): fc.Arbitrary<{ bytes: Uint8Array; offsets: Uint32Array }> {
  const lengths = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: count, maxLength: count });
  return lengths.chain((all) => {
    const offsets = new Uint32Array(count + 1);
    for (const [index, length] of all.entries()) offsets[index + 1] = offsets[index]! + length;
    return bytesOf(offsets[count]!).map((bytes) => ({ bytes, offsets }));
  });
}

function maybe<T>(drawn: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(drawn, { nil: null });
}

function fieldsOf(count: number) {
  const numbers = fc.array(u32, { minLength: count, maxLength: count }).map((all) => Uint32Array.from(all));
  const priorities = fc.array(fc.constantFrom(1, 5, 10), { minLength: count, maxLength: count });
  return fc
    .record({ expirations: maybe(numbers), priorities: maybe(priorities), collapse: maybe(pieces(count)) })
    .map(({ expirations, priorities: own, collapse }) => ({
      expirations,
      priorities: own === null ? null : Uint8Array.from(own),
      collapseIds: collapse?.bytes ?? null,
      collapseIdOffsets: collapse?.offsets ?? null,
    }));
}

function batchOf(count: number, tokenBytes: number, encoding: TokenEncoding): fc.Arbitrary<SliceBatch> {
  const personal = fc
    .record({ apnsIds: maybe(bytesOf(16 * count)), payloads: maybe(pieces(count)), fields: maybe(fieldsOf(count)) })
    .map(({ apnsIds, payloads, fields }) => ({
      apnsIds,
      payloads: payloads?.bytes ?? null,
      payloadOffsets: payloads?.offsets ?? null,
      fields,
    }));
  return fc
    .record({ bytes: bytesOf(count * tokenBytes), personal: maybe(personal) })
    .map(({ bytes, personal: parts }) => ({
      tokens: new TokenBlock(bytes, tokenBytes, count, encoding),
      personal: parts,
    }));
}

const count = fc.integer({ min: 1, max: 30 });

export const drawnSlice: fc.Arbitrary<SliceBatch[]> = fc.array(
  fc.oneof(
    fc.tuple(count, fc.integer({ min: 1, max: 100 })).chain(([n, tokenBytes]) => batchOf(n, tokenBytes, 'hex')),
    fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1024 }))
      .chain(([n, tokenBytes]) => batchOf(n, tokenBytes, 'text')),
  ),
  { maxLength: 4 },
);

/** Indexes below `below`: some that rise, or in any order. */
function indexesOf(below: number): fc.Arbitrary<Uint16Array | null> {
  const some = fc.uniqueArray(fc.integer({ min: 0, max: below - 1 }));
  const rising = some.map((all) => Uint16Array.from(all.toSorted((a, b) => a - b)));
  return maybe(
    fc.oneof(
      rising,
      some.map((all) => Uint16Array.from(all)),
    ),
  );
}

export const drawnManifest: fc.Arbitrary<BatchPlace[]> = fc.array(
  fc
    .tuple(u32, fc.integer({ min: 1, max: 1024 }))
    .chain(([block, n]) => indexesOf(n).map((indexes) => ({ block, count: n, indexes }))),
  { maxLength: 12 },
);

const anyId = maybe(
  fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
    fc.string({ unit: 'grapheme-ascii' }),
  ),
);
const anyNumber = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const state = fc.oneof(
  { weight: 5, arbitrary: fc.constant(2) },
  { weight: 1, arbitrary: fc.constantFrom(3, 4, 16, 17) },
);

const answer = fc.record(
  {
    index: fc.integer({ min: 0, max: 1023 }),
    status: fc.integer({ min: 1, max: 599 }),
    reason: fc.string(),
    timestampMs: maybe(anyNumber),
    apnsId: anyId,
    retryAfterSeconds: maybe(anyNumber),
    apnsUniqueId: anyId,
  },
  { requiredKeys: ['index', 'status', 'reason', 'timestampMs', 'apnsId', 'retryAfterSeconds'], noNullPrototype: true },
);
/** One that says more has all members, as those of FCM. */
const detail = fc.oneof(
  answer,
  fc.tuple(answer, anyId, fc.string()).map(([one, apnsUniqueId, said]) => ({ ...one, apnsUniqueId, detail: said })),
);

const cause = fc.constantFrom(
  { code: 'ERR_PEAL_CONNECT' as const, message: 'Nothing listens.', origin: 'connect' as const, retryable: true },
  { code: 'ERR_PEAL_STOPPED' as const, message: 'M', origin: 'gateway' as const, retryable: false, marked: '«M»' },
);

function outcomesOf(indexes: Uint16Array | null, length: number): fc.Arbitrary<BatchOutcomes> {
  const ids = fc.array(anyId, { minLength: length, maxLength: length });
  return fc
    .record(
      {
        slice: anyNumber,
        epoch: anyNumber,
        batch: fc.integer({ min: 0, max: 1000 }),
        ledger: fc.array(state, { minLength: length, maxLength: length }).map((all) => Uint8Array.from(all)),
        details: fc.array(detail, { maxLength: 4 }),
        ids: maybe(fc.record({ apnsIds: ids, apnsUniqueIds: ids }, { noNullPrototype: true })),
        cause: maybe(cause),
        resent: fc.nat(),
      },
      { noNullPrototype: true },
    )
    .map((rest) => ({ kind: 'batch', indexes, ...rest }));
}

export const drawnBatchOutcomes: fc.Arbitrary<BatchOutcomes> = fc
  .tuple(indexesOf(1024), fc.integer({ min: 0, max: 60 }))
  .chain(([indexes, length]) => outcomesOf(indexes, indexes?.length ?? length));

export const drawnEnd: fc.Arbitrary<SliceEnd> = fc.record(
  {
    kind: fc.constant('end' as const),
    slice: anyNumber,
    epoch: anyNumber,
    worker: fc.string(),
    latencies: maybe(fc.constant({ version: 1 as const, longestMs: 12.5, counts: [3, 1, 700, 42] })),
  },
  { noNullPrototype: true },
);
