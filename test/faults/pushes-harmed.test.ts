/**
 * Single pushes while a thread of the sender ends or stands still, with real threads and sockets: each has its outcome
 * in its time, and the gateway, in a thread of its own, confirms it.
 */
import assert from 'node:assert/strict';
import { deadlineStepMs, withdrawalTimeMs } from '../../src/base/limits.js';
import {
  APNs,
  type PushOutcome,
  Session,
  type SessionOptions,
  type SimulatorThread,
  startSimulatorThread,
} from '../../src/index.js';
import { randomTokens } from '../cli/fixture.js';
import { turn } from '../support/engine-fixtures.js';
import { block, ledgerAt } from './accounts.js';
import { faultyBackendUrl } from './faulty-backend.js';

const message = { alert: 'Hello', topic: 'com.example.app' };
/** How late a timer of a busy machine may be. */
const slackMs = 2_000;

describe('single pushes', () => {
  let simulator: SimulatorThread;
  beforeEach(async () => {
    simulator = await startSimulatorThread({ roundTripMs: 20 });
  });
  afterEach(() => simulator.close());

  const open = (options: SessionOptions): Session => new Session({ ca: simulator.caCertificate!, ...options });

  /** The gateway does not contradict any outcome. Returns how many there are of each. */
  async function compare(tokens: readonly string[], outcomes: readonly PushOutcome[]): Promise<Record<string, number>> {
    const ledger = await ledgerAt(simulator.controlUrl!);
    const counts: Record<string, number> = {};
    tokens.forEach((token, index) => {
      const { outcome, error } = outcomes[index]!;
      const requests = ledger.get(token)?.requests ?? 0;
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      if (outcome === 'accepted') assert.equal(requests, 1);
      else if (outcome === 'unsent') assert.equal(requests, 0, error?.message);
      else assert.ok(outcome === 'unknown' && requests <= 1, `${outcome}, ${requests} requests`);
    });
    return counts;
  }

  it('are unknown where their thread ended after it had written them, and sent by another otherwise', async () => {
    const counter = new SharedArrayBuffer(4);
    const backendOptions = { harm: 'exit', at: 60, counter };
    await using session = open({ threads: 2, backend: faultyBackendUrl, backendOptions });
    const apns = new APNs(session.getConnection(simulator.url, null));
    const tokens = randomTokens(4_000);
    const outcomes: PushOutcome[] = [];
    // 200 at a time, as requests of a service come.
    let next = 0;
    const serve = async (): Promise<void> => {
      for (let at = next++; at < tokens.length; at = next++) outcomes[at] = await apns.push(message, tokens[at]!);
    };
    await Promise.all(Array.from({ length: 200 }, serve));
    assert.ok(new Int32Array(counter)[0]! > 60, 'no thread ended');
    const { accepted = 0, unknown = 0, unsent = 0 } = await compare(tokens, outcomes);
    assert.deepEqual([accepted + unknown, unsent], [tokens.length, 0]);
    assert.ok(unknown <= 200, `${unknown} unknown`);
    for (const { outcome, error } of outcomes) if (outcome === 'unknown') assert.equal(error?.code, 'ERR_PEAL_SHARD');
  });

  it('have their outcomes in time though their thread stands still', async () => {
    const counter = new SharedArrayBuffer(4);
    const at = 1_000;
    const backendOptions = { harm: 'block', at, counter, blockMs: 8_000 };
    await using session = open({ threads: 1, backend: faultyBackendUrl, backendOptions });
    const apns = new APNs(session.getConnection(simulator.url, null));
    const [first, ...tokens] = randomTokens(601);
    // Its thread runs and its connection is open, so that no time goes to that; it stands still with the first answers.
    assert.equal((await apns.push(message, first!)).outcome, 'accepted');
    Atomics.store(new Int32Array(counter), 0, at - 5);
    const timeoutMs = 1_500;
    const beganMs = performance.now();
    const outcomes = await Promise.all(tokens.map((token) => apns.push(message, token, { timeoutMs })));
    const tookMs = performance.now() - beganMs;
    assert.ok(new Int32Array(counter)[0]! >= at, 'the thread was not blocked');
    assert.ok(tookMs < timeoutMs + withdrawalTimeMs + 3 * deadlineStepMs + slackMs, `they took ${tookMs} ms`);
    await session.close();
    const { accepted = 0, unknown = 0, unsent = 0 } = await compare(tokens, outcomes);
    assert.equal(accepted + unknown + unsent, tokens.length);
    assert.ok(unknown > 0, 'nothing was in the thread when it stood still');
  });

  it('are not called unknown where the answers came in time and the program was busy', async () => {
    await using session = open({ threads: 0 });
    const apns = new APNs(session.getConnection(simulator.url, null));
    const [first, ...tokens] = randomTokens(41);
    await apns.push(message, first!);
    await Promise.all(randomTokens(100).map((token) => apns.push(message, token)));
    const timeoutMs = 2_000;
    const pushes = Promise.all(tokens.map((token) => apns.push(message, token, { timeoutMs })));
    while ((await session.stats()).connections > 0 && (await session.stats()).inFlight < tokens.length) await turn();
    block(timeoutMs + 200);
    assert.deepEqual(await compare(tokens, await pushes), { accepted: tokens.length });
  });
});
