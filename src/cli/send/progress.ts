/**
 * The progress display of a run: a live bar on a terminal, a plain line now and then elsewhere, JSON lines for
 * programs, or nothing. Owned by the send command, on the main thread; gets the counts a few times a second.
 */
import type { Clock } from '../../base/clock.js';
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

/** Without an option: for programs, which may show a bar of their own, and for the readers of a log. */
const jsonIntervalMs = 1000;
const lineIntervalMs = 10_000;

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
  const { stdout, stderr, log } = terminal;
  if (json === true) {
    return new SpokenProgress(clock, progress ?? jsonIntervalMs, (...counts) =>
      writeJsonLine(stdout, { messageType: 'progress', ...progressFields(...counts) }),
    );
  }
  const intervalMs = progress ?? lineIntervalMs;
  if (log?.isJson === true) {
    return new SpokenProgress(clock, intervalMs, (...counts) => log.logger.info(progressFields(...counts), 'progress'));
  }
  const isScreen = stderr.isTTY === true && terminal.env.TERM !== 'dumb';
  if (!isScreen || progress !== undefined) return new LineProgress(stderr, clock, intervalMs);
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

/** Says where the counts are now and then, and takes nothing from the screen. */
class SpokenProgress implements ProgressDisplay {
  readonly #say: (counts: RunningCounts, total: number | null, rate: RateMeter) => void;
  readonly #clock: Clock;
  readonly #rate = new RateMeter();
  readonly #interval: Interval;

  constructor(
    clock: Clock,
    intervalMs: number,
    say: (counts: RunningCounts, total: number | null, rate: RateMeter) => void,
  ) {
    this.#say = say;
    this.#clock = clock;
    this.#interval = new Interval(clock, intervalMs);
  }

  update(counts: RunningCounts, total: number | null): void {
    this.#rate.note(this.#clock.now(), sentOf(counts));
    if (this.#interval.isDue()) this.#say(counts, total, this.#rate);
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
class LineProgress extends SpokenProgress {
  readonly #output: Terminal['stderr'];

  constructor(output: Terminal['stderr'], clock: Clock, intervalMs: number) {
    super(clock, intervalMs, (...progress) => output.write(`${progressLine(...progress)}\n`));
    this.#output = output;
  }

  override interrupted(print: () => void): void {
    // The terminal shows ^C at the cursor.
    if (this.#output.isTTY === true) this.#output.write('\n');
    print();
  }
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
