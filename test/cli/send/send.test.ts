/** `peal send` end to end: a process of its own against the simulator. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { Fixture, linesOf, randomTokens } from '../fixture.js';

/** The keys that scripts read, in their order. */
const summaryKeys = [
  ...['messageType', 'recipients', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'duplicate'],
  ...['invalidLines', 'unread', 'reasons', 'causes'],
  'resent',
  'seconds',
  ...['perSecond', 'connections', 'threads', 'stopped', 'exitCode'],
  ...['state', 'runs', 'latencyMs'],
];

/** Beside the files of outcomes. */
const ownNames = ['.peal-series.json', 'journal.lmdb', 'journal.lmdb-lock', 'report.html', 'summary.json'];

describe('peal send', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  it('sends to every token of a list and ends with 0', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(500).join('\n')}\n`);
    const { code, stdout, stderr } = await runCommand(fixture.send(tokens));
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /recipients {2,}500\b/);
    assert.match(stdout, /accepted {2,}500 +100 %/);
    assert.match(
      stdout,
      /^ {2}recipients.* a second \(mean\) over 1 connection.*in \S+\n$/s,
      'no stray lines off a terminal',
    );
    const { requests, accepted, duplicates } = fixture.simulator.ledger.summary();
    assert.deepEqual({ requests, accepted, duplicates }, { requests: 500, accepted: 500, duplicates: 0 });
  });

  it('says with --json what scripts rely on, and nothing else on standard output', async () => {
    const list = [...randomTokens(20), scriptedToken('Unregistered'), scriptedToken('BadDeviceToken'), 'no token'];
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const { code, stdout, stderr } = await runCommand(fixture.send(tokens, { with: ['--json'] }));
    const summary = jsonLines(stdout).at(-1)!;
    assert.deepEqual(Object.keys(summary), summaryKeys);
    assert.equal(summary.messageType, 'summary');
    assert.equal(summary.recipients, 23);
    assert.equal(summary.accepted, 20);
    assert.equal(summary.rejected, 2);
    assert.equal(summary.unsent, 0);
    assert.equal(summary.unknown, 0);
    assert.equal(summary.invalid, 1);
    assert.deepEqual(summary.reasons, { BadDeviceToken: 1, Unregistered: 1 });
    assert.equal(summary.connections, 1);
    assert.equal(summary.threads, 0);
    assert.ok((summary.seconds as number) > 0);
    assert.match(
      stderr,
      /^peal: one line is invalid: line 23 of .*, which is neither hex nor base64 of a device token\.\n$/,
    );
    assert.equal(code, 3);
  });

  it('keeps the accepted tokens with their ids where --accepted asks for it, and removes the file with the campaign', async () => {
    const accepted = randomTokens(1500);
    const tokens = await fixture.write('tokens.txt', [...accepted, scriptedToken('Unregistered')].join('\n'));
    const { code, stdout } = await runCommand(fixture.send(tokens, { with: ['--accepted'] }));
    assert.equal(code, 3);
    const names = 'gone.csv, accepted.csv, summary.json and report.html';
    const todo = `  what to do next: peal status ${fixture.path('out')}\n`;
    assert.ok(stdout.endsWith(`  ${names} are in ${fixture.path('out')}\n${todo}`), stdout);
    const [header, ...rows] = (await fixture.output('accepted.csv')).trimEnd().split('\n');
    assert.equal(header, 'token,apns-id,apns-unique-id');
    assert.deepEqual(rows.map((row) => row.split(',')[0]).sort(), [...accepted].sort());
    const ids = new Set(rows.map((row) => row.split(',')[1]!));
    assert.equal(ids.size, 1500);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
    const next = await runCommand(fixture.send(tokens));
    assert.ok(
      next.stdout.endsWith(`  gone.csv, summary.json and report.html are in ${fixture.path('out')}\n${todo}`),
      next.stdout,
    );
    assert.ok(!existsSync(fixture.path('out/accepted.csv')));
    const refused = await runCommand(fixture.send(tokens, { without: ['--out'], with: ['--accepted'] }));
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /--accepted writes the accepted tokens to a file: give its directory with --out DIR\./,
    );
  });

  it('puts every recipient that was not accepted into a file, with why', async () => {
    const [gone, bad] = [scriptedToken('Unregistered', 7), scriptedToken('BadDeviceToken', 8)];
    const list = ['=HYPERLINK("x")', ...randomTokens(3), gone, 'abc', bad, ''];
    const tokens = await fixture.write('tokens.txt', list.join('\r\n'));
    await runCommand(fixture.send(tokens));
    const [head, ...rejected] = (await fixture.output('rejected.csv')).trimEnd().split('\n');
    assert.equal(head, 'token,status,reason,timestamp');
    assert.deepEqual(rejected, [`${bad},400,BadDeviceToken,`]);
    const [goneHead, ...rows] = (await fixture.output('gone.csv')).trimEnd().split('\n');
    assert.equal(goneHead, 'token,reason,since');
    assert.equal(rows.length, 1);
    assert.match(rows[0]!, new RegExp(`^${gone},Unregistered,\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`));
    const invalid = (await fixture.output('invalid.csv')).split('\n');
    assert.equal(invalid[0], 'line,text,why,list');
    assert.match(invalid[1]!, /^1,"'=HYPERLINK\(""x""\)",\S/);
    assert.match(invalid[2]!, /^6,abc,\S/);
    assert.equal(await fixture.output('unsent.txt'), '');
    assert.equal(await fixture.output('unknown.txt'), '');
  });

  it('keeps its files for their owner, and leaves no partial ones', async () => {
    const tokens = await fixture.write('tokens.txt', randomTokens(1).join('\n'));
    await runCommand(fixture.send(tokens, { without: ['--out'], with: ['--out', fixture.path('private')] }));
    const names = readdirSync(fixture.path('private')).sort();
    const outcomes = ['gone.csv', 'invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'];
    assert.deepEqual(names, [...ownNames, ...outcomes].sort());
    assert.equal(statSync(fixture.path('private')).mode & 0o777, 0o700);
    for (const name of names) assert.equal(statSync(fixture.path(`private/${name}`)).mode & 0o777, 0o600);
  });

  it('keeps what no answer came for in unknown.txt', async () => {
    const lost = scriptedToken('RST_STREAM INTERNAL_ERROR', 1);
    const tokens = await fixture.write('tokens.txt', [...randomTokens(5), lost].join('\n'));
    const { code } = await runCommand(fixture.send(tokens));
    assert.equal(code, 3);
    assert.equal(await fixture.output('unknown.txt'), `${lost}\n`);
    assert.equal(await fixture.output('unsent.txt'), '');
  });

  it('reads gzip', async () => {
    const tokens = await fixture.write('tokens.gz', gzipSync(randomTokens(300).join('\n')));
    const { code } = await runCommand(fixture.send(tokens));
    assert.equal(code, 0);
    assert.equal(fixture.simulator.ledger.summary().accepted, 300);
  });

  it('sends once to a token that stands twice, unless it is told otherwise', async () => {
    const list = randomTokens(50);
    const tokens = await fixture.write('twice.txt', [...list, ...list.slice(0, 20)].join('\n'));
    const once = await runCommand(fixture.send(tokens, { with: ['--json'] }));
    const summary = jsonLines(once.stdout).at(-1)!;
    assert.deepEqual([once.code, summary.recipients, summary.accepted, summary.duplicate], [0, 50, 50, 20]);
    const kept = await runCommand(fixture.send(tokens, { with: ['--json', '--keep-duplicates'] }));
    const all = jsonLines(kept.stdout).at(-1)!;
    assert.deepEqual([kept.code, all.recipients, all.accepted, all.duplicate], [0, 70, 70, 0]);
    assert.equal(fixture.simulator.ledger.summary().accepted, 120);
  });

  it('takes tokens as short as it is told to', async () => {
    const tokens = await fixture.write('short.txt', 'cafe\n1001\n');
    const refused = await runCommand(fixture.send(tokens, { with: ['--quiet'] }));
    assert.equal(refused.code, 6);
    assert.match(
      refused.stderr,
      /2 lines are invalid, the first is line 1 of .*short\.txt, which has 4 hex digits; a device token has at least 32\./,
    );
    assert.match(refused.stderr, /holds no device token, and nothing was sent/);
    const sent = await runCommand(fixture.send(tokens, { with: ['--json', '--min-token-bytes', '2'] }));
    assert.deepEqual([sent.code, jsonLines(sent.stdout).at(-1)!.recipients], [0, 2]);
  });

  it('reads several lists, and says of which one a line is invalid', async () => {
    const [one, two, three] = [randomTokens(20), randomTokens(30), randomTokens(5)];
    const first = await fixture.write('one.txt', [...one, 'bad'].join('\n'));
    const second = await fixture.write('two.gz', gzipSync(two.join('\n')));
    const args = fixture.send(first, { with: ['--tokens', second, '--tokens', '-', '--json'] });
    const { code, stdout } = await runCommand(args, { stdin: [...three, 'worse'].join('\n') });
    assert.equal(code, 3);
    const { recipients, accepted, invalid } = jsonLines(stdout).at(-1)!;
    assert.deepEqual([recipients, accepted, invalid], [57, 55, 2]);
    for (const token of [...one, ...two, ...three]) {
      assert.equal(fixture.simulator.ledger.answerOf(token), 'accepted');
    }
    const rows = await fixture.outputLines('invalid.csv');
    assert.ok(rows.some((row) => row.startsWith('21,bad,') && row.endsWith(`,${first}`)));
    assert.ok(rows.some((row) => row.startsWith('6,worse,') && row.endsWith(',standard input')));
  });

  it('reads standard input', async () => {
    const list = randomTokens(300);
    const { code } = await runCommand(fixture.send('-'), { stdin: list.join('\n') });
    assert.equal(code, 0);
    assert.equal(fixture.simulator.ledger.summary().distinctTokens, 300);
  });

  it('sends over threads', async () => {
    const tokens = await fixture.write('tokens.txt', randomTokens(3000).join('\n'));
    const args = fixture.send(tokens, { without: ['--threads'], with: ['--threads', '2', '--json'] });
    const { code, stdout } = await runCommand(args);
    assert.equal(code, 0);
    assert.equal(jsonLines(stdout).at(-1)?.threads, 2);
    const { requests, duplicates } = fixture.simulator.ledger.summary();
    assert.deepEqual({ requests, duplicates }, { requests: 3000, duplicates: 0 });
  });

  it('prints nothing with --quiet when all goes well', async () => {
    const tokens = await fixture.write('tokens.txt', randomTokens(3).join('\n'));
    const result = await runCommand(fixture.send(tokens, { with: ['--quiet'] }));
    assert.deepEqual({ ...result, signal: null }, { code: 0, signal: null, stdout: '', stderr: '' });
  });

  it('writes plain lines of progress off a terminal, as often as it is asked to', async () => {
    await using slow = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const tokens = await slow.write('tokens.txt', randomTokens(2_000).join('\n'));
    const args = slow.send(tokens, { with: ['--max-connections', '1', '--progress', '100ms'] });
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 0);
    const lines = stderr.trimEnd().split('\n');
    assert.ok(lines.length > 3, stderr);
    for (const line of lines) {
      assert.match(line, /^peal: \d+ %, [\d,]+ of 2,000, [\d,]+\/s now, [\d,]+\/s mean(, \d+:\d\d left)?$/);
    }
  });

  it('sends a payload file as it is', async () => {
    const payload = await fixture.write('payload.json', '{ "aps": { "alert": "Hi" }, "x": 1 }');
    const tokens = await fixture.write('tokens.txt', randomTokens(2).join('\n'));
    const { code, stderr } = await runCommand(
      fixture.send(tokens, { without: ['--alert'], with: ['--payload', payload] }),
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.equal(fixture.simulator.ledger.summary().payloadBytes, 2 * '{"aps":{"alert":"Hi"},"x":1}'.length);
  });

  it('begins anew with --force, and keeps no row of the campaign that was there', async () => {
    const invalid = await fixture.write('tokens.txt', `${randomTokens(1)[0]}\nnonsense`);
    await runCommand(fixture.send(invalid));
    const valid = await fixture.write('tokens.txt', `${randomTokens(1)[0]}\n`);
    await runCommand(fixture.send(valid));
    assert.equal(await fixture.output('invalid.csv'), 'line,text,why,list\n');
  });

  it('never overwrites what it reads', async () => {
    await fixture.write('unsent.txt', randomTokens(2).join('\n'));
    const list = fixture.path('unsent.txt');
    const { code, stderr } = await runCommand(
      fixture.send(list, { without: ['--out'], with: ['--out', fixture.folder] }),
    );
    assert.equal(code, 2);
    assert.match(stderr, /--out: .*unsent\.txt is read by this command/);
    assert.equal(linesOf(await fixture.output('unsent.txt', '.')).length, 2);
    assert.ok(!existsSync(fixture.path('rejected.csv')));
  });
});
