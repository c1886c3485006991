/** The commands that show and steer a campaign, beside a process that holds its folder. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { viewCampaign } from '../../../src/campaign/view/campaign-view.js';
import { status } from '../../../src/cli/campaign/status.js';
import { resume } from '../../../src/cli/campaign/steer.js';
import { runCommand } from '../../support/command.js';
import { CampaignFolder } from './campaign-folder.js';

describe('peal status, report, rate, pause and resume', () => {
  let campaign: CampaignFolder;
  let folder: string;

  beforeEach(async () => {
    campaign = new CampaignFolder();
    folder = campaign.folder;
    await campaign.begin();
  });

  afterEach(() => campaign.remove());

  const finished = { state: 'finished', exitCode: 3, expected: 11 } as const;

  it('shows a campaign at work, within 80 columns', async () => {
    const { code, stdout, stderr } = await runCommand(['status', folder]);
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.split('\n');
    assert.deepEqual(lines.slice(0, 2), ['Weekend offers', '  running']);
    assert.match(lines[2]!, new RegExp(`^  process ${process.pid}, since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$`));
    assert.match(stdout, /^ {2}1 %, 11 of 1,000, 0\/s now, 3\/s mean$/m);
    assert.match(stdout, /^ {2}bounds: rate 500\/s, max-failures 500$/m);
    assert.match(stdout, /^ {2}read so far 11\n {2}accepted {5}7 {4}63\.64 %\n {2}rejected {5}3/m);
    assert.match(stdout, /^ {4}2 {2}410 Unregistered\n {7}\S/m);
    assert.ok(!stdout.includes('com.example.app') && !stdout.includes('\u001b'));
    for (const line of lines) assert.ok(line.length <= 80, line);
  });

  it('prints the keys of summary.json in one line', async () => {
    const { code, stdout } = await runCommand(['status', folder, '--json']);
    assert.equal(code, 0);
    assert.match(stdout, /^[^\n]+\n$/);
    await runCommand(['report', folder]);
    const file = JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as object;
    const line = JSON.parse(stdout) as { state: string; accepted: number; pid: number };
    assert.deepEqual(Object.keys(line), [...Object.keys(file), 'pid']);
    assert.equal(line.pid, process.pid);
    assert.deepEqual([line.state, line.accepted], ['running', 7]);
  });

  it('says what to do with one that has ended, and with one that was killed', async () => {
    await campaign.end({ state: 'stopped', why: 'Too many were rejected.', stopped: 'ERR_PEAL_BOUND', exitCode: 7 });
    const stopped = await runCommand(['status', folder]);
    assert.match(stopped.stdout, /^ {2}stopped: Too many were rejected\.$/m);
    assert.match(stopped.stdout, new RegExp(`^ {7}peal resume ${folder}$`, 'm'));
    assert.equal(stopped.code, 0);
    const killed = new CampaignFolder();
    await killed.begin();
    await killed.end();
    const { stdout } = await runCommand(['status', killed.folder]);
    assert.match(stdout, /^ {2}stopped: Its process was killed/m);
    await killed.remove();
  });

  it('writes the report, readable by its owner only', async () => {
    const { code, stdout } = await runCommand(['report', folder]);
    const files = ['summary.json', 'report.html'].map((name) => path.join(folder, name));
    assert.deepEqual([code, stdout], [0, `${files.join('\n')}\n`]);
    for (const file of files) assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(readFileSync(files[1]!, 'utf8'), /Weekend offers/);
  });

  it('steers a campaign: another rate, a pause, and on', async () => {
    const fast = await runCommand(['rate', folder, '2000/s']);
    assert.deepEqual(
      [fast.code, fast.stdout],
      [0, `The campaign in ${folder} is sent at the rate 2000/s now (process ${process.pid}).\n`],
    );
    const off = await runCommand(['rate', folder, 'off']);
    assert.match(off.stdout, /is sent without a limit now/);
    const paused = await runCommand(['pause', folder]);
    assert.match(
      paused.stdout,
      new RegExp(`is paused \\(process \\d+\\)\\. It goes on with:\n {2}peal resume ${folder}\n`),
    );
    // The journal says a moment later than the run that it is paused, or that it goes on.
    const isShownAsPaused = async (): Promise<boolean> =>
      /^ {2}paused: peal pause was given\.$/m.test((await runCommand(['status', folder])).stdout);
    while (!(await isShownAsPaused())) await sleep(10);
    const more = await runCommand(['resume', folder, '--threads', '2']);
    assert.deepEqual([more.code, more.stdout], [2, '']);
    assert.match(more.stderr, /only --rate can be given/);
    const on = await runCommand(['resume', folder, '--rate', '700/s']);
    assert.match(on.stdout, /goes on \(process \d+\)\.\n$/);
    while (await isShownAsPaused()) await sleep(10);
    const running = await runCommand(['resume', folder]);
    assert.match(running.stdout, /is running, and not paused/);
    assert.equal(running.code, 0);
    assert.deepEqual(campaign.commands, [
      { rate: '2000/s' },
      { rate: 'off' },
      { pause: true },
      { rate: '700/s' },
      { resume: true },
      // Also where the journal does not say that it is paused: it may be late.
      { resume: true },
    ]);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('control')),
      [],
    );
  });

  it('says what to do where no process is at work', async () => {
    await campaign.end();
    for (const args of [
      ['pause', folder],
      ['rate', folder, '5/s'],
    ]) {
      const { code, stdout, stderr } = await runCommand(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, new RegExp(`^peal: No process is at work on the campaign in \\S+: peal resume ${folder} `));
    }
  });

  it('does not steer one that is finished', async () => {
    await campaign.end(finished);
    const { code, stderr } = await runCommand(['pause', folder]);
    assert.equal(code, 2);
    assert.match(stderr, /is finished: peal status \S+ shows it\.\n$/);
  });

  it('hands one that no process runs to what goes on with it', async () => {
    await campaign.end();
    const given: unknown[] = [];
    const code = await resume(folder, { rate: '5/s' }, terminal().terminal, async (dir, view, flags) => {
      given.push(dir, view.summary.state, flags);
      return 3;
    });
    assert.deepEqual([code, given], [3, [folder, 'stopped', { rate: '5/s' }]]);
  });

  it('refuses what is empty, unknown or no campaign', async () => {
    const nothing = mkdtempSync(path.join(tmpdir(), 'peal-none-'));
    for (const [args, code, pattern] of [
      [['status'], 2, /give the directory of a campaign, or --cluster/],
      [['status', folder, '--cluster'], 2, /give one of the two/],
      [['status', folder, '--redis', 'redis://localhost'], 2, /--redis needs --cluster/],
      [['status', '--cluster', '--redis', 'redis://me:secret@localhost'], 2, /set PEAL_REDIS to a URL with a password/],
      [['status', '--cluster', '--json', '--watch', '--redis', 'redis://localhost'], 2, /give one/],
      [['status', ''], 2, /It is empty: check that the shell variable is set/],
      [['status', folder, '--all'], 2, /unknown option '--all'/],
      [['status', folder, 'more'], 2, /too many arguments/],
      [['status', folder, '--watch', '--json'], 2, /give one/],
      [['rate', folder, 'fast'], 2, /not a rate/i],
      [['rate', folder, ''], 2, /rate/],
      [['pause', folder, '--json'], 2, /unknown option '--json'/],
      [['resume', folder, '--alert', 'Hi'], 2, /unknown option '--alert'/],
      [['resume', folder, '--rate', ''], 2, /It is empty/],
      [['report', nothing], 6, /holds no journal of a campaign/],
      [['pause', nothing], 6, /holds no journal of a campaign/],
      [['status', path.join(nothing, 'none')], 6, /holds no journal of a campaign/],
      // As a directory of another user, which root cannot meet.
      [['status', path.join(nothing, 'n'.repeat(300))], 6, /n cannot be opened: its name is too long\.$/m],
    ] as const) {
      const result = await runCommand(args);
      assert.match(result.stderr, pattern);
      assert.deepEqual([result.code, result.stdout], [code, ''], args.join(' '));
    }
    rmSync(nothing, { recursive: true });
  });

  describe('--watch', () => {
    it('prints a block now and then where the output is no terminal, and ends with the campaign', async () => {
      const { terminal: output, text } = terminal();
      const watching = status(folder, { watch: true }, output, { blockMs: 50 });
      while (text().split('Weekend offers').length < 3) await sleep(20);
      await campaign.end(finished);
      assert.equal(await watching, 0);
      assert.match(text(), / {2}running\n[\s\S]* {2}finished\n/);
      assert.ok(!text().includes('\u001b'));
    });

    it('draws in one place on a terminal, and leaves the end of the campaign and the cursor', async () => {
      const { terminal: output, text } = terminal({ isTTY: true, columns: 60, rows: 12 });
      const watching = status(folder, { watch: true }, output, { lookMs: 30 });
      while (text().split('\u001b[J').length < 4) await sleep(20);
      assert.ok(text().startsWith('\u001b[?25l\u001b[J'));
      assert.match(stripVTControlCharacters(text()), /^Weekend offers\n {2}running\n/);
      assert.match(text(), /━|─/);
      const [, first = ''] = text().split('\u001b[J');
      const lines = first.split('\n').slice(0, -1);
      assert.ok(lines.length <= 11);
      for (const line of lines) assert.ok(stripVTControlCharacters(line).length < 60, line);
      assert.ok(text().includes(`\u001b[${lines.length}A`));
      await campaign.end(finished);
      assert.equal(await watching, 0);
      assert.ok(text().includes('finished') && text().endsWith('\u001b[?25h'));
    });

    it('prints plain blocks on a dumb terminal', async () => {
      const { terminal: output, text } = terminal({ isTTY: true, columns: 80 }, { TERM: 'dumb' });
      const watching = status(folder, { watch: true }, output, { blockMs: 30 });
      await campaign.end(finished);
      await watching;
      assert.ok(!text().includes('\u001b'));
    });

    it('ends at Ctrl-C with its exit code, and disturbs nothing', async () => {
      const result = await runCommand(['status', folder, '--watch'], {
        whileRunning: async (child, output) => {
          while (!output().includes('duplicate')) await sleep(20);
          child.kill('SIGINT');
        },
      });
      assert.deepEqual([result.code, result.stderr], [130, '']);
      assert.equal((await viewCampaign(folder)).summary.state, 'running');
    });
  });
});

function terminal(screen: object = {}, env: Record<string, string> = {}) {
  const stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), screen);
  let text = '';
  stdout.on('data', (more: string) => {
    text += more;
  });
  const all = { stdin: Readable.from([]), stdout, stderr: new PassThrough(), env };
  return { terminal: all, text: () => text };
}
