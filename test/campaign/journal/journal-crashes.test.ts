/**
 * A campaign of some blocks on a journal whose process is killed at every one of its transactions, before it, within it
 * and before anybody was told, and resumed to its end; and seeded orders of notes, outcomes, transactions and kills. A
 * model of the gateway and of the output files is the judge.
 */
import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { type CampaignIdentity, identityPart } from '../../../src/campaign/journal/identity.js';
import { Journal } from '../../../src/campaign/journal/journal.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import { cases } from '../../support/cases.js';
import { Prng } from '../../support/prng.js';
import { type CrashPoint, MemoryDisk, MemoryStore } from './memory-store.js';

const identity: CampaignIdentity = { parts: [identityPart('the payload', 'Hi')], inputs: [] };
/** Its timers run in the next turn: transactions follow each other as fast as they are written. */
const hastyClock: Clock = {
  ...systemClock,
  setTimer: (callback) => setImmediate(callback),
  clearTimer: (timer) => clearImmediate(timer as NodeJS.Immediate),
};
const blockSizes = [3, 1, 7, 5, 2, 6, 4, 8];
const digestOf = (number: number): Uint8Array => Uint8Array.of(number, 42);

/** What is true of each recipient, whatever the journal says, over all runs. */
class World {
  readonly disk = new MemoryDisk();
  /** By recipient: how often the gateway has got it, and has accepted it. */
  readonly sent = new Map<string, number>();
  readonly answered = new Map<string, number>();
  /** Rows of the file of rejections. */
  rows: string[] = [];
  /** Most recipients that were in flight, or noted and not handed out, at a kill. */
  inFlight = 0;
}

interface RunOptions {
  readonly random: Prng;
  readonly crash: { readonly commit: number; readonly point: CrashPoint } | null;
  readonly resendsUnknown: boolean;
}

/** One run; false when its process was killed. */
async function run(world: World, { random, crash, resendsUnknown }: RunOptions): Promise<boolean> {
  const store = new MemoryStore(world.disk);
  store.crashAt = crash;
  store.latency = () => turns(random.int(4));
  const campaign = sendAll(world, store, random, resendsUnknown);
  const isWhole = await Promise.race([campaign.then(() => true), store.crashed.then(() => false)]);
  store.hasCrashed = true;
  return isWhole;
}

async function sendAll(world: World, store: MemoryStore, random: Prng, resendsUnknown: boolean): Promise<void> {
  const journal = await Journal.open(store, identity, { name: 'j', clock: hastyClock });
  world.rows.length = journal.files['rejected.csv'] ?? 0;
  journal.cutWith(() => ({
    files: { 'rejected.csv': world.rows.length },
    written: random.chance(0.3) ? turns(2) : null,
  }));
  const under: Promise<void>[] = [];
  let open = 0;
  for (const [number, count] of blockSizes.entries()) {
    const known = journal.block(number, digestOf(number), count);
    const missing = known.unwritten();
    for (const index of missing) if (known.stateAt(index) >= REJECTED) world.rows.push(`${number}/${index}`);
    if (missing.length > 0) journal.wrote(number, digestOf(number), count, missing);
    const indexes = known.isNew
      ? Uint16Array.from({ length: count }, (_, index) => index)
      : known.toSend(resendsUnknown);
    // In one batch or two, as variants of a message make them.
    const half = random.chance(0.4) ? random.int(indexes.length + 1) : indexes.length;
    for (const batch of [indexes.subarray(0, half), indexes.subarray(half)]) {
      if (batch.length === 0) continue;
      while (open >= 3) await turns(1);
      await journal.note(number, digestOf(number), count, batch);
      if (store.hasCrashed) return;
      open += 1;
      under.push(
        send(world, store, journal, number, batch, random).finally(() => {
          open -= 1;
        }),
      );
    }
  }
  await Promise.all(under);
  journal.inputEnded(blockSizes.length);
  journal.event('finished');
  await journal.close();
}

