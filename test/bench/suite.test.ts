import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { benchmarks } from '../../bench/benchmarks.js';
import { canPlot } from '../../bench/lib/plot.js';
import { referencedBenchmarks, withReferences } from '../../bench/lib/reference-page.js';
import { repositoryRoot } from '../support/repository.js';

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const page = readFileSync(path.join(repositoryRoot, 'docs', 'benchmarks.md'), 'utf8');
const run = (...args: string[]): Promise<{ stdout: string }> => promisify(execFile)(process.execPath, [main, ...args]);

/** They have reports of their own kind, or take too long. */
const apart = ['serve', 'cluster', 'campaign', 'reliability', 'compat'];

/** Those of them whose reports the page shows. */
const shownApart = ['compat'];

describe('npm run bench', () => {
  it('runs the benchmarks that are named, and says how long each took', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-test-'));
    try {
      const { stdout } = await run('micro', '--quick', '--folder', folder);
      assert.match(stdout, /^micro +\d+ +measured$/m);
      assert.deepEqual(readdirSync(folder).sort(), canPlot() ? ['micro.json', 'micro.svg'] : ['micro.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses names and options that it does not know', async () => {
    await assert.rejects(run('macro'), /"macro" is not one of micro, throughput/);
    await assert.rejects(run('--quickly'), /unknown option/);
  });

  it('knows each benchmark that has a script', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const commands = Object.entries(benchmarks).map(([name, module]) => [
      `bench:${name}`,
      `npm run build && node dist/bench/${module}.js`,
    ]);
    const own = Object.entries(scripts).filter(([name]) => name.startsWith('bench:') && !apart.includes(name.slice(6)));
    assert.deepEqual(new Map(own), new Map(commands as [string, string][]));
  });
});

describe('docs/benchmarks.md', () => {
  it('has a place for each benchmark, and shows what the reports in bench/reference say', () => {
    const shown = [...Object.keys(benchmarks), ...shownApart];
    assert.deepEqual(new Set(referencedBenchmarks(page)), new Set(shown));
    assert.equal(page, withReferences(page));
    for (const name of shown) {
      assert.ok(existsSync(path.join(repositoryRoot, 'bench', 'reference', `${name}.json`)), name);
    }
  });

  it('gets its tables from the reports', () => {
    const [begin, end] = ['<!-- reference: micro -->\n', '<!-- end -->'];
    const replaced = withReferences(`${begin}old\n${end}`);
    assert.ok(replaced.startsWith(`${begin}| contender |`) && replaced.endsWith(`\n${end}`), replaced);
  });
});
