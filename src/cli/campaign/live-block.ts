/**
 * Lines on a terminal that are drawn again in the same place. Owned by `peal status --watch`, on the main thread. Loads the
 * progress bar, so it is made only for a terminal.
 */
import { stripVTControlCharacters } from 'node:util';
import type { CampaignView } from '../../campaign/view/campaign-view.js';
import type { barLine as BarLine } from '../send/progress-bar.js';
import type { Terminal } from '../shared/terminal.js';
import { type Pace, statusLines } from './status-text.js';

type Screen = Terminal['stdout'] & { readonly rows?: number };

const [hideCursor, showCursor, clearBelow] = ['\u001b[?25l', '\u001b[?25h', '\u001b[J'];

export class LiveBlock implements Disposable {
  readonly #screen: Screen;
  readonly #colour: boolean;
  readonly #barLine: typeof BarLine;
  #lines = 0;

  private constructor(screen: Screen, colour: boolean, barLine: typeof BarLine) {
    this.#screen = screen;
    this.#colour = colour;
    this.#barLine = barLine;
    screen.write(hideCursor);
  }

  static async open(screen: Screen, colour: boolean): Promise<LiveBlock> {
    const { barLine } = await import('../send/progress-bar.js');
    return new LiveBlock(screen, colour, barLine);
  }

  draw(view: CampaignView, pace: Pace): void {
    const { columns = 80, rows = 24 } = this.#screen;
    const bar = this.#bar(view, pace, columns - 2);
    const all = statusLines(view, pace, { columns, colour: this.#colour, bar, isBrief: true });
    // What does not fit would scroll, and stay behind.
    const lines = all.slice(0, Math.max(1, rows - 1)).map((line) => fitting(line, columns - 1));
    this.#screen.write(`${this.#up()}${clearBelow}${lines.join('\n')}\n`);
    this.#lines = lines.length;
  }

  /** Removes the lines, for what is written in their place. */
  clear(): void {
    this.#screen.write(`${this.#up()}${clearBelow}`);
    this.#lines = 0;
  }

  /** Leaves the lines that were drawn last, and gives the cursor back. */
  [Symbol.dispose](): void {
    this.#screen.write(showCursor);
  }

  #up(): string {
    return this.#lines === 0 ? '' : `\u001b[${this.#lines}A\r`;
  }

  #bar({ summary }: CampaignView, { perSecond, secondsLeft }: Pace, columns: number): string {
    const { accepted, rejected, unknown, invalid } = summary;
    const counts = { accepted, rejected, unknown, invalid, unsent: 0 };
    const state = summary.state === 'running' ? 'sending' : 'stopped';
    const line = this.#barLine(
      { state, counts, total: summary.expected, perSecond, secondsLeft },
      columns,
      this.#colour,
    );
    // The state stands above.
    return line.slice(labelWidth);
  }
}

/** Of the beginning of the bar's line. */
const labelWidth = 'sending  '.length;

/** A line that is too long loses its colours with its end. */
function fitting(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}
