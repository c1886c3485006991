/**
 * The live display on a terminal: one line with bar, share, rate and time left, one with the outcomes so far.
 * Owned by the send command, on the main thread. Loads cli-progress, so it is imported only where it is shown.
 *
 *   sending  ━━━━━━━━━━━━━━────────────  52 %  52,000 of 100,000  41,200/s  0:02 left
 *            accepted 51,930  rejected 70  unknown 0
 */
import cliProgress from 'cli-progress';
import { createColors } from 'picocolors';
import type { Clock } from '../base/clock.js';
import { type Counts, doneOf } from './counts.js';
import { duration, integer } from './numbers.js';
import type { Progress } from './progress.js';
import { RateMeter } from './rate-meter.js';

const longestBar = 32;
const label = 'sending  ';

/** A terminal, or whatever else takes lines of a known width. */
export interface Screen extends NodeJS.WritableStream {
  readonly columns?: number;
}

interface Shown {
  readonly counts: Counts;
  readonly total: number | null;
  readonly perSecond: number;
  readonly secondsLeft: number | null;
}

export class ProgressBar implements Progress {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #colour: boolean;
  readonly #rate = new RateMeter();
  readonly #bars: cliProgress.MultiBar;
  readonly #lines: readonly cliProgress.SingleBar[];
  #shown: Shown = { counts: nothing, total: null, perSecond: 0, secondsLeft: null };

  constructor(screen: Screen, clock: Clock, colour: boolean) {
    this.#screen = screen;
    this.#clock = clock;
    this.#colour = colour;
    this.#bars = new cliProgress.MultiBar({
      stream: screen,
      hideCursor: true,
      // Otherwise lines are cut as if colours took room; ours fit the screen by themselves.
      linewrap: false,
      fps: 10,
      gracefulExit: false,
      clearOnComplete: true,
    });
    this.#lines = [0, 1].map((line) =>
      this.#bars.create(1, 0, this.#shown, { format: () => this.#text(this.#shown)[line]! }),
    );
  }

  update(counts: Counts, total: number | null): void {
    this.#rate.note(this.#clock.now(), doneOf(counts));
    const secondsLeft = total === null ? null : this.#rate.secondsLeft(total);
    this.#shown = { counts, total, perSecond: this.#rate.perSecond(), secondsLeft };
    for (const line of this.#lines) line.update(0);
  }

  /** The last state stays on the screen; written here, because cli-progress would cut it (see linewrap). */
  stop(): void {
    this.#bars.stop();
    this.#screen.write(`${this.#text(this.#shown).join('\n')}\n`);
  }

  #text(shown: Shown): readonly string[] {
    const columns = this.#screen.columns ?? 80;
    return [barLine(shown, columns, this.#colour), countsLine(shown, columns, this.#colour)];
  }
}

const nothing: Counts = { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };

/** The first line. The bar takes the room that the figures leave, and goes where there is none. */
export function barLine({ counts, total, perSecond, secondsLeft }: Shown, columns: number, colour: boolean): string {
  const done = doneOf(counts);
  const share = total === null || total === 0 ? null : Math.min(1, done / total);
  const figures = [
    share === null ? '' : `${String(Math.floor(share * 100)).padStart(3)} %`,
    total === null ? integer(done) : `${integer(done)} of ${integer(total)}`,
    `${integer(perSecond)}/s`,
    secondsLeft === null ? '' : `${duration(secondsLeft)} left`,
  ]
    .filter((figure) => figure !== '')
    .join('  ');
  const room = Math.min(longestBar, columns - label.length - figures.length - 3);
  if (share === null || room < 5) return `${label}${figures}`.slice(0, columns - 1);
  const filled = Math.round(room * share);
  const { green, dim } = createColors(colour);
  return `${label}${green('━'.repeat(filled))}${dim('─'.repeat(room - filled))}  ${figures}`;
}

/** The second line: outcomes, of which the unwelcome ones show colour once there are any. */
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
  let room = columns - 1 - label.length;
  const kept = parts.filter(([text]) => {
    room -= text.length + 2;
    return room >= 0;
  });
  return ' '.repeat(label.length) + kept.map(([text, paint]) => paint(text)).join('  ');
}
