/** `peal send` over the binary protocol, end to end: a process of its own against the simulator's binary gateway. */
import assert from 'node:assert/strict';
import { scriptedBinaryToken } from '../../../src/simulator/books/binary-script.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { BinaryFixture } from '../binary-fixture.js';
import { assertOneSentence, randomTokens } from '../fixture.js';

describe('peal send, over the binary protocol', () => {
  let fixture: BinaryFixture;
  before(async () => {
    fixture = await BinaryFixture.open();
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const listOf = (tokens: readonly string[]): Promise<string> => fixture.write('tokens.txt', tokens.join('\n'));

  it('sends to every token of a list and ends with 0', async () => {
    const tokens = await listOf(randomTokens(3000));
    const { code, stdout, stderr } = await runCommand(fixture.send(tokens));
    assert.match(stderr, /^peal: client certificate UID=com\.example\.app, [^\n]*, valid until 20[\d-]+\n$/);
    assert.equal(code, 0);
    assert.match(stdout, /accepted {2,}3,000 +100 %/);
    assert.deepEqual(fixture.books(), { accepted: 3000, rejected: 0, duplicates: 0 });
  });

  it('sends over threads', async () => {
    const tokens = await listOf([...randomTokens(4000), scriptedBinaryToken(8)]);
    const { code, stdout } = await runCommand(fixture.send(tokens, '--threads', '2', '--json'));
    assert.equal(code, 3);
    const summary = jsonLines(stdout).at(-1)!;
    assert.deepEqual([summary.threads, summary.accepted, summary.rejected], [2, 4000, 1]);
    assert.deepEqual(fixture.books(), { accepted: 4000, rejected: 1, duplicates: 0 });
  });

  it('has the same rejections in its files as the simulator in its ledger, and goes on after each', async () => {
    const statuses = [1, 2, 5, 7, 8, 8, 77, 128, 255];
    const bad = statuses.map((status, index) => scriptedBinaryToken(status, index));
    const good = randomTokens(900);
    const tokens = await listOf(
      good.flatMap((token, at) => (at % 100 === 50 ? [bad[(at - 50) / 100]!, token] : [token])),
    );
    const { code, stdout } = await runCommand(fixture.send(tokens, '--json'));
    assert.equal(code, 3);
    const summary = jsonLines(stdout).at(-1)!;
    const outcomes = [summary.accepted, summary.rejected, summary.unsent, summary.unknown];
    assert.deepEqual(outcomes, [900, 9, 0, 0]);
    assert.deepEqual(fixture.books(), { accepted: 900, rejected: 9, duplicates: 0 });
    assert.deepEqual(summary.reasons, {
      'Invalid token': 2,
      'Processing error': 1,
      'Missing device token': 1,
      'Invalid token size': 1,
      'Invalid payload size': 1,
      'Unknown status 77': 1,
      'Protocol error': 1,
      Unknown: 1,
    });
    const rejected = (await fixture.outputLines('rejected.csv')).filter((row) => !row.startsWith('token,'));
    const expected = bad.map((token, index) => {
      const record = fixture.simulator.ledger.recordOf(token)!;
      assert.equal(record.status, statuses[index]);
      return `${token},${record.status},${record.answer},`;
    });
    assert.deepEqual(rejected, expected.sort());
  });

  it('counts nothing as accepted that the simulator does not have, when it closes without a word', async () => {
    const good = randomTokens(600);
    const tokens = await listOf([...good.slice(0, 300), scriptedBinaryToken('closed'), ...good.slice(300)]);
    const { code, stdout } = await runCommand(fixture.send(tokens, '--json'));
    assert.equal(code, 3);
    const summary = jsonLines(stdout).at(-1)! as Record<'recipients' | 'accepted' | 'unsent' | 'unknown', number>;
    assert.equal(summary.recipients, 601);
    assert.equal(summary.accepted + summary.unsent + summary.unknown, 601);
    const [unknown, unsent] = [await fixture.outputLines('unknown.txt'), await fixture.outputLines('unsent.txt')];
    assert.ok(unknown.includes(scriptedBinaryToken('closed')));
    const notAccepted = new Set([...unknown, ...unsent]);
    for (const token of good) {
      if (!notAccepted.has(token)) assert.equal(fixture.simulator.ledger.answerOf(token), 'accepted');
    }
    for (const token of unsent) assert.equal(fixture.simulator.ledger.answerOf(token), null);
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });

  it('refuses a payload that binary gateways do not take, and keeps the list in unsent.txt', async () => {
    const list = randomTokens(3);
    const result = await runCommand([...fixture.send(await listOf(list)), '--quiet', '--title', 'x'.repeat(2048)]);
    assert.equal(result.code, 2);
    assertOneSentence(result, /payload/i, /2,?048/);
    assert.deepEqual(await fixture.outputLines('unsent.txt'), list.sort());
    assert.equal(fixture.simulator.ledger.summary().connections, 0);
  });

  describe('refuses, before anything is read,', () => {
    const nowhere = ['send', '--tokens', 'nowhere.txt', '--alert', 'Hello', '--gateway'];
    const refusals: readonly [what: string, args: readonly string[], sentence: RegExp][] = [
      [
        'a provider token',
        ['binary://localhost:1', '--key', 'k.p8', '--key-id', 'ABCDE12345', '--team-id', 'FGHIJ67890'],
        /^peal: --key: .*client certificate with --cert or --pfx\.$/,
      ],
      ['a topic', ['binary://localhost:1', '--topic', 'com.example.app'], /^peal: --topic does not go with a binary/],
      ['a push type', ['binary://localhost:1', '--push-type', 'alert'], /^peal: --push-type does not go with a binary/],
      ['a collapse id', ['binary://localhost:1', '--collapse-id', 'x'], /^peal: --collapse-id does not go with/],
      [
        'priority 1',
        ['binary://localhost:1', '--priority', '1'],
        /^peal: --priority: a binary gateway accepts only 10 and 5/,
      ],
      ['a feedback gateway', ['feedback_production'], /^peal: --gateway: .*Read it with peal feedback\.$/],
      ["Apple's gateway without a certificate", ['push_production'], /^peal: Apple's gateways need a credential/],
    ];
    for (const [what, args, sentence] of refusals) {
      it(what, async () => {
        const result = await runCommand([...nowhere, ...args]);
        assert.equal(result.code, 2);
        assertOneSentence(result, sentence);
        assert.equal(result.stdout, '');
      });
    }
  });

  it('says which names there are for one that it does not know', async () => {
    const tokens = await listOf(randomTokens(1));
    const result = await runCommand(['send', '--tokens', tokens, '--alert', 'Hello', '--gateway', 'push_prodction']);
    assert.equal(result.code, 2);
    assertOneSentence(result, /push_prodction/, /push_production/);
  });
});
