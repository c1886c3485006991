/**
 * The progress display of a run: a live bar on a terminal, a plain line now and then elsewhere, JSON lines for
 * programs, or nothing. Owned by the send command, on the main thread; gets the counts a few times a second.
 */
import type { Writable } from 'node:stream';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { integer, minutesAndSeconds, wholePercent } from '../../base/text.js';
import { hasColour, type Terminal, writeJsonLine } from '../shared/terminal.js';
import { doneOf, passedOf, type RunningCounts, sentOf } from './counts.js';
import { RateMeter } from './rate-meter.js';

export interface ProgressDisplay {
  /** `total`: known or estimated number of listed tokens, duplicates included, or null. */
  update(counts: RunningCounts, total: number | null): void;
  /** The run has been told to stop. What `print` writes to standard error stands above the display, not within it. */
  interrupted(print: () => void): void;
  /** Something is said meanwhile: it stands above the display. */
  above(print: () => void): void;
  /** Takes the display off the screen until `show`. */
  hide(): void;
  show(): void;
  /** Leaves the terminal ready for further output. May be called twice. */
  stop(): void;
}

export const noProgress: ProgressDisplay = {
  update: () => {},
  interrupted: (print) => print(),
  above: (print) => print(),
  hide: () => {},
  show: () => {},
  stop: () => {},
};

export interface ProgressOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** Milliseconds between two lines; 0 for no progress. Default: a bar on a terminal. */
  readonly progress?: number;
}

/** Returns the display for the options and the terminal. */
export async function progressFor(
  options: ProgressOptions,
  terminal: Terminal,
  clock: Clock,
): Promise<ProgressDisplay> {
  const { json, quiet, progress } = options;
  if (quiet === true || progress === 0) return noProgress;
  if (json === true) return new JsonProgress(terminal.stdout, clock, progress);
  const { stderr, log } = terminal;
  if (log?.isJson === true) return new LogProgress(log.logger, clock, progress);
  const isScreen = stderr.isTTY === true && terminal.env.TERM !== 'dumb';
  if (!isScreen || progress !== undefined) return new LineProgress(stderr, clock, progress);
  const { ProgressBar } = await import('./progress-bar.js');
  return new ProgressBar(stderr, clock, hasColour(terminal, stderr));
}

/** The keys of a progress line for programs, in their order. */
function progressFields(counts: RunningCounts, total: number | null, rate: RateMeter): object {
  const { accepted, rejected, unsent, unknown, invalid, duplicate = 0 } = counts;
  const done = doneOf(counts) + duplicate;
  const perSecond = Math.round(rate.perSecond());
  return { done, total, accepted, rejected, unsent, unknown, invalid, duplicate, perSecond };
}

/** Tells when the next line is due. */
class Interval {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #nextMs: number;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#nextMs = clock.now() + intervalMs;
  }

  isDue(): boolean {
    const now = this.#clock.now();
    if (now < this.#nextMs) return false;
    this.#nextMs = now + this.#intervalMs;
    return true;
  }
}

/** One line now and then on `output`: done, total, counts, rate. */
class JsonProgress implements ProgressDisplay {
  readonly #output: Writable;
  readonly #clock: Clock;
  readonly #rate = new RateMeter();
  readonly #interval: Interval;

  constructor(output: Writable, clock: Clock, intervalMs = 1000) {
    this.#output = output;
    this.#clock = clock;
    this.#interval = new Interval(clock, intervalMs);
  }

  update(counts: RunningCounts, total: number | null): void {
    this.#rate.note(this.#clock.now(), sentOf(counts));
    if (!this.#interval.isDue()) return;
    writeJsonLine(this.#output, { messageType: 'progress', ...progressFields(counts, total, this.#rate) });
  }

  interrupted(print: () => void): void {
    print();
  }

  above(print: () => void): void {
    print();
  }

  hide(): void {}

  show(): void {}

  stop(): void {}
}

/** Lines of a log, with the counts as fields. */
class LogProgress implements ProgressDisplay {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #rate = new RateMeter();
  readonly #interval: Interval;

  constructor(logger: Logger, clock: Clock, intervalMs = 10_000) {
    this.#logger = logger;
    this.#clock = clock;
    this.#interval = new Interval(clock, intervalMs);
  }

  update(counts: RunningCounts, total: number | null): void {
    this.#rate.note(this.#clock.now(), sentOf(counts));
    if (this.#interval.isDue()) this.#logger.info(progressFields(counts, total, this.#rate), 'progress');
  }

  interrupted(print: () => void): void {
    print();
  }

  above(print: () => void): void {
    print();
  }

  hide(): void {}

  show(): void {}

  stop(): void {}
}

/** Plain lines for people who read a log. A line is never overwritten. */
class LineProgress implements ProgressDisplay {
  readonly #output: Terminal['stderr'];
  readonly #clock: Clock;
  readonly #rate = new RateMeter();
  readonly #interval: Interval;

  constructor(output: Terminal['stderr'], clock: Clock, intervalMs = 10_000) {
    this.#output = output;
    this.#clock = clock;
    this.#interval = new Interval(clock, intervalMs);
  }

  update(counts: RunningCounts, total: number | null): void {
    this.#rate.note(this.#clock.now(), sentOf(counts));
    if (this.#interval.isDue()) this.#output.write(`${progressLine(counts, total, this.#rate)}\n`);
  }

  interrupted(print: () => void): void {
    // The terminal shows ^C at the cursor.
    if (this.#output.isTTY === true) this.#output.write('\n');
    print();
  }

  above(print: () => void): void {
    print();
  }

  hide(): void {}

  show(): void {}

  stop(): void {}
}

/** `peal: 52 %, 520,000 of 1,000,000, 41,200/s now, 39,800/s mean, 0:12 left, rejected 12` */
function progressLine(counts: RunningCounts, total: number | null, rate: RateMeter): string {
  const passed = passedOf(counts);
  const { rejected, unknown, unsent, invalid, duplicate = 0, held = 0 } = counts;
  const secondsLeft =
    total === null || unsent > 0 || counts.isPaused === true ? null : rate.secondsLeft(total - duplicate);
  const unwelcome = Object.entries({ rejected, unknown, unsent, invalid, duplicate, held }).filter(
    ([, count]) => count > 0,
  );
  const figures = [
    ...(total === null || total === 0 ? [] : [`${wholePercent(passed, total)} %`]),
    total === null ? integer(passed) : `${integer(passed)} of ${integer(total)}`,
    counts.isPaused === true ? 'paused' : `${integer(rate.perSecond())}/s now`,
    `${integer(rate.mean())}/s mean`,
    ...(secondsLeft === null ? [] : [`${minutesAndSeconds(secondsLeft)} left`]),
    ...unwelcome.map(([name, count]) => `${name} ${integer(count)}`),
  ];
  return `peal: ${figures.join(', ')}`;
}
