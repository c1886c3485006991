/**
 * Campaigns by `peal send`, as a user sees them: columns, personal messages, pace, bounds, canary, hours, files,
 * resuming.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import type { ReceivedRequest } from '../../../src/simulator/settings/options.js';
import { type CommandResult, jsonLines, runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, linesOf, randomTokens } from '../fixture.js';

const requests: ReceivedRequest[] = [];
const gone = (count: number): string[] => Array.from({ length: count }, (_, at) => scriptedToken('Unregistered', at));

describe('a campaign by peal send', () => {
  let fixture: Fixture;
  let out = 0;
  before(async () => {
    fixture = await Fixture.open({ onRequest: (request) => requests.push(request) });
  });
  beforeEach(() => {
    fixture.simulator.ledger.reset();
    requests.length = 0;
    out += 1;
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const folder = (): string => `run-${out}`;
  const args = (tokens: string, ...more: string[]): string[] =>
    fixture.send(tokens, { without: ['--out', '--force'], with: ['--out', fixture.path(folder()), ...more] });
  /** The same without an alert. */
  const saying = (tokens: string, ...more: string[]): string[] =>
    fixture.send(tokens, {
      without: ['--out', '--force', '--alert'],
      with: ['--out', fixture.path(folder()), ...more],
    });
  const summaryOf = ({ stdout }: CommandResult) => jsonLines(stdout).at(-1)! as Record<string, number & string>;
  const payloadOf = (token: string) => JSON.parse(requests.find((request) => request.token === token)!.payload);
  const list = (tokens: readonly string[], name = 'tokens.txt'): Promise<string> =>
    fixture.write(name, tokens.join('\n'));

  describe('reads tables', () => {
    it('and says to each what is meant for him, with fields of his own', async () => {
      const [ann, bob, eve, non] = randomTokens(4) as [string, string, string, string];
      const id = '01234567-89ab-4def-8123-456789abcdef';
      const users = await fixture.write(
        'users.csv',
        `user,token,name,unread,lang,id\n1,${ann},"Ann ""A""",3,en,${id}\n2,${bob},,,de,${id.replace('0', '1')}\n` +
          `3,${eve},Eve,7,en,${id.replace('0', '2')}\n4,${non},Non,many,en,${id.replace('0', '3')}\n`,
      );
      const german = await fixture.write('de.json', '{"aps":{"alert":"Hallo {{name|du}}"}}');
      const result = await runCommand(
        saying(
          ...[users, '--alert', 'Hi {{name|there}}', '--badge', '{{unread|0}}', '--collapse-id', 'user-{{user}}'],
          ...['--priority', '{{prio|5}}', '--apns-id', '{{id}}', '--variant', `de=${german}`],
          ...['--variant-column', 'lang', '--json'],
        ),
      );
      assert.match(result.stderr, /No list has the column "prio" that the message names: the lists have the columns/);
      assert.equal(result.code, 2);
      const sent = await runCommand(
        saying(
          ...[users, '--alert', 'Hi {{name|there}}', '--badge', '{{unread|0}}', '--collapse-id', 'user-{{user}}'],
          ...['--apns-id', '{{id}}', '--variant', `de=${german}`, '--variant-column', 'lang', '--json'],
        ),
      );
      assert.equal(sent.code, 3, sent.stderr);
      assert.deepEqual([summaryOf(sent).accepted, summaryOf(sent).invalid], [3, 1]);
      assert.deepEqual(payloadOf(ann), { aps: { alert: 'Hi Ann "A"', badge: 3 } });
      assert.deepEqual(payloadOf(bob), { aps: { alert: 'Hallo du' } });
      const { headers } = requests.find(({ token }) => token === ann)!;
      assert.equal(headers['apns-collapse-id'], 'user-1');
      assert.equal(headers['apns-id']?.toLowerCase(), id);
      assert.match(await fixture.output('invalid.csv', folder()), /^5,[^\n]*unread[^\n]*number/m);
    });

    it('with --literal says braces as they are', async () => {
      const [token] = randomTokens(1) as [string];
      const users = await fixture.write('users.csv', `token,name\n${token},Ann\n`);
      const { code } = await runCommand(saying(users, '--alert', 'Hi {{name}}', '--literal'));
      assert.equal(code, 0);
      assert.deepEqual(payloadOf(token), { aps: { alert: 'Hi {{name}}' } });
    });

    it('as they are described: format, column, delimiter, header; and patterns of files', async () => {
      const [one, two, three] = randomTokens(3) as [string, string, string];
      await fixture.write('part-1.txt', `${one};ab${two.slice(2)}\n`);
      await fixture.write('part-2.txt', `${two};ab${three.slice(2)}\n`);
      const described = ['--format', 'csv', '--token-column', '1', '--delimiter', ';', '--no-header'];
      const first = await runCommand(args(fixture.path('part-?.txt'), ...described, '--json'));
      assert.deepEqual([first.code, summaryOf(first).accepted], [0, 2], first.stderr);
      assert.deepEqual(requests.map(({ token }) => token).sort(), [one, two].sort());
      const json = await fixture.write('users.ndjson', `{"push":{"x":1},"device":"${three}"}\n`);
      out += 1;
      const second = await runCommand(args(json, '--token-column', 'device', '--dedupe-memory', '1MiB'));
      assert.equal(second.code, 0, second.stderr);
    });

    it('and keeps their columns in the files, as CSV and as NDJSON', async () => {
      const [token] = gone(1) as [string];
      const users = await fixture.write('users.csv', `id,token\n17,${token}\n18,${randomTokens(1)[0]}\n`);
      await runCommand(args(users, '--accepted'));
      assert.match(
        await fixture.output('gone.csv', folder()),
        new RegExp(`^token,reason,since,id\\n${token},.*,17\\n$`),
      );
      out += 1;
      await runCommand(args(users, '--output-format', 'ndjson'));
      const row = JSON.parse(await fixture.output('gone.ndjson', folder()));
      assert.deepEqual([row.token, row.reason, row.id], [token, 'Unregistered', '17']);
      assert.ok(!existsSync(fixture.path(`${folder()}/gone.csv`)));
    });
  });

  describe('is resumed', () => {
    it('by the same command: what was accepted is not sent again, and another message is refused', async () => {
      const tokens = await list([...gone(20), ...randomTokens(300)]);
      const stopped = await runCommand(args(tokens, '--json', '--max-failures', '0', '--rate', '200/s'));
      assert.equal(stopped.code, 7, stopped.stderr);
      const other = await runCommand(saying(tokens, '--alert', 'Another'));
      assert.equal(other.code, 2);
      assertOneSentence(other, /holds another campaign/, /--force/);
      const rest = await runCommand(args(tokens, '--json'));
      assert.equal(rest.code, 3, rest.stderr);
      assert.deepEqual([summaryOf(rest).accepted, summaryOf(rest).rejected], [300, 20]);
      assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
      assert.equal(linesOf(await fixture.output('gone.csv', folder())).length, 21);
      const again = await runCommand(args(tokens, '--json'));
      assert.equal(again.code, 3);
      assert.match(again.stderr, /is finished: nothing was left to send.*--force/);
      assert.equal(summaryOf(again).accepted, 300);
      assert.equal(fixture.simulator.ledger.summary().requests, 320);
      const anew = await runCommand(args(tokens, '--force', '--json'));
      assert.deepEqual([anew.code, summaryOf(anew).runs], [3, 1]);
      assert.equal(fixture.simulator.ledger.summary().requests, 640);
    });

    it('by peal resume, from any directory, with other bounds', async () => {
      const users = randomTokens(200);
      await list([...gone(5), ...users], 'mine.txt');
      const command = args('mine.txt', '--max-failures', '0', '--rate', '100/s', '--json');
      const begun = await runCommand(command, { cwd: fixture.folder });
      assert.equal(begun.code, 7, begun.stderr);
      const resumed = await runCommand(['resume', fixture.path(folder()), '--max-failures', '100', '--rate', 'off']);
      assert.equal(resumed.code, 3, resumed.stderr);
      const { accepted, duplicates } = fixture.simulator.ledger.summary();
      assert.deepEqual([accepted, duplicates], [200, 0]);
      // The report shows the settings of this run, and what the first command had instead.
      const report = (await fixture.output('report.html', folder()))
        .replaceAll(/<[^>]*>/g, ' ')
        .replaceAll(/\s+/g, ' ');
      for (const shown of [
        '--max-failures 100',
        '--max-failures (first command) 0',
        '--rate off',
        '--rate (first command) 100/s',
      ]) {
        assert.ok(report.includes(shown), shown);
      }
      assert.ok(!report.includes('--rate 100/s'));
      const finished = await runCommand(['resume', fixture.path(folder())]);
      assert.equal(finished.code, 3);
      assert.match(finished.stderr, /is finished: nothing was left to send/);
    });

    it('by peal resume with another canary, another end, and without waiting once more', async () => {
      const users = await list([...gone(10), ...randomTokens(300)]);
      const canary = ['--not-before', '3s', '--canary', '20', '--yes'];
      const begun = await runCommand(args(users, ...canary, '--rate', '500/s'));
      assert.equal(begun.code, 7, begun.stderr);
      assert.match(begun.stderr, /waits until .*--not-before/);
      const soon = new Date(Date.now() + 4000).toISOString();
      const bounded = ['--canary-share', '40', '--rate', '20/s', '--not-after', soon];
      const ended = await runCommand(['resume', fixture.path(folder()), ...bounded]);
      assert.equal(ended.code, 7, ended.stderr);
      assert.match(ended.stderr, /\(--not-after\)/);
      assert.doesNotMatch(ended.stderr, /waits until/);
      const rest = await runCommand(['resume', fixture.path(folder()), '--canary-share', '0', '--not-after', '1h']);
      assert.equal(rest.code, 3, rest.stderr);
      const { accepted, duplicates } = fixture.simulator.ledger.summary();
      assert.deepEqual([accepted, duplicates], [300, 0]);
    });

    it('not by peal resume where its list was standard input', async () => {
      const begun = await runCommand(args('-', '--stop-on', 'Unregistered', '--rate', '100/s'), {
        stdin: [...gone(1), ...randomTokens(200)].join('\n'),
      });
      assert.equal(begun.code, 7, begun.stderr);
      assert.match(begun.stderr, /go on with the same command and the same list; where it would stop/);
      const status = await runCommand(['status', fixture.path(folder())]);
      assert.match(status.stdout, /… \| peal send … --out /);
      assert.doesNotMatch(begun.stderr + status.stdout, /peal resume/);
      const resumed = await runCommand(['resume', fixture.path(folder())]);
      assert.equal(resumed.code, 2);
      assertOneSentence(resumed, /reads standard input, which cannot be read again: .*peal send … --out/);
    });
  });

  describe('stops at a bound with 7, says which, and keeps who is unsent', () => {
    const bounds: readonly (readonly [flags: string, sentence: RegExp])[] = [
      ['--max-failures 10', /recipients had failed when this was noticed, more than the 10 allowed \(--max-failures\)/],
      ['--max-error-rate 3', /more than the 3 % allowed \(--max-error-rate\)/],
      ['--stop-on BadTopic,Unregistered', /Unregistered was answered \(--stop-on\)/],
      ['--max-duration 1s --rate 100/s', /has taken 1s \(--max-duration\)/],
      ['--not-after 1s --rate 100/s', /\(--not-after\)/],
      ['--canary 100 --canary-share 90 --yes', /of the first 100 recipients were accepted, less than 90 %/],
    ];
    for (const [flags, sentence] of bounds) {
      it(flags, async () => {
        const all = [...gone(60), ...randomTokens(3000)];
        const mixed = all.map((_, at) => (at % 2 === 0 && at < 120 ? all[at / 2]! : ''));
        const rest = all.slice(60);
        const tokens = await list(mixed.map((token) => (token === '' ? rest.pop()! : token)).filter(Boolean));
        const result = await runCommand(args(tokens, '--json', ...flags.split(' ')));
        assert.equal(result.code, 7, result.stderr);
        assert.match(result.stderr, sentence);
        assert.ok(result.stderr.includes(`peal: go on with peal resume ${fixture.path(folder())}; `), result.stderr);
        const { stopped, unsent = 0, exitCode, state } = summaryOf(result);
        assert.deepEqual([stopped, exitCode, state], ['ERR_PEAL_BOUND', 7, 'stopped']);
        assert.ok(unsent > 0);
        assert.equal(linesOf(await fixture.output('unsent.txt', folder())).length, unsent);
      });
    }

    it('but not where nothing was left to send when the bound was noticed', async () => {
      const tokens = await list([...gone(10), ...randomTokens(190)]);
      const result = await runCommand(args(tokens, '--json', '--max-error-rate', '1'));
      assert.equal(result.code, 3, result.stderr);
      assertOneSentence(result, /stopped nothing: 5 % of the latest answers were rejections, .*\(--max-error-rate\)/);
      const { stopped, exitCode, state } = summaryOf(result);
      assert.deepEqual([stopped, exitCode, state], [null, 3, 'finished']);
    });

    it('goes on after a good canary, and needs --yes where there is no terminal', async () => {
      const tokens = await list(randomTokens(400));
      const refused = await runCommand(args(tokens, '--canary', '50'));
      assert.equal(refused.code, 2);
      assertOneSentence(refused, /there is no terminal: give --yes/);
      const { code, stderr } = await runCommand(args(tokens, '--canary', '50', '--yes'));
      assert.equal(code, 0, stderr);
      assert.match(stderr, /50 of the first 50 recipients were accepted: the campaign goes on/);
    });
  });

  it('keeps to its rate', async () => {
    const tokens = await list(randomTokens(400));
    const result = await runCommand(args(tokens, '--rate', '200/s', '--json'));
    const { seconds = 0, accepted } = summaryOf(result);
    assert.equal(accepted, 400);
    // Two at this rate. At one a minute it would take hours; how much longer than two is the machine's.
    assert.ok(seconds > 1.5 && seconds < 60, String(seconds));
  });

  it('waits for its time', async () => {
    const tokens = await list(randomTokens(5));
    const beganMs = Date.now();
    const { code, stderr } = await runCommand(args(tokens, '--not-before', '3s'));
    assert.equal(code, 0, stderr);
    assert.ok(requests.every(({ receivedMs }) => receivedMs >= beganMs + 2950));
    assert.match(stderr, /The campaign waits until .* \(--not-before\)/);
  });

  it('leaves recipients outside of their hours for a later run, unless they are to be waited for', async () => {
    const hour = (offset: number): string => String((new Date().getUTCHours() + offset + 24) % 24).padStart(2, '0');
    const [here, there] = randomTokens(2) as [string, string];
    const users = await fixture.write('users.csv', `token,tz\n${here},UTC\n${there},Etc/GMT-12\n`);
    const window = [`--local-window`, `${hour(-1)}:00-${hour(2)}:00`, '--timezone-column', 'tz'];
    const later = await runCommand(args(users, ...window, '--json'));
    assert.equal(later.code, 3, later.stderr);
    assert.deepEqual([summaryOf(later).accepted, summaryOf(later).unsent], [1, 1]);
    assert.match(later.stderr, /outside of their local hours \(--local-window\)/);
    assert.match(await fixture.output('unsent.csv', folder()), new RegExp(`^token,tz\\n${there},Etc/GMT-12\\n$`));
    out += 1;
    const held = await runCommand(args(users, ...window, '--outside-window', 'hold', '--json', '--not-after', '2s'));
    assert.equal(held.code, 7, held.stderr);
    assert.match(held.stderr, /1 recipient wait/);
  });

  describe('without sending (--dry-run)', () => {
    it('says how many there are, and writes nothing', async () => {
      const users = await fixture.write('users.csv', `token,name\n${randomTokens(1)[0]},Ann\nnone,Bob\n`);
      const { code, stdout, stderr } = await runCommand(saying(users, '--alert', 'Hi {{name}}', '--dry-run'));
      assert.equal(code, 3, stderr);
      assert.match(stdout, /recipients +2\b/);
      assert.match(stdout, /Nothing was sent/);
      assert.equal(requests.length, 0);
      assert.ok(!existsSync(fixture.path(folder())));
      const { stdout: json } = await runCommand(saying(users, '--alert', 'Hi {{name}}', '--dry-run', '--json'));
      const { messageType, recipients, invalid, toSend } = jsonLines(json)[0]!;
      assert.deepEqual([messageType, recipients, invalid, toSend], ['dry-run', 2, 1, 1]);
    });

    it('says what is wrong as a run does', async () => {
      const users = await fixture.write('users.csv', `token\n${randomTokens(1)[0]}\n`);
      const result = await runCommand(saying(users, '--alert', 'Hi {{name}}', '--dry-run'));
      assert.equal(result.code, 2);
      assertOneSentence(result, /No list has the column "name"/);
    });
  });

  it('keeps its command line and its settings without secrets, for its report', async () => {
    const tokens = await list(randomTokens(3));
    await runCommand(args(tokens));
    const report = await fixture.output('report.html', folder());
    for (const flag of ['--tokens', '--alert', '--topic']) assert.ok(report.includes(flag), flag);
    assert.ok(!report.includes('PRIVATE KEY'));
    assert.ok(readdirSync(fixture.path(folder())).includes('summary.json'));
  });
});
