import assert from 'node:assert/strict';
import { maxStreamsPerConnection, streamRingSlots } from '../../../src/base/limits.js';
import { AWAITING, ENDED, ringSlotsFor, StreamTable } from '../../../src/codec/http2/stream-table.js';

describe('codec/http2/stream-table', () => {
  it('names the open stream that was opened first', () => {
    const streams = new StreamTable();
    assert.equal(streams.oldestOpenId(), 0);
    const slots = [0, 1, 2, 3].map((tag) => streams.open(tag, AWAITING));
    assert.equal(streams.oldestOpenId(), 1);
    streams.end(slots[1]!, ENDED);
    assert.equal(streams.oldestOpenId(), 1);
    streams.end(slots[0]!, ENDED);
    assert.equal(streams.oldestOpenId(), 5);
    streams.end(slots[2]!, ENDED);
    streams.end(slots[3]!, ENDED);
    assert.equal(streams.oldestOpenId(), 0);
    streams.open(4, AWAITING);
    assert.equal(streams.oldestOpenId(), 9);
  });

  it('still names a stream that waits while the ring is used up three times over', () => {
    const streams = new StreamTable();
    const first = streams.open(0, AWAITING);
    for (let tag = 1; tag < 3 * streamRingSlots; tag++) streams.end(streams.open(tag, AWAITING), ENDED);
    assert.equal(streams.oldestOpenId(), 1);
    streams.end(first, ENDED);
    assert.equal(streams.oldestOpenId(), 0);
    const last = streams.open(0, AWAITING);
    assert.equal(streams.oldestOpenId(), streams.ids[last]);
  });

  it('has four slots for each stream that may be open, a power of two, and no more than the largest ring', () => {
    assert.deepEqual([1, 2, 5, 16].map(ringSlotsFor), [4, 8, 32, 64]);
    assert.equal(ringSlotsFor(maxStreamsPerConnection), streamRingSlots);
    assert.equal(ringSlotsFor(1_000_000), streamRingSlots);
  });
});
