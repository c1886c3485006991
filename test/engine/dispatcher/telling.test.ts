/** The dispatcher with a sink that is told each outcome as it comes, and may take single recipients back. */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import type { Batch, OutcomeDetail, SettledBatch, TellingSink } from '../../../src/engine/batch.js';
import { Dispatcher } from '../../../src/engine/dispatcher/dispatcher.js';
import type { Job, SendJob } from '../../../src/engine/dispatcher/job.js';
import { Parcel } from '../../../src/engine/dispatcher/parcel.js';
import { ACCEPTED, LedgerSheet, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import { reasonCode } from '../../../src/push-services/reasons.js';
import {
  batchOf,
  FakePool,
  notification,
  numberedTokens,
  rejection,
  routeConfig,
  turn,
} from '../../support/engine-fixtures.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const crash = new PealError('ERR_PEAL_SHARD', 'The worker thread ended.', { origin: 'engine' });
const aborted = new PealError('ERR_PEAL_ABORTED', 'Asked to stop.', { origin: 'usage' });
const gone = REJECTED + reasonCode('Unregistered');

/** What was told of a recipient: its index, outcome and reason. */
type Told = readonly [index: number, outcome: number, reason: string | null];

class TellingBook implements TellingSink {
  told_: Told[] = [];
  readonly batches: SettledBatch[] = [];

  told(_batch: Batch, index: number, outcome: number, detail: OutcomeDetail | null): void {
    this.told_.push([index, outcome, detail?.reason ?? null]);
  }

  settled(batch: SettledBatch): void {
    this.batches.push(batch);
  }

  take(): Told[] {
    const told = this.told_;
    this.told_ = [];
    return told;
  }
}

describe('dispatcher that tells', () => {
  let dispatcher: Dispatcher;
  let pool!: FakePool;
  let book: TellingBook;
  let job: SendJob;

  beforeEach(() => {
    dispatcher = new Dispatcher({
      threads: 0,
      clock: new VirtualClock(),
      creditBatches: 1,
      backend: { open: () => assert.fail('a fake pool opens nothing') },
      openPool: ({ source, clock }) => {
        pool = new FakePool(source, clock);
        return pool;
      },
    });
    book = new TellingBook();
    job = dispatcher.send(dispatcher.openRoute(routeConfig, null), notification, book, { isStanding: true });
  });
  afterEach(() => dispatcher.close());

  it('tells each outcome with its detail, and what is settled with the last not twice', async () => {
    await job.dispatch(batchOf(0, 4));
    const tags = pool.take(4);
    pool.accept([tags[2]!]);
    pool.reject([tags[3]!], rejection(410, 'Unregistered'));
    pool.reject([tags[0]!], rejection(503, 'ServiceUnavailable'));
    await turn();
    const unavailable = REJECTED + reasonCode('ServiceUnavailable');
    assert.deepEqual(book.take(), [
      [2, ACCEPTED, null],
      [3, gone, 'Unregistered'],
      [0, unavailable, 'ServiceUnavailable'],
    ]);
    pool.accept([tags[1]!]);
    await job.finish();
    assert.deepEqual(book.take(), []);
    assert.deepEqual([...book.batches[0]!.ledger], [unavailable, ACCEPTED, ACCEPTED, gone]);
  });

  it('takes one that waits in a shard back at once, and tells of one that is out that it is', async () => {
    const batch = batchOf(0, 3);
    await job.dispatch(batch);
    const tags = pool.take(1);
    assert.deepEqual([job.withdraw(batch, 0), job.withdraw(batch, 2)], [WRITTEN, UNSENT]);
    await turn();
    assert.deepEqual(book.take(), [
      [0, WRITTEN, null],
      [2, UNSENT, null],
    ]);
    pool.accept(tags);
    assert.equal(job.withdraw(batch, 0), ACCEPTED);
    assert.deepEqual(pool.take(9), [1]);
    pool.accept([1]);
    await job.finish();
    assert.deepEqual([...book.batches[0]!.ledger], [ACCEPTED, ACCEPTED, UNSENT]);
  });

  it('takes those that wait for credit back, settles a batch of which none is left, and lets its caller go on', async () => {
    const full = batchOf(0, 1024);
    await job.dispatch(full);
    await turn();
    const [first, second] = [batchOf(2_000, 2), batchOf(3_000, 2)];
    const taken = [job.dispatch(first), job.dispatch(second)];
    assert.deepEqual(
      [job.withdraw(first, 0), job.withdraw(first, 1), job.withdraw(second, 1)],
      [UNSENT, UNSENT, UNSENT],
    );
    await taken[0];
    await turn();
    assert.deepEqual(
      book.batches.map(({ batch, ledger }) => [batch === first, [...ledger]]),
      [[true, [UNSENT, UNSENT]]],
    );
    pool.accept(pool.take(1024));
    await taken[1];
    const rest = pool.take(9);
    assert.equal(rest.length, 1);
    pool.accept(rest);
    await job.finish();
    assert.deepEqual([...book.batches.at(-1)!.ledger], [ACCEPTED, UNSENT]);
  });

  it('refuses to take one back of a batch that is not under way', async () => {
    const batch = batchOf(0, 1);
    assert.throws(() => job.withdraw(batch, 0), /a batch that is under way/);
    await job.dispatch(batch);
    pool.accept(pool.take(1));
    await turn();
    assert.throws(() => job.withdraw(batch, 0), /a batch that is under way/);
  });

  it('gives back unsent what is dispatched after it was closed', async () => {
    const closing = dispatcher.close();
    let stops = 0;
    const late = dispatcher.send(dispatcher.openRoute(routeConfig, null), notification, book, {
      isStanding: true,
      onStopped: () => {
        stops += 1;
      },
    });
    assert.deepEqual([late.stopped?.code, stops], ['ERR_PEAL_ABORTED', 1]);
    await late.dispatch({ tokens: numberedTokens(0, 1), personal: null });
    await late.finish();
    assert.deepEqual([...book.batches[0]!.ledger], [UNSENT]);
    await closing;
  });

  it('gives written ones their answers after it was cancelled, and takes none back twice', async () => {
    const batch = batchOf(0, 3);
    await job.dispatch(batch);
    const tags = pool.take(1);
    job.cancel(aborted);
    assert.deepEqual([job.withdraw(batch, 2), job.withdraw(batch, 0)], [UNSENT, WRITTEN]);
    pool.accept(tags);
    await job.finish();
    assert.deepEqual([...book.batches[0]!.ledger], [ACCEPTED, UNSENT, UNSENT]);
  });
});

describe('parcel of a job that tells', () => {
  let told: Told[];
  const job = {
    retryTerms: () => null,
    countAnswers: () => {},
    tell: (_batch: Batch, index: number, outcome: number, detail: OutcomeDetail | null) => {
      told.push([index, outcome, detail?.reason ?? null]);
    },
  } as unknown as Job;

  function parcelWith(bytes: readonly number[]): Parcel {
    const parcel = new Parcel(job, batchOf(0, bytes.length));
    const sheet = LedgerSheet.withRoomFor(bytes.length);
    sheet.bytes.set(bytes);
    bytes.forEach((byte, index) => {
      if (byte >= REJECTED) sheet.notes.write(index, { status: 410, timestampMs: 5, retryAfterSeconds: null });
    });
    parcel.sheet = sheet;
    return parcel;
  }

  beforeEach(() => {
    told = [];
  });

  it('does not send again whom it took back from a lost shard, and tells of them and of all with an outcome', () => {
    const parcel = parcelWith([QUEUED, QUEUED, WRITTEN, ACCEPTED, gone, UNSENT]);
    assert.equal(parcel.withdraw(1), QUEUED, 'the shard has yet to say');
    assert.equal(parcel.recover(crash), true);
    parcel.tellSettled();
    assert.deepEqual(told, [
      [1, UNSENT, null],
      [2, UNKNOWN, null],
      [3, ACCEPTED, null],
      [4, gone, 'Unregistered'],
    ]);
    assert.deepEqual([...parcel.ledger], [QUEUED, UNSENT, UNKNOWN, ACCEPTED, gone, UNSENT]);
  });

  it('lets another shard try whom one could not send to, but for those that were taken back', () => {
    const parcel = parcelWith([UNSENT, UNSENT, ACCEPTED]);
    parcel.withdraw(0);
    parcel.settle([], crash);
    assert.equal(parcel.requeueUnsent(), true);
    parcel.tellSettled();
    assert.deepEqual([...parcel.ledger], [UNSENT, QUEUED, ACCEPTED]);
    assert.deepEqual(told, [
      [0, UNSENT, null],
      [2, ACCEPTED, null],
    ]);
    assert.equal(parcel.withdraw(1), UNSENT, 'no shard has it');
    assert.equal(parcel.requeueUnsent(), false);
  });
});
