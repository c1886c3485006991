/**
 * `peal send` under load, stopped by SIGINT and SIGTERM at different moments: its books balance, agree with the
 * simulator's ledger token by token, and its files are whole.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { linesOf, randomTokens } from '../cli/fixture.js';
import { cases } from '../support/cases.js';
import { jsonLines, runCommand } from '../support/command.js';
import { until } from './accounts.js';
import { SimulatorProcess } from './simulator-process.js';

const count = 60_000;

describe('peal send under load, when it is told to stop', () => {
  let simulator: SimulatorProcess;
  afterEach(() => simulator[Symbol.asyncDispose]());

  const moments = [
    ['SIGINT', 130, 0, 1],
    ['SIGTERM', 143, 2, 1_000],
    ['SIGTERM', 143, 0, 10_000],
    ['SIGINT', 130, 2, 5_000],
  ] as const;
  for (const [signal, code, threads, requests] of moments.slice(0, cases(4, 2))) {
    it(`${signal} after ${requests} requests, threads: ${threads}: every token has its outcome`, async () => {
      // At 5,000 a second at most: the signal comes many seconds before the end, however late it is.
      simulator = await SimulatorProcess.start(['--round-trip', '100', '--max-streams', '500']);
      const tokens = randomTokens(count);
      const list = simulator.write('tokens.txt', tokens.join('\n'));
      const out = path.join(simulator.folder, 'out');
      const where = ['--gateway', simulator.url, '--ca', simulator.caFile, '--max-connections', '1'];
      const message = ['--alert', 'Hello', '--topic', 'com.example.app', '--threads', String(threads)];
      const args = ['send', '--json', '--tokens', list, '--out', out, ...message, ...where];
      const result = await runCommand(args, {
        whileRunning: async (child) => {
          await until(async () => (await simulator.summary()).requests >= requests, 'the campaign is under way');
          child.kill(signal);
        },
      });
      assert.equal(result.code, code, result.stderr);
      const { recipients, accepted, rejected, unsent, unknown } = jsonLines(result.stdout).at(-1)!;
      assert.deepEqual([recipients, rejected, unknown], [count, 0, 0]);
      assert.equal(Number(accepted) + Number(unsent), count);
      assert.ok(Number(unsent) > 0, 'the campaign had ended before');
      const names = ['gone.csv', 'invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'];
      assert.deepEqual(
        readdirSync(out)
          .filter((name) => /^[a-z]+\.(?:csv|txt)$/.test(name))
          .sort(),
        names,
      );
      const notSent = new Set(linesOf(readFileSync(path.join(out, 'unsent.txt'), 'utf8')));
      assert.equal(notSent.size, unsent);
      const ledger = await simulator.ledger();
      assert.equal(ledger.size, accepted);
      for (const token of tokens) assert.equal(notSent.has(token), !ledger.has(token));
      for (const { requests: times } of ledger.values()) assert.equal(times, 1);
    });
  }
});
