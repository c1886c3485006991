/** The metrics of the queue of slices. */
import assert from 'node:assert/strict';
import { QueueSource } from '../../../src/cluster/queue/queue-source.js';
import { Samples } from '../../../src/metrics/samples.js';

describe('QueueSource', () => {
  it('asks the queue for each scrape, and has a series for each state', async () => {
    let active = 0;
    const source = new QueueSource({ counts: async () => ({ waiting: 7, active: ++active, delayed: 0, failed: 1 }) });
    for (const looks of [1, 2]) {
      const samples = new Samples();
      await source.collect(samples);
      assert.deepEqual(
        samples.of('peal_queue_slices').map(({ labels, value }) => [labels, value]),
        [
          [{ state: 'waiting' }, 7],
          [{ state: 'active' }, looks],
          [{ state: 'delayed' }, 0],
          [{ state: 'failed' }, 1],
        ],
      );
    }
  });
});
