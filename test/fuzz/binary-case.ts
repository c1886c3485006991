/**
 * One fuzz case of what a binary gateway sends: status responses or feedback tuples, mutated or not, in any pieces,
 * held against a plain reading of the same bytes in one piece.
 */
import { PealError } from '../../src/base/errors.js';
import { maxTokenBytes } from '../../src/base/limits.js';
import { FeedbackDecoder, writeFeedbackTuple } from '../../src/codec/binary/feedback.js';
import { StatusDecoder, writeStatus } from '../../src/codec/binary/status.js';
import { Prng } from '../support/prng.js';
import { mutateBytes } from './mutations.js';

const stream = new Uint8Array(4096);
const read = new Uint8Array(stream.length);

interface Decoder {
  readonly failure: PealError | null;
  readonly isPartial: boolean;
  receive(bytes: Uint8Array, length: number): void;
}

/** What was read, as text, and how it ended. */
interface Reading {
  readonly seen: string[];
  readonly end: 'whole' | 'partial' | 'broken';
}

/**
 * Runs the case of a seed.
 * @returns how the stream ended, in a few words
 * @throws Error when something does not hold
 */
export function runBinaryCase(seed: number): string {
  const prng = new Prng(seed);
  const isStatus = prng.chance(0.5);
  let length = isStatus ? drawStatuses(prng) : drawTuples(prng);
  for (let n = prng.int(4); n > 0; n--) length = mutateBytes(stream, length, prng);
  const expected = isStatus ? readStatuses(length) : readTuples(length);
  const actual = isStatus ? decodeStatuses(length, prng) : decodeTuples(length, prng);
  const kind = isStatus ? 'status' : 'feedback';
  const isSame = actual.end === expected.end && actual.seen.join() === expected.seen.join();
  if (!isSame) throw new Error(`${kind}: ${JSON.stringify(actual)} was read where ${JSON.stringify(expected)} stood`);
  return `binary: ${kind} ${actual.end}`;
}

function drawStatuses(prng: Prng): number {
  let at = 0;
  for (let n = prng.int(5); n > 0; n--) at = writeStatus(stream, at, prng.int(256), prng.int(0x1_0000_0000));
  return at;
}

function drawTuples(prng: Prng): number {
  let at = 0;
  for (let n = prng.int(8); n > 0; n--) {
    const token = new Uint8Array(prng.pick([32, 32, 32, 0, 1, 100])).fill(prng.int(256));
    at = writeFeedbackTuple(stream, at, prng.int(0x1_0000_0000), token);
  }
  return at;
}

function readStatuses(length: number): Reading {
  const seen: string[] = [];
  for (let at = 0; at < length; at += 6) {
    if (stream[at] !== 8) return { seen, end: 'broken' };
    if (at + 6 > length) return { seen, end: 'partial' };
    seen.push(`${stream[at + 1]} ${word(at + 2)}`);
  }
  return { seen, end: 'whole' };
}

function readTuples(length: number): Reading {
  const seen: string[] = [];
  let at = 0;
  while (at < length) {
    if (at + 6 > length) return { seen, end: 'partial' };
    const tokenBytes = (stream[at + 4]! << 8) | stream[at + 5]!;
    if (tokenBytes > maxTokenBytes) return { seen, end: 'broken' };
    if (at + 6 + tokenBytes > length) return { seen, end: 'partial' };
    seen.push(`${word(at)} ${hex(stream, at + 6, at + 6 + tokenBytes)}`);
    at += 6 + tokenBytes;
  }
  return { seen, end: 'whole' };
}

function decodeStatuses(length: number, prng: Prng): Reading {
  const seen: string[] = [];
  const decoder = new StatusDecoder({ onStatus: (status, identifier) => void seen.push(`${status} ${identifier}`) });
  return feed(decoder, seen, length, prng);
}

function decodeTuples(length: number, prng: Prng): Reading {
  const seen: string[] = [];
  const decoder = new FeedbackDecoder({
    onFeedback: (seconds, bytes, start, end) => void seen.push(`${seconds} ${hex(bytes, start, end)}`),
  });
  return feed(decoder, seen, length, prng);
}

function feed(decoder: Decoder, seen: string[], length: number, prng: Prng): Reading {
  const longest = prng.pick([1, 3, 20, 4096]);
  for (let at = 0; at < length; ) {
    const count = Math.min(length - at, 1 + prng.int(longest));
    read.set(stream.subarray(at, at + count));
    decoder.receive(read, count);
    at += count;
  }
  const { failure } = decoder;
  if (failure !== null && !(failure instanceof PealError)) throw new Error('a failure that is no PealError');
  if (failure !== null) return { seen, end: 'broken' };
  return { seen, end: decoder.isPartial ? 'partial' : 'whole' };
}

function word(at: number): number {
  return new DataView(stream.buffer).getUint32(at);
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('hex');
}
