/**
 * The events of campaigns that a program can watch over node:diagnostics_channel, on five channels for what happens to
 * a campaign and one for its counts, which is told at most once a second. Published by a run, on the main thread. No
 * event holds a device token, a payload or a credential.
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import type { PealError } from '../../base/errors.js';
import type { CampaignProgress } from './run-report.js';

/** Which campaign an event is about. The same object in all events of a run. */
export interface WatchedCampaign {
  /** Its title: that of its options, the name of its directory, or `Campaign`. */
  readonly title: string;
  /** Its directory; null for a campaign without one. */
  readonly folder: string | null;
  /** The gateway's address: `https://host:port` or `binary://host:port`. */
  readonly gateway: string;
}

/** Published on `peal:campaign:began`, `:paused`, `:resumed`, `:stopped`, `:finished` and `:progress`. */
export interface CampaignEvent {
  readonly campaign: WatchedCampaign;
  /** Counts of all runs of the campaign, as `campaign.progress` has them at that moment. */
  readonly progress: CampaignProgress;
  /**
   * On `:stopped`: what stopped it; null there where recipients are unsent for other reasons, and on all other
   * channels.
   */
  readonly error: PealError | null;
}

/** What an event says of its campaign; the last part of the name of its channel. */
export type CampaignEventKind = 'began' | 'paused' | 'resumed' | 'stopped' | 'finished' | 'progress';

const channels: Readonly<Record<CampaignEventKind, Channel>> = {
  began: channel('peal:campaign:began'),
  paused: channel('peal:campaign:paused'),
  resumed: channel('peal:campaign:resumed'),
  stopped: channel('peal:campaign:stopped'),
  finished: channel('peal:campaign:finished'),
  progress: channel('peal:campaign:progress'),
};

/** @param event makes the event; called only if there is a subscriber */
export function publishCampaign(kind: CampaignEventKind, event: () => CampaignEvent): void {
  const published = channels[kind];
  if (published.hasSubscribers) published.publish(event());
}
