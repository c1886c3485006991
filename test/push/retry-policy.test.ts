import assert from 'node:assert/strict';
import { binaryReasons, reasons } from '../../src/apns/reason.js';
import { maxRetryDelayMs } from '../../src/base/limits.js';
import {
  backoffMs,
  type RetryBudget,
  type RetryCase,
  type RetryKind,
  retryAfterMs,
  retryRules,
} from '../../src/push/retry-policy.js';
import { retryKindOf } from '../../src/push-services/reasons.js';

const budget: RetryBudget = { attempts: 5, timeMs: 60_000 };
const first: RetryCase = { kind: 'transient', attempt: 1, repeats: 0, elapsedMs: 0, retryAfterSeconds: null };

function waitOf(it: Partial<RetryCase>, chance = 0, limits: RetryBudget = budget): number | null {
  return retryAfterMs({ ...first, ...it }, limits, () => chance);
}

describe('apns/retry-policy', () => {
  it('says of every reason of HTTP/2 whether it may be answered otherwise next time', () => {
    const again = Object.fromEntries(
      reasons.flatMap(({ status, reason }) => {
        const kind = retryKindOf(status, reason);
        return kind === null ? [] : [[reason, kind]];
      }),
    );
    assert.deepEqual(again, {
      IdleTimeout: 'connection',
      UnrelatedKeyIdInToken: 'connection',
      ExpiredProviderToken: 'expired',
      TooManyRequests: 'busy',
      TooManyProviderTokenUpdates: 'token-updates',
      InternalServerError: 'transient',
      ServiceUnavailable: 'transient',
      Shutdown: 'transient',
    });
  });

  it('goes by the status where the reason is not known', () => {
    const kinds = [400, 401, 403, 404, 410, 413, 421, 429, 500, 502, 503, 599].map((status) => retryKindOf(status, ''));
    const [final, connection, transient] = [null, 'connection', 'transient'] as const;
    assert.deepEqual(kinds, [
      ...[final, final, final, final, final, final],
      ...[connection, transient, transient, transient, transient, transient],
    ]);
  });

  it('sends nothing again of its own accord that a binary gateway refused', () => {
    for (const { status, reason } of binaryReasons) assert.equal(retryKindOf(status, reason, 'binary'), null, reason);
  });

  //                  kind            waits before request 2, 3, 4 with the least and with the most chance
  const waits: readonly [RetryKind, readonly number[], readonly number[]][] = [
    ['unsent', [0, 0, 0], [0, 0, 0]],
    ['transient', [0, 0, 0], [1_000, 2_000, 4_000]],
    ['unknown', [0, 0, 0], [1_000, 2_000, 4_000]],
    ['busy', [2_000, 4_000, 8_000], [4_000, 8_000, 16_000]],
    ['unavailable', [10_000, 20_000, 40_000], [20_000, 40_000, 80_000]],
    ['quota', [60_000, 120_000, 240_000], [120_000, 240_000, 480_000]],
    ['topic-quota', [60_000, 120_000, 240_000], [120_000, 240_000, 480_000]],
    ['token-updates', [10_000, 20_000, 40_000], [20_000, 40_000, 80_000]],
    ['expired', [100, 200, 400], [100, 200, 400]],
    ['connection', [0, 0, 0], [0, 0, 0]],
  ];
  for (const [kind, least, most] of waits) {
    it(`waits before ${kind} is sent again`, () => {
      const backoffs = (chance: number): number[] =>
        [1, 2, 3].map((attempt) => backoffMs(kind, attempt, null, () => chance));
      assert.deepEqual([backoffs(0), backoffs(1)], [least, most]);
    });
  }

  it('knows a rule for every kind, and tests it', () => {
    assert.deepEqual(waits.map(([kind]) => kind).sort(), Object.keys(retryRules).sort());
  });

  it('never waits less than the gateway asked for, and never longer than the longest wait', () => {
    assert.equal(
      backoffMs('transient', 1, 30, () => 0.5),
      30_000,
    );
    assert.equal(
      backoffMs('busy', 1, 3, () => 1),
      4_000,
    );
    assert.equal(
      backoffMs('transient', 1, 1_000_000, () => 0.5),
      maxRetryDelayMs,
    );
    assert.equal(
      backoffMs('token-updates', 60, null, () => 1),
      maxRetryDelayMs,
    );
  });

  it('is final once the requests are used up', () => {
    assert.equal(waitOf({ attempt: 4 }), 0);
    assert.equal(waitOf({ attempt: 5 }), null);
    assert.equal(waitOf({}, 0, { attempts: 1, timeMs: 60_000 }), null);
  });

  it('is final once the request would come too late, the wait included', () => {
    assert.equal(waitOf({ elapsedMs: 60_000 }), 0);
    assert.equal(waitOf({ elapsedMs: 60_001 }), null);
    assert.equal(waitOf({ elapsedMs: 31_000, retryAfterSeconds: 30 }), null);
    assert.equal(waitOf({ elapsedMs: 30_000, retryAfterSeconds: 30 }), 30_000);
    const hour = { attempts: 5, timeMs: 3_600_000 };
    assert.equal(waitOf({ retryAfterSeconds: 1_800 }, 0, hour), 1_800_000, 'longer than the policy waits by itself');
    assert.equal(waitOf({ retryAfterSeconds: 3_601 }, 0, hour), null);
  });

  it('tries a new provider token once, and another connection twice', () => {
    assert.deepEqual(
      [0, 1].map((repeats) => waitOf({ kind: 'expired', repeats })),
      [100, null],
    );
    assert.deepEqual(
      [0, 1, 2].map((repeats) => waitOf({ kind: 'connection', repeats })),
      [0, 0, null],
    );
  });
});
