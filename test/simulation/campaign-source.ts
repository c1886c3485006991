/**
 * The program that has the recipients of a simulated campaign: gives the entries of its list in pages, as a database
 * does. Each reading gives the same.
 */
import { Buffer } from 'node:buffer';
import type { CampaignRecipient } from '../../src/campaign/input/record-rows.js';
import { Prng } from '../support/prng.js';
import type { Plan } from './plan.js';
import type { CampaignPlan, EntryPlan } from './plan-campaign.js';
import { writeToken } from './recipients.js';

const zones = ['Etc/UTC', 'Europe/Berlin'];

export class CampaignSource {
  readonly #plan: Plan;
  readonly #campaign: CampaignPlan;
  readonly #stranger: number | null;
  readonly #wait: (ms: number) => Promise<void>;

  /** @param stranger the recipient in whose place there is another one; null: the list is that of the campaign */
  constructor(plan: Plan, campaign: CampaignPlan, stranger: number | null, wait: (ms: number) => Promise<void>) {
    this.#plan = plan;
    this.#campaign = campaign;
    this.#stranger = stranger;
    this.#wait = wait;
  }

  async *recipients(): AsyncGenerator<CampaignRecipient, void, void> {
    const { entries, pageEntries, pageMs } = this.#campaign;
    for (const [index, entry] of entries.entries()) {
      if (index % pageEntries === pageEntries - 1) await this.#wait(pageMs);
      yield this.#entry(entry);
    }
  }

  #entry({ number, lacksField }: EntryPlan): CampaignRecipient {
    const token = number === null ? 'no token at all' : this.#token(number);
    if (!this.#campaign.isPersonal) return token;
    const zone = zones[(number ?? 0) % zones.length]!;
    return {
      token,
      n: lacksField ? null : (number ?? 0),
      name: (number ?? 0) % 7 === 0 ? null : `Name, ${number}`,
      zone,
    };
  }

  #token(number: number): string {
    const bytes = new Uint8Array(32);
    const recipients = this.#plan.recipients;
    const isStranger = number === this.#stranger;
    const recipient = isStranger ? { ...recipients[number]!, number: recipients.length + number } : recipients[number]!;
    writeToken(new Prng(this.#plan.seed ^ (recipient.number * 0x9e37)), bytes, 0, bytes.length, recipient);
    return Buffer.from(bytes).toString('hex');
  }
}
