/** What Ctrl-C does to `peal send`: it ends in good order, keeps its books, and a second one ends it at once. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { scriptedToken } from '../../src/simulator/token-script.js';
import { jsonLines, runCommand } from '../support/command.js';
import { Fixture, linesOf, randomTokens } from './fixture.js';

describe('peal send, when it is interrupted', () => {
  let fixture: Fixture;
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  /** Resolves once the simulator has been asked for so many notifications. */
  async function untilRequests(count: number): Promise<void> {
    while (fixture.simulator.ledger.summary().requests < count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('stops taking input, waits for answers and writes its files and its summary', async () => {
    fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const list = randomTokens(20_000);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const args = fixture.send(tokens, { with: ['--json', '--max-connections', '1'] });
    const { code, stdout } = await runCommand(args, {
      whileRunning: async (child) => {
        await untilRequests(100);
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.equal(summary.messageType, 'summary');
    const { accepted, unsent } = summary as { accepted: number; unsent: number };
    assert.deepEqual([summary.recipients, accepted + unsent, summary.unknown], [20_000, 20_000, 0]);
    assert.ok(accepted < 5000, `${accepted} were sent, most of them after the interrupt`);
    assert.equal(accepted, fixture.simulator.ledger.summary().accepted);
    const notSent = new Set(await fixture.outputLines('unsent.txt'));
    assert.equal(notSent.size, unsent);
    for (const token of list) assert.equal(fixture.simulator.ledger.answerOf(token) === null, notSent.has(token));
  });

  it('does not wait for a producer that goes on for ever', async () => {
    fixture = await Fixture.open();
    let stop = false;
    const produce = async (child: ChildProcess): Promise<void> => {
      while (!stop && child.exitCode === null) {
        const isTaken = child.stdin!.write(`${randomTokens(64).join('\n')}\n`);
        if (!isTaken) await Promise.race([once(child.stdin!, 'drain'), once(child, 'exit')]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const { code, stdout } = await runCommand(fixture.send('-', { with: ['--json'] }), {
      whileRunning: async (child) => {
        void produce(child).catch(() => {});
        await untilRequests(500);
        child.kill('SIGINT');
        await once(child, 'exit');
        stop = true;
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.equal(summary.accepted, fixture.simulator.ledger.summary().accepted);
    assert.equal(linesOf(await fixture.output('unsent.txt')).length, summary.unsent);
  }).timeout(40_000);

  it('gives up on answers that do not come: they are unknown', async () => {
    fixture = await Fixture.open();
    const list = [...randomTokens(2), scriptedToken('no answer, ever', 1), scriptedToken('no answer, ever', 2)];
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const { code, stdout } = await runCommand(fixture.send(tokens, { with: ['--json'] }), {
      whileRunning: async (child) => {
        await untilRequests(4);
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.deepEqual([summary.accepted, summary.unknown, summary.unsent], [2, 2, 0]);
    assert.deepEqual(await fixture.outputLines('unknown.txt'), list.slice(2).sort());
  }).timeout(40_000);

  it('leaves at once when it is asked a second time', async () => {
    fixture = await Fixture.open();
    const list = [...randomTokens(2), scriptedToken('no answer, ever', 1), scriptedToken('no answer, ever', 2)];
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const { code, stderr } = await runCommand(fixture.send(tokens), {
      whileRunning: async (child) => {
        await untilRequests(4);
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    assert.match(stderr, /left at once .*\*\.partial/);
    assert.ok(readdirSync(fixture.path('out')).every((name) => name.endsWith('.partial')));
  });

  it('ends with 143 for SIGTERM', async () => {
    fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 1 });
    const tokens = await fixture.write('tokens.txt', randomTokens(2_000).join('\n'));
    const { code } = await runCommand(fixture.send(tokens), {
      whileRunning: async (child) => {
        await untilRequests(1);
        child.kill('SIGTERM');
      },
    });
    assert.equal(code, 143);
  });
});