/** One batch: the gateway gets its recipients one after another, and its answers arrive later. */
async function send(
  world: World,
  store: MemoryStore,
  journal: Journal,
  number: number,
  indexes: Uint16Array,
  random: Prng,
): Promise<void> {
  const ledger = new Uint8Array(indexes.length);
  for (const [place, index] of indexes.entries()) {
    await turns(random.int(2));
    if (store.hasCrashed) return;
    if (random.chance(0.1)) {
      ledger[place] = UNSENT;
      continue;
    }
    const name = `${number}/${index}`;
    ledger[place] = WRITTEN;
    add(world.sent, name);
    if (random.chance(0.1)) continue;
    add(world.answered, name);
    ledger[place] = random.chance(0.3) ? REJECTED + 1 + random.int(5) : ACCEPTED;
    if (random.chance(0.2)) journal.glimpse(number, ledger, indexes);
  }
  await turns(random.int(3));
  if (store.hasCrashed) return;
  for (const [place, index] of indexes.entries()) {
    if (ledger[place] === WRITTEN) ledger[place] = UNKNOWN;
    if (ledger[place]! >= REJECTED) world.rows.push(`${number}/${index}`);
  }
  journal.settle(number, ledger, indexes);
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Nobody was sent to twice but those that may be, nobody is lost, and files and journal agree. */
async function judge(world: World, resendsUnknown: boolean): Promise<void> {
  const journal = await Journal.open(new MemoryStore(world.disk), identity, { name: 'j', clock: hastyClock });
  const rejected: string[] = [];
  for (const [number, count] of blockSizes.entries()) {
    const known = journal.block(number, digestOf(number), count);
    for (let index = 0; index < count; index++) {
      const name = `${number}/${index}`;
      const state = known.stateAt(index);
      const times = world.sent.get(name) ?? 0;
      if (!resendsUnknown) assert.ok(times <= 1, `${name} was sent ${times} times`);
      if (state === ACCEPTED || state >= REJECTED) assert.ok(world.answered.has(name), `${name} was not answered`);
      else if (state === UNSENT) assert.equal(times, 0, `${name} was sent, and is unsent`);
      else assert.equal(state, UNKNOWN, `${name} is lost: ${state}`);
      if (state >= REJECTED) rejected.push(name);
    }
    assert.equal(known.unwritten().length, 0);
  }
  assert.deepEqual(world.rows.slice(0, journal.files['rejected.csv']).sort(), rejected.sort());
  await journal.close();
}

const points: readonly CrashPoint[] = ['before', 'middle', 'untold'];

describe('a campaign that is killed', () => {
  it('at every transaction of its journal, and resumed: nobody is lost, nobody sent to twice', async () => {
    let crashes = 0;
    for (const point of points) {
      for (let commit = 0; ; commit++) {
        const world = new World();
        const random = new Prng(commit);
        const isWhole = await run(world, { random, crash: { commit, point }, resendsUnknown: false });
        if (isWhole) break;
        crashes += 1;
        assert.equal(await run(world, { random, crash: null, resendsUnknown: false }), true);
        await judge(world, false);
      }
    }
    assert.ok(crashes >= 20, `only ${crashes} kills`);
  });

  it('again and again, in any order of notes, outcomes and transactions', async () => {
    const seeds = cases(3_000, 200);
    for (let seed = 1; seed <= seeds; seed++) {
      const random = new Prng(seed);
      const world = new World();
      const resendsUnknown = random.chance(0.5);
      for (let isWhole = false, times = 0; !isWhole; times++) {
        const commit = world.disk.commits + random.int(8);
        const crash = times < 5 ? { commit, point: random.pick(points) } : null;
        isWhole = await run(world, { random, crash, resendsUnknown });
      }
      await judge(world, resendsUnknown).catch((error) => {
        error.message = `seed ${seed}: ${error.message}`;
        throw error;
      });
    }
  });
});
