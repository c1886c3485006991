import assert from 'node:assert/strict';
import {
  drainTimeoutMs,
  maxServerErrorsInRow,
  maxUnavailableMs,
  minPacedRequests,
  tokenUpdatesPauseMs,
  transientPauseMs,
} from '../../src/base/limits.js';
import * as frames from '../../src/codec/http2/frames.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';
import { Harness } from './pool-harness.js';

const streams = (count: number) => [[frames.SETTINGS_MAX_CONCURRENT_STREAMS, count]] as const;
const because = (reason: string): string => JSON.stringify({ reason });
const tokenPool = { credential: { kind: 'token', fingerprint: 'f' }, maxConnections: 1 } as const;

describe('connection/pool and connections that no longer serve', () => {
  let harness: Harness | null = null;

  function make(options: ConstructorParameters<typeof Harness>[0] = {}): Harness {
    harness = new Harness(options);
    return harness;
  }

  afterEach(async () => {
    await harness?.close();
    assert.equal(harness?.clock.timerCount ?? 0, 0, 'timers are left behind');
    assert.equal(harness?.pool.stats().inFlight ?? 0, 0);
    harness = null;
  });

  /** The first connection answers `served` recipients and then as it is told; its successors answer 200. */
  function firstOneFails(
    status: number,
    reason: string,
    options: { served?: number; count?: number; recipients?: number } = {},
  ): Harness {
    const { served = 200, count = 1, recipients = 2000 } = options;
    return make({
      recipients,
      script: (n) => ({
        settings: streams(100),
        onRequest: (gateway: ScriptedGateway, id: number) => {
          const at = gateway.requests.length;
          if (n === 0 && at > served && at <= served + count) gateway.reject(id, status, because(reason));
          else if (n === 0 && at > served + count) h.clock.setTimer(() => gateway.accept(id), 500);
          else gateway.accept(id);
        },
      }),
      pool: { maxConnections: 1 },
    });
    // biome-ignore lint/correctness/noUnreachable: the script above runs later, on the harness that was made.
    var h: Harness;
  }

  for (const [status, reason] of [
    [503, 'Shutdown'],
    [400, 'IdleTimeout'],
    [403, 'UnrelatedKeyIdInToken'],
  ] as const) {
    it(`replaces one that answers ${reason}, and lets it finish what it has`, () => {
      const h = firstOneFails(status, reason);
      h.start();
      assert.equal(h.attemptsAtMs.length, 2, 'the successor opens before the first has drained');
      assert.equal(h.pool.stats().draining, 1);
      h.clock.advance(drainTimeoutMs);
      assert.equal(h.source.count('accepted'), 1999);
      assert.equal(h.source.count('rejected'), 1);
      assert.equal(h.source.rejections[0]!.rejection.reason, reason);
      assert.equal(h.gateways[0]!.closed, null, 'closed in good order');
    });
  }
});
