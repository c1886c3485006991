/**
 * What holds for all workers of a campaign together, while it is sent: rate, pause, requests in flight, and failures
 * that stop it.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatorOptions } from '../../../src/simulator/index.js';
import { randomTokens } from '../../cli/fixture.js';
import { until } from '../../faults/accounts.js';
import { RedisServer } from '../../support/redis-server.js';
import { ClusterFixture, type PealProcess } from './cluster-fixture.js';

/** The requests that the simulator has got, and when it was asked. */
interface Sample {
  readonly atMs: number;
  readonly requests: number;
}

describe('the limits of a campaign on three workers', () => {
  let cluster: ClusterFixture;
  let workers: PealProcess[];

  before(function () {
    // It measures rates, so it wants a machine of its own: with PEAL_CLUSTER_FAULTS only, as a person sets it.
    if (!RedisServer.isInstalled || process.env.PEAL_CLUSTER_FAULTS === undefined) this.skip();
  });

  afterEach(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  async function open(simulator: SimulatorOptions): Promise<void> {
    cluster = await ClusterFixture.open({ simulator });
    workers = await cluster.workers(3);
  }

  async function start(recipients: number, options: readonly string[]): Promise<PealProcess> {
    const list = await cluster.base.write('list.txt', randomTokens(recipients).join('\n'));
    const dispatcher = cluster.dispatch(list, ['--slice', '2000', '--quiet', ...options]);
    await cluster.untilRequests(1, dispatcher);
    return dispatcher;
  }

  /** Resolves when the command has ended. */
  async function steer(...args: readonly string[]): Promise<void> {
    const [command, ...more] = args as [string, ...string[]];
    const one = cluster.run([command, cluster.base.path('out'), ...more]);
    assert.deepEqual(await one.ended, { code: 0, signal: null }, one.stderr);
  }

  /** Requests a second, from now on. */
  async function rateOver(ms: number): Promise<number> {
    const [from, before] = [performance.now(), cluster.requests];
    await sleep(ms);
    return ((cluster.requests - before) * 1000) / (performance.now() - from);
  }

  function assertWithin(share: number, found: number, expected: number): void {
    assert.ok(Math.abs(found / expected - 1) <= share, `${found.toFixed()} a second, where ${expected} were allowed`);
  }

  async function summary(): Promise<Record<string, unknown>> {
    return JSON.parse(await cluster.base.output('summary.json'));
  }

  it('rate and pause hold for all within a second, while one worker comes and another one goes', async () => {
    await open({ roundTripMs: 20 });
    const recipients = 40_000;
    const dispatcher = await start(recipients, ['--rate', '3000/s']);
    await sleep(1_000);
    assertWithin(0.05, await rateOver(4_000), 3_000);

    await steer('rate', '1000/s');
    await sleep(1_000);
    assertWithin(0.05, await rateOver(4_000), 1_000);

    await steer('pause');
    await sleep(1_000);
    assert.equal(await rateOver(1_000), 0, 'nobody is sent to while it is paused');
    const paused = cluster.requests;
    await steer('resume');
    await sleep(1_000);
    assert.ok(cluster.requests > paused, 'it goes on within a second');

    const leaves = workers[0]!;
    leaves.kill('SIGTERM');
    const joins = await cluster.worker();
    assert.deepEqual(await leaves.ended, { code: 0, signal: null }, leaves.stderr);
    await until(async () => {
      const all = await cluster.cluster.store.workers();
      return dispatcher.hasEnded || all.some(({ pid, accepted }) => pid === joins.pid && accepted > 0);
    }, 'the worker that joined has sent');
    assert.equal(dispatcher.hasEnded, false, 'the campaign has not ended without it');
    assertWithin(0.05, await rateOver(3_000), 1_000);

    await steer('rate', 'off');
    assert.deepEqual(await dispatcher.ended, { code: 0, signal: null }, dispatcher.stderr);
    const { accepted, unknown } = await summary();
    assert.deepEqual([accepted, unknown], [recipients, 0]);
    assert.equal(cluster.base.simulator.ledger.summary().duplicates, 0);
  });

  it('so many requests are under way in all workers as --max-in-flight says, and no more', async () => {
    const roundTripMs = 300;
    const limit = 600;
    await open({ roundTripMs });
    const dispatcher = await start(10_000, ['--max-in-flight', String(limit)]);
    const samples: Sample[] = [];
    while (!dispatcher.hasEnded) {
      samples.push({ atMs: performance.now(), requests: cluster.requests });
      await sleep(5);
    }
    assert.equal((await dispatcher.ended).code, 0, dispatcher.stderr);
    // No answer leaves before a round trip is over: what comes within one is under way together.
    let most = 0;
    let first = 0;
    for (const { atMs, requests } of samples) {
      while (atMs - samples[first]!.atMs >= roundTripMs) first += 1;
      most = Math.max(most, requests - samples[first]!.requests);
    }
    assert.ok(most <= limit, `${most} were under way, where ${limit} were allowed`);
    assert.ok(most >= limit / 2, `only ${most} of ${limit} were under way`);
  });

  it('failures above --max-failures stop all of them within a second', async () => {
    await open({ roundTripMs: 20, rejectFraction: 0.2, rejectReasons: ['PayloadTooLarge', 'BadDeviceToken'] });
    const maxFailures = 500;
    const dispatcher = await start(40_000, ['--rate', '3000/s', '--max-failures', String(maxFailures)]);
    const { ledger } = cluster.base.simulator;
    await until(() => ledger.summary().rejected > maxFailures || dispatcher.hasEnded, 'too many had failed');
    await sleep(1_000);
    const requests = cluster.requests;
    await dispatcher.ended;
    await sleep(1_000);
    assert.equal(cluster.requests, requests, 'nobody is sent to later than a second after too many had failed');
    const { state, accepted, rejected, unknown, unsent } = await summary();
    const books = ledger.summary();
    assert.deepEqual([state, unknown], ['stopped', 0]);
    assert.deepEqual([accepted, rejected, unsent], [books.accepted, books.rejected, 40_000 - requests]);
  });
});
