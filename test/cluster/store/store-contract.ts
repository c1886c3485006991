/** What every kind of ClusterStore does. Each test has a campaign of its own, so that one server serves all of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type {
  CampaignDefinition,
  ClusterStore,
  SliceClaim,
  SliceCommit,
  Steering,
} from '../../../src/cluster/store/cluster-store.js';
import type { MessageData } from '../../../src/session/message/message.js';
import { Prng } from '../../support/prng.js';

export interface ContractWorld {
  /** Another store of the same campaigns, as another machine has it. The world closes it. */
  open(): Promise<ClusterStore>;
  /** Lets time pass, by the clock of the store. */
  pass(ms: number): Promise<void>;
  /** Interleavings that the test of claims draws. */
  readonly interleavings: number;
}

export const free: Steering = { ratePerSecond: null, maxInFlight: null, isPaused: false, stopped: null };
const refusal = { code: 'ERR_PEAL_STOPPED', message: 'M', origin: 'gateway', retryable: false } as const;
const abort = { ...refusal, code: 'ERR_PEAL_ABORTED' } as const;

export function definitionOf(id = randomBytes(16).toString('hex')): CampaignDefinition {
  const payload = '{"aps":{"alert":"Größe ✓"}}';
  const message: MessageData = { tokens: [], payload, headers: { 'apns-topic': 'com.example.app' }, attempt: 0 };
  return { version: 1, id, title: 'Sale', gateway: 'https://api.push.apple.com', app: null, message, send: {} };
}

export function textCommit(
  records: Readonly<Record<string, string>>,
  outcomes: readonly string[],
  hasEnded = false,
): SliceCommit {
  const changes = Object.entries(records).map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
  return { changes, outcomes: outcomes.map((text) => Buffer.from(text)), hasEnded };
}

const texts = (all: readonly Uint8Array[]): string[] => all.map((bytes) => Buffer.from(bytes).toString('latin1'));

function recordsOf({ records }: SliceClaim): Record<string, string> {
  return Object.fromEntries(records.map((entry) => texts(entry) as [string, string]));
}

