/** Pushes whose time counts from when their request is written: those that wait for a stream are not over. */
import assert from 'node:assert/strict';
import { rawNotification } from '../../../src/apns/raw-notification.js';
import { Session } from '../../../src/index.js';
import type { PushOutcome } from '../../../src/session/single/push-outcome.js';
import { type SimulatorOptions, startSimulator } from '../../../src/simulator/index.js';

const answerTimeoutMs = 1_000;
const parts = rawNotification({ topic: 'com.example.app', pushType: 'alert', payloadText: '{"aps":{"alert":"a"}}' });
const token = (number: number): string => number.toString(16).padStart(64, '0');

async function pushAll(count: number, threads: number, options: SimulatorOptions): Promise<PushOutcome[]> {
  await using simulator = await startSimulator(options);
  await using session = new Session({ ca: simulator.caCertificate!, maxConnections: 1, threads });
  const { lanes } = session.getConnection(simulator.url, null);
  const budget = { attempts: 3, timeMs: 60_000 };
  const checked = { timeoutMs: Number.POSITIVE_INFINITY, answerTimeoutMs, budget, signal: null, isStreamed: false };
  return await Promise.all(
    Array.from({ length: count }, (_, number) => {
      return new Promise<PushOutcome>((resolve) => lanes.start(parts, token(number), checked, resolve));
    }),
  );
}

describe('the time for an answer', () => {
  for (const threads of [0, 1]) {
    it(`does not pass while a push waits for its turn, with ${threads} threads`, async () => {
      const beganMs = performance.now();
      // One after the other, each of 160 ms: the last ones wait for several times the time for an answer.
      const outcomes = await pushAll(20, threads, { maxStreams: 1, roundTripMs: 160 });
      assert.ok(performance.now() - beganMs > 3 * answerTimeoutMs);
      assert.deepEqual(new Set(outcomes.map(({ outcome }) => outcome)), new Set(['accepted']));
    });

    it(`makes a push unknown that is written and not answered, with ${threads} threads`, async () => {
      const beganMs = performance.now();
      const scenario = { faults: [{ when: { connection: 1 }, do: 'noAnswer', processed: 1 }] } as const;
      const [outcome] = await pushAll(1, threads, { scenario });
      const tookMs = performance.now() - beganMs;
      assert.equal(outcome!.outcome, 'unknown');
      assert.match(outcome!.error!.message, /within 1000 ms/);
      assert.ok(tookMs >= answerTimeoutMs, `${tookMs}`);
    });
  }

  it('begins anew with each request', async () => {
    const answer = { do: 'answer', reason: 'ServiceUnavailable', forRequests: 1, when: { requests: 1 } } as const;
    const [outcome] = await pushAll(1, 0, { scenario: { faults: [answer] } });
    assert.deepEqual([outcome!.outcome, outcome!.attempts], ['accepted', 2]);
  });
});
