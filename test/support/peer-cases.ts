/**
 * Cases of what a peer may send, each run for every way in which its bytes can arrive: whole, octet by octet, and split
 * in two at every place. The name of a case begins with the row of the list that it belongs to (A1 … G: frame layer,
 * HPACK, streams, SETTINGS, flow control, connection, our own output); which rows have cases is kept, so that a test
 * can ask for all of them.
 */

import assert from 'node:assert/strict';
import * as frames from '../../src/codec/http2/frames.js';
import { readU32 } from '../../src/codec/octets.js';
import { cases } from './cases.js';
import { accepted, literals } from './frames.js';
import { ScriptedPeer } from './scripted-peer.js';

export const ok = literals([[':status', '200']]);
export const opaque = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** How many cases each row has. */
export const casesOfRows = new Map<string, number>();

/** Up to this size a case is split at every place; a larger one near its ends and at the ends of its frames. */
const wholeSplitBytes = cases(2048, 512);
const edgeBytes = cases(256, 64);
/** So many of its frames from the beginning, and as many before the end, are cut at their ends. */
const cutFrames = cases(1024, 8);

/** A case with a body of its own. Its name begins with its row. */
export function row(name: string, run: () => void): void {
  const [id] = /^(?:[A-F]\d+|G)(?=[ :,])/.exec(name) ?? [];
  assert.ok(id !== undefined, `the case "${name}" names no row`);
  casesOfRows.set(id, (casesOfRows.get(id) ?? 0) + 1);
  it(name, run);
}

/** Runs a check for every way in which the bytes can arrive. */
export function everySplit(pieces: readonly Uint8Array[], check: (send: (peer: ScriptedPeer) => void) => void): void {
  const bytes = new Uint8Array(Buffer.concat(pieces));
  check((peer) => peer.send(bytes));
  check((peer) => {
    peer.chunkBytes = 1;
    peer.send(bytes);
    peer.chunkBytes = Number.POSITIVE_INFINITY;
  });
  for (const at of splits(bytes)) check((peer) => peer.send(bytes.subarray(0, at), bytes.subarray(at)));
}

function splits(bytes: Uint8Array): number[] {
  const all = Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
  if (bytes.length <= wholeSplitBytes) return all;
  const every = frameEnds(bytes);
  const ends = [...every.slice(0, cutFrames), ...every.slice(-cutFrames)];
  return all.filter(
    (at) => at < edgeBytes || at > bytes.length - edgeBytes || ends.some((end) => Math.abs(end - at) <= 1),
  );
}

function frameEnds(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = 0; at + frames.FRAME_HEADER_BYTES <= bytes.length; ) {
    at += frames.FRAME_HEADER_BYTES + ((bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!);
    ends.push(at);
  }
  return ends;
}

/** A connection with requests 0, 1 and 2 on the streams 1, 3 and 5. */
export function withRequests(): ScriptedPeer {
  const peer = ScriptedPeer.opened();
  peer.request(3);
  return peer;
}

/** The connection ends with a GOAWAY of that code, and all three requests are reported once. */
export function connectionError(name: string, errorCode: number, ...pieces: Uint8Array[]): void {
  row(`${name}: ${frames.errorCodeName(errorCode)} ends the connection`, () => {
    everySplit(pieces, (send) => {
      const peer = withRequests();
      send(peer);
      peer.assertFailed(errorCode);
      peer.connection.abandon(peer.connection.failure!);
      assert.equal(peer.listener.reports.size, 3);
    });
  });
}

/**
 * The connection goes on.
 * @param expected The reports there are once the peer has also answered stream 5, without that one
 * @param resets The RST_STREAMs that were sent: stream and code
 */
export function goesOn(
  name: string,
  expected: string,
  resets: readonly (readonly [number, number])[],
  ...pieces: Uint8Array[]
): void {
  row(name, () => {
    everySplit(pieces, (send) => {
      const peer = withRequests();
      send(peer);
      peer.send(accepted(5));
      assert.equal(peer.connection.failure, null);
      assert.equal(peer.listener.summary(), expected === '' ? '2 accepted' : `${expected}, 2 accepted`);
      const sent = peer.read().filter(({ type }) => type === frames.RST_STREAM);
      assert.deepEqual(
        sent.map(({ streamId, payload }) => [streamId, readU32(payload, 0)]),
        resets,
      );
      peer.judge.finish();
      peer.judge.assertClean();
    });
  });
}

/** A stream error: stream 1 is reset with that code and its request unknown; the others go on. */
export function streamError(name: string, errorCode: number, ...pieces: Uint8Array[]): void {
  goesOn(`${name}: RST_STREAM ${frames.errorCodeName(errorCode)}`, '0 unknown', [[1, errorCode]], ...pieces);
}
