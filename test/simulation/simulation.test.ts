/** The simulation itself: some seeds of it, and what it has to be able to do to be worth anything. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Figures } from './figures.js';
import { lastingName } from './lasting-bounds.js';
import { drawPlan } from './plan.js';
import { runSeed, runSeeds } from './run-seeds.js';

describe('simulation', () => {
  const figures = new Figures();

  before(async () => {
    await runSeeds({ from: 1, count: 200 }, (report) => figures.add(report));
  });

  it('finds every token in exactly one outcome, in 200 worlds with faults', () => {
    const failures = figures.failures.map(({ seed, violations }) => `seed ${seed}: ${violations[0]}`);
    assert.deepEqual(failures, []);
    const { lost, duplicated, unexpected, recipients, accepted } = figures.totals;
    assert.deepEqual({ lost, duplicated, unexpected }, { lost: 0, duplicated: 0, unexpected: 0 });
    assert.ok(recipients > 80_000 && accepted > recipients / 2, `${accepted} of ${recipients} were accepted`);
  });

  it('has had all kinds of faults in them, and black holes that were found in time', () => {
    const network = ['crash', 'dead', 'hold', 'hole', 'outage', 'reset', 'stall', 'wall'];
    const gateway = ['answer', 'blackHole', 'fin', 'goaway', 'malformed', 'noAnswer', 'refuse', 'refuseConnections'];
    const more = ['reset', 'rst', 'shutdown', 'slow', 'stall', 'streams', 'window', 'expireProviderTokens'];
    const binary = ['hole', 'reset', 'stall', 'goodbye', 'fin', 'babble'].map((kind) => `binary ${kind}`);
    const expected = [...network, ...[...gateway, ...more].map((kind) => `gateway ${kind}`), ...binary];
    assert.deepEqual(
      expected.filter((kind) => figures.faults[kind] === undefined),
      [],
      'kinds of faults that never struck',
    );
    const { count, max } = figures.holes();
    assert.ok(count >= 10 && max <= 20, `${count} black holes, the slowest found after ${max} s`);
    const own = figures.holes(figures.binaryHolesMs);
    assert.ok(own.count >= 3 && own.max <= 26, `${own.count} on binary connections, the slowest after ${own.max} s`);
    assert.ok(figures.fcmSeeds >= 20, `${figures.fcmSeeds} worlds speak to FCM`);
    assert.ok(figures.binarySeeds >= 15, `${figures.binarySeeds} worlds speak the binary protocol`);
  });

  it('has had gateways in them that do one thing wrong to all recipients, for a while and forever, and sources that end', () => {
    const plans = Array.from({ length: 900 }, (_, index) => drawPlan(index + 1));
    const drawn = new Set(plans.flatMap(({ lasting }) => (lasting === null ? [] : [lastingName(lasting)])));
    const kinds = ['resets', 'refusals', 'drops', 'deaths', 'statuses'].flatMap((kind) => [
      `${kind} for a while`,
      `${kind} forever`,
    ]);
    assert.deepEqual([...drawn].sort(), [...kinds, 'goaways forever', 'bodies forever'].sort());
    const ends = plans.flatMap(({ jobs }) => jobs.map(({ sourceEnd }) => sourceEnd?.isAborted));
    assert.ok(ends.includes(true) && ends.includes(false));
    const streams = new Set(plans.flatMap(({ jobs }) => jobs.flatMap(({ stream }) => stream?.end ?? [])));
    assert.deepEqual([...streams].sort(), ['abort', 'abortAtOnce', 'abortTwice', 'end', 'shutdown', 'stall', 'throw']);
  });

  it('does the same again in another process, whatever else runs there before', async () => {
    const runner = new URL('./run-seeds.js', import.meta.url).href;
    const script = `const { runSeed } = await import(${JSON.stringify(runner)});
      for (const seed of [3, 5, 8, 10, 13, 1000000004, 1000000014]) console.log((await runSeed(seed)).digest);
      process.exit(0);`;
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd });
    const digests: string[] = [];
    for (const seed of [3, 5, 8, 10, 13, 1_000_000_004, 1_000_000_014]) digests.push((await runSeed(seed)).digest);
    assert.deepEqual(stdout.toString().trim().split('\n'), digests);
  });

  it('does the same again for the same seed, whether shards have threads or not', async () => {
    const seeds = Array.from({ length: 60 }, (_, index) => 300 + index);
    const threads = seeds.filter((seed) => drawPlan(seed).threads > 0).slice(0, 4);
    const local = seeds.filter((seed) => drawPlan(seed).threads === 0).slice(0, 8);
    const campaigns = [318, 344];
    for (const seed of [...threads, ...local, ...campaigns]) {
      const first = await runSeed(seed);
      const second = await runSeed(seed);
      assert.ok(first.events > 20, `seed ${seed} has only ${first.events} events`);
      assert.equal(second.digest, first.digest, `seed ${seed} ran differently the second time`);
    }
  });

  it('does different things for different seeds', async () => {
    const digests = new Set<string>();
    for (let seed = 900; seed < 910; seed++) digests.add((await runSeed(seed)).digest);
    assert.equal(digests.size, 10);
  });

  it('answers all where nothing goes wrong', async () => {
    const calm = Array.from({ length: 100 }, (_, index) => index + 1).filter((seed) => {
      const { isCalm, campaign } = drawPlan(seed);
      return isCalm && campaign === null;
    });
    assert.ok(calm.length >= 3);
    for (const seed of calm) {
      const { violations, unknown, unsent, stops } = await runSeed(seed);
      assert.deepEqual([...violations], []);
      assert.deepEqual([...stops], [], `seed ${seed}`);
      const silent = drawPlan(seed).recipients.filter(({ isAnswered }) => !isAnswered).length;
      assert.ok(unknown + unsent <= silent, `seed ${seed}: ${unknown} unknown and ${unsent} unsent`);
    }
  });
});
