import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { benchCommand, benchOptions } from '../../bench/lib/bench-options.js';
import { canPlot } from '../../bench/lib/plot.js';
import type { Report } from '../../bench/lib/report.js';
import { type Benchmark, type Console, runBenchmark } from '../../bench/lib/runner.js';
import { percentile } from '../../bench/lib/statistics.js';

const silent: Console = { print: () => {}, progress: () => {} };

describe('bench/lib', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-test-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const files = (name: string): { jsonFile: string; svgFile: string } => ({
    jsonFile: path.join(folder, `${name}.json`),
    svgFile: path.join(folder, `${name}.svg`),
  });

  /** Two contenders whose cost is their round, and one that measures two rows at a time. */
  function benchmark(order: string[]): Benchmark {
    const one = (contender: string, times = 1): Benchmark['cases'][number] => ({
      contender,
      parameters: { inFlight: 100 },
      measure: async (round) => {
        order.push(`${contender}${round}`);
        return { costUs: times * round * 1.00000049 };
      },
    });
    const series = [1, 2].map((second) => ({ parameters: { second }, values: { costUs: second } }));
    return {
      name: 'test',
      title: 'A test',
      parameters: { count: 7 },
      metrics: { costUs: { title: 'cost µs', digits: 1, hasSpread: true } },
      comparison: { title: 'cheaper by', contenders: ['none', 'b'], by: ['inFlight'], metric: 'costUs' },
      cases: [one('a'), one('b', 2), { contender: 'c', parameters: {}, measure: async () => series }],
      skipped: [{ contender: 'd', why: 'It is not installed.' }],
      plot: { mark: 'bar', encoding: { x: { field: 'costUs', type: 'quantitative' }, y: { field: 'contender' } } },
    };
  }

  it('measures every case once in each round, and turns the order round', async () => {
    const order: string[] = [];
    await runBenchmark(benchmark(order), { rounds: 2, quick: false, ...files('a') }, silent);
    assert.deepEqual(order, ['a1', 'b1', 'b2', 'a2']);
  });

  it('writes conditions, every sample, median and spread as JSON, and the plot beside it', async () => {
    const { jsonFile, svgFile } = files('deep/test');
    const report = await runBenchmark(benchmark([]), { rounds: 3, quick: true, jsonFile, svgFile }, silent);
    const written = JSON.parse(readFileSync(jsonFile, 'utf8')) as Report;
    assert.deepEqual(written, JSON.parse(JSON.stringify(report)));
    assert.equal(written.conditions.node, process.version);
    assert.ok(written.conditions.cpu.count > 0);
    assert.deepEqual(written.parameters, { count: 7 });
    assert.deepEqual(written.rows[0], {
      contender: 'a',
      parameters: { inFlight: 100 },
      figures: { costUs: { median: 2, lowest: 1, highest: 3, samples: [1, 2, 3] } },
    });
    assert.deepEqual(
      written.rows.map(({ contender, parameters }) => [contender, parameters]),
      [
        ['a', { inFlight: 100 }],
        ['b', { inFlight: 100 }],
        ['c', { second: 1 }],
        ['c', { second: 2 }],
      ],
    );
    assert.equal(existsSync(svgFile), canPlot());
  });

  it('prints a table with the spread and with what was left out', async () => {
    const printed: string[] = [];
    const options = { rounds: 3, quick: false, ...files('a') };
    await runBenchmark(benchmark([]), options, { ...silent, print: (text) => printed.push(text) });
    const text = printed.join('\n');
    assert.match(text, /^a +100 +2\.0 +1\.0–3\.0 +2\.0 x$/m);
    assert.match(text, /^c +1 +1\.0 +1\.0–1\.0 +–$/m);
    assert.match(text, /medians of 3 rounds/);
    assert.match(text, /Left out: d\. It is not installed\./);
    assert.ok(text.includes(options.jsonFile));
  });

  it('fails where a case fails', async () => {
    const broken: Benchmark = {
      ...benchmark([]),
      cases: [{ contender: 'a', parameters: {}, measure: () => Promise.reject(new Error('3 of 4 arrived')) }],
    };
    const options = { rounds: 1, quick: false, ...files('a') };
    await assert.rejects(runBenchmark(broken, options, silent), /3 of 4 arrived/);
    assert.equal(existsSync(options.jsonFile), false);
  });

  it('reads the shared options, and refuses unknown ones', () => {
    const parsed = (...args: string[]): ReturnType<typeof benchOptions> => {
      const command = benchCommand('test', 'Tests.')
        .exitOverride()
        .configureOutput({ writeErr: () => {} });
      return benchOptions(command.parse(args, { from: 'user' }), 'test');
    };
    assert.deepEqual(parsed('--rounds', '3', '--json', 'x.json'), {
      ...{ rounds: 3, quick: false, jsonFile: 'x.json', svgFile: 'x.svg' },
    });
    assert.equal(parsed('--quick').rounds, 1);
    assert.match(parsed().jsonFile, /bench\/results\/test\.json$/);
    assert.match(parsed('--reference').jsonFile, /bench\/reference\/test\.json$/);
    assert.match(parsed('--reference').svgFile, /docs\/benchmarks\/test\.svg$/);
    assert.throws(() => parsed('--round', '3'), /unknown option/);
    assert.throws(() => parsed('--rounds', '0'), /whole number above 0/);
    assert.throws(() => parsed('extra'), /too many arguments/);
  });

  it('gives percentiles', () => {
    const values = Float64Array.from({ length: 100 }, (_, index) => index + 1);
    assert.equal(percentile(values, 0.5), 50);
    assert.equal(percentile(values, 0.99), 99);
    assert.equal(percentile(values, 1), 100);
    assert.ok(Number.isNaN(percentile([], 0.5)));
  });
});
