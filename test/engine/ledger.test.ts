import assert from 'node:assert/strict';
import { maxBatchRecipients } from '../../src/base/limits.js';
import { Ledger, tagIndexMask, tagShift } from '../../src/engine/ledger.js';

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
    const ledger = Ledger.withSlots(2);
    const last = 2 * maxBatchRecipients - 1;
    const notes = [
      { status: 410, timestampMs: 1_700_000_000_123, retryAfterSeconds: null },
      { status: 410, timestampMs: null, retryAfterSeconds: null },
      { status: 429, timestampMs: null, retryAfterSeconds: 0 },
      { status: 599, timestampMs: null, retryAfterSeconds: null },
    ];
    notes.forEach((note, index) => {
      ledger.notes.write(last - index, note);
    });
    notes.forEach((note, index) => {
      assert.deepEqual(ledger.notes.read(last - index), note);
    });
    assert.ok(ledger.bytes.every((byte) => byte === 0));
  });

  it('shares one memory between all who open its buffer', () => {
    const ledger = Ledger.withSlots(4);
    const other = new Ledger(ledger.buffer);
    other.slot(3, 2)[1] = 7;
    assert.equal(ledger.bytes[3 * maxBatchRecipients + 1], 7);
    assert.equal(other.slots, 4);
    const note = { status: 503, timestampMs: null, retryAfterSeconds: 20 };
    other.notes.write(3 * maxBatchRecipients + 1, note);
    assert.deepEqual(ledger.slotNotes(3, 2).read(1), note);
  });
});
