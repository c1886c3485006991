/** Why recipients of `peal send` are unsent or unknown: said in one line, also with --quiet, and counted in JSON. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, randomTokens, withoutRefusedNote } from '../fixture.js';

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
    const { causes, stopped, exitCode, rejected, unsent } = jsonLines(result.stdout).at(-1)!;
    const sentences = withoutRefusedNote(result, Number(rejected));
    assertOneSentence(sentences, /TopicDisallowed|DeviceTokenNotForTopic|BadTopic/);
    assert.deepEqual([stopped, exitCode, causes], ['ERR_PEAL_STOPPED', 4, { ERR_PEAL_STOPPED: unsent }]);
    assert.deepEqual(
      errorsOf(result.stdout).map(({ code, count }) => [code, count]),
      [['ERR_PEAL_STOPPED', unsent]],
    );
    assert.equal(Number(rejected) + Number(unsent), list.length);
  });

  it('reads nothing where a key cannot be used, and says so in JSON', async () => {
    const tokens = await fixture.write('tokens.txt', randomTokens(2_500).join('\n'));
    const key = await fixture.write('bad.p8', 'not a key');
    const { code, stdout } = await runCommand(
      fixture.send(tokens, { without: ['--key'], with: ['--key', key, '--json'] }),
    );
    assert.equal(code, 5);
    const { recipients, causes, stopped, exitCode } = jsonLines(stdout).at(-1)!;
    assert.deepEqual([recipients, causes, stopped, exitCode], [0, {}, 'ERR_PEAL_CREDENTIAL', 5]);
    assert.deepEqual(
      errorsOf(stdout).map(({ code }) => code),
      ['ERR_PEAL_CREDENTIAL'],
    );
  });
});

describe('peal send, when recipients are rejected', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const send = async (list: readonly string[], options: Parameters<Fixture['send']>[1] = {}) => {
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    return await runCommand(fixture.send(tokens, options));
  };
  const scripted = (reason: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => scriptedToken(reason, index));

  it('says with --quiet that a key is not the right one, for fewer than stop a run', async () => {
    const key = await fixture.write('other.p8', createThrowAwayProviderKey().p8);
    const result = await send(randomTokens(5), { without: ['--key'], with: ['--key', key, '--quiet'] });
    assert.deepEqual([result.code, result.stdout], [3, '']);
    assertOneSentence(result, /^peal: 5 of 5 answered recipients were rejected: 403 InvalidProviderToken\. .*\.p8 key/);
  });

  for (const [reason, said] of [
    ['TopicDisallowed', /^peal: 1 of 21 answered recipients was rejected: 400 TopicDisallowed\. /],
    ['PayloadTooLarge', /^peal: 1 of 21 answered recipients was rejected: 413 PayloadTooLarge\. /],
  ] as const) {
    it(`says ${reason} of one among others: it would be the same for every token`, async () => {
      const result = await send([...randomTokens(20), ...scripted(reason, 1)], { with: ['--quiet'] });
      assert.equal(result.code, 3);
      assertOneSentence(result, said);
    });
  }

  it('says it where the summary goes to a file, and in JSON, with the count', async () => {
    const list = [...randomTokens(3), ...scripted('BadTopic', 2)];
    const plain = await send(list);
    assert.match(plain.stdout, /400 BadTopic/);
    assert.match(plain.stderr, /^peal: 2 of 5 answered recipients were rejected: 400 BadTopic\. /m);
    const { stdout } = await send(list, { with: ['--json', '--quiet'] });
    const [error, ...others] = jsonLines(stdout).filter(({ messageType }) => messageType === 'error');
    assert.deepEqual(others, []);
    const { code, count, retryable, message } = error!;
    assert.deepEqual([code, count, retryable], ['ERR_PEAL_REJECTED', 2, false]);
    assert.match(String(message), /^2 of 5 answered recipients were rejected: 400 BadTopic\. .*\.$/);
  });

  it('says bad tokens only where most are, and tokens that are gone never', async () => {
    const most = await send([...randomTokens(1), ...scripted('BadDeviceToken', 2)], { with: ['--quiet'] });
    assertOneSentence(most, /^peal: 2 of 3 answered recipients were rejected: 400 BadDeviceToken\. .*environment/);
    const few = [...randomTokens(8), ...scripted('BadDeviceToken', 2), ...scripted('Unregistered', 3)];
    for (const list of [few, scripted('Unregistered', 3)]) {
      const { code, stdout, stderr } = await send(list, { with: ['--quiet'] });
      assert.deepEqual([code, stdout, stderr], [3, '', '']);
    }
  });

  it('does not say again what stopped the run', async () => {
    const result = await send(scripted('TopicDisallowed', 15), { with: ['--quiet'] });
    assert.equal(result.code, 4);
    assertOneSentence(withoutRefusedNote(result, 15), /^peal: Stopped after 10 answers "400 TopicDisallowed"/);
  });
});
