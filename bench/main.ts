/**
 * `npm run bench`: all benchmarks, one after the other, in less than 15 minutes on two cores. With `--reference`, the
 * reports and plots that are checked in are made anew, and with them the tables of docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { benchmarks } from './benchmarks.js';
import { wholeNumber } from './lib/bench-options.js';
import { pageFile, withReferences } from './lib/reference-page.js';
import { table } from './lib/table.js';

const names = Object.keys(benchmarks);
const command = new Command('npm run bench --')
  .description('Runs all benchmarks, or those that are named.')
  .argument('[names...]', `some of ${names.join(', ')}`)
  .option('--rounds <n>', 'how often each case is measured (default: each benchmark has its own)', wholeNumber)
  .option('--quick', 'the smallest forms: they show that all parts work, and their figures mean little', false)
  .option('--folder <folder>', 'where reports and plots go (default: bench/results)')
  .option('--reference', 'make the checked-in reports, plots and tables of docs/benchmarks.md anew', false)
  .parse();
const { rounds, quick, folder, reference } = command.opts<{
  rounds?: number;
  quick: boolean;
  folder?: string;
  reference: boolean;
}>();
const unknown = command.args.find((name) => !names.includes(name));
if (unknown !== undefined) command.error(`error: "${unknown}" is not one of ${names.join(', ')}`);
const chosen = command.args.length === 0 ? names : command.args;

function run(name: string): string[] {
  const main = fileURLToPath(new URL(`./${benchmarks[name]!}.js`, import.meta.url));
  const args = [
    ...(rounds === undefined ? [] : ['--rounds', String(rounds)]),
    ...(quick ? ['--quick'] : []),
    ...(reference ? ['--reference'] : []),
    ...(folder === undefined ? [] : ['--json', path.join(folder, `${name}.json`)]),
  ];
  console.log(`\n== bench:${name} ${args.join(' ')}`);
  const startedMs = performance.now();
  const { status, signal } = spawnSync(process.execPath, [main, ...args], { stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  if (status !== 0) process.exitCode = 1;
  return [name, seconds, status === 0 ? 'measured' : `ended with ${status ?? signal}`];
}

const rows = chosen.map(run);
if (reference) writeFileSync(pageFile(), withReferences(readFileSync(pageFile(), 'utf8')));
console.log(`\n${table(['benchmark', 'seconds', 'end'], rows)}`);
