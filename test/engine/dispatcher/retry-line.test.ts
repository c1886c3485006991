import assert from 'node:assert/strict';
import { maxBatchRecipients, maxRetryBatches } from '../../../src/base/limits.js';
import type { Job } from '../../../src/engine/dispatcher/job.js';
import type { Parcel } from '../../../src/engine/dispatcher/parcel.js';
import { RetryLine } from '../../../src/engine/dispatcher/retry-line.js';
import { Prng } from '../../support/prng.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const [one, other] = [{} as Job, {} as Job];
const parcelOf = (job: Job, waitingWeight = 1): Parcel => ({ job, waitingWeight }) as unknown as Parcel;
const parcelDue = (job: Job, dueMs: number): Parcel => ({ job, waitingWeight: 1, dueMs }) as unknown as Parcel;

describe('engine/dispatcher/retry-line', () => {
  let clock: VirtualClock;
  let due: { readonly atMs: number; readonly parcel: Parcel }[];
  let line: RetryLine;

  beforeEach(() => {
    clock = new VirtualClock();
    due = [];
    line = new RetryLine(clock, (parcels) => {
      for (const parcel of parcels) due.push({ atMs: clock.now(), parcel });
    });
  });

  afterEach(() => {
    line.removeJob(one);
    line.removeJob(other);
    assert.equal(clock.timerCount, 0, 'a timer is left behind');
  });

  it('gives every parcel back at its time, in the order of times, whatever the order in which they came', () => {
    const random = new Prng(5);
    const times = Array.from({ length: 300 }, () => random.int(10_000));
    for (const dueMs of times) line.add(parcelOf(one), dueMs);
    clock.advance(10_000);
    assert.deepEqual(
      due.map(({ atMs }) => atMs),
      [...times].sort((a, b) => a - b),
    );
    assert.equal(line.size, 0);
  });

  it('keeps one timer, for the first', () => {
    line.add(parcelOf(one), 5_000);
    line.add(parcelOf(one), 1_000);
    line.add(parcelOf(one), 9_000);
    assert.equal(clock.timerCount, 1);
    clock.advance(1_000);
    assert.equal(due.length, 1);
    assert.equal(clock.timerCount, 1);
  });

  it('takes out what belongs to one job, and leaves the others their times', () => {
    for (let dueMs = 10; dueMs <= 100; dueMs++) line.add(parcelDue(dueMs % 3 === 0 ? one : other, dueMs), dueMs);
    const removed = line.removeJob(one);
    assert.ok(removed.length === 30 && removed.every(({ job }) => job === one));
    clock.advance(100);
    assert.ok(due.every(({ parcel, atMs }) => parcel.job === other && parcel.dueMs === atMs));
    assert.equal(due.length, 91 - 30);
  });

  it('gives credit back as long as there is room, so that memory stays bounded', () => {
    const room = maxRetryBatches * maxBatchRecipients;
    const [large, small, late] = [parcelOf(one, room), parcelOf(one, 1), parcelOf(one, 1)];
    assert.equal(line.add(large, 10), true);
    assert.equal(line.add(small, 20), false, 'the second keeps its credit');
    clock.advance(20);
    assert.deepEqual(
      due.map(({ parcel }) => parcel),
      [large, small],
    );
    assert.equal(line.add(late, 30), true, 'room is free again');
  });
});
