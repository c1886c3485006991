/**
 * A reader of standard output that leaves (`peal send --json | head -1`): the campaign goes on, and its end says so.
 */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { runCommand } from '../support/command.js';
import { BinaryFixture } from './binary-fixture.js';
import { Fixture, randomTokens } from './fixture.js';

const sentence = /^peal: standard output was closed by its reader before everything was written\b.*\.$/m;

describe('a command whose reader leaves', () => {
  it('finishes the campaign, keeps its files, says so and ends with 6', async () => {
    await using fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const gone = Array.from({ length: 500 }, (_, index) => scriptedToken('Unregistered', index));
    const list = [...randomTokens(2_000), ...gone];
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const { code, stderr } = await runCommand(fixture.send(tokens, { with: ['--json', '--max-connections', '1'] }), {
      whileRunning: (child) => {
        child.stdout!.destroy();
      },
    });
    assert.equal(code, 6, stderr);
    assert.match(stderr, sentence);
    assert.equal(fixture.simulator.ledger.summary().requests, list.length);
    assert.equal((await fixture.outputLines('gone.csv')).length, gone.length + 1);
  });

  it('keeps the code of a run that was stopped: that says more', async () => {
    await using fixture = await Fixture.open();
    const tokens = await fixture.write('tokens.txt', randomTokens(2_000).join('\n'));
    const key = await fixture.write('bad.p8', 'not a key');
    const args = fixture.send(tokens, { without: ['--key'], with: ['--key', key, '--json'] });
    const { code, stderr } = await runCommand(args, {
      whileRunning: (child) => {
        child.stdout!.destroy();
      },
    });
    assert.equal(code, 5, stderr);
    assert.match(stderr, sentence);
  });

  it('says of a list of feedback that it is lost: the gateway gives it only once', async () => {
    const feedback = randomTokens(5_000).map((token) => ({ token, when: new Date() }));
    await using fixture = await BinaryFixture.open({ feedback });
    const { code, stderr } = await runCommand(fixture.feedback(), {
      whileRunning: (child) => {
        child.stdout!.destroy();
      },
    });
    assert.equal(code, 6, stderr);
    assert.match(stderr, sentence);
  });

  it('says nothing of a simulator, whose one line has been read', async () => {
    const { code, stderr } = await runCommand(['simulate', '--json', '--port', '0'], {
      whileRunning: async (child) => {
        await new Promise((resolve) => child.stdout!.once('data', resolve));
        child.stdout!.destroy();
        child.kill('SIGTERM');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
  });
});
