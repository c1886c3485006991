/** The metrics of a campaign that this process runs, read from its books. Made by `peal send`; main thread. */
import type { Campaign } from '../campaign/campaign.js';
import type { CampaignState } from '../campaign/report/summary.js';
import { addressUrl } from '../push/address.js';
import type { Gateway } from '../session/gateway.js';
import type { MetricsSource } from './metrics-source.js';
import { addOutcomes } from './outcome-samples.js';
import type { Samples } from './samples.js';

const states: readonly CampaignState[] = ['running', 'paused', 'stopped', 'finished'];

export class CampaignSource implements MetricsSource {
  readonly #campaign: Campaign;
  readonly #gateway: Gateway;
  readonly #title: string;

  constructor(campaign: Campaign, gateway: Gateway, title: string) {
    this.#campaign = campaign;
    this.#gateway = gateway;
    this.#title = title;
  }

  collect(samples: Samples): void {
    const { figures, progress } = this.#campaign;
    const gateway = addressUrl(this.#gateway.address);
    samples.add('peal_campaign_info', 1, { campaign: this.#title, gateway });
    for (const state of states) samples.add('peal_campaign_state', state === progress.state ? 1 : 0, { state });
    const { accepted, rejected, unsent, unknown, invalid, duplicate } = progress;
    for (const [outcome, count] of Object.entries({ accepted, rejected, unsent, unknown, invalid, duplicate })) {
      samples.add('peal_campaign_recipients', count, { outcome });
    }
    samples.add('peal_campaign_expected_recipients', progress.expected ?? Number.NaN);
    samples.add('peal_campaign_read_recipients', progress.read);
    samples.add('peal_campaign_held_recipients', progress.held);
    samples.add('peal_provider_token_age_seconds', (this.#gateway.providerTokenAgeMs ?? Number.NaN) / 1000);
    if (figures === null) return;
    const { run, latencies } = figures;
    addOutcomes(samples, run);
    samples.add('peal_requests_resent_total', run.resent);
    samples.add('peal_notifications_queued', figures.queued);
    samples.addLatencies(latencies.all, latencies.earlier);
    samples.add('peal_campaign_noted_recipients', figures.underWay ?? Number.NaN);
    samples.add('peal_campaign_window_recipients', figures.window ?? Number.NaN);
    samples.add('peal_campaign_rate_limit', figures.perSecond ?? Number.NaN);
  }

  whyNotReady(): string | null {
    const { figures } = this.#campaign;
    return figures === null ? 'The campaign has not begun.' : figures.whyNot;
  }
}
