/**
 * The live display on a terminal: one line with bar, share, rate and time left, one with the outcomes so far. Unsent
 * recipients never count as done. Owned by the send command, on the main thread. Loads cli-progress, so it is imported
 * only where it is shown.
 *
 *   sending  ━━━━━━━━━━━━━━────────────  52 %  52,000 of 100,000  41,200/s now  0:02 left
 *            accepted 51,930  rejected 70  unknown 0
 */
import cliProgress from 'cli-progress';
import { createColors } from 'picocolors';
import type { Clock } from '../../base/clock.js';
import { integer, minutesAndSeconds, wholePercent } from '../../base/text.js';
import { passedOf, type RunningCounts, sentOf } from './counts.js';
import { RateMeter } from './rate-meter.js';

const longestBar = 32;
/** The beginnings of the first line. The second line is indented by the same width. */
const labels = {
  sending: 'sending  ',
  paused: 'paused   ',
  stopping: 'stopping ',
  stopped: 'stopped  ',
  sent: 'sent     ',
} as const;
const labelWidth = labels.sending.length;

/** A terminal, or another stream with a known line width. */
interface Screen extends NodeJS.WritableStream {
  readonly columns?: number;
}

export interface Shown {
  readonly state: keyof typeof labels;
  readonly counts: RunningCounts;
  readonly total: number | null;
  /** The rate of the last seconds; null once the run has ended, because the summary has the mean. */
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
}

/** Implements ProgressDisplay; progress.ts checks that, because it loads this file only when it is needed. */
export class ProgressBar {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #colour: boolean;
  readonly #rate = new RateMeter();
  #bars: cliProgress.MultiBar | null = null;
  #isHidden = false;
  #lines: readonly cliProgress.SingleBar[] = [];
  #shown: Shown = { state: 'sending', counts: nothing, total: null, perSecond: 0, secondsLeft: null };

  constructor(screen: Screen, clock: Clock, colour: boolean) {
    this.#screen = screen;
    this.#clock = clock;
    this.#colour = colour;
    this.#open();
  }

  update(counts: RunningCounts, total: number | null): void {
    this.#rate.note(this.#clock.now(), sentOf(counts));
    const isGoingOn = this.#shown.state === 'sending' || this.#shown.state === 'paused';
    const state = isGoingOn ? (counts.isPaused === true ? 'paused' : 'sending') : this.#shown.state;
    const toSend = total === null ? null : total - (counts.duplicate ?? 0);
    const secondsLeft = toSend === null || state !== 'sending' ? null : this.#rate.secondsLeft(toSend);
    this.#shown = { state, counts, total, perSecond: this.#rate.perSecond(), secondsLeft };
    for (const line of this.#lines) line.update(0);
  }

  /** The display leaves its lines, with the terminal's echo of Ctrl-C, and continues below. */
  interrupted(print: () => void): void {
    this.#shown = { ...this.#shown, state: 'stopping', secondsLeft: null };
    this.above(print);
  }

  above(print: () => void): void {
    if (this.#bars === null) {
      print();
      return;
    }
    this.#close();
    print();
    this.#open();
  }

  hide(): void {
    this.#isHidden = this.#bars !== null;
    this.#close();
  }

  show(): void {
    if (this.#isHidden) this.#open();
    this.#isHidden = false;
  }

  /** The last state stays on the screen. It is written here, because cli-progress would cut it (see linewrap). */
  stop(): void {
    if (this.#bars === null && !this.#isHidden) return;
    this.#isHidden = false;
    this.#close();
    const { state, counts, total } = this.#shown;
    const isAll =
      (state === 'sending' || state === 'paused') &&
      counts.unsent === 0 &&
      (total === null || passedOf(counts) >= total);
    this.#shown = { ...this.#shown, state: isAll ? 'sent' : 'stopped', perSecond: null, secondsLeft: null };
    this.#screen.write(`${this.#text(this.#shown).join('\n')}\n`);
  }

  #open(): void {
    const bars = new cliProgress.MultiBar({
      stream: this.#screen,
      hideCursor: true,
      // Otherwise lines are cut as if colours took room. Ours are cut to the screen here.
      linewrap: false,
      fps: 10,
      gracefulExit: false,
      clearOnComplete: true,
    });
    this.#bars = bars;
    this.#lines = [0, 1].map((line) =>
      bars.create(1, 0, this.#shown, { format: () => this.#text(this.#shown)[line]! }),
    );
  }

  /** Restores the screen, with the cursor where the display began. */
  #close(): void {
    this.#bars?.stop();
    this.#bars = null;
    this.#lines = [];
  }

  #text(shown: Shown): readonly string[] {
    const columns = this.#screen.columns ?? 80;
    return [barLine(shown, columns, this.#colour), countsLine(shown, columns, this.#colour)];
  }
}

const nothing: RunningCounts = { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };

/** The first line. The bar gets the room that the figures leave, and is left out if that is too little. */
export function barLine(shown: Shown, columns: number, colour: boolean): string {
  const { state, counts, perSecond, secondsLeft } = shown;
  const label = labels[state];
  const passed = passedOf(counts);
  // For a stopped run it is not known whether its list ends where the reading did.
  const isCut = (state === 'stopping' || state === 'stopped') && passed >= (shown.total ?? 0);
  const total = isCut ? null : shown.total;
  const share = total === null || total === 0 ? null : Math.min(1, passed / total);
  const figures = [
    share === null ? '' : `${String(wholePercent(passed, total!)).padStart(3)} %`,
    total === null ? integer(passed) : `${integer(passed)} of ${integer(total)}`,
    perSecond === null ? '' : `${integer(perSecond)}/s now`,
    secondsLeft === null ? '' : `${minutesAndSeconds(secondsLeft)} left`,
  ]
    .filter((figure) => figure !== '')
    .join('  ');
  const room = Math.min(longestBar, columns - labelWidth - figures.length - 3);
  if (share === null || room < 5) return `${label}${figures}`.slice(0, columns - 1);
  // Full only when everything is done.
  const filled = share === 1 ? room : Math.min(room - 1, Math.round(room * share));
  const { green, dim } = createColors(colour);
  return `${label}${green('━'.repeat(filled))}${dim('─'.repeat(room - filled))}  ${figures}`;
}

/** The second line: outcomes. Unwelcome ones are coloured once there are any. */
export function countsLine({ counts }: Shown, columns: number, colour: boolean): string {
  const { red, yellow } = createColors(colour);
  const plain = (text: string): string => text;
  const parts: [text: string, paint: (text: string) => string][] = [
    [`accepted ${integer(counts.accepted)}`, plain],
    [`rejected ${integer(counts.rejected)}`, counts.rejected > 0 ? red : plain],
    [`unknown ${integer(counts.unknown)}`, counts.unknown > 0 ? yellow : plain],
  ];
  if (counts.unsent > 0) parts.push([`unsent ${integer(counts.unsent)}`, yellow]);
  if (counts.invalid > 0) parts.push([`invalid ${integer(counts.invalid)}`, yellow]);
  const { duplicate = 0, held = 0 } = counts;
  if (held > 0) parts.push([`held ${integer(held)}`, plain]);
  if (duplicate > 0) parts.push([`duplicate ${integer(duplicate)}`, plain]);
  let room = columns - 1 - labelWidth;
  const kept = parts.filter(([text]) => {
    room -= text.length + 2;
    return room >= 0;
  });
  return ' '.repeat(labelWidth) + kept.map(([text, paint]) => paint(text)).join('  ');
}
