/**
 * The log of a run of `peal send`: how its campaign stands, what its connections do, and how much is sent again. A line
 * for an event or for an interval, and never for a notification. Made by the send command with `--log-level` or
 * `--log-format`; main thread.
 */
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import type { Campaign } from '../../campaign/campaign.js';
import type { CampaignReport } from '../../campaign/run/run-report.js';
import { ConnectionLog } from '../shared/connection-log.js';

/** How often what is sent again is told. */
const troubleIntervalMs = 10_000;

export class SendLog implements Disposable {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #connections: ConnectionLog;
  #hasBegun = false;
  #resent = 0;
  #lookedMs: number;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
    this.#connections = new ConnectionLog(logger, clock);
    this.#lookedMs = clock.now();
  }

  /** Looks at a campaign; called a few times a second. */
  look(campaign: Campaign): void {
    if (!this.#hasBegun && campaign.hasBegun) {
      this.#hasBegun = true;
      const { expected, resumed, accepted, rejected, unknown } = campaign.progress;
      this.#logger.info({ expected, resumed, accepted, rejected, unknown }, 'the campaign began');
    }
    const now = this.#clock.now();
    if (now - this.#lookedMs < troubleIntervalMs) return;
    this.#lookedMs = now;
    this.#tellResent(campaign);
  }

  /** Something that the campaign says in a sentence: a pause, a wait, a rate that was changed, a bound. */
  note(sentence: string): void {
    this.#logger.info({}, sentence);
  }

  /** The campaign has ended. */
  ended(campaign: Campaign, { summary, stopped }: CampaignReport): void {
    this.#tellResent(campaign);
    const { recipients, accepted, rejected, unsent, unknown, invalid, duplicate, resent, seconds, perSecond } = summary;
    const counts = { recipients, accepted, rejected, unsent, unknown, invalid, duplicate, resent };
    const fields = { ...counts, seconds: Math.round(seconds * 1000) / 1000, perSecond: Math.round(perSecond) };
    if (stopped === null) this.#logger.info(fields, `the campaign is ${summary.state}`);
    else this.#logger.warn({ ...fields, code: stopped.code }, 'the campaign is stopped');
  }

  [Symbol.dispose](): void {
    this.#connections[Symbol.dispose]();
  }

  #tellResent(campaign: Campaign): void {
    const resent = campaign.figures?.run.resent ?? 0;
    if (resent > this.#resent) {
      this.#logger.warn({ requests: resent - this.#resent, total: resent }, 'requests were sent again');
    }
    this.#resent = resent;
  }
}
