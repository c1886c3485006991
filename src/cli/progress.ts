/**
 * How a run is seen while it goes on: a live bar on a terminal, JSON lines for programs, or nothing.
 * Owned by the send command, on the main thread; told the counts a few times a second.
 */
import type { Writable } from 'node:stream';
import type { Clock } from '../base/clock.js';
import { type Counts, doneOf } from './counts.js';
import { writeJsonLine } from './json-lines.js';
import { RateMeter } from './rate-meter.js';
import { hasColour, type Terminal } from './terminal.js';

export interface Progress {
  /** `total`: all recipients as far as they are known or estimated, or null. */
  update(counts: Counts, total: number | null): void;
  /** Leaves the terminal as it should be for what is printed next. */
  stop(): void;
}

export const noProgress: Progress = { update: () => {}, stop: () => {} };

/** The display that the options and the terminal ask for. */
export async function progressFor(
  options: { readonly json?: boolean; readonly quiet?: boolean },
  terminal: Terminal,
  clock: Clock,
): Promise<Progress> {
  if (options.quiet === true) return noProgress;
  if (options.json === true) return new JsonProgress(terminal.stdout, clock);
  const { stderr } = terminal;
  if (stderr.isTTY !== true || terminal.env.TERM === 'dumb') return noProgress;
  const { ProgressBar } = await import('./progress-bar.js');
  return new ProgressBar(stderr, clock, hasColour(terminal, stderr));
}

const jsonIntervalMs = 1000;

/** One line a second on `output`: done, total, counts, rate. */
export class JsonProgress implements Progress {
  readonly #output: Writable;
  readonly #clock: Clock;
  readonly #rate = new RateMeter();
  #nextMs: number;

  constructor(output: Writable, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
    this.#nextMs = clock.now() + jsonIntervalMs;
  }

  update(counts: Counts, total: number | null): void {
    const now = this.#clock.now();
    const done = doneOf(counts);
    this.#rate.note(now, done);
    if (now < this.#nextMs) return;
    this.#nextMs = now + jsonIntervalMs;
    const { accepted, rejected, unsent, unknown, invalid } = counts;
    writeJsonLine(this.#output, {
      messageType: 'progress',
      done,
      total,
      accepted,
      rejected,
      unsent,
      unknown,
      invalid,
      perSecond: Math.round(this.#rate.perSecond()),
    });
  }

  stop(): void {}
}
