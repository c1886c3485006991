import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { maxWaitingBlocks } from '../../../src/base/limits.js';
import { type CampaignIdentity, identityPart } from '../../../src/campaign/journal/identity.js';
import { type Cut, Journal, type JournalOptions } from '../../../src/campaign/journal/journal.js';
import { JournalReader } from '../../../src/campaign/journal/journal-reader.js';
import { readEvents, readProgress, sealJson } from '../../../src/campaign/journal/records.js';
import { ACCEPTED, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import { mutationsOf } from '../../support/mutations.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { MemoryDisk, MemoryStore } from './memory-store.js';

const identity: CampaignIdentity = { parts: [identityPart('the payload', 'Hi')], inputs: [] };
const digest = Uint8Array.of(1, 2, 3);
const name = 'run/journal.lmdb';

const all = (state: number, count = 4): Uint8Array => new Uint8Array(count).fill(state);

function open(store: MemoryStore, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return Journal.open(store, identity, { name, ...options });
}

/** A run that ends without a word. */
function crash(store: MemoryStore): MemoryStore {
  store.hasCrashed = true;
  return new MemoryStore(store.disk);
}

const numbers = (indexes: Uint16Array): number[] => [...indexes];

describe('a journal', () => {
  let store: MemoryStore;
  let journal: Journal;

  beforeEach(async () => {
    store = new MemoryStore();
    journal = await open(store);
  });

  it('knows nothing of a block at first, and all of it once it was settled', async () => {
    assert.equal(journal.isResumed, false);
    assert.equal(journal.block(0, digest, 4).isNew, true);
    await journal.note(0, digest, 4);
    journal.settle(0, all(ACCEPTED));
    assert.equal(journal.block(0, digest, 4).isAllAccepted, true);
    assert.deepEqual(journal.counts, { underWay: 0, accepted: 4, rejected: 0, unsent: 0, unknown: 0 });
  });

  it('tells the next run which recipients are to be sent to', async () => {
    await journal.note(0, digest, 6);
    journal.settle(0, Uint8Array.of(ACCEPTED, REJECTED + 3, UNSENT, UNKNOWN, QUEUED, WRITTEN));
    await journal.flush();
    const next = await open(crash(store));
    const block = next.block(0, digest, 6);
    assert.equal(next.isResumed, true);
    assert.deepEqual(numbers(block.toSend(false)), [2]);
    assert.deepEqual(numbers(block.toSend(true)), [2, 3, 4, 5]);
    assert.deepEqual(numbers(block.unknown()), [3, 4, 5]);
    assert.equal(block.stateAt(1), REJECTED + 3);
    assert.equal(block.isAllAccepted, false);
    assert.deepEqual(next.counts, { underWay: 0, accepted: 1, rejected: 1, unsent: 1, unknown: 3 });
  });

  it('counts each of two parts by itself, and so does the next run out of its blocks', async () => {
    await journal.note(0, digest, 4);
    assert.equal('parts' in readProgress(store, 'journal')!, false, 'one part is as it always was');
    await journal.note(1, digest, 3, null, 1);
    await journal.note(2, digest, 2, Uint16Array.of(1), 1);
    journal.settle(0, all(ACCEPTED));
    journal.settle(1, Uint8Array.of(ACCEPTED, REJECTED + 3, UNSENT));
    await journal.flush();
    const first = { underWay: 0, accepted: 4, rejected: 0, unsent: 0, unknown: 0 };
    const second = { underWay: 1, accepted: 1, rejected: 1, unsent: 1, unknown: 0 };
    assert.deepEqual(journal.parts, [first, second]);
    assert.deepEqual(journal.counts, { underWay: 1, accepted: 5, rejected: 1, unsent: 1, unknown: 0 });
    assert.deepEqual(readProgress(store, 'journal')!.parts, [first, second]);
    const next = await open(crash(store));
    const lost = { ...second, underWay: 0, unknown: 1 };
    assert.deepEqual(next.parts, [first, lost]);
    await next.note(1, digest, 3, Uint16Array.of(2), 1);
    next.settle(1, Uint8Array.of(ACCEPTED), Uint16Array.of(2));
    assert.deepEqual(next.parts, [first, { ...lost, accepted: 2, unsent: 0 }]);
  });

  it('calls what was noted and has no outcome unknown in the next run, and in those after it', async () => {
    await journal.note(7, digest, 4);
    for (let run = 0; run < 3; run++) {
      store = crash(store);
      const next = await open(store);
      assert.deepEqual(next.block(7, digest, 4).counts.unknown, 4);
      assert.deepEqual(numbers(next.block(7, digest, 4).toSend(false)), []);
    }
  });

  it('does not make an unknown recipient unsent when it is sent to again', async () => {
    await journal.note(0, digest, 4);
    const next = await open(crash(store));
    await next.note(0, digest, 4, next.block(0, digest, 4).toSend(true));
    next.settle(0, Uint8Array.of(UNSENT, ACCEPTED, UNKNOWN, UNSENT));
    assert.deepEqual(numbers(next.block(0, digest, 4).unknown()), [0, 2, 3]);
    assert.deepEqual(numbers(next.block(0, digest, 4).toSend(false)), []);
  });

  it('keeps parts of a block apart: they are noted and settled at their own times', async () => {
    await journal.note(0, digest, 5, [0, 3]);
    await journal.note(0, digest, 5, [4]);
    journal.settle(0, Uint8Array.of(ACCEPTED, UNSENT), [3, 4]);
    assert.deepEqual(numbers(journal.block(0, digest, 5).toSend(false)), [1, 2, 4]);
    await journal.note(0, digest, 5, [1, 4]);
    journal.settle(0, Uint8Array.of(ACCEPTED, ACCEPTED, ACCEPTED), [0, 1, 4]);
    await journal.close();
    const next = await open(new MemoryStore(store.disk));
    assert.deepEqual(numbers(next.block(0, digest, 5).toSend(false)), [2]);
  });

  it('resolves a note only when it is durable', async () => {
    let isNoted = false;
    let go!: () => void;
    store.latency = () => new Promise((resolve) => (go = resolve));
    const noted = journal.note(0, digest, 4).then(() => {
      isNoted = true;
    });
    while (go === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(isNoted, false);
    go();
    await noted;
    assert.equal(isNoted, true);
  });

  it('writes what is told at one time in one transaction', async () => {
    const before = store.disk.commits;
    await Promise.all(Array.from({ length: 50 }, (_, number) => journal.note(number, digest, 4)));
    for (let number = 0; number < 50; number++) journal.settle(number, all(ACCEPTED));
    await journal.flush();
    assert.equal(store.disk.commits - before, 2);
  });

  it('asks to wait when too much is to be written, and no longer than until it is', async () => {
    const count = maxWaitingBlocks + 1;
    await Promise.all(Array.from({ length: count }, (_, number) => journal.note(number, digest, 4)));
    assert.equal(journal.pressure(), null);
    for (let number = 0; number < count; number++) journal.settle(number, all(ACCEPTED));
    const pressure = journal.pressure();
    assert.ok(pressure !== null);
    await pressure;
    assert.equal(journal.pressure(), null);
  });

  it('breaks no promise silently: an answered recipient is not noted, and has one outcome', async () => {
    await journal.note(0, digest, 4);
    await assert.rejects(journal.note(0, digest, 4), /not noted/);
    journal.settle(0, all(ACCEPTED));
    await assert.rejects(journal.note(0, digest, 4, [1]), /not noted/);
    assert.throws(() => journal.settle(0, all(UNSENT)), /one outcome/);
  });

  it('refuses a block whose content has changed, and one that an input had not', async () => {
    await journal.note(2, digest, 4);
    journal.inputEnded(3);
    await journal.flush();
    const next = await open(crash(store));
    assert.equal(next.inputBlocks, 3);
    const refused = (digestNow: Uint8Array, count: number, number: number): void => {
      assert.throws(
        () => next.block(number, digestNow, count),
        /list of recipients has changed .*choose another directory/,
      );
    };
    refused(Uint8Array.of(1, 2, 4), 4, 2);
    refused(digest, 5, 2);
    refused(digest, 4, 3);
    assert.throws(() => next.inputEnded(2), /ends before block 3/);
    await assert.rejects(next.note(2, Uint8Array.of(9), 4), { code: 'ERR_PEAL_INPUT' });
  });

  it('refuses another campaign, and says what differs', async () => {
    await journal.note(0, digest, 4);
    await journal.close();
    const other = { ...identity, parts: [identityPart('the payload', 'Bye')] };
    const again = new MemoryStore(store.disk);
    await assert.rejects(Journal.open(again, other, { name }), {
      code: 'ERR_PEAL_OPTION',
      message:
        'run/journal.lmdb holds another campaign, in which the payload was another one. To resume it, give everything ' +
        'as it was; for a new campaign choose another directory, or remove this one with the option startAnew.',
    });
    assert.equal(again.isClosed, true);
  });

  it('begins anew for another campaign where nothing was noted, with nothing of the first one', async () => {
    journal.cutWith(() => ({ files: { 'rejected.csv': 12 }, facts: { version: 1 }, written: null }));
    journal.event('stopped');
    await journal.close();
    const other = { ...identity, parts: [identityPart('the payload', 'Bye')] };
    const next = await Journal.open(new MemoryStore(store.disk), other, { name });
    assert.deepEqual([next.isResumed, next.files, next.facts], [false, {}, {}]);
    await next.note(0, digest, 4);
    await next.close();
    await assert.rejects(Journal.open(new MemoryStore(store.disk), identity, { name }), { code: 'ERR_PEAL_OPTION' });
  });

  it('refuses records that are damaged', async () => {
    await journal.note(0, digest, 4);
    for (const [key, value] of store.disk.entries) {
      const disk = new MemoryDisk();
      for (const entry of store.disk.entries) disk.entries.set(...entry);
      const damaged = value.slice();
      damaged[damaged.length >> 1]! ^= 4;
      disk.entries.set(key, damaged);
      const opened = open(new MemoryStore(disk));
      if (key.startsWith('e')) await opened;
      else await assert.rejects(opened, /journal run\/journal\.lmdb is damaged, and was left as it is/, key);
    }
  });

  it('refuses records of another version, in one sentence, also to a reader', async () => {
    journal.cutWith(() => ({ files: { 'rejected.csv': 12 }, facts: { version: 1 }, written: null }));
    journal.event('stopped');
    await journal.close();
    for (const [key, sealed] of store.disk.entries) {
      if (key.startsWith('b')) continue;
      const record: unknown = JSON.parse(Buffer.from(sealed.subarray(0, -4)).toString());
      for (const { name: place, data } of mutationsOf({ record })) {
        const disk = new MemoryDisk();
        for (const entry of store.disk.entries) disk.entries.set(...entry);
        disk.entries.set(key, sealJson(data.record ?? null));
        const reader = new JournalReader(new MemoryStore(disk), { name, holder: null });
        try {
          reader.check(identity);
          assert.ok(Number.isFinite(reader.progress?.counts.underWay), place);
          assert.ok(
            reader.events.every(({ kind }) => kind.length >= 0),
            place,
          );
        } catch (error) {
          assert.ok(error instanceof PealError, `${key} ${place}: ${String(error)}`);
          assert.ok(!error.message.includes('\n'), place);
        }
        await open(new MemoryStore(disk))
          .then((opened) => opened.close())
          .catch((error: unknown) => assert.ok(error instanceof PealError, `${key} ${place}: ${String(error)}`));
      }
    }
  });

  it('keeps events in their order, whatever the wall clock does', async () => {
    const clock = new VirtualClock();
    const disk = new MemoryDisk();
    /** Virtual time goes on whenever nothing else does. */
    const run = async <T>(work: Promise<T>): Promise<T> => {
      let isDone = false;
      const done = work.finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(1);
      }
      return done;
    };
    for (let times = 0; times < 3; times++) {
      const next = await run(open(new MemoryStore(disk), { clock }));
      clock.stepWall(-86_400_000);
      await run(next.note(times, digest, 4));
      next.settle(times, all(ACCEPTED));
      clock.stepWall(-3_600_000);
      next.event('stopped', `time ${times}`);
      await run(next.close());
    }
    const last = new MemoryStore(disk);
    const kinds = readEvents(last, name).map(({ kind, why }) => (why === undefined ? kind : `${kind}: ${why}`));
    assert.deepEqual(kinds, ['began', 'stopped: time 0', 'resumed', 'stopped: time 1', 'resumed', 'stopped: time 2']);
    assert.equal(readProgress(last, name)?.counts.accepted, 12);
  });

  describe('and output files', () => {
    let length: number;
    let written: Promise<void> | null;
    const cut = (): Cut => ({ files: { 'rejected.csv': length }, facts: { invalid: 3, rows: length }, written });

    beforeEach(async () => {
      length = 0;
      written = null;
      store = new MemoryStore();
      journal = await open(store);
      journal.cutWith(cut);
    });

    it('keeps the lengths that belong to the outcomes, once those rows are written', async () => {
      await journal.note(0, digest, 2);
      length = 100;
      journal.settle(0, all(REJECTED, 2));
      let finish!: () => void;
      written = new Promise((resolve) => (finish = resolve));
      const flushed = journal.flush();
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(readProgress(store, name)?.files['rejected.csv'], 0);
      // What comes after the cut is of the next transaction.
      length = 200;
      finish();
      await flushed;
      const next = await open(crash(store));
      assert.deepEqual([next.files, next.facts], [{ 'rejected.csv': 100 }, { invalid: 3, rows: 100 }]);
      assert.equal(next.counts.rejected, 2);
    });

    it('knows outcomes of batches under way after a crash, and that their rows are missing', async () => {
      await journal.note(0, digest, 5);
      journal.glimpse(0, Uint8Array.of(ACCEPTED, REJECTED + 1, WRITTEN, QUEUED, UNSENT));
      await journal.flush();
      const next = await open(crash(store));
      const block = next.block(0, digest, 5);
      assert.deepEqual(numbers(block.unwritten()), [0, 1]);
      assert.deepEqual(numbers(block.unknown()), [2, 3, 4]);
      next.wrote(0, digest, 5, block.unwritten());
      await next.close();
      const last = await open(new MemoryStore(store.disk));
      assert.deepEqual(numbers(last.block(0, digest, 5).unwritten()), []);
      assert.deepEqual(last.counts, { underWay: 0, accepted: 1, rejected: 1, unsent: 0, unknown: 3 });
    });

    it('has a row for each outcome that was known before its batch was settled', async () => {
      await journal.note(0, digest, 3);
      journal.glimpse(0, Uint8Array.of(ACCEPTED, ACCEPTED, ACCEPTED));
      await journal.flush();
      journal.settle(0, all(ACCEPTED, 3));
      await journal.close();
      const next = await open(new MemoryStore(store.disk));
      assert.equal(next.block(0, digest, 3).isAllAccepted, true);
    });

    it('loses no outcome when they cannot be written, and sends no more', async () => {
      await journal.note(0, digest, 3);
      await journal.note(1, digest, 3);
      length = 10;
      journal.settle(0, Uint8Array.of(REJECTED, WRITTEN, WRITTEN));
      await journal.flush();
      const failure = new PealError('ERR_PEAL_INPUT', 'rejected.csv cannot be written.', { origin: 'input' });
      written = new Promise((_, reject) => setImmediate(reject, failure));
      written.catch(() => {});
      length = 20;
      journal.settle(0, Uint8Array.of(ACCEPTED, REJECTED), [1, 2]);
      await journal.flush();
      assert.match(journal.failure!.message, /rejected\.csv/);
      await assert.rejects(journal.note(2, digest, 3), /rejected\.csv/);
      journal.settle(1, Uint8Array.of(REJECTED, UNSENT, UNKNOWN));
      await journal.close();
      const next = await open(new MemoryStore(store.disk));
      // Facts count what the next run does not write again.
      assert.deepEqual([next.files, next.facts], [{ 'rejected.csv': 10 }, { invalid: 3, rows: 10 }]);
      assert.deepEqual(numbers(next.block(0, digest, 3).unwritten()), [1, 2]);
      assert.deepEqual(numbers(next.block(1, digest, 3).unwritten()), [0]);
      assert.deepEqual(next.counts, { underWay: 0, accepted: 1, rejected: 3, unsent: 1, unknown: 1 });
    });
  });

  describe('on a disk that is full', () => {
    it('notes nothing, and writes what it was told when there is room at the end', async () => {
      await journal.note(0, digest, 4);
      store.isFull = true;
      await assert.rejects(journal.note(1, digest, 4), /disk is full/);
      assert.match(journal.failure!.message, /disk is full/);
      journal.settle(0, all(ACCEPTED));
      journal.event('stopped', 'disk');
      await assert.rejects(journal.note(2, digest, 4), /disk is full/);
      await assert.rejects(journal.flush(), /disk is full/);
      store.isFull = false;
      await journal.close();
      const next = await open(new MemoryStore(store.disk));
      assert.equal(next.counts.accepted, 4);
      assert.deepEqual(
        readEvents(store, name).map(({ kind }) => kind),
        ['began', 'stopped', 'resumed'],
      );
    });

    it('says so at the end when there is no room then, and keeps what was written before', async () => {
      await journal.note(0, digest, 4);
      journal.settle(0, Uint8Array.of(ACCEPTED, ACCEPTED, WRITTEN, WRITTEN));
      await journal.flush();
      store.isFull = true;
      journal.settle(0, all(ACCEPTED));
      await assert.rejects(journal.close(), /disk is full/);
      assert.equal(store.isClosed, true);
      store.isFull = false;
      const next = await open(new MemoryStore(store.disk));
      assert.deepEqual(next.counts, { underWay: 0, accepted: 2, rejected: 0, unsent: 0, unknown: 2 });
    });
  });
});
