import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { systemClock } from '../../../src/base/clock.js';
import { barLine, countsLine, ProgressBar, type Shown } from '../../../src/cli/send/progress-bar.js';

const counts = { accepted: 519_988, rejected: 12, unsent: 0, unknown: 0, invalid: 0 };
const shown: Shown = { state: 'sending', counts, total: 1_000_000, perSecond: 410_221, secondsLeft: 1.2 };

const esc = String.fromCharCode(27);
/** An escape sequence, a line end, or text. */
const pieces = new RegExp(`${esc}\\[\\??\\d*[A-Za-z]|\\n|[^${esc}\\n]+`, 'g');
const sequence = new RegExp(`^${esc}\\[(\\??\\d*)([A-Za-z])$`);

describe('progress bar', () => {
  it('shows done and total, share, rate and time left', () => {
    assert.equal(
      barLine(shown, 100, false),
      'sending  ━━━━━━━━━━━━━━━━━───────────────   52 %  520,000 of 1,000,000  410,221/s now  0:02 left',
    );
  });

  it('shows accepted, rejected and unknown always, unsent and invalid once there are any', () => {
    assert.equal(countsLine(shown, 80, false), '         accepted 519,988  rejected 12  unknown 0');
    const more = { ...shown, counts: { ...counts, unsent: 3, invalid: 1 } };
    assert.match(countsLine(more, 100, false), /unknown 0 {2}unsent 3 {2}invalid 1$/);
  });

  it('counts duplicates as done, and shows how many there are', () => {
    for (const [duplicate, share] of [
      [20_000, /54 % {2}540,000 of 1,000,000 /],
      [480_000, /100 % {2}1,000,000 of 1,000,000 /],
    ] as const) {
      const more = { ...shown, counts: { ...counts, duplicate } };
      assert.match(barLine(more, 100, false), share);
      assert.ok(countsLine(more, 100, false).endsWith(`unknown 0  duplicate ${duplicate / 1000},000`));
    }
  });

  it('shows no share and no time left where the total is not known', () => {
    const line = barLine({ ...shown, total: null, secondsLeft: null }, 80, false);
    assert.equal(line, 'sending  520,000  410,221/s now');
  });

  for (const columns of [20, 40, 60, 80, 200]) {
    it(`fits into ${columns} columns`, () => {
      assert.ok([...barLine(shown, columns, false)].length < columns);
      assert.ok([...countsLine(shown, columns, false)].length < columns);
    });
  }

  it('never claims more than all', () => {
    const line = barLine({ ...shown, total: 500_000, secondsLeft: 0 }, 100, false);
    assert.match(line, /100 %/);
  });

  it('does not count what is unsent as done', () => {
    const stopped = { ...shown, counts: { ...counts, unsent: 480_000 }, perSecond: null, secondsLeft: null };
    const line = barLine({ ...stopped, state: 'stopped' }, 100, false);
    assert.equal(line, 'stopped  ━━━━━━━━━━━━━━━━━───────────────   52 %  520,000 of 1,000,000');
  });

  it('is neither full nor at 100 % as long as one is missing', () => {
    const almost = { ...shown, counts: { ...counts, accepted: 999_987 }, secondsLeft: 1 };
    assert.match(barLine(almost, 100, false), /━─ {3}99 % {2}999,999 of 1,000,000/);
  });

  it('claims no share of a list that was not read to its end', () => {
    const cut = { ...shown, state: 'stopped', total: 520_000, perSecond: null, secondsLeft: null } as const;
    assert.equal(barLine(cut, 100, false), 'stopped  520,000');
  });

  /** What is on the screen, told from what was written to it. */
  class Screen extends Writable {
    readonly isTTY = true;
    readonly columns = 80;
    readonly lines: string[] = [''];
    #row = 0;
    #column = 0;

    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      for (const [piece] of chunk.toString().matchAll(pieces)) this.#take(piece);
      done();
    }

    #take(piece: string): void {
      const [, argument, command] = sequence.exec(piece) ?? [];
      const line = this.lines[this.#row]!;
      if (command === undefined && piece !== '\n') {
        this.lines[this.#row] =
          line.slice(0, this.#column).padEnd(this.#column) + piece + line.slice(this.#column + piece.length);
        this.#column += piece.length;
      } else if (piece === '\n') {
        this.#row++;
        this.#column = 0;
        if (this.lines.length === this.#row) this.lines.push('');
      } else if (command === 'A') this.#row -= Number(argument);
      else if (command === 'G') this.#column = Number(argument) - 1;
      else if (command === 'J') {
        this.lines[this.#row] = line.slice(0, this.#column);
        this.lines.length = this.#row + 1;
      } else if (command === 'K') this.lines[this.#row] = argument === '2' ? '' : line.slice(0, this.#column);
      else assert.ok(['h', 'l'].includes(command!), `the screen does not know ${JSON.stringify(piece)}`);
    }
  }

  it('makes room for a sentence, leaves nothing of itself behind, and ends with what was sent', async () => {
    const screen = new Screen();
    const bar = new ProgressBar(screen, systemClock, false);
    bar.update({ ...counts, accepted: 100, rejected: 0 }, 1000);
    // It is drawn ten times a second.
    while (screen.lines.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const first = screen.lines[0]!;
    // As a terminal shows Ctrl-C.
    screen.write('^C');
    bar.interrupted(() => screen.write('peal: stopping\n'));
    bar.update({ ...counts, accepted: 200, rejected: 0, unsent: 800 }, 1000);
    bar.stop();
    bar.stop();
    assert.deepEqual(screen.lines, [
      'peal: stopping',
      `stopped  ${'━'.repeat(6)}${'─'.repeat(26)}   20 %  200 of 1,000`,
      '         accepted 200  rejected 0  unknown 0  unsent 800',
      '',
    ]);
    assert.match(first, /^sending {2}━+─+ {3}10 % {2}100 of 1,000 {2}[\d,]+\/s now$/);
  });
});
