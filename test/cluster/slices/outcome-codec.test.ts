import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { decodeOutcome, encodeOutcome } from '../../../src/cluster/slices/outcome-codec.js';
import type { BatchOutcomes } from '../../../src/cluster/slices/slice.js';
import { checkAnyBytes, checkDamage } from './damage.js';
import { drawnBatchOutcomes, drawnEnd } from './drawn-slices.js';

const accepted: BatchOutcomes = {
  ...{ kind: 'batch', slice: 99_999, epoch: 3, batch: 9, indexes: null, ledger: new Uint8Array(1024).fill(2) },
  ...{ details: [], ids: null, cause: null, resent: 0 },
};

function sealed(content: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([Buffer.from([0x4f, 1]), content, Buffer.alloc(4)]);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

describe('the codec of outcomes', () => {
  it('gives back what it was given', () => {
    fc.assert(
      fc.property(fc.oneof(drawnBatchOutcomes, drawnEnd), (outcome) => {
        assert.deepEqual(decodeOutcome(encodeOutcome(outcome)), outcome);
      }),
    );
  });

  it('has some 20 bytes for a batch that was accepted as a whole', () => {
    assert.ok(encodeOutcome(accepted).length <= 20, `${encodeOutcome(accepted).length}`);
  });

  it('has 16 bytes for the id of a notification, in small and in capital letters', () => {
    const apnsUniqueIds = Array.from({ length: 1024 }, () => null);
    for (const id of ['eabeae54-14a8-11e5-b60b-1697f925ec7b', 'EABEAE54-14A8-11E5-B60B-1697F925EC7B']) {
      const ids = { apnsIds: Array.from({ length: 1024 }, () => id), apnsUniqueIds };
      const bytes = encodeOutcome({ ...accepted, ids });
      assert.ok(bytes.length <= 1024 * 16 + 30);
      assert.deepEqual(decodeOutcome(bytes), { ...accepted, ids });
    }
  });

  it('refuses bytes that are damaged', () => {
    checkDamage(fc.oneof(drawnBatchOutcomes, drawnEnd), encodeOutcome, decodeOutcome);
    checkAnyBytes(sealed, decodeOutcome);
  });

  it('is as new after a value that it could not write', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    assert.throws(() => encodeOutcome({ ...accepted, cause: circle as never }));
    assert.deepEqual(decodeOutcome(encodeOutcome(accepted)), accepted);
  });
});
