/** Runs a benchmark in its smallest form, in a process of its own, and reads its report. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Report, Row } from '../../bench/lib/report.js';

/**
 * @param main of the benchmark, from `bench/`: `single/main`
 * @returns the report, and what was printed
 */
export async function quickReport(main: string, args: readonly string[] = []): Promise<[Report, string]> {
  const file = fileURLToPath(new URL(`../../bench/${main}.js`, import.meta.url));
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-test-'));
  try {
    const jsonFile = path.join(folder, 'report.json');
    const command = [file, '--quick', '--json', jsonFile, ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 24 });
    return [JSON.parse(readFileSync(jsonFile, 'utf8')) as Report, stdout];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The median of a figure, which each row must have. */
export function medianOf({ contender, figures }: Row, metric: string): number {
  const figure = figures[metric];
  assert.ok(figure !== undefined, `${contender} has no ${metric}`);
  return figure.median;
}
