/** Why recipients of `peal send` are unsent or unknown: said in one line, also with --quiet, and counted in JSON. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../src/simulator/token-script.js';
import { jsonLines, runCommand } from '../support/command.js';
import { assertOneSentence, Fixture, randomTokens } from './fixture.js';

describe('peal send, when recipients are unsent or unknown', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const lost = [1, 2, 3].map((index) => scriptedToken('RST_STREAM INTERNAL_ERROR', index));
  const errorsOf = (stdout: string) => jsonLines(stdout).filter(({ messageType }) => messageType === 'error');

  it('says the cause with --quiet, in one line', async () => {
    const tokens = await fixture.write('tokens.txt', [...randomTokens(5), ...lost].join('\n'));
    const result = await runCommand(fixture.send(tokens, { with: ['--quiet'] }));
    assert.deepEqual([result.code, result.stdout], [3, '']);
    assertOneSentence(result, /^peal: 3 unknown: .*INTERNAL_ERROR/);
  });

  it('says the cause in JSON, with --quiet too, and counts it', async () => {
    const tokens = await fixture.write('tokens.txt', [...randomTokens(5), ...lost].join('\n'));
    const { code, stdout } = await runCommand(fixture.send(tokens, { with: ['--quiet', '--json'] }));
    assert.equal(code, 3);
    const [error, ...others] = errorsOf(stdout);
    assert.deepEqual(others, []);
    assert.match(String(error!.code), /^ERR_PEAL_/);
    assert.match(String(error!.message), /INTERNAL_ERROR/);
    assert.equal(error!.count, 3);
    const { causes, stopped, exitCode, unknown } = jsonLines(stdout).at(-1)!;
    assert.deepEqual([causes, stopped, exitCode, unknown], [{ [String(error!.code)]: 3 }, null, 3, 3]);
  });

  it('says what stopped the run once, with how many it left unsent', async () => {
    const list = randomTokens(5_000);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const args = fixture.send(tokens, {
      without: ['--topic'],
      with: ['--topic', 'com.example.other', '--quiet', '--json'],
    });
    const result = await runCommand(args);
    assert.equal(result.code, 4);
    assertOneSentence(result, /TopicDisallowed|DeviceTokenNotForTopic|BadTopic/);
    const { causes, stopped, exitCode, rejected, unsent } = jsonLines(result.stdout).at(-1)!;
    assert.deepEqual([stopped, exitCode, causes], ['ERR_PEAL_STOPPED', 4, { ERR_PEAL_STOPPED: unsent }]);
    assert.deepEqual(
      errorsOf(result.stdout).map(({ code, count }) => [code, count]),
      [['ERR_PEAL_STOPPED', unsent]],
    );
    assert.equal(Number(rejected) + Number(unsent), list.length);
  });

  it('counts what was never handed out under what kept it: a key that cannot be used', async () => {
    const list = randomTokens(2_500);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const key = await fixture.write('bad.p8', 'not a key');
    const { code, stdout } = await runCommand(
      fixture.send(tokens, { without: ['--key'], with: ['--key', key, '--json'] }),
    );
    assert.equal(code, 5);
    const { causes, stopped, exitCode } = jsonLines(stdout).at(-1)!;
    assert.deepEqual([causes, stopped, exitCode], [{ ERR_PEAL_CREDENTIAL: list.length }, 'ERR_PEAL_CREDENTIAL', 5]);
  });
});
