/**
 * Whatever bytes a peer sends, every request that was submitted is reported exactly once, what was never handed out
 * never as anything but unsent, and nothing but a GOAWAY follows a failure.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../../src/base/errors.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { cases } from '../../support/cases.js';
import {
  accepted,
  data,
  frame,
  goaway,
  headers,
  rstStream,
  settingsFrame,
  windowUpdate,
} from '../../support/frames.js';
import { ScriptedPeer } from '../../support/scripted-peer.js';

const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });
const streamId = fc.oneof(
  { weight: 40, arbitrary: fc.integer({ min: 0, max: 11 }).map((n) => 2 * n + 1) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 90 }) },
);
const text = fc.string({ maxLength: 30 });

/** Frames as peers send them. */
const wellFormed = fc.oneof(
  streamId.map(accepted),
  fc
    .tuple(streamId, fc.constantFrom('200', '400', '403', '410', '500', '100', '2x0'), fc.boolean())
    .map(([id, status, ends]) => headers(id, [[':status', status]], ends)),
  fc.tuple(streamId, text, fc.boolean()).map(([id, body, ends]) => data(id, body, ends)),
  fc.tuple(streamId, fc.integer({ min: 0, max: 15 })).map(([id, code]) => rstStream(id, code)),
  fc
    .tuple(fc.oneof(streamId, fc.constant(0)), fc.integer({ min: 1, max: 5000 }))
    .map(([id, by]) => windowUpdate(id, by)),
  fc
    .tuple(fc.constantFrom(1, 3, 4, 5, 6), fc.integer({ min: 0, max: 70_000 }))
    .map(([id, value]) => settingsFrame([[id, id === 5 ? 16_384 : value]])),
  fc
    .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 15 }), text)
    .map(([last, code, debug]) => goaway(last, code, debug)),
  fc.constant(frame(frames.PING, 0, 0, new Uint8Array(8))),
);
/** Frames with anything in them. */
const arbitrary = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 }), streamId, fc.uint8Array({ maxLength: 40 }))
  .map(([type, flags, id, payload]) => frame(type, flags, id, payload));
const mutated = fc
  .tuple(wellFormed, fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
  .map(([bytes, changes]) => {
    const changed = Uint8Array.from(bytes);
    for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
    return changed;
  });

const action = fc.oneof(
  { weight: 12, arbitrary: wellFormed.map((bytes) => ({ kind: 'send', bytes }) as const) },
  { weight: 1, arbitrary: mutated.map((bytes) => ({ kind: 'send', bytes }) as const) },
  { weight: 1, arbitrary: arbitrary.map((bytes) => ({ kind: 'send', bytes }) as const) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }).map((count) => ({ kind: 'submit', count }) as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'write' } as const) },
);

describe('codec/http2: conservation', () => {
  it('reports every request exactly once, whatever the peer sends', () => {
    let failures = 0;
    let answered = 0;
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.constantFrom(1, 7, 1000), (actions, chunkBytes) => {
        const peer = ScriptedPeer.opened([[4, 1000]]);
        const { connection, listener } = peer;
        peer.chunkBytes = chunkBytes;
        const template = peer.template();
        peer.request(12, 0);
        let submitted = 12;
        let handedOut = 12;
        for (const step of actions) {
          if (step.kind === 'send') peer.send(step.bytes);
          else if (step.kind === 'submit') submitted += peer.submit(step.count, submitted, template);
          else {
            const hasFailed = connection.failure !== null;
            peer.output();
            if (!hasFailed) handedOut = submitted;
          }
          assert.equal(connection.activeStreams, submitted - listener.reports.size);
        }
        if (connection.failure !== null) failures++;
        connection.abandon(gone);
        assert.equal(listener.reports.size, submitted);
        for (const [tag, { kind }] of listener.reports) {
          if (tag >= handedOut) assert.equal(kind, 'unsent', `tag ${tag} was never handed out`);
          if (kind === 'accepted' || kind === 'rejected') answered++;
        }
      }),
      { numRuns: cases(2000, 500) },
    );
    assert.ok(
      failures > cases(100, 25) && answered > cases(300, 75),
      `${failures} failures and ${answered} answers prove little`,
    );
  });
});
