import assert from 'node:assert/strict';
import { recentlyAcceptedMs, shardSlots } from '../../../src/base/limits.js';
import { TokenBuffers } from '../../../src/engine/dispatcher/buffers.js';
import { Job, type JobOwner } from '../../../src/engine/dispatcher/job.js';
import { Mailbox } from '../../../src/engine/dispatcher/mailbox.js';
import { Parcel } from '../../../src/engine/dispatcher/parcel.js';
import { Route } from '../../../src/engine/dispatcher/route.js';
import { ACCEPTED, UNKNOWN } from '../../../src/engine/ledger.js';
import type { BatchMessage, ToShard } from '../../../src/engine/messages.js';
import { BookSink, batchOf, notification, routeConfig } from '../../support/engine-fixtures.js';

describe('mailbox', () => {
  const route = new Route(1, routeConfig, null);
  const jobOf = (id: number): Job => new Job({ id, route, notification, sink: new BookSink() }, {} as JobOwner);
  const job = jobOf(1);
  let mailbox: Mailbox;
  let posted: ToShard[];

  const open = (epoch: number): void => {
    posted = [];
    mailbox.open(epoch, { post: (message) => posted.push(message) });
  };
  const batches = (): BatchMessage[] => posted.filter((message) => message.kind === 'batch');
  const settle = (slot: number) =>
    mailbox.settled({ kind: 'settled', slot, buffer: new ArrayBuffer(0), details: [], cause: null }, 0);

  beforeEach(() => {
    mailbox = new Mailbox(0, 1, new TokenBuffers(4));
  });

  it('has no room before it is opened and after it is lost', () => {
    assert.equal(mailbox.hasRoomFor(1), false);
    open(1);
    assert.equal(mailbox.hasRoomFor(1), true);
    mailbox.lose();
    assert.equal(mailbox.hasRoomFor(1), false);
  });

  it('knows the messages of an earlier incarnation from those of the current one', () => {
    open(1);
    assert.ok(mailbox.isCurrent(1));
    mailbox.lose();
    assert.ok(!mailbox.isCurrent(1));
    open(2);
    assert.ok(!mailbox.isCurrent(1));
    assert.ok(mailbox.isCurrent(2));
  });

  it('writes the ledger before it posts the batch, including what is settled already', () => {
    open(1);
    mailbox.deliver(new Parcel(job, batchOf(0, 3)));
    const [{ slot, ledger }] = batches() as [BatchMessage];
    new Uint8Array(ledger).fill(ACCEPTED);
    settle(slot);
    const parcel = new Parcel(job, batchOf(0, 3));
    parcel.ledger[1] = UNKNOWN;
    mailbox.deliver(parcel);
    const { ledger: again } = batches()[1]!;
    assert.equal(again, ledger, 'a slot has one sheet for batch after batch');
    assert.deepEqual([...new Uint8Array(again, 0, 3)], [0, UNKNOWN, 0]);
  });

  it('makes room in the ledger for what there is, and gives it back with the last job', () => {
    const bytes = (): number => batches().reduce((sum, { ledger }) => sum + ledger.byteLength, 0);
    const other = jobOf(2);
    open(1);
    for (const one of [job, other, job]) mailbox.deliver(new Parcel(one, batchOf(0, 1)));
    assert.deepEqual(
      batches().map(({ slot }) => slot),
      [0, 1, 2],
    );
    assert.ok(bytes() <= 3 * 100, `${bytes()} bytes for three recipients`);
    const sheets = batches().map(({ ledger }) => ledger);
    for (const { slot } of batches()) settle(slot);
    mailbox.forget(other);
    mailbox.deliver(new Parcel(job, batchOf(0, 1)));
    assert.ok(sheets.includes(batches()[3]!.ledger));
    settle(batches()[3]!.slot);
    mailbox.forget(job);
    mailbox.deliver(new Parcel(job, batchOf(0, 1)));
    mailbox.deliver(new Parcel(job, batchOf(0, 1)));
    assert.deepEqual(
      batches()
        .slice(4)
        .map(({ slot, ledger }) => [slot, sheets.includes(ledger)]),
      [
        [0, true],
        [1, false],
      ],
    );
  });

  it('introduces route and notification once to each incarnation', () => {
    const kinds = (): string[] => posted.map(({ kind }) => kind);
    open(1);
    mailbox.deliver(new Parcel(job, batchOf(0, 1)));
    mailbox.deliver(new Parcel(job, batchOf(1, 1)));
    assert.deepEqual(kinds(), ['route', 'notification', 'batch', 'batch']);
    mailbox.lose();
    open(2);
    mailbox.deliver(new Parcel(job, batchOf(2, 1)));
    assert.deepEqual(kinds(), ['route', 'notification', 'batch']);
    mailbox.forget(job);
    mailbox.forget(job);
    assert.deepEqual(kinds().slice(3), ['forget']);
  });

  it('uses a slot again as soon as its batch is settled, and its credit only when that is given back', () => {
    open(1);
    const parcel = new Parcel(job, batchOf(0, 1024));
    mailbox.deliver(parcel);
    const { slot } = batches()[0]!;
    assert.equal(settle(slot), parcel);
    assert.equal(settle(slot), null, 'a slot is settled once');
    assert.equal(mailbox.hasRoomFor(1), false);
    mailbox.releaseCredit(parcel);
    assert.throws(() => mailbox.releaseCredit(parcel), /gives back the credit/);
    mailbox.deliver(new Parcel(job, batchOf(0, 1024)));
    assert.throws(() => mailbox.deliver(new Parcel(job, batchOf(0, 1))), /no more than it has room for/);
    assert.equal(batches()[1]!.slot, slot);
  });

  it('knows what was accepted lately, also of a batch that is not over', () => {
    open(1);
    mailbox.deliver(new Parcel(job, batchOf(0, 3)));
    const bytes = new Uint8Array(batches()[0]!.ledger, 0, 3);
    assert.equal(mailbox.hasAcceptedLately(route, 0), false);
    bytes[1] = ACCEPTED;
    mailbox.look(1_000);
    mailbox.look(20_000);
    assert.equal(mailbox.hasAcceptedLately(route, 1_000 + recentlyAcceptedMs), true);
    assert.equal(mailbox.hasAcceptedLately(route, 1_001 + recentlyAcceptedMs), false);
    bytes[2] = ACCEPTED;
    assert.equal(mailbox.hasAcceptedLately(route, 90_000), true);
    assert.equal(mailbox.hasAcceptedLately(new Route(2, routeConfig, null), 90_000), false);
  });

  it('takes neither what another shard had accepted for that, nor the end of a batch', () => {
    open(1);
    const parcel = new Parcel(job, batchOf(0, 3));
    parcel.ledger[0] = ACCEPTED;
    mailbox.deliver(parcel);
    const { slot, ledger } = batches()[0]!;
    assert.equal(mailbox.hasAcceptedLately(route, 0), false);
    new Uint8Array(ledger, 1, 2).fill(UNKNOWN);
    settle(slot);
    assert.equal(mailbox.hasAcceptedLately(route, 0), false);
  });

  it('has no room without a free slot, whatever its credit', () => {
    mailbox = new Mailbox(0, 2, new TokenBuffers(4));
    open(1);
    for (let slot = 0; slot < shardSlots; slot++) {
      assert.equal(mailbox.hasRoomFor(1), true);
      mailbox.deliver(new Parcel(job, batchOf(slot, 1)));
    }
    assert.equal(mailbox.hasRoomFor(1), false);
    settle(7);
    assert.equal(mailbox.hasRoomFor(1), true);
  });

  it('returns what a lost incarnation had, and keeps its credit used until it is given back', () => {
    open(1);
    const parcel = new Parcel(job, batchOf(0, 1024));
    mailbox.deliver(parcel);
    assert.deepEqual(mailbox.lose(), [parcel]);
    assert.deepEqual(mailbox.lose(), []);
    open(2);
    assert.equal(mailbox.hasRoomFor(1), false);
    mailbox.releaseCredit(parcel);
    assert.equal(mailbox.hasRoomFor(1024), true);
    assert.equal(mailbox.heldBatches, 0);
  });
});

describe('token buffers', () => {
  it('are used again when they have the usual size, and only so many are kept', () => {
    const buffers = new TokenBuffers(1);
    const full = batchOf(0, 1024).tokens;
    const [first, second] = [buffers.copyOf(full), buffers.copyOf(full)];
    buffers.giveBack(first);
    buffers.giveBack(second);
    assert.equal(buffers.copyOf(full), first);
    assert.notEqual(buffers.copyOf(full), second);
  });

  it('are given back but for one when nothing is sent', () => {
    const buffers = new TokenBuffers(4);
    const full = batchOf(0, 1024).tokens;
    const made = [buffers.copyOf(full), buffers.copyOf(full), buffers.copyOf(full)];
    for (const buffer of made) buffers.giveBack(buffer);
    buffers.trim();
    assert.ok(made.includes(buffers.copyOf(full)));
    assert.ok(!made.includes(buffers.copyOf(full)));
  });

  it('hold small batches, and long tokens, in buffers of their own size', () => {
    const buffers = new TokenBuffers(1);
    assert.equal(buffers.copyOf(batchOf(0, 1).tokens).byteLength, 32);
    assert.equal(buffers.copyOf(batchOf(0, 1024, 100).tokens).byteLength, 102_400);
  });
});
