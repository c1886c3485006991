/**
 * The metrics of a service, out of its books. Asked when somebody scrapes; main thread.
 */
import type { MetricsSource } from '../metrics/metrics-source.js';
import { addOutcomes } from '../metrics/outcome-samples.js';
import type { Samples } from '../metrics/samples.js';
import type { ServiceStats } from './http/service-books.js';

export class ServiceSource implements MetricsSource {
  readonly #stats: () => ServiceStats;
  readonly #why: () => string | null;

  /** @param why why the service takes no work now; null: it does */
  constructor(stats: () => ServiceStats, why: () => string | null) {
    this.#stats = stats;
    this.#why = why;
  }

  collect(samples: Samples): void {
    const stats = this.#stats();
    addOutcomes(samples, { ...stats, reasons: Object.entries(stats.reasons) });
    for (const [status, count] of Object.entries(stats.answers)) {
      samples.add('peal_service_answers_total', count, { status });
    }
    samples.add('peal_service_unheard_answers_total', stats.unheard);
    samples.add('peal_service_requests', stats.requestsInFlight);
    samples.add('peal_service_pushes', stats.pushesInFlight);
    samples.add('peal_service_body_bytes', stats.bodyBytes);
    samples.add('peal_service_ids', stats.pendingIds, { state: 'pending' });
    samples.add('peal_service_ids', stats.keptIds, { state: 'settled' });
    samples.add('peal_service_campaigns', stats.runningCampaigns);
  }

  whyNotReady(): string | null {
    return this.#why();
  }
}
