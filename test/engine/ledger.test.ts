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

  it('shares one memory between all who open its buffer', () => {
    const ledger = Ledger.withSlots(4);
    const other = new Ledger(ledger.buffer);
    other.slot(3, 2)[1] = 7;
    assert.equal(ledger.bytes[3 * maxBatchRecipients + 1], 7);
    assert.equal(other.slots, 4);
  });
});
