/** The metrics of a worker of a cluster, read from its books. Made by `peal worker`; main thread. */
import type { MetricsSource } from '../../metrics/metrics-source.js';
import { addOutcomes } from '../../metrics/outcome-samples.js';
import type { Samples } from '../../metrics/samples.js';
import type { ClusterWorkerSnapshot } from './slice-worker.js';

export class WorkerSource implements MetricsSource {
  readonly #snapshot: () => ClusterWorkerSnapshot;

  constructor(snapshot: () => ClusterWorkerSnapshot) {
    this.#snapshot = snapshot;
  }

  collect(samples: Samples): void {
    const { slots, slices, ended, latencies, underWay, window, workers, ...outcomes } = this.#snapshot();
    addOutcomes(samples, outcomes);
    samples.addLatencies(latencies);
    samples.add('peal_worker_slots', slots);
    samples.add('peal_worker_slices', slices.length);
    samples.add('peal_worker_ended_slices_total', ended);
    samples.add('peal_worker_noted_recipients', underWay);
    samples.add('peal_worker_window_recipients', window);
    samples.add('peal_cluster_workers', workers);
  }

  whyNotReady(): string | null {
    return this.#snapshot().whyNot;
  }
}
