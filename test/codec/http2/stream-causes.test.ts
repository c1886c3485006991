import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { goawayCause, goawayWithinAnswerCause, resetCause } from '../../../src/codec/http2/stream-causes.js';
import { goaway, headers, rstStream } from '../../support/frames.js';
import { ScriptedPeer } from '../../support/scripted-peer.js';

/** A connection on which a request was sent and that frame came, and to which no reference is left. */
function forgotten(...pieces: Uint8Array[]): WeakRef<object> {
  const peer = ScriptedPeer.opened();
  peer.request(1);
  peer.send(...pieces);
  assert.equal(peer.listener.reports.size, 1);
  return new WeakRef(peer.connection);
}

describe('codec/http2/stream-causes', () => {
  it('are one object for each error code, and one for all that are unknown', () => {
    for (const causeOf of [resetCause, goawayCause, goawayWithinAnswerCause]) {
      assert.equal(causeOf(2), causeOf(2));
      assert.notEqual(causeOf(2), causeOf(8));
      assert.match(causeOf(2).message, /INTERNAL_ERROR/);
      assert.equal(causeOf(0xe), causeOf(0xdeadbeef));
      assert.match(causeOf(0xe).message, /an unknown error code/);
    }
    assert.match(goawayCause(0).message, /asked to go elsewhere/);
  });

  it('keep no connection in memory, not even the first on which they were used', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const begun = headers(1, [[':status', '500']], false);
    const connections = [];
    for (let code = 0; code <= 0xe; code++) {
      connections.push(forgotten(rstStream(1, code)), forgotten(goaway(0, code)), forgotten(begun, goaway(0, code)));
    }
    // A WeakRef holds its object until the turn of the event loop is over.
    await setImmediate();
    collect();
    const held = connections.filter((each) => each.deref() !== undefined).length;
    assert.equal(held, 0, `${held} of ${connections.length} connections are held`);
  });
});
