/**
 * examples/testing as its readers run it, by mocha in a process of its own: all its tests pass, and find faults that
 * are put into the code that they test.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../support/repository.js';

const mocha = path.join(path.dirname(createRequire(import.meta.url).resolve('mocha/package.json')), 'bin', 'mocha.js');
const folder = path.join(repositoryRoot, 'dist', 'examples', 'testing');
const test = path.join(folder, 'notifications.test.js');

interface Report {
  readonly stats: { readonly passes: number; readonly failures: number; readonly duration: number };
  readonly failures: readonly { readonly title: string }[];
}

async function reportOf(file: string): Promise<Report> {
  const args = [mocha, '--no-config', '--reporter', 'json', '--timeout', '60000', file];
  const env = { ...process.env, MOCHA_OPTIONS: '' };
  const run = promisify(execFile)(process.execPath, args, { cwd: repositoryRoot, env });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as Report;
}

describe('examples/testing', () => {
  it('passes', async () => {
    const { stats, failures } = await reportOf(test);
    assert.deepEqual([stats.passes, failures], [9, []]);
  });

  it('finds what is wrong', async () => {
    const source = readFileSync(path.join(folder, 'notifications.js'), 'utf8');
    const faults: readonly (readonly [right: string, wrong: string, found: RegExp])[] = [
      ['push.status === 410', 'push.status >= 400', /called bad/],
      ['await this.#devices.remove(device.token)', 'void 0', /removes a device that is gone/],
      ['registeredAt.getTime() <=', '0 <=', /registered again/],
      ['retry: { attempts: 3 }', 'retry: false', /at first/],
      ["push.outcome === 'unsent' ||", '', /cannot be reached/],
      ["=== 'transient'", "=== 'other'", /has no time/],
      ["'It is on its way.'", "'It is here.'", /in the words of the shop/],
    ];
    // Beside the others, so that `peal` is found.
    const copies = mkdtempSync(path.join(repositoryRoot, 'dist', 'testing-'));
    try {
      const runs = faults.map(async ([right, wrong, found], index) => {
        assert.ok(source.includes(right), right);
        const copy = path.join(copies, String(index));
        mkdirSync(copy);
        writeFileSync(path.join(copy, 'notifications.js'), source.replace(right, wrong));
        writeFileSync(path.join(copy, 'notifications.test.js'), readFileSync(test));
        const { failures } = await reportOf(path.join(copy, 'notifications.test.js'));
        const titles = failures.map(({ title }) => title).join('\n');
        assert.match(titles, found, wrong);
      });
      await Promise.all(runs);
    } finally {
      rmSync(copies, { recursive: true, force: true });
    }
  });
});
