/**
 * Lines on a terminal that are drawn again in the same place. Owned by `peal status --watch`; main thread.
 */
import { stripVTControlCharacters } from 'node:util';
import type { Terminal } from './terminal.js';

type Screen = Terminal['stdout'] & { readonly rows?: number };

const [hideCursor, showCursor, clearBelow] = ['\u001b[?25l', '\u001b[?25h', '\u001b[J'];

export class LiveBlock implements Disposable {
  readonly #screen: Screen;
  #lines = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
    screen.write(hideCursor);
  }

  /** @param linesOf gives the lines for a terminal of this size, and may give more than fit */
  draw(linesOf: (columns: number, rows: number) => readonly string[]): void {
    const { columns = 80, rows = 24 } = this.#screen;
    const most = Math.max(1, rows - 1);
    // What does not fit would scroll, and stay behind.
    const lines = linesOf(columns, most)
      .slice(0, most)
      .map((line) => fitting(line, columns - 1));
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
}

/** A line that is too long loses its colours with its end. */
function fitting(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}
