/**
 * What a recipient costs on its way through a cluster: packed into a slice and taken out of it, with a token only and
 * with a payload of its own; and its outcome, in a batch that was accepted as a whole and in one with a few rejections.
 */
import { decodeOutcome, encodeOutcome } from '../../src/cluster/slices/outcome-codec.js';
import type { BatchOutcomes, SliceBatch } from '../../src/cluster/slices/slice.js';
import { decodeSlice, encodeSlice } from '../../src/cluster/slices/slice-codec.js';
import { TokenBlock } from '../../src/push/token-block.js';
import type { MicroItem } from './suite.js';

const batches = 10;
const count = 1024;
const tokenBytes = 32;
const payloadBytes = 120;

function plainBatch(): SliceBatch {
  return { tokens: new TokenBlock(new Uint8Array(count * tokenBytes).fill(0xa5), tokenBytes, count), personal: null };
}

function personalBatch(): SliceBatch {
  const payloads = new Uint8Array(count * payloadBytes).fill(0x20);
  const payloadOffsets = Uint32Array.from({ length: count + 1 }, (_, index) => index * payloadBytes);
  return { ...plainBatch(), personal: { apnsIds: new Uint8Array(count * 16), payloads, payloadOffsets } };
}

function outcomes(rejected: number): BatchOutcomes {
  const ledger = new Uint8Array(count).fill(2);
  const details = Array.from({ length: rejected }, (_, at) => {
    const index = Math.floor((at * count) / rejected);
    ledger[index] = 17;
    return { index, status: 410, reason: 'Unregistered', timestampMs: 1e12, apnsId: null, retryAfterSeconds: null };
  });
  return {
    ...{ kind: 'batch', slice: 7, epoch: 1, batch: 3, indexes: null, ledger, details },
    ...{ ids: null, cause: null, resent: 0 },
  };
}

function item(name: string, bytesPerItem: number, run: () => { length: number }): MicroItem {
  return {
    name: `slice: ${name}`,
    bytesPerItem,
    itemsPerRun: batches * count,
    run() {
      if (run().length === 0) throw new Error('nothing was made');
    },
  };
}

export function register(): readonly MicroItem[] {
  const plain = Array.from({ length: batches }, plainBatch);
  const personal = Array.from({ length: batches }, personalBatch);
  const [plainBytes, personalBytes] = [encodeSlice(plain), encodeSlice(personal)];
  const whole = Array.from({ length: batches }, () => outcomes(0));
  const mixed = Array.from({ length: batches }, () => outcomes(20));
  const [wholeBytes, mixedBytes] = [whole.map(encodeOutcome), mixed.map(encodeOutcome)];
  const each = (all: readonly Uint8Array[]): number =>
    all.reduce((sum, { length }) => sum + length, 0) / batches / count;
  return [
    item('encode, tokens only', tokenBytes, () => encodeSlice(plain)),
    item('decode, tokens only', tokenBytes, () => decodeSlice(plainBytes)),
    item('encode, payloads and ids', tokenBytes + payloadBytes + 20, () => encodeSlice(personal)),
    item('decode, payloads and ids', tokenBytes + payloadBytes + 20, () => decodeSlice(personalBytes)),
    item('encode outcomes, accepted', each(wholeBytes), () => whole.map(encodeOutcome)),
    item('decode outcomes, accepted', each(wholeBytes), () => wholeBytes.map(decodeOutcome)),
    item('encode outcomes, 2 % rejected', each(mixedBytes), () => mixed.map(encodeOutcome)),
    item('decode outcomes, 2 % rejected', each(mixedBytes), () => mixedBytes.map(decodeOutcome)),
  ];
}