export function testClusterStore(world: () => ContractWorld): void {
  let store: ClusterStore;
  let other: ClusterStore;
  let definition: CampaignDefinition;
  let id: string;

  beforeEach(async () => {
    [store, other] = [await world().open(), await world().open()];
    definition = definitionOf();
    id = definition.id;
    await store.begin(definition, free);
  });

  async function claimed(slice = 0): Promise<SliceClaim> {
    await store.addSlice(id, slice, Buffer.from('m'));
    return (await store.claim(id, slice, 'w1'))!;
  }

  it('knows a campaign once, by all stores, and refuses another one of the same name', async () => {
    assert.equal(await other.begin(definition, { ...free, isPaused: true }), false);
    assert.deepEqual(await other.definition(id), definition);
    assert.deepEqual(await other.steering(id), { ...free, isHeld: false });
    const changed = { ...definition, gateway: 'https://api.sandbox.push.apple.com' };
    assert.equal(await other.begin(changed, { ...free, isPaused: true }), false);
    assert.deepEqual(await store.definition(id), changed);
    assert.equal((await store.steering(id))?.isPaused, false);
  });

  it('knows nothing of a campaign that was not begun, and drops what it is told of it', async () => {
    const no = 'ab'.repeat(16);
    assert.equal(await store.definition(no), null);
    assert.equal(await store.steering(no), null);
    assert.equal(await store.hold(no, 'me', 1000), false);
    await store.addSlice(no, 0, Buffer.from('m'));
    await store.steer(no, { isPaused: true });
    await store.unstop(no);
    await store.letGo(no, 'me');
    assert.deepEqual(await store.slices(no), []);
    assert.equal(await store.claim(no, 0, 'w1'), null);
    assert.deepEqual(await store.outcomes(no, 0, 10), []);
    assert.equal((await store.take(no, 10)).granted, 0);
    assert.equal(await store.steering(no), null);
  });

  it('lets one dispatcher hold a campaign at a time', async () => {
    assert.equal(await store.hold(id, 'one', 60_000), true);
    assert.equal(await other.hold(id, 'two', 60_000), false);
    assert.equal(await store.hold(id, 'one', 60_000), true);
    assert.equal((await other.steering(id))!.isHeld, true);
    await other.letGo(id, 'two');
    assert.equal((await other.steering(id))!.isHeld, true);
    await store.letGo(id, 'one');
    assert.equal((await other.steering(id))!.isHeld, false);
    assert.equal(await other.hold(id, 'two', 60_000), true);
  });

  it('ends a lease that is not kept', async () => {
    assert.equal(await store.hold(id, 'one', 150), true);
    await world().pass(300);
    assert.equal((await store.steering(id))!.isHeld, false);
    assert.equal(await other.hold(id, 'two', 60_000), true);
    assert.equal(await store.hold(id, 'one', 60_000), false);
  });

  it('changes what is given of the steering, and nothing else', async () => {
    await store.steer(id, { ratePerSecond: 1234.5 });
    await other.steer(id, { maxInFlight: 7, isPaused: true });
    assert.deepEqual(await store.steering(id), {
      ...free,
      ratePerSecond: 1234.5,
      maxInFlight: 7,
      isPaused: true,
      isHeld: false,
    });
    await other.steer(id, { ratePerSecond: null, isPaused: false });
    assert.deepEqual(await store.steering(id), { ...free, maxInFlight: 7, isHeld: false });
  });

  it('keeps the first reason to stop until it is dropped', async () => {
    await store.steer(id, { stopped: refusal });
    await other.steer(id, { stopped: abort });
    await other.steer(id, { stopped: null, ratePerSecond: 1 });
    assert.deepEqual((await store.steering(id))!.stopped, refusal);
    await store.unstop(id);
    assert.deepEqual((await store.steering(id))!.stopped, null);
    await other.steer(id, { stopped: abort });
    assert.deepEqual((await store.steering(id))!.stopped, abort);
  });

  it('lists slices with what is known of them, in their order', async () => {
    for (const slice of [10, 2, 1]) await store.addSlice(id, slice, Buffer.from([slice, 0, 255]));
    await store.addSlice(id, 2, Buffer.from('another'));
    const claim = (await other.claim(id, 2, 'w1'))!;
    await other.commit(claim, textCommit({}, ['end'], true));
    await other.claim(id, 10, 'w2');
    const plain = (await store.slices(id)).map((found) => ({ ...found, manifest: [...found.manifest] }));
    assert.deepEqual(plain, [
      { slice: 1, manifest: [1, 0, 255], epoch: 0, worker: null, hasEnded: false },
      { slice: 2, manifest: [2, 0, 255], epoch: 1, worker: 'w1', hasEnded: true },
      { slice: 10, manifest: [10, 0, 255], epoch: 1, worker: 'w2', hasEnded: false },
    ]);
    await other.removeSlices(id, [2, 10, 77]);
    assert.deepEqual(
      (await store.slices(id)).map(({ slice }) => slice),
      [1],
    );
  });

  it('gives a claim what earlier claims have left, in the order of the keys as bytes', async () => {
    const first = await claimed();
    assert.deepEqual(
      { ...first, records: [] },
      { campaign: id, slice: 0, epoch: 1, records: [], steering: { ...free, isHeld: false } },
    );
    assert.deepEqual(first.records, []);
    const key = (number: number): Buffer => Buffer.from([0x62, 0, 0, number >> 8, number & 255]);
    const changes = [300, 2, 255, 0].map((number) => ({
      key: key(number),
      value: Buffer.from([number & 255, 13, 10, 0]),
    }));
    await store.commit(first, { changes, outcomes: [], hasEnded: false });
    await store.commit(first, { changes: [{ key: key(2), value: Buffer.from('new') }], outcomes: [], hasEnded: false });
    const second = (await other.claim(id, 0, 'w2'))!;
    assert.equal(second.epoch, 2);
    assert.deepEqual(
      second.records.map(([at]) => Buffer.from(at).readUInt16BE(3)),
      [0, 2, 255, 300],
    );
    assert.deepEqual(second.records.map(([, value]) => [...value])[3], [44, 13, 10, 0]);
    assert.equal(Buffer.from(second.records[1]![1]).toString(), 'new');
  });

  it('refuses the commit of a claim once another one has the slice, as a whole', async () => {
    const first = await claimed();
    await store.commit(first, textCommit({ a: '1' }, ['1']));
    const second = (await other.claim(id, 0, 'w2'))!;
    const late = store.commit(first, textCommit({ a: 'late', b: 'late' }, ['late'], true));
    await assert.rejects(late, { code: 'ERR_PEAL_FENCED', origin: 'store', retryable: false });
    await other.commit(second, textCommit({ b: '2' }, ['2']));
    assert.deepEqual(texts(await store.outcomes(id, 0, 10)), ['1', '2']);
    assert.deepEqual(recordsOf((await store.claim(id, 0, 'w3'))!), { a: '1', b: '2' });
  });

  it('takes a slice from nobody where a claim comes late, not even from an earlier claim of the same worker', async () => {
    await store.addSlice(id, 0, Buffer.from('m'));
    assert.equal(await store.epoch(id, 0), 0);
    const first = (await store.claim(id, 0, 'w1', 0))!;
    assert.equal(first.epoch, 1);
    await assert.rejects(store.claim(id, 0, 'w1', 0), { code: 'ERR_PEAL_FENCED' });
    await assert.rejects(other.claim(id, 0, 'w2', 0), { code: 'ERR_PEAL_FENCED', origin: 'store', retryable: false });
    assert.equal((await other.claim(id, 0, 'w2', 1))?.epoch, 2);
    await assert.rejects(store.claim(id, 0, 'w1', 0), { code: 'ERR_PEAL_FENCED' });
    await assert.rejects(store.commit(first, textCommit({ a: 'late' }, ['late'])), { code: 'ERR_PEAL_FENCED' });
    const third = (await store.claim(id, 0, 'w1', 2))!;
    await store.commit(third, textCommit({ a: '3' }, ['3']));
    // What the claim has brought since is not begun anew.
    await assert.rejects(store.claim(id, 0, 'w1', 2), { code: 'ERR_PEAL_FENCED' });
    assert.equal(await other.epoch(id, 0), 3);
    await store.commit(third, textCommit({}, ['end'], true));
    assert.deepEqual([await other.epoch(id, 0), await other.claim(id, 0, 'w2', 3)], [null, null]);
    assert.equal(await store.epoch(id, 7), null);
  });

  it('does not give a slice out again that has ended, or was removed', async () => {
    const claim = await claimed();
    await store.commit(claim, textCommit({ a: '1' }, ['end'], true));
    assert.equal(await other.claim(id, 0, 'w2'), null);
    const gone = await claimed(1);
    await other.removeSlices(id, [1]);
    assert.equal(await other.claim(id, 1, 'w2'), null);
    await assert.rejects(store.commit(gone, textCommit({}, ['late'])), { code: 'ERR_PEAL_FENCED' });
    assert.deepEqual(texts(await store.outcomes(id, 0, 10)), ['end']);
  });

  it('tells each commit how the campaign is steered', async () => {
    const claim = await claimed();
    await other.hold(id, 'one', 60_000);
    await other.steer(id, { isPaused: true, ratePerSecond: 5, stopped: refusal });
    const steering = await store.commit(claim, textCommit({}, []));
    assert.deepEqual(steering, { ratePerSecond: 5, maxInFlight: null, isPaused: true, stopped: refusal, isHeld: true });
  });

  it('keeps outcomes in their order until they are removed', async () => {
    const claim = await claimed();
    const all = Array.from({ length: 300 }, (_, at) => `${at}\0\xff`);
    for (let at = 0; at < 300; at += 30) {
      await store.commit(claim, {
        ...textCommit({}, []),
        outcomes: all.slice(at, at + 30).map((t) => Buffer.from(t, 'latin1')),
      });
    }
    assert.deepEqual(texts(await other.outcomes(id, 0, 100)), all.slice(0, 100));
    assert.deepEqual(texts(await other.outcomes(id, 100, 50)), all.slice(100, 150));
    await other.removeOutcomes(id, 50);
    assert.deepEqual(texts(await other.outcomes(id, 100, 10)), all.slice(150, 160));
    await other.removeOutcomes(id, 30);
    assert.deepEqual(texts(await other.outcomes(id, 0, 1000)), all.slice(80));
    await other.removeOutcomes(id, 220);
    assert.deepEqual(await other.outcomes(id, 0, 1000), []);
  });

  it('lets one dispatcher remove outcomes that another has read as first ones, and tells the other', async () => {
    const claim = await claimed();
    await store.commit(claim, textCommit({}, ['1', '2', '3']));
    await store.outcomes(id, 0, 2);
    await other.outcomes(id, 0, 2);
    await store.removeOutcomes(id, 2);
    await assert.rejects(other.outcomes(id, 2, 2), { code: 'ERR_PEAL_FENCED' });
    await assert.rejects(other.removeOutcomes(id, 1), { code: 'ERR_PEAL_FENCED' });
    assert.deepEqual(texts(await store.outcomes(id, 0, 2)), ['3']);
  });

  it('removes all of a campaign, which may begin anew', async () => {
    const claim = await claimed();
    await store.commit(claim, textCommit({ a: '1' }, ['1']));
    await other.end(id);
    assert.equal(await store.steering(id), null);
    assert.deepEqual(await store.slices(id), []);
    assert.ok((await store.campaigns()).every((found) => found.definition.id !== id));
    await assert.rejects(store.commit(claim, textCommit({}, ['late'])), { code: 'ERR_PEAL_FENCED' });
    await other.end(id);
    assert.equal(await store.begin(definition, free), true);
    assert.deepEqual(await store.outcomes(id, 0, 10), []);
    assert.deepEqual(recordsOf(await claimed()), {});
  });

  it('shows workers until they are silent', async () => {
    const beat = { ...{ name: null, host: 'a', pid: 1, slots: 2, slices: [`${id}-s1`], connections: 3 }, inFlight: 4 };
    const counts = { accepted: 1e9, rejected: 5, startedMs: 6, whyNot: null };
    const [one, two] = [`${id}-1`, `${id}-2`];
    await store.beat({ id: one, ...beat, ...counts }, 60_000);
    await store.beat({ id: two, ...beat, ...counts }, 150);
    await other.beat({ id: one, ...beat, ...counts, accepted: 2e9 }, 60_000);
    await world().pass(300);
    const mine = (await other.workers()).filter((worker) => worker.id.startsWith(id));
    assert.deepEqual(mine, [{ id: one, ...beat, ...counts, accepted: 2e9 }]);
  });

  it('shows campaigns with what is known of their slices, and without their message', async () => {
    await store.addSlice(id, 0, Buffer.from('m'));
    for (const slice of [1, 2]) await claimed(slice);
    await store.claim(id, 2, 'w2');
    await store.commit(await claimed(3), textCommit({}, ['1', '2'], true));
    await store.commit(await claimed(4), textCommit({}, ['3'], true));
    await store.removeSlices(id, [4]);
    await store.hold(id, 'me', 60_000);
    const { message: _, ...rest } = definition;
    const found = (await other.campaigns()).find((campaign) => campaign.definition.id === id);
    assert.deepEqual(found, {
      definition: rest,
      steering: { ...free, isHeld: true },
      slices: { waiting: 1, claimed: 2, ended: 1 },
      outcomes: 3,
    });
  });

  it('grants a rate to all machines together, with a quarter of a second at once', async () => {
    assert.deepEqual(await store.take(id, 5000), { granted: 5000, waitMs: 0 });
    await store.steer(id, { ratePerSecond: 400 });
    const takers = [store, other];
    let granted = 0;
    for (let round = 0; round < 10; round++) {
      for (const taker of takers) granted += (await taker.take(id, 1000)).granted;
      await world().pass(50);
    }
    // At least half a second has passed, and a slow machine let more of it pass.
    assert.ok(granted >= 100 + 9 * 20 - 2, `${granted} were granted`);
    await store.steer(id, { ratePerSecond: 0.5 });
    assert.equal((await store.take(id, 1000)).granted <= 1, true);
    const { granted: none, waitMs } = await other.take(id, 1000);
    assert.equal(none, 0);
    assert.ok(waitMs > 0 && waitMs <= 2000, `wait ${waitMs} ms`);
  });

  it('counts every outcome once, and keeps the last record, for claims and commits in any order', async () => {
    const seed = Number(process.env.PEAL_TEST_SEED ?? 13);
    const random = new Prng(seed);
    const { interleavings } = world();
    for (let round = 0; round < interleavings; round++) {
      const slice = 1000 + round;
      await store.addSlice(id, slice, Buffer.from('m'));
      await checkInterleaving(random.fork(), slice, `seed ${seed}, round ${round}`);
    }
  });

  /** Claimers that each commit a few times, all at once; every store resolves in whatever order it likes. */
  async function checkInterleaving(random: Prng, slice: number, where: string): Promise<void> {
    const held: { epoch: number; step: number; hasEnded: boolean }[] = [];
    const run = async (machine: ClusterStore, name: string): Promise<void> => {
      for (let claims = 1 + random.int(2); claims > 0; claims--) {
        const claim = await machine.claim(id, slice, name);
        if (claim === null) return;
        for (let step = 1; step <= 3; step++) {
          const hasEnded = step === 3 && random.chance(0.3);
          const text = `${slice}/${claim.epoch}/${step}`;
          try {
            await machine.commit(claim, textCommit({ last: text }, [text], hasEnded));
            held.push({ epoch: claim.epoch, step, hasEnded });
          } catch (error) {
            assert.equal((error as { code?: unknown }).code, 'ERR_PEAL_FENCED', where);
            break;
          }
          if (random.chance(0.2)) break;
        }
      }
    };
    await Promise.all([run(store, 'a'), run(other, 'b'), run(store, 'c')]);
    const found = texts(await store.outcomes(id, 0, 1000));
    await store.removeOutcomes(id, found.length);
    // What resolved is there once, in the order of epochs and steps, and nothing else is.
    const sorted = held.sort((a, b) => a.epoch - b.epoch || a.step - b.step);
    assert.deepEqual(
      found,
      sorted.map(({ epoch, step }) => `${slice}/${epoch}/${step}`),
      where,
    );
    const last = await store.claim(id, slice, 'd');
    if (last === null) assert.equal(sorted.at(-1)?.hasEnded, true, where);
    else assert.equal(recordsOf(last).last, found.at(-1), where);
  }
}
