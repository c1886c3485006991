/** What `peal send` sends again, and what it stops at. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, randomTokens, withoutRefusedNote } from '../fixture.js';

describe('peal send, when something fails', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(() => fixture[Symbol.asyncDispose]());

  const passing = [0, 1, 2].map((index) => scriptedToken('ServiceUnavailable', index));

  it('sends again as often as it is told, and says so in both summaries', async () => {
    const tokens = await fixture.write('tokens.txt', [...passing, ...randomTokens(200)].join('\n'));
    const { code, stdout } = await runCommand(fixture.send(tokens, { with: ['--retries', '1', '--json'] }));
    const summary = jsonLines(stdout).at(-1)!;
    assert.deepEqual([code, summary.accepted, summary.rejected, summary.resent], [3, 200, 3, 3]);
    assert.equal(fixture.simulator.ledger.summary().requests, 206);
    assert.equal((await fixture.outputLines('rejected.csv')).length, 1 + 3, 'each has one line');

    const shown = await runCommand(fixture.send(tokens, { with: ['--retries', '1'] }));
    assert.match(shown.stdout, /3 requests sent again/);
  });

  it('takes the first answer with --retries 0', async () => {
    const tokens = await fixture.write('tokens.txt', passing.join('\n'));
    const { stdout } = await runCommand(fixture.send(tokens, { with: ['--retries', '0'] }));
    assert.ok(!stdout.includes('sent again'), stdout);
    assert.equal(fixture.simulator.ledger.summary().requests, 3);
  });

  it('stops at a list of bad tokens, unless it is told to go on', async () => {
    const list = Array.from({ length: 4_000 }, (_, index) => scriptedToken('BadDeviceToken', index));
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const stopped = await runCommand(fixture.send(tokens, { with: ['--json'] }));
    assert.equal(stopped.code, 4);
    const summary = jsonLines(stopped.stdout).at(-1) as { rejected: number; unsent: number };
    assertOneSentence(withoutRefusedNote(stopped, summary.rejected), /BadDeviceToken/, /environment/);
    assert.ok(summary.unsent > 0);
    assert.equal((await fixture.outputLines('unsent.txt')).length, summary.unsent);

    const all = await runCommand(fixture.send(tokens, { with: ['--json', '--stop-at-bad-tokens', 'off'] }));
    assert.equal(jsonLines(all.stdout).at(-1)!.rejected, 4_000);
  });

  it('refuses values that make no sense', async () => {
    const tokens = await fixture.write('tokens.txt', randomTokens(1).join('\n'));
    for (const wrong of [
      ['--retries', '100'],
      ['--retries', '-1'],
      ['--retry-time', '3601'],
      ['--on-unknown', 'again'],
      ['--stop-at-bad-tokens', '0'],
      ['--stop-at-bad-tokens', '101'],
      ['--retries', '0', '--on-unknown', 'resend'],
    ]) {
      const { code, stderr } = await runCommand(fixture.send(tokens, { with: wrong }));
      assert.equal(code, 2, wrong.join(' '));
      assert.match(stderr, new RegExp(wrong.at(-2)!));
    }
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  });
});
