import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { maxBatchCrashes } from '../../../src/base/limits.js';
import type { OutcomeDetail } from '../../../src/engine/batch.js';
import type { Job } from '../../../src/engine/dispatcher/job.js';
import { Parcel } from '../../../src/engine/dispatcher/parcel.js';
import type { NotedAnswer } from '../../../src/engine/ledger.js';
import { ACCEPTED, LedgerSheet, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import { reasonCode } from '../../../src/push-services/reasons.js';
import { batchOf } from '../../support/engine-fixtures.js';

const crash = new PealError('ERR_PEAL_SHARD', 'The worker thread ended.', { origin: 'engine' });
/** A job that sends nothing again. */
const job = { route: { protocol: 'http2' }, retryTerms: () => null, countAnswers: () => {} } as unknown as Job;
type Notes = Readonly<Record<number, Partial<NotedAnswer>>>;

/** What a shard wrote into the sheet of a parcel: a byte for each recipient, and notes of rejections. */
function write(parcel: Parcel, bytes: Uint8Array, notes: Notes = {}): void {
  const sheet = LedgerSheet.withRoomFor(bytes.length);
  sheet.bytes.set(bytes);
  for (const [index, note] of Object.entries(notes)) {
    sheet.notes.write(Number(index), { status: 503, timestampMs: null, retryAfterSeconds: null, ...note });
  }
  parcel.sheet = sheet;
}

function settle(parcel: Parcel, bytes: Uint8Array, details: readonly OutcomeDetail[], cause: PealError | null): void {
  write(parcel, bytes);
  parcel.settle(details, cause);
}

function recover(parcel: Parcel, bytes: Uint8Array, notes: Notes = {}): boolean {
  write(parcel, bytes, notes);
  return parcel.recover(crash);
}

const detail = { index: 0, status: 400, reason: 'BadTopic', timestampMs: null, apnsId: 'a', retryAfterSeconds: null };

describe('parcel', () => {
  it('splits what a lost shard left: written is unknown, queued is to be sent, answers stay', () => {
    const parcel = new Parcel(job, batchOf(0, 4));
    const notes = { 3: { status: 410, timestampMs: 1_700_000_000_123 } };
    assert.ok(recover(parcel, Uint8Array.of(ACCEPTED, WRITTEN, QUEUED, REJECTED + 26), notes));
    assert.deepEqual([...parcel.ledger], [ACCEPTED, UNKNOWN, QUEUED, REJECTED + 26]);
    parcel.abandon(crash);
    const settled = parcel.settled(null);
    assert.deepEqual([...settled.ledger], [ACCEPTED, UNKNOWN, UNSENT, REJECTED + 26]);
    assert.equal(settled.cause, crash);
    assert.deepEqual(
      settled.details.map(({ index, status, reason, timestampMs }) => [index, status, reason, timestampMs]),
      [[3, 410, 'Unregistered', 1_700_000_000_123]],
    );
  });

  it('keeps the details of an earlier shard beside those of the one that finished it', () => {
    const parcel = new Parcel(job, batchOf(0, 3));
    settle(parcel, Uint8Array.of(REJECTED + 8, UNSENT, UNSENT), [detail], crash);
    assert.ok(parcel.requeueUnsent());
    assert.deepEqual([...parcel.ledger], [REJECTED + 8, QUEUED, QUEUED]);
    assert.equal(recover(parcel, Uint8Array.of(REJECTED + 8, ACCEPTED, ACCEPTED)), false);
    const settled = parcel.settled(null);
    assert.deepEqual(settled.details, [detail]);
    assert.equal(settled.cause, null, 'nothing is unsent or unknown in the end');
  });

  it('is not sent again for ever when shards crash over it', () => {
    const parcel = new Parcel(job, batchOf(0, 1));
    for (let crashes = 0; crashes < maxBatchCrashes; crashes++) {
      assert.ok(parcel.mayBeSentAgain);
      recover(parcel, Uint8Array.of(QUEUED));
    }
    assert.ok(!parcel.mayBeSentAgain);
  });

  describe('of a job that sends again', () => {
    let nowMs = 0;
    const terms = () => ({
      budget: { attempts: 3, timeMs: 60_000 },
      resendsUnknown: true,
      nowMs,
      random: () => 0,
    });
    const resending = { route: { protocol: 'http2' }, retryTerms: terms, countAnswers: () => {} } as unknown as Job;
    const busy = REJECTED + reasonCode('ServiceUnavailable');
    const busyDetail = { ...detail, status: 503, reason: 'ServiceUnavailable' };

    beforeEach(() => {
      nowMs = 0;
    });

    it('goes by the same rules when a shard is lost: what it left rejected or written goes again', () => {
      const parcel = new Parcel(resending, batchOf(0, 4));
      const notes = { 2: {}, 3: { status: 410 } };
      assert.equal(recover(parcel, Uint8Array.of(ACCEPTED, WRITTEN, busy, REJECTED + 26), notes), false);
      assert.equal(parcel.dueMs, 0);
      assert.deepEqual([...parcel.ledger], [ACCEPTED, UNKNOWN, busy, REJECTED + 26], 'until it really goes out');
      parcel.release(0);
      assert.deepEqual([...parcel.ledger], [ACCEPTED, QUEUED, QUEUED, REJECTED + 26]);
      settle(parcel, Uint8Array.of(ACCEPTED, ACCEPTED, ACCEPTED, REJECTED + 26), [], null);
      assert.equal(parcel.dueMs, null);
      const { details, cause, resent } = parcel.settled(null);
      assert.deepEqual([details.map(({ index }) => index), cause, resent], [[3], null, 2]);
    });

    it('waits for as long as the gateway asked, also where the shard is lost that heard it', () => {
      const parcel = new Parcel(resending, batchOf(0, 2));
      recover(parcel, Uint8Array.of(busy, ACCEPTED), { 0: { retryAfterSeconds: 20 } });
      assert.equal(parcel.dueMs, 20_000);
    });

    it('goes by the status where a lost shard had heard a reason that is in no table', () => {
      const parcel = new Parcel(resending, batchOf(0, 2));
      recover(parcel, Uint8Array.of(WRITTEN, REJECTED), { 1: { status: 502 } });
      assert.equal(parcel.dueMs, 0);
      parcel.release(0);
      assert.deepEqual([...parcel.ledger], [QUEUED, QUEUED]);
      recover(parcel, Uint8Array.of(REJECTED, REJECTED), { 0: { status: 502 }, 1: { status: 502 } });
      parcel.abandon(crash);
      const { ledger, details } = parcel.settled(null);
      assert.deepEqual([...ledger], [UNKNOWN, REJECTED], 'a 502 says nothing about the request that was lost');
      assert.deepEqual(
        details.map(({ index, status, reason }) => [index, status, reason]),
        [[1, 502, '']],
      );
    });

    it('asks once about whoever is unknown: an answer that comes later to others brings no second time', () => {
      const chances = [0.9, 0.1];
      const brief = () => ({ ...terms(), budget: { attempts: 3, timeMs: 500 }, random: () => chances.shift() ?? 0 });
      const parcel = new Parcel(
        { route: { protocol: 'http2' }, retryTerms: brief, countAnswers: () => {} } as unknown as Job,
        batchOf(0, 2),
      );
      assert.ok(recover(parcel, Uint8Array.of(WRITTEN, QUEUED)));
      assert.equal(parcel.dueMs, null, 'its wait would be longer than the budget');
      nowMs = 30_000;
      settle(parcel, Uint8Array.of(UNKNOWN, busy), [{ ...busyDetail, index: 1 }], null);
      parcel.release(parcel.dueMs ?? 0);
      assert.deepEqual([...parcel.ledger], [UNKNOWN, QUEUED]);
    });

    it('counts no request for what a lost shard had not written, and lets it go on at once', () => {
      const parcel = new Parcel(resending, batchOf(0, 2));
      settle(parcel, Uint8Array.of(busy, ACCEPTED), [busyDetail], null);
      parcel.release(0);
      assert.equal(recover(parcel, Uint8Array.of(QUEUED, ACCEPTED)), true);
      settle(parcel, Uint8Array.of(busy, ACCEPTED), [busyDetail], null);
      parcel.release(0);
      settle(parcel, Uint8Array.of(busy, ACCEPTED), [busyDetail], null);
      assert.equal(parcel.dueMs, null, 'that was the third request');
      const { ledger, details, resent } = parcel.settled(null);
      assert.deepEqual([[...ledger], details, resent], [[busy, ACCEPTED], [busyDetail], 2]);
    });

    it('sends nothing again once it took too many shards down, and ends as what is known', () => {
      const parcel = new Parcel(resending, batchOf(0, 3));
      for (let crashes = 1; crashes < maxBatchCrashes; crashes++) {
        recover(parcel, Uint8Array.of(WRITTEN, busy, QUEUED), { 1: {} });
        parcel.release(0);
      }
      recover(parcel, Uint8Array.of(QUEUED, QUEUED, QUEUED));
      parcel.abandon(crash);
      assert.equal(parcel.dueMs, null);
      assert.deepEqual([...parcel.settled(null).ledger], [UNKNOWN, busy, UNSENT]);
    });

    it('waits for each recipient as long as it takes, and sends the first without the others', () => {
      const parcel = new Parcel(resending, batchOf(0, 2));
      const asked = { ...busyDetail, index: 1, retryAfterSeconds: 5 };
      settle(parcel, Uint8Array.of(busy, busy), [busyDetail, asked], null);
      assert.equal(parcel.dueMs, 0);
      parcel.release(0);
      assert.deepEqual([...parcel.ledger], [QUEUED, busy]);
      nowMs = 1_000;
      settle(parcel, Uint8Array.of(ACCEPTED, busy), [], null);
      assert.equal(parcel.dueMs, 5_000);
      parcel.release(5_000);
      assert.deepEqual([...parcel.ledger], [ACCEPTED, QUEUED]);
      parcel.abandon(crash);
      const { ledger, details } = parcel.settled(null);
      assert.deepEqual([[...ledger], details], [[ACCEPTED, busy], [asked]]);
    });

    it('keeps an answer that holds for the earlier request, and none that says nothing about it', () => {
      for (const [reason, isFinal] of [
        ['Unregistered', true],
        ['BadTopic', true],
        ['InvalidProviderToken', false],
        ['ServiceUnavailable', false],
      ] as const) {
        const parcel = new Parcel(resending, batchOf(0, 1));
        settle(parcel, Uint8Array.of(UNKNOWN), [], crash);
        parcel.release(0);
        const outcome = REJECTED + reasonCode(reason);
        settle(parcel, Uint8Array.of(outcome), [{ ...detail, status: 400, reason }], null);
        const { ledger, details, cause } = parcel.settled(null);
        assert.deepEqual([[...ledger], details.length, cause], isFinal ? [[outcome], 1, null] : [[UNKNOWN], 0, crash]);
      }
    });
  });
});
