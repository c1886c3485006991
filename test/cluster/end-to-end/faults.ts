/** The faults that tests of a cluster draw from. Each resolves once it is over. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '../../support/prng.js';
import { type Fault, faultsOfKind, isThorough } from './fault-run.js';

/** Longer than the lock of a slice lasts (15 s); a minute where a person asks for many cases. */
export const stopMs = isThorough ? 60_000 : 20_000;
const cutMs = 20_000;
/** In which what was on its way to Redis arrives there. */
const arrivalMs = 300;

export const killWorker: Fault = async (run) => {
  const worker = await run.takeWorker();
  worker.kill('SIGKILL');
  await worker.ended;
  await sleep(arrivalMs);
  await run.withRedis(() => run.noteUnderWay(worker));
  await run.withRedis(() => run.addWorker());
};

/** For longer than others wait for it: it wakes up when others have its slices. */
export const stopWorker: Fault = async (run) => {
  const worker = await run.takeWorker();
  worker.kill('SIGSTOP');
  await sleep(arrivalMs);
  await run.withRedis(() => run.noteUnderWay(worker));
  await Promise.all([sleep(stopMs), run.withRedis(() => run.addWorker())]);
  worker.kill('SIGCONT');
  run.giveBack(worker);
};

export const cutWorkerOff: Fault = async (run) => {
  const worker = await run.takeWorker();
  const way = run.wayOf(worker);
  await way.cut(run.random.chance(0.5) ? 'stall' : 'refuse');
  await sleep(arrivalMs);
  await run.withRedis(() => run.noteUnderWay(worker));
  await Promise.all([sleep(cutMs), run.withRedis(() => run.addWorker())]);
  await way.heal();
  run.giveBack(worker);
};

export const restartRedis: Fault = (run) =>
  run.withRedis(async () => {
    const { redis } = run.cluster;
    await redis.kill9();
    await sleep(run.random.int(3_000));
    await redis.restart();
  });

/** Commands that could need memory are refused meanwhile. */
export const fillRedis: Fault = (run) =>
  run.withRedis(async () => {
    const { redis } = run.cluster;
    redis.cli('CONFIG', 'SET', 'maxmemory', '1mb');
    await sleep(1_000 + run.random.int(4_000));
    redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    assert.match(redis.cli('INFO', 'errorstats'), /errorstat_OOM/, 'something was refused for want of memory');
  });

export const killDispatcher: Fault = async (run) => {
  await run.killDispatcher();
  await sleep(run.random.int(4_000));
  // One that is started while Redis is away ends at once, and says so.
  await run.withRedis(() => run.startDispatcher());
};

export function times(fault: Fault): (random: Prng) => readonly Fault[] {
  return () => Array<Fault>(faultsOfKind).fill(fault);
}

/** Each of them once, in random order. */
export function shuffled(faults: readonly Fault[], random: Prng): readonly Fault[] {
  return faults
    .map((fault) => ({ fault, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ fault }) => fault);
}
