/**
 * What notifications cost through the modules that stand in for other libraries: ratios of CPU time within one run,
 * with wide margins. Each figure is the least of several runs, because a busy machine adds to some of them.
 */
import assert from 'node:assert/strict';
import type { CompatResult, CompatTask } from '../../bench/compat/contender.js';
import { runContender } from '../../bench/lib/contender-process.js';
import { SimulatorProcess } from '../../bench/lib/simulator-process.js';

const rounds = 3;
const few = 10_000;
const many = 2 * few;

/** Measured: 5 to 8. */
const leastTimesCheaperThanNode = 2.5;

const modules = { 'peal/compat/node-apn': 'compat-node-apn', 'peal/compat/apns2': 'compat-apns2' } as const;

describe('bench: the cost of the modules that stand in for other libraries', () => {
  let simulator: SimulatorProcess;

  before(async () => {
    simulator = await SimulatorProcess.start('http2', ['--ledger', 'counts', '--connection-window', 'large']);
  });
  after(() => simulator[Symbol.asyncDispose]());

  /** The CPU time of so many notifications, each of which must be one request, and accepted. */
  async function cost(sender: string, way: CompatTask['way'], count: number): Promise<number> {
    await simulator.reset();
    const task: CompatTask = { target: simulator.target, sender, way, count, inFlight: 500, warmUp: 5_000 };
    const url = new URL('../../bench/compat/contender.js', import.meta.url);
    const { sentInAll, acceptedInAll, cpuUs } = await runContender<CompatResult>(url, task);
    const { requests, accepted } = await simulator.ledger();
    assert.deepEqual(
      { sentInAll, acceptedInAll, requests, accepted },
      { sentInAll: 5_000 + count, acceptedInAll: 5_000 + count, requests: 5_000 + count, accepted: 5_000 + count },
    );
    return cpuUs;
  }

  /** The least of all rounds, for each of several runs, which take turns. */
  async function leastOf(...runs: (() => Promise<number>)[]): Promise<number[]> {
    const least = runs.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < rounds; round++) {
      for (const [index, run] of runs.entries()) least[index] = Math.min(least[index]!, await run());
    }
    return least;
  }

  for (const [name, sender] of Object.entries(modules)) {
    for (const way of ['single sends', 'one call'] as const) {
      it(`${name}: twice as many cost twice as much, in ${way}`, async () => {
        const [ofFew, ofMany] = await leastOf(
          () => cost(sender, way, few),
          () => cost(sender, way, many),
        );
        const ratio = ofMany! / ofFew!;
        // The square would be 4. It may be less than 2, because the first ones run before they are compiled.
        assert.ok(ratio < 3, `twice as many cost ${ratio.toFixed(1)} times as much`);
      });
    }

    it(`${name}: a single send costs a small part of what node:http2 takes by hand`, async () => {
      const [own, node] = await leastOf(
        () => cost(sender, 'single sends', few),
        () => cost('node-http2', 'single sends', few),
      );
      assert.ok(node! / own! >= leastTimesCheaperThanNode, `only ${(node! / own!).toFixed(1)} times cheaper`);
    });
  }
});
