/**
 * The machines of a campaign for two push services, as the campaign asks them: each service has a campaign of its own
 * in the store of the cluster, with a key that follows from the campaign's. The rate of the campaign is divided between
 * them by what waits for each. Made by platform-sender; main thread.
 */
import { createHash } from 'node:crypto';
import { rateParts } from '../../base/limits.js';
import { serviceName } from '../../push/address.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { Adoption, RemoteCampaign, RemoteSender } from './campaign-sender.js';
import type { CampaignService } from './campaign-services.js';

/** A service, as it is known here. */
export interface MachinesOfService {
  readonly service: CampaignService;
  readonly remote: RemoteSender;
  /** Recipients that wait for it. */
  readonly waiting: () => number;
  /** Whether it sends no more. */
  readonly hasEnded: () => boolean;
}

export class PlatformMachines implements RemoteSender {
  readonly #all: readonly [MachinesOfService, MachinesOfService];
  readonly #of: (rows: Rows) => MachinesOfService;

  /** @param of whose recipients these are */
  constructor(all: readonly [MachinesOfService, MachinesOfService], of: (rows: Rows) => MachinesOfService) {
    this.#all = all;
    this.#of = of;
  }

  async open(campaign: RemoteCampaign): Promise<void> {
    const once = onceForBoth(campaign.onNote);
    const [first, second] = this.#all;
    await first.remote.open(ofService(campaign, first.service, campaign.key, once(0)));
    try {
      const key = createHash('sha256').update(campaign.key).digest().subarray(0, campaign.key.length);
      await second.remote.open(ofService(campaign, second.service, key, once(1)));
    } catch (error) {
      await first.remote.leave();
      throw error;
    }
  }

  /** Both have the same workers, so what is under way for both counts. */
  room(underWay: number, noted: number): number {
    return this.#all[0].remote.room(underWay, noted);
  }

  steer(ratePerSecond: number | null, isPaused: boolean): void {
    const [first, second] = this.#all;
    const part = this.#partOfFirst();
    if (!first.hasEnded()) first.remote.steer(partOf(ratePerSecond, part), isPaused);
    if (!second.hasEnded()) second.remote.steer(partOf(ratePerSecond, rateParts - part), isPaused);
  }

  adopt(rows: Rows, block: number, indexes: Uint16Array): Adoption {
    return this.#of(rows).remote.adopt(rows, block, indexes);
  }

  async leave(): Promise<void> {
    await Promise.all(this.#all.map(({ remote }) => remote.leave()));
  }

  /** Out of `rateParts`. A service that has not ended has one at least, for recipients that come up only now. */
  #partOfFirst(): number {
    const [first, second] = this.#all;
    if (first.hasEnded()) return 0;
    if (second.hasEnded()) return rateParts;
    const [some, others] = [first.waiting(), second.waiting()];
    if (some + others === 0) return rateParts / 2;
    return Math.min(rateParts - 1, Math.max(1, Math.round((rateParts * some) / (some + others))));
  }
}

function partOf(ratePerSecond: number | null, part: number): number | null {
  return ratePerSecond === null ? null : (ratePerSecond * part) / rateParts;
}

function ofService(
  campaign: RemoteCampaign,
  { message, gateway }: CampaignService,
  key: Uint8Array,
  onNote: (said: string) => void,
): RemoteCampaign {
  return { ...campaign, key, title: `${campaign.title} (${serviceName(gateway.address.protocol)})`, message, onNote };
}

/** Passes on what either says, and not what the other one has said as often. */
function onceForBoth(onNote: (said: string) => void): (side: 0 | 1) => (said: string) => void {
  const counts = [new Map<string, number>(), new Map<string, number>()] as const;
  return (side) => (said) => {
    const count = (counts[side].get(said) ?? 0) + 1;
    counts[side].set(said, count);
    if (count > (counts[1 - side]!.get(said) ?? 0)) onNote(said);
  };
}
