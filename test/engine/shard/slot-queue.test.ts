import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AssertionError } from '../../../src/base/assert.js';
import { BatchSlot } from '../../../src/engine/shard/batch-slot.js';
import { SlotQueue } from '../../../src/engine/shard/slot-queue.js';

describe('slot queue', () => {
  it('behaves as a list with room at both ends, in which a slot stands once', () => {
    const action = fc.record({
      kind: fc.constantFrom('append', 'prepend', 'remove', 'removeFirst'),
      slot: fc.nat({ max: 39 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const slots = Array.from({ length: 40 }, (_, number) => new BatchSlot(number));
        const queue = new SlotQueue();
        let model: number[] = [];
        for (const { kind, slot } of actions) {
          const isIn = model.includes(slot);
          if (kind === 'append') {
            if (isIn) {
              assert.throws(() => queue.append(slots[slot]!), AssertionError);
            } else {
              queue.append(slots[slot]!);
              model.push(slot);
            }
          } else if (kind === 'prepend') {
            queue.prepend(slots[slot]!);
            if (!isIn) model.unshift(slot);
          } else if (kind === 'remove') {
            queue.remove(slots[slot]!);
            model = model.filter((each) => each !== slot);
          } else {
            const first = queue.first();
            if (first !== null) queue.remove(first);
            model.shift();
          }
          assert.equal(queue.first()?.slot ?? null, model[0] ?? null);
          assert.equal(queue.length, model.length);
          assert.deepEqual(
            slots.filter(({ isQueued }) => isQueued).map((each) => each.slot),
            [...model].sort((a, b) => a - b),
          );
        }
        while (model.length > 0) {
          assert.equal(queue.first()!.slot, model.shift());
          queue.remove(queue.first()!);
        }
      }),
    );
  });
});
