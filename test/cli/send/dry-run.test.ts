/** `peal send --dry-run`, as a script and a person see it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { token } from '../../campaign/tables/read-table.js';
import { type CommandResult, runCommand } from '../../support/command.js';

describe('peal send --dry-run', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-dry-run-cli-'));
    const rows = Array.from({ length: 20 }, (_, index) => `${token(index)},${index % 10 === 9 ? '' : `n${index}`}\n`);
    writeFileSync(path.join(folder, 'users.csv'), `token,name\n${rows.join('')}`);
    writeFileSync(path.join(folder, 'none.txt'), 'nonsense\n');
  });

  after(() => rmSync(folder, { recursive: true }));

  /** The gateway cannot be found, so nothing can be sent. */
  const dry = (...args: string[]): Promise<CommandResult> =>
    runCommand(['send', '--dry-run', '--gateway', 'https://gateway.invalid', '--topic', 'com.example.app', ...args]);
  const users = (): string[] => ['--tokens', path.join(folder, 'users.csv')];

  it('prints what was found, and writes nothing', async () => {
    const out = path.join(folder, 'out');
    const { code, stdout, stderr } = await dry(
      ...users(),
      '--alert',
      'Hi {{name|there}}',
      '--rate',
      '10/s',
      '--out',
      out,
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^ {2}recipients {3}20\n {2}to send {6}20 {6}100 %\n/);
    assert.match(stdout, /time {9}0:02 at --rate 10\/s\n/);
    assert.match(stdout, /\{"aps":\{"alert":"Hi n0"\}\}\n/);
    assert.deepEqual(readdirSync(folder).sort(), ['none.txt', 'users.csv']);
  });

  it('prints one line of JSON, and ends with 3 where rows are invalid', async () => {
    const { code, stdout } = await dry(...users(), '--alert', 'Hi {{name}}', '--json');
    const { messageType, recipients, invalid, toSend, invalidKinds } = JSON.parse(stdout);
    assert.deepEqual(
      { code, messageType, recipients, invalid, toSend },
      {
        code: 3,
        messageType: 'dry-run',
        recipients: 20,
        invalid: 2,
        toSend: 18,
      },
    );
    assert.deepEqual([invalidKinds.length, invalidKinds[0].line, stdout.trim().split('\n').length], [1, 11, 1]);
  });

  it('ends with 6 where no recipient is valid', async () => {
    const { code, stdout } = await dry('--tokens', path.join(folder, 'none.txt'), '--alert', 'Hi');
    assert.equal(code, 6);
    assert.match(stdout, /line 1 of .*none\.txt/);
  });

  it('refuses what peal send refuses, in the words of the command line', async () => {
    const { code, stderr } = await dry(...users(), '--alert', 'Hi {{nam}}');
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^peal: No list has the column "nam" that the message names: the lists have the columns token, name/,
    );
    const hours = await dry(...users(), '--alert', 'Hi', '--local-window', '09:00-21:00', '--timezone-column', 'tz');
    assert.match(hours.stderr, /"tz" that --timezone-column names/);
  });
});
