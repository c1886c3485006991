import assert from 'node:assert/strict';
import { maxBatchRecipients } from '../../src/base/limits.js';
import { Ledger, LedgerSheet, tagIndexMask, tagShift } from '../../src/engine/ledger.js';

describe('ledger', () => {
  it('numbers recipients so that slot and index can be taken apart again', () => {
    for (const [slot, index] of [
      [0, 0],
      [0, maxBatchRecipients - 1],
      [1, 0],
      [1023, 1023],
    ] as const) {
      const tag = slot * maxBatchRecipients + index;
      assert.equal(tag >>> tagShift, slot);
      assert.equal(tag & tagIndexMask, index);
    }
  });

  it('keeps beside its bytes what they cannot say of a rejection, and touches none of them for it', () => {
    const sheet = LedgerSheet.withRoomFor(maxBatchRecipients);
    const last = maxBatchRecipients - 1;
    const notes = [
      { status: 410, timestampMs: 1_700_000_000_123, retryAfterSeconds: null },
      { status: 410, timestampMs: null, retryAfterSeconds: null },
      { status: 429, timestampMs: null, retryAfterSeconds: 0 },
      { status: 599, timestampMs: null, retryAfterSeconds: null },
    ];
    notes.forEach((note, index) => {
      sheet.notes.write(last - index, note);
    });
    notes.forEach((note, index) => {
      assert.deepEqual(sheet.notes.read(last - index), note);
    });
    assert.ok(sheet.bytes.every((byte) => byte === 0));
  });

  it('shares one memory between all who open the buffer of a sheet, whatever its size', () => {
    for (const count of [1, 3, 8, 9, 100, maxBatchRecipients]) {
      const sheet = LedgerSheet.withRoomFor(count);
      const other = new LedgerSheet(sheet.buffer);
      other.bytes[count - 1] = 7;
      assert.equal(sheet.bytes[count - 1], 7);
      assert.equal(other.bytes.length, sheet.bytes.length);
      const note = { status: 503, timestampMs: null, retryAfterSeconds: 20 };
      other.notes.write(count - 1, note);
      assert.deepEqual(sheet.notes.read(count - 1), note);
    }
  });

  it('has a sheet for each slot that was used, as large as its batches were, and none before', () => {
    const ledger = new Ledger();
    const small = ledger.prepare(5, 1);
    assert.ok(small.buffer.byteLength < 100);
    assert.equal(ledger.prepare(5, 3), small, 'there is room for a few more');
    const large = ledger.prepare(5, 1000);
    assert.notEqual(large, small);
    assert.equal(ledger.prepare(5, maxBatchRecipients), large, 'never larger than the largest batch');
    assert.equal(ledger.prepare(5, 1), large);
    assert.notEqual(ledger.prepare(4, 1000), large);
  });

  it('gives back all sheets but the first', () => {
    const ledger = new Ledger();
    const [first, second] = [ledger.prepare(0, 10), ledger.prepare(1, 10)];
    ledger.trim();
    assert.equal(ledger.prepare(0, 10), first);
    assert.notEqual(ledger.prepare(1, 10), second);
  });
});
