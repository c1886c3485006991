/**
 * A campaign that is drawn again and again on a terminal, under a bar. Owned by `peal status --watch`, on the main
 * thread. Loads the progress bar, so it is made only for a terminal.
 */
import type { CampaignView } from '../../campaign/view/campaign-view.js';
import type { barLine as BarLine } from '../send/progress-bar.js';
import { LiveBlock } from '../shared/live-block.js';
import type { Terminal } from '../shared/terminal.js';
import { type Pace, statusLines } from './status-text.js';

export class LiveStatus implements Disposable {
  readonly #block: LiveBlock;
  readonly #colour: boolean;
  readonly #barLine: typeof BarLine;

  private constructor(screen: Terminal['stdout'], colour: boolean, barLine: typeof BarLine) {
    this.#block = new LiveBlock(screen);
    this.#colour = colour;
    this.#barLine = barLine;
  }

  static async open(screen: Terminal['stdout'], colour: boolean): Promise<LiveStatus> {
    const { barLine } = await import('../send/progress-bar.js');
    return new LiveStatus(screen, colour, barLine);
  }

  draw(view: CampaignView, pace: Pace): void {
    this.#block.draw((columns) => {
      const bar = this.#bar(view, pace, columns - 2);
      return statusLines(view, pace, { columns, colour: this.#colour, bar, isBrief: true });
    });
  }

  /** Removes the lines, for what is written in their place. */
  clear(): void {
    this.#block.clear();
  }

  [Symbol.dispose](): void {
    this.#block[Symbol.dispose]();
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
