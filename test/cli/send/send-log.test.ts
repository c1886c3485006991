/** `peal send` with --log-level and --log-format: what is on standard error, and what never is. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { Fixture, randomTokens } from '../fixture.js';

describe('peal send with a log', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const levels = ['trace', 'debug', 'info', 'warn', 'error'];

  for (const threads of ['0', '1']) {
    it(`writes lines of JSON and nothing else to standard error, threads: ${threads}`, async () => {
      const list = [...randomTokens(3000), scriptedToken('Unregistered'), 'no token'];
      const tokens = await fixture.write('tokens.txt', `${list.join('\n')}\n`);
      const own = ['--log-format', 'json', '--progress', '0.1s', '--rate', '9000/s', '--threads', threads];
      const { code, stdout, stderr } = await runCommand(fixture.send(tokens, { without: ['--threads'], with: own }));
      assert.equal(code, 3, stderr);
      assert.match(stdout, /recipients {2,}3,002\b/);
      const lines = jsonLines(stderr);
      for (const line of lines) {
        assert.ok(levels.includes(line.level as string), JSON.stringify(line));
        assert.equal(line.campaign, 'out');
        assert.equal(new Date(line.time as string).toISOString(), line.time);
        assert.equal(typeof line.msg, 'string');
      }
      const saying = (msg: RegExp): Record<string, unknown>[] => lines.filter((line) => msg.test(line.msg as string));
      assert.equal(saying(/^the campaign began$/)[0]!.resumed, 0);
      assert.equal(saying(/^connection open$/)[0]!.gateway, fixture.simulator.url);
      assert.equal(saying(/^connection closed$/)[0]!.answers, 3001);
      const { level, accepted, rejected, invalid } = saying(/^the campaign is finished$/)[0]!;
      assert.deepEqual([level, accepted, rejected, invalid], ['info', 3000, 1, 1]);
      assert.equal(saying(/^one line is invalid: line 3,002 of/)[0]!.level, 'warn');
      const progress = saying(/^progress$/);
      assert.ok(progress.length > 0 && typeof progress[0]!.done === 'number');
      // A line of progress every tenth of a second, however long a busy machine takes.
      const others = lines.length - progress.length;
      assert.ok(others < 30, `${others} lines for 3,000 recipients`);
    });
  }

  it('writes what is as important as the level, or more', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(10).join('\n')}\nno token\n`);
    const linesAt = async (level: string): Promise<Record<string, unknown>[]> => {
      const own = ['--log-format', 'json', '--log-level', level];
      return jsonLines((await runCommand(fixture.send(tokens, { with: own }))).stderr);
    };
    const [trace, debug, info] = [await linesAt('trace'), await linesAt('debug'), await linesAt('info')];
    assert.ok(trace.length > debug.length && debug.length > info.length && info.length > 0);
    assert.deepEqual([...new Set((await linesAt('warn')).map(({ level }) => level))], ['warn']);
    assert.deepEqual(await linesAt('silent'), []);
  });

  it('never writes a device token, a provider token or a key, at any level', async () => {
    const list = [...randomTokens(50), scriptedToken('Unregistered'), scriptedToken('BadDeviceToken')];
    const tokens = await fixture.write('tokens.txt', `${[...list, `${'ab'.repeat(32)}x`].join('\n')}\n`);
    for (const format of ['json', 'pretty']) {
      const own = ['--log-level', 'trace', '--log-format', format];
      const { stderr } = await runCommand(fixture.send(tokens, { with: own }));
      assert.ok(stderr.length > 1000);
      assert.doesNotMatch(stderr, /[0-9a-f]{64}/i);
      for (const token of list) assert.ok(!stderr.toLowerCase().includes(token.toLowerCase().slice(0, 40)));
      assert.doesNotMatch(stderr, /bearer|eyJ[A-Za-z0-9]/i);
      const secret = fixture.providerKey.p8.split('\n')[1]!;
      assert.ok(!stderr.includes(secret.slice(0, 20)));
    }
  });

  it('says in JSON also what is wrong with the command line, and what ends it', async () => {
    const errorOf = async (args: readonly string[], code: number): Promise<string> => {
      const result = await runCommand(args, { ownProcess: true });
      assert.equal(result.code, code, result.stderr);
      const lines = jsonLines(result.stderr);
      assert.ok(lines.length > 0 && lines.every(({ level }) => level === 'error'), result.stderr);
      return lines.map(({ msg }) => msg).join('\n');
    };
    const json = ['--log-format', 'json'];
    const none = fixture.path('none.txt');
    assert.match(await errorOf(['send', '--no-such-option', ...json], 2), /unknown option '--no-such-option'/);
    assert.match(await errorOf(['send', none, '--log-format=json'], 2), /the message is empty/);
    assert.match(await errorOf(fixture.send(none, { with: json }), 6), /none\.txt/);
    const question = fixture.send(none, { with: [...json, '--canary', '5'] });
    assert.match(await errorOf(question, 2), /--canary asks whether to go on, which --log-format json/);
  });

  it('writes lines for people beside the sentences where it is pretty', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(5).join('\n')}\nno token\n`);
    const { stderr } = await runCommand(fixture.send(tokens, { with: ['--log-format', 'pretty'] }));
    assert.match(stderr, /^\[?\d\d:\d\d:\d\d\.\d{3}\]? INFO: the campaign began /m);
    assert.match(stderr, /^peal: one line is invalid/m);
  });

  it('leaves standard error as it is without these options', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(5).join('\n')}\n`);
    assert.equal((await runCommand(fixture.send(tokens))).stderr, '');
  });

  it('tells of a connection that is lost, of attempts that fail, and of waits and requests that are sent again', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(200).join('\n')}\n`);
    const dead = [
      '--gateway',
      'https://127.0.0.1:1',
      '--log-format',
      'json',
      '--not-before',
      '3s',
      '--max-duration',
      '3s',
    ];
    const { stderr } = await runCommand(fixture.send(tokens, { without: ['--gateway'], with: dead }));
    const lines = jsonLines(stderr);
    const failed = lines.filter(({ msg }) => (msg as string).startsWith('connection failed: '));
    assert.ok(failed.length > 0);
    assert.deepEqual([failed[0]!.level, failed[0]!.code], ['warn', 'ERR_PEAL_CONNECT']);
    assert.ok(
      lines.some(({ msg }) => /^The campaign waits until .* \(--not-before\)/.test(msg as string)),
      stderr,
    );
    const end = lines.find(({ msg }) => msg === 'the campaign is stopped')!;
    assert.equal(end.level, 'warn');
    assert.equal(end.unsent, 200);
  });
});
