/** Runs a benchmark in its smallest form, as a process of its own, and reads its report. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Report } from '../../bench/lib/report.js';

/**
 * @param main the main file of the benchmark, from the folder `bench/`
 * @throws an error with its output if it fails
 */
export async function runQuickBenchmark(main: string, args: readonly string[] = []): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-test-'));
  try {
    const jsonFile = path.join(folder, 'report.json');
    const file = fileURLToPath(new URL(`../../bench/${main}`, import.meta.url));
    await promisify(execFile)(process.execPath, [file, '--quick', '--json', jsonFile, ...args], { cwd: folder });
    return JSON.parse(readFileSync(jsonFile, 'utf8')) as Report;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
