/**
 * One slice on one machine after another: what is told, what is sent, and what a worker that was given up does not do.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { PealError } from '../../../src/base/errors.js';
import { queueLockMs, workerLifeMs } from '../../../src/base/limits.js';
import { LatencyHistogram } from '../../../src/engine/latency-histogram.js';
import { HastyClock } from '../../support/hasty-clock.js';
import { campaignId, isKind, WorkerFixture } from './worker-fixture.js';

const count = 10_000;

describe('a slice on a worker', () => {
  let fixture: WorkerFixture;

  afterEach(async () => {
    await fixture.close();
  });

  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await sleep(2);
  }

  it('is sent, told recipient by recipient, and ended with its latencies', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin({ send: { keepIds: true } });
    await fixture.addSlice(count);
    const { worker } = await fixture.worker();
    isKind(await worker.work(fixture.task()), 'done');
    assert.deepEqual(await fixture.check(), { accepted: 9800, rejected: 200, unsent: 0, unknown: 0 });
    const outcomes = await fixture.outcomes();
    const end = outcomes.at(-1)!;
    assert.ok(end.kind === 'end' && end.worker === 'w0' && end.epoch === 1);
    assert.equal(LatencyHistogram.fromData(end.latencies!).count, count);
    const withIds = outcomes.flatMap((one) => (one.kind === 'batch' && one.ids !== null ? one.ids.apnsIds : []));
    assert.equal(withIds.filter((id) => id !== null).length, 9800);
    const gone = outcomes
      .flatMap((one) => (one.kind === 'batch' ? one.details : []))
      .find(({ status }) => status === 410);
    assert.ok(gone!.timestampMs! > 0);
    // Another job of the same slice has nothing to do.
    isKind(await worker.work(fixture.task()), 'done');
    assert.equal(fixture.simulator.ledger.summary().requests, count);
    const { accepted, rejected, ended, latencies, underWay } = worker.snapshot;
    assert.deepEqual([accepted, rejected, ended, latencies.count, underWay], [9800, 200, 2, count, 0]);
  });

  it('goes on after a worker that ended at any commit: nobody is sent to twice, and those under way are unknown', async () => {
    for (const commits of [1, 2, 3, 4, 6, 9, 13]) {
      fixture = await WorkerFixture.open({ roundTripMs: 20, maxStreams: 100 });
      await fixture.begin();
      await fixture.addSlice(count);
      const first = await fixture.worker();
      let made = 0;
      let window = 0;
      first.store.onCall = (method) => {
        if (method !== 'commit') return;
        made += 1;
        window = Math.max(window, first.worker.snapshot.underWay);
        // As after kill -9: nothing of it reaches the store any more.
        first.store.isAway = made > commits;
      };
      isKind(await first.worker.work(fixture.task()), 'later');
      const second = await fixture.worker();
      isKind(await second.worker.work(fixture.task()), 'done');
      const { unknown, unsent } = await fixture.check();
      assert.equal(unsent, 0);
      assert.ok(unknown <= window, `${unknown} unknown, ${window} under way`);
      assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
      await fixture.close();
    }
  });

  it('is of a worker that lives until it has ended, also while that worker ends', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin();
    await fixture.addSlice(count);
    const clock = new HastyClock(20);
    let refuse = (_why: PealError): void => {};
    const gatewayOf = (): Promise<never> => new Promise((_resolve, reject) => (refuse = reject));
    const { worker, store } = await fixture.worker({ gatewayOf }, clock);
    const working = worker.work(fixture.task());
    await until(() => worker.snapshot.slices.length > 0);
    let [lastMs, longestMs] = [clock.now(), 0];
    const look = (): void => {
      longestMs = Math.max(longestMs, clock.now() - lastMs);
      lastMs = clock.now();
    };
    store.onCall = (method) => {
      if (method === 'beat') look();
    };
    await worker.drain();
    look();
    assert.ok(longestMs < workerLifeMs, `no sign for ${Math.round(longestMs)} ms`);
    await worker.close();
    fixture.state.nowMs += 10;
    assert.deepEqual(await store.workers(), []);
    refuse(new PealError('ERR_PEAL_CONNECT', 'There is no way.', { origin: 'connect', retryable: true }));
    isKind(await working, 'later');
  });

  it('goes on after a commit whose answer was lost, without telling anything twice', async () => {
    for (const commit of [1, 2, 4, 7]) {
      fixture = await WorkerFixture.open({ roundTripMs: 5 });
      await fixture.begin();
      await fixture.addSlice(count);
      const { worker, store } = await fixture.worker();
      let made = 0;
      store.onCall = (method) => {
        if (method === 'commit') made += 1;
        store.losesNextAnswer = made === commit;
      };
      isKind(await worker.work(fixture.task()), 'later');
      store.onCall = () => {};
      store.losesNextAnswer = false;
      isKind(await worker.work(fixture.task()), 'done');
      await fixture.check();
      assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
      await fixture.close();
    }
  });

  it('is sent no further by a worker that was cut off once another one has claimed it', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 5 });
    await fixture.begin();
    await fixture.addSlice(count);
    const first = await fixture.worker();
    const second = await fixture.worker();
    let made = 0;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    first.store.onCall = async (method) => {
      if (method === 'commit') made += 1;
      if (made > 5) await held;
    };
    const cutOff = first.worker.work(fixture.task());
    await until(() => made > 5);
    isKind(await second.worker.work(fixture.task()), 'done');
    const noted = first.worker.snapshot.underWay;
    const told = (await fixture.outcomes()).length;
    const { requests } = fixture.simulator.ledger.summary();
    release();
    isKind(await cutOff, 'later');
    assert.equal((await fixture.outcomes()).length, told, 'it tells nothing more');
    assert.ok(fixture.simulator.ledger.summary().requests - requests <= noted, 'it sends only what it had noted');
    const { unknown } = await fixture.check();
    assert.ok(unknown > 0, 'some were under way');
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });

  it('is sent no further by a process that stood still for longer than its lock allows', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 5 });
    await fixture.begin();
    await fixture.addSlice(count);
    let offsetMs = 0;
    const clock: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + offsetMs };
    const { worker, store } = await fixture.worker({}, clock);
    let made = 0;
    store.onCall = (method) => {
      if (method === 'commit') made += 1;
      if (made === 4) offsetMs = queueLockMs + 5000;
    };
    isKind(await worker.work(fixture.task()), 'later');
    const { requests } = fixture.simulator.ledger.summary();
    assert.ok(requests < count);
    // It told what it knew, because nobody else had the slice: nothing is unknown.
    isKind(await worker.work({ ...fixture.task(), takenMs: clock.wallMs() }), 'done');
    assert.deepEqual(await fixture.check(), { accepted: 9800, rejected: 200, unsent: 0, unknown: 0 });
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });

  it('is left when its lock is lost, with what is known told', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 5 });
    await fixture.begin();
    await fixture.addSlice(count);
    const { worker } = await fixture.worker();
    const lost = new AbortController();
    const working = worker.work(fixture.task(0, 0, lost.signal));
    await until(() => fixture.simulator.ledger.summary().accepted > 500);
    lost.abort();
    isKind(await working, 'later');
    const told = (await fixture.said()).size;
    assert.ok(told > 0 && told < count);
    isKind(await worker.work(fixture.task()), 'done');
    assert.equal((await fixture.check()).unknown, 0);
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });

  it('sends to unknown recipients again, under the same apns-id, where the campaign wants that', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 10, ledger: 'full' });
    await fixture.begin({ send: { onUnknown: 'resend' } });
    await fixture.addSlice(3000, 0, { named: true });
    const first = await fixture.worker();
    let made = 0;
    first.store.onCall = (method) => {
      if (method === 'commit') made += 1;
      if (made > 4) first.store.isAway = true;
    };
    isKind(await first.worker.work(fixture.task()), 'later');
    const second = await fixture.worker();
    isKind(await second.worker.work(fixture.task()), 'done');
    assert.deepEqual(await fixture.check(), { accepted: 2940, rejected: 60, unsent: 0, unknown: 0 });
    const twice = [...fixture.simulator.ledger.records()].filter(({ requests }) => requests > 1);
    assert.ok(twice.length > 0, 'some were under way');
    for (const { token } of twice) {
      const ids = new Set(fixture.simulator.ledger.received(token).map(({ headers }) => headers['apns-id']));
      assert.equal(ids.size, 1);
    }
  });

  it('waits while the campaign is paused or has no dispatcher, and goes on within a second', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin({}, { isPaused: true });
    await fixture.addSlice(count);
    const { worker } = await fixture.worker();
    const working = worker.work(fixture.task());
    await sleep(400);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
    await fixture.store.letGo(campaignId, 'test');
    await fixture.store.steer(campaignId, { isPaused: false });
    await sleep(400);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
    await fixture.store.hold(campaignId, 'test', 1e9);
    await until(() => fixture.simulator.ledger.summary().requests > 0);
    isKind(await working, 'done');
    assert.equal((await fixture.check()).accepted, 9800);
  });

  it('is ended with the rest unsent when the campaign is stopped', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 5 });
    await fixture.begin({}, { ratePerSecond: 20_000 });
    await fixture.addSlice(count);
    const { worker, store } = await fixture.worker();
    store.onCall = () => {
      fixture.state.nowMs += 5;
    };
    const working = worker.work(fixture.task());
    await until(() => fixture.simulator.ledger.summary().accepted > 500);
    const why = new PealError('ERR_PEAL_BOUND', 'Enough.', { origin: 'usage' }).toRecord();
    await fixture.store.steer(campaignId, { stopped: why });
    isKind(await working, 'done');
    const { unsent, unknown } = await fixture.check();
    assert.ok(unsent > 0);
    assert.equal(unknown, 0);
    const causes = (await fixture.outcomes()).flatMap((one) =>
      one.kind === 'batch' && one.cause !== null ? [one.cause.code] : [],
    );
    assert.deepEqual([...new Set(causes)], ['ERR_PEAL_BOUND']);
  });

  it('is tried again where the gateway cannot be reached, and stops the campaign after five attempts', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin({ gateway: 'https://127.0.0.1:9' });
    await fixture.addSlice(2000);
    const { worker } = await fixture.worker();
    const first = await worker.work(fixture.task());
    assert.ok(first.kind === 'failed' && /^ERR_PEAL_CONNECT: /.test(first.why));
    assert.deepEqual(await fixture.outcomes(), [], 'nothing is told of recipients that others may send to');
    // This worker takes no slices of that gateway for a while.
    isKind(await worker.work(fixture.task(0, 1)), 'later');
    assert.match(worker.snapshot.whyNot!, /127\.0\.0\.1:9/);
    const another = await fixture.worker();
    isKind(await another.worker.work(fixture.task(0, 4)), 'done');
    assert.equal((await fixture.check()).unsent, 2000);
    assert.equal((await fixture.store.steering(campaignId))?.stopped?.code, 'ERR_PEAL_CONNECT');
  });

  it('stops the campaign at once when APNs refuses what is sent', async () => {
    fixture = await WorkerFixture.open({ topics: ['com.example.other'] });
    await fixture.begin();
    await fixture.addSlice(count);
    const { worker } = await fixture.worker();
    isKind(await worker.work(fixture.task()), 'done');
    assert.equal((await fixture.store.steering(campaignId))?.stopped?.code, 'ERR_PEAL_STOPPED');
    const { unsent, accepted } = await fixture.check();
    assert.ok(unsent > 0 && accepted === 0);
  });

  it('stops the campaign where its credential cannot be used, and waits where its store is away', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin();
    await fixture.addSlice(1000);
    const away = new PealError('ERR_PEAL_STORE', 'The store of credentials is away.', {
      origin: 'store',
      retryable: true,
    });
    const wrong = new PealError('ERR_PEAL_CREDENTIAL', 'There is no credential of the app.', { origin: 'credential' });
    let error = away;
    const gatewayOf = async (): Promise<never> => {
      throw error;
    };
    const { worker } = await fixture.worker({ gatewayOf });
    isKind(await worker.work(fixture.task()), 'later');
    assert.deepEqual(await fixture.outcomes(), []);
    error = wrong;
    isKind(await worker.work(fixture.task()), 'done');
    assert.equal((await fixture.store.steering(campaignId))?.stopped?.message, 'There is no credential of the app.');
    assert.equal((await fixture.check()).unsent, 1000);
  });

  it('stops the campaign where the bytes of a slice are gone', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin();
    const job = await fixture.addSlice(1000);
    await fixture.blobs.remove([job.blob]);
    const { worker } = await fixture.worker();
    isKind(await worker.work(fixture.task()), 'failed');
    assert.equal((await fixture.store.steering(campaignId))?.stopped?.code, 'ERR_PEAL_STORE');
  });

  it('is left where its bytes are gone because another worker has ended it since it was claimed', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin();
    for (const slice of [0, 1]) {
      const job = await fixture.addSlice(100, slice);
      const { worker } = await fixture.worker();
      // Each time the claim is answered late: another one has it by then, or it is in the books for good.
      const get = fixture.blobs.get;
      fixture.blobs.get = async () => {
        if (slice === 0) await fixture.store.claim(campaignId, slice, 'other');
        else await fixture.store.removeSlices(campaignId, [slice]);
        return null;
      };
      const end = await worker.work({ ...fixture.task(slice), job });
      fixture.blobs.get = get;
      assert.equal(end.kind, 'later');
      assert.equal((await fixture.store.steering(campaignId))!.stopped, null);
    }
  });

  it('is left to the one who has claimed it meanwhile, where the own claim comes late', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin();
    await fixture.addSlice(100);
    const { worker, store } = await fixture.worker();
    // The claim is under way for so long that another worker has got the job.
    store.onCall = async (method) => {
      if (method !== 'claim') return;
      store.onCall = () => {};
      await fixture.store.claim(campaignId, 0, 'another');
    };
    isKind(await worker.work(fixture.task()), 'later');
    const [found] = await fixture.store.slices(campaignId);
    assert.deepEqual([found?.worker, found?.epoch], ['another', 1]);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  });

  it('is not claimed once its job may be with another worker', async () => {
    fixture = await WorkerFixture.open();
    await fixture.begin();
    await fixture.addSlice(100);
    const { worker } = await fixture.worker();
    isKind(await worker.work({ ...fixture.task(), takenMs: Date.now() - queueLockMs - 1 }), 'later');
    assert.equal(await fixture.store.epoch(campaignId, 0), 0);
  });

  it('keeps the limit of requests in flight over all workers, to the last one', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 5 });
    await fixture.begin({}, { maxInFlight: 7 });
    const workers = [await fixture.worker(), await fixture.worker()];
    for (const slice of [0, 1, 2, 3]) await fixture.addSlice(150, slice);
    // Each hears of the other with its next beat.
    await until(() => workers.every(({ worker }) => worker.snapshot.workers === 2));
    let most = 0;
    for (const { store } of workers) {
      store.onCall = () => {
        most = Math.max(most, workers[0]!.worker.snapshot.underWay + workers[1]!.worker.snapshot.underWay);
      };
    }
    const ends = await Promise.all([0, 1, 2, 3].map((slice) => workers[slice % 2]!.worker.work(fixture.task(slice))));
    for (const end of ends) isKind(end, 'done');
    assert.equal((await fixture.check()).unknown, 0);
    assert.ok(most > 4 && most <= 7, `${most} under way`);
  });

  it('is finished or handed back when its worker ends', async () => {
    fixture = await WorkerFixture.open({ roundTripMs: 20 });
    await fixture.begin({}, { ratePerSecond: 5000 });
    await fixture.addSlice(count);
    const { worker, store } = await fixture.worker();
    store.onCall = () => {
      fixture.state.nowMs += 2;
    };
    const working = worker.work(fixture.task());
    await until(() => fixture.simulator.ledger.summary().accepted > 100);
    await worker.drain();
    isKind(await working, 'later');
    isKind(await worker.work(fixture.task()), 'later');
    assert.ok((await fixture.said()).size > 0);
    const another = await fixture.worker();
    await fixture.store.steer(campaignId, { ratePerSecond: null });
    isKind(await another.worker.work(fixture.task()), 'done');
    assert.equal((await fixture.check()).unknown, 0);
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });
});
