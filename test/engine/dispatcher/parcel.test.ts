import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { maxBatchCrashes } from '../../../src/base/limits.js';
import type { Job } from '../../../src/engine/dispatcher/job.js';
import { Parcel } from '../../../src/engine/dispatcher/parcel.js';
import { ACCEPTED, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import { batchOf } from '../../support/engine-fixtures.js';

const crash = new PealError('ERR_PEAL_SHARD', 'The worker thread ended.', { origin: 'engine' });
/** A job that sends nothing again. */
const job = { retryTerms: () => null, countAnswers: () => {} } as unknown as Job;
const detail = { index: 0, status: 400, reason: 'BadTopic', timestampMs: null, apnsId: 'a', retryAfterSeconds: null };

describe('parcel', () => {
  it('splits what a lost shard left: written is unknown, queued is to be sent, answers stay', () => {
    const parcel = new Parcel(job, batchOf(0, 4));
    assert.ok(parcel.recover(Uint8Array.of(ACCEPTED, WRITTEN, QUEUED, REJECTED + 26), crash));
    assert.deepEqual([...parcel.ledger], [ACCEPTED, UNKNOWN, QUEUED, REJECTED + 26]);
    parcel.abandon(crash);
    const settled = parcel.settled(null);
    assert.deepEqual([...settled.ledger], [ACCEPTED, UNKNOWN, UNSENT, REJECTED + 26]);
    assert.equal(settled.cause, crash);
    assert.deepEqual(
      settled.details.map(({ index, status, reason }) => [index, status, reason]),
      [[3, 410, 'Unregistered']],
    );
  });

  it('keeps the details of an earlier shard beside those of the one that finished it', () => {
    const parcel = new Parcel(job, batchOf(0, 3));
    parcel.settle(Uint8Array.of(REJECTED + 8, UNSENT, UNSENT), [detail], crash);
    assert.ok(parcel.requeueUnsent());
    assert.deepEqual([...parcel.ledger], [REJECTED + 8, QUEUED, QUEUED]);
    assert.equal(parcel.recover(Uint8Array.of(REJECTED + 8, ACCEPTED, ACCEPTED), crash), false);
    const settled = parcel.settled(null);
    assert.deepEqual(settled.details, [detail]);
    assert.equal(settled.cause, null, 'nothing is unsent or unknown in the end');
  });

  it('is not sent again for ever when shards crash over it', () => {
    const parcel = new Parcel(job, batchOf(0, 1));
    for (let crashes = 0; crashes < maxBatchCrashes; crashes++) {
      assert.ok(parcel.mayBeSentAgain);
      parcel.recover(Uint8Array.of(QUEUED), crash);
    }
    assert.ok(!parcel.mayBeSentAgain);
  });
});
