/**
 * Cases of what a peer may send, each run for every way in which its bytes can arrive: whole, octet by octet, and split
 * in two at every place.
 */
import assert from 'node:assert/strict';
import * as frames from '../../src/codec/http2/frames.js';
import { accepted, block, ScriptedPeer } from './scripted-peer.js';

export const ok = block([[':status', '200']]);
export const opaque = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Runs a case for every way in which its bytes can arrive. */
function everySplit(bytes: Uint8Array, check: (send: (peer: ScriptedPeer) => void) => void): void {
  check((peer) => peer.send(bytes));
  check((peer) => {
    peer.chunkBytes = 1;
    peer.send(bytes);
  });
  for (let at = 1; at < Math.min(bytes.length, 120); at++) {
    check((peer) => peer.send(bytes.slice(0, at), bytes.slice(at)));
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** A connection with requests 0, 1 and 2 on the streams 1, 3 and 5. */
export function withRequests(): ScriptedPeer {
  const peer = ScriptedPeer.opened();
  peer.request(3);
  return peer;
}

export function connectionError(name: string, errorCode: number, ...pieces: Uint8Array[]): void {
  it(`${name}: ${frames.errorCodeName(errorCode)} ends the connection`, () => {
    everySplit(joined(pieces), (send) => {
      const peer = withRequests();
      send(peer);
      peer.assertFailed(errorCode);
      peer.connection.abandon(peer.connection.failure!);
      assert.equal(peer.listener.reports.size, 3);
    });
  });
}

/** `expected`: the reports once the peer has also answered stream 5, and the RST_STREAMs that were sent. */
export function goesOn(
  name: string,
  expected: string,
  resets: readonly (readonly [number, number])[],
  ...pieces: Uint8Array[]
): void {
  it(name, () => {
    everySplit(joined(pieces), (send) => {
      const peer = withRequests();
      send(peer);
      peer.send(accepted(5));
      assert.equal(peer.connection.failure, null);
      assert.equal(peer.listener.summary(), expected === '' ? '2 accepted' : `${expected}, 2 accepted`);
      const sent = peer.read().filter(({ type }) => type === frames.RST_STREAM);
      assert.deepEqual(
        sent.map(({ streamId, payload }) => [streamId, frames.readUint32(payload, 0)]),
        resets,
      );
    });
  });
}
