/** What `peal send` prints at its end, on a terminal: no line that the terminal would break within a word. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { PealError } from '../../../src/base/errors.js';
import type { CampaignSummary } from '../../../src/campaign/report/summary.js';
import type { SendFlags } from '../../../src/cli/send/send-options.js';
import { printRun } from '../../../src/cli/send/send-report.js';
import { printError, printNote, type Terminal } from '../../../src/cli/shared/terminal.js';
import { emptyReport } from '../../campaign/report/report-fixtures.js';

/** A terminal with a width, or a file without one. */
function screen(columns?: number): { terminal: Terminal; out: () => string[]; err: () => string[] } {
  const written = ['', ''];
  const stream = (at: 0 | 1): Terminal['stdout'] => {
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        written[at] += String(chunk);
        done();
      },
    });
    return Object.assign(output, columns === undefined ? {} : { isTTY: true, columns });
  };
  const lines = (at: 0 | 1) => stripVTControlCharacters(written[at]!).trimEnd().split('\n');
  const terminal = { stdin: new PassThrough(), stdout: stream(0), stderr: stream(1), env: {} };
  return { terminal, out: () => lines(0), err: () => lines(1) };
}

const names = ['gone.csv', 'rejected.csv', 'unsent.csv', 'unknown.csv', 'invalid.csv', 'summary.json', 'report.html'];
const why =
  'The campaign was stopped by a bound: 7.4 % of the latest answers were rejections, more than the 5 % allowed.';
const bound = new PealError('ERR_PEAL_BOUND', why, { origin: 'usage' });
const summary: CampaignSummary = {
  ...emptyReport().summary,
  state: 'stopped',
  stopped: 'ERR_PEAL_BOUND',
  why,
  ...{
    recipients: 200_000,
    accepted: 1954,
    rejected: 150,
    unsent: 197_696,
    invalid: 200,
    seconds: 7.93,
    connections: 2,
  },
  invalidLines: { list: '/srv/exports/2026/users.csv', line: 1001, why: 'has no orders, and no default', shape: null },
  files: names.map((name) => ({ name, use: '', rows: 3 })),
  next: [{ text: 'Go on with it.', command: 'peal resume spring-2026' }],
};

describe('the end of peal send', () => {
  function printed(columns: number | undefined, folder = 'spring-2026', differs: Partial<CampaignSummary> = {}) {
    const shown = screen(columns);
    const report = { exitCode: 7, summary: { ...summary, ...differs }, problems: [bound], causes: [] } as const;
    printRun(shown.terminal, { tokens: ['users.csv'], out: folder } as unknown as SendFlags, report);
    return { out: shown.out(), err: shown.err() };
  }

  for (const columns of [60, 80, 120, 200]) {
    it(`fits a terminal of ${columns} columns, and breaks lines at blanks only`, () => {
      const { out, err } = printed(columns);
      for (const line of [...out, ...err]) assert.ok(line.length < Math.min(columns, 100), `${line.length}: ${line}`);
      const words = [...out, ...err].join(' ').split(/\s+/);
      for (const word of [...names.slice(0, 5).map((name) => `${name},`), '/srv/exports/2026/users.csv,', '1,001']) {
        assert.ok(words.includes(word) || words.includes(word.slice(0, -1)), `${word} in ${words.join(' ')}`);
      }
      // What follows a first line is indented below its text.
      for (const line of err) assert.match(line, /^(?:peal: | {6})\S/);
    });
  }

  it('names the files in lines that hang together, and what to do next', () => {
    const { out } = printed(80);
    const at = out.findIndex((line) => line.includes('gone.csv'));
    assert.deepEqual(out.slice(at), [
      '  gone.csv, rejected.csv, unsent.csv, unknown.csv, invalid.csv, summary.json',
      '    and report.html are in spring-2026',
      '  what to do next: peal status spring-2026',
    ]);
  });

  it('keeps each sentence on one line where programs read it', () => {
    const { out, err } = printed(undefined);
    assert.deepEqual(
      err.map((line) => line.slice(0, 20)),
      ['peal: 200 lines are ', 'peal: The campaign w', 'peal: go on with pea'],
    );
    assert.ok(out.some((line) => line.endsWith('summary.json and report.html are in spring-2026')));
    // Those of a cluster are in no thread of this process.
    assert.ok(out.some((line) => line.endsWith(' over 2 connections')));
    const untold = printed(undefined, 'spring-2026', { connections: 0 }).out;
    assert.ok(untold.some((line) => line.endsWith('a second (mean)')));
  });

  it('leaves a command in one piece, so that it can be copied', () => {
    const command = `awk -F, '$3=="InvalidProviderToken"{print $1}' spring/rejected.csv | peal send --tokens - …`;
    const [wide, file] = [screen(80), screen()];
    for (const { terminal } of [wide, file]) printNote(terminal, 'Once the cause is mended, send to them', command);
    assert.deepEqual(wide.err(), ['peal: Once the cause is mended, send to them:', `      ${command}`]);
    assert.deepEqual(file.err(), [`peal: Once the cause is mended, send to them: ${command}`]);
  });

  it('leaves the lines of a fault as they are', () => {
    const shown = screen(80);
    printError(shown.terminal, new Error('what nobody thought of'));
    assert.match(shown.err()[0]!, /^peal: this is a fault of peal: Error: what nobody thought of$/);
    assert.match(shown.err()[1]!, /^ {10}at /);
  });
});
