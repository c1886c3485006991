import assert from 'node:assert/strict';
import { recentlyAcceptedMs, shardSlots } from '../../../src/base/limits.js';
import type { Batch } from '../../../src/engine/batch.js';
import { BatchBuffers } from '../../../src/engine/dispatcher/buffers.js';
import { Job, type JobOwner } from '../../../src/engine/dispatcher/job.js';
import { Mailbox } from '../../../src/engine/dispatcher/mailbox.js';
import { Parcel } from '../../../src/engine/dispatcher/parcel.js';
import { Route } from '../../../src/engine/dispatcher/route.js';
import { ACCEPTED, UNKNOWN } from '../../../src/engine/ledger.js';
import type { BatchMessage, ToShard } from '../../../src/engine/messages.js';
import { BookSink, batchOf, notification, numberedTokens, routeConfig } from '../../support/engine-fixtures.js';

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
    mailbox = new Mailbox(0, 1, new BatchBuffers(4));
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
    mailbox = new Mailbox(0, 1 + shardSlots / 1024, new BatchBuffers(4));
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

describe('batch buffers', () => {
  const full = batchOf(0, 1024);
  /** 100 recipients with everything that can be their own, after `gap` bytes of something else. */
  const personalBatch = (gap: number, tokenBytes = 32): Batch => {
    const text = (length: number): Uint8Array => Buffer.from(`${'?'.repeat(gap)}${'abcdefgh'.repeat(length)}`);
    const offsets = (each: number): Uint32Array => Uint32Array.from({ length: 101 }, (_, index) => index * each);
    return {
      tokens: numberedTokens(0, 100, tokenBytes),
      personal: {
        apnsIds: text(200).subarray(gap),
        payloads: text(125).subarray(gap),
        payloadOffsets: offsets(10),
        fields: {
          expirations: offsets(7),
          priorities: new Uint8Array(100).fill(5),
          collapseIds: text(50).subarray(gap),
          collapseIdOffsets: offsets(4),
        },
      },
    };
  };

  it('are used again, and only so many are kept', () => {
    const buffers = new BatchBuffers(1);
    const [first, second] = [buffers.copyOf(full).buffer, buffers.copyOf(full).buffer];
    buffers.giveBack(first);
    buffers.giveBack(second);
    assert.equal(buffers.copyOf(full).buffer, first);
    assert.notEqual(buffers.copyOf(full).buffer, second);
  });

  it('are given back but for one when nothing is sent', () => {
    const buffers = new BatchBuffers(4);
    const made = [full, full, full, batchOf(0, 1024, 100)].map((batch) => buffers.copyOf(batch).buffer);
    for (const buffer of made) buffers.giveBack(buffer);
    buffers.trim();
    assert.notEqual(buffers.copyOf(batchOf(0, 1024, 100)).buffer, made[3]);
    assert.ok(made.includes(buffers.copyOf(full).buffer));
    assert.ok(!made.includes(buffers.copyOf(full).buffer));
  });

  it('are given up while sends run where no batch has needed them for a while', () => {
    const buffers = new BatchBuffers(4);
    const large = batchOf(0, 1024, 100);
    const { buffer } = buffers.copyOf(large);
    buffers.giveBack(buffer);
    buffers.review();
    assert.equal(buffers.copyOf(large).buffer, buffer, 'one was needed since the last review');
    buffers.giveBack(buffer);
    buffers.review();
    buffers.copyOf(batchOf(0, 1));
    buffers.review();
    assert.notEqual(buffers.copyOf(large).buffer, buffer);
  });

  it('hold small batches in buffers of their own size, and large ones in buffers of few sizes', () => {
    const buffers = new BatchBuffers(1);
    assert.equal(buffers.copyOf(batchOf(0, 1)).buffer.byteLength, 32);
    assert.equal(buffers.copyOf(batchOf(0, 1024)).buffer.byteLength, 32_768);
    const large = buffers.copyOf(batchOf(0, 1024, 100)).buffer;
    assert.equal(large.byteLength, 131_072);
    buffers.giveBack(large);
    assert.equal(buffers.copyOf(batchOf(0, 700, 100)).buffer, large);
  });

  it('keep no more bytes than full batches need', () => {
    const buffers = new BatchBuffers(1);
    const huge = batchOf(0, 1024, 100);
    const personal = {
      apnsIds: null,
      payloads: new Uint8Array(1024 * 600),
      payloadOffsets: new Uint32Array(1025).fill(1024 * 600),
    };
    const { buffer } = buffers.copyOf({ ...huge, personal });
    assert.equal(buffer.byteLength, 1024 * 1024);
    buffers.giveBack(buffer);
    assert.notEqual(buffers.copyOf({ ...huge, personal }).buffer, buffer);
  });

  for (const tokenBytes of [32, 31]) {
    it(`hold all personal parts behind tokens of ${tokenBytes} bytes, whatever they held before`, () => {
      const buffers = new BatchBuffers(1);
      const { buffer: used } = buffers.copyOf(full);
      new Uint8Array(used).fill(0xee);
      buffers.giveBack(used);
      const batch = personalBatch(3, tokenBytes);
      const { buffer, personal } = buffers.copyOf(batch);
      assert.equal(buffer, used);
      assert.deepEqual(new Uint8Array(buffer, 0, 100 * tokenBytes), batch.tokens.bytes.subarray(0, 100 * tokenBytes));
      const { apnsIds, payloads, payloadOffsets, fields } = batch.personal!;
      const same = (copy: ArrayLike<number> | null, original: ArrayLike<number>): void => {
        assert.deepEqual(Array.from(copy!), Array.from(original));
        assert.equal((copy as Uint8Array).buffer, buffer);
      };
      same(personal!.apnsIds, apnsIds!);
      same(personal!.payloads, payloads!);
      same(personal!.payloadOffsets, payloadOffsets!);
      same(personal!.fields!.expirations, fields!.expirations!.subarray(0, 100));
      same(personal!.fields!.priorities, fields!.priorities!);
      same(personal!.fields!.collapseIds, fields!.collapseIds!);
      same(personal!.fields!.collapseIdOffsets, fields!.collapseIdOffsets!);
    });
  }
});
