/** The metrics of the queue of slices. Made by `peal dispatch`; main thread. */
import type { MetricsSource } from '../../metrics/metrics-source.js';
import type { Samples } from '../../metrics/samples.js';
import type { SliceQueue } from './slice-queue.js';

export class QueueSource implements MetricsSource {
  readonly #queue: Pick<SliceQueue, 'counts'>;

  constructor(queue: Pick<SliceQueue, 'counts'>) {
    this.#queue = queue;
  }

  async collect(samples: Samples): Promise<void> {
    for (const [state, count] of Object.entries(await this.#queue.counts())) {
      samples.add('peal_queue_slices', count, { state });
    }
  }
}
