/**
 * A contender in a process of its own: its task goes as JSON in the first argument, and its result comes as JSON in the
 * last line of standard output. Called by benchmarks (`runContender`) and by contenders (`readTask`, `writeResult`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ContenderOptions {
  /** Options of node itself. */
  readonly nodeArgs?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this time the contender is killed, and its run has failed. */
  readonly limitMs?: number;
}

const defaultLimitMs = 300_000;

/** Runs a module once. Rejects with what it wrote to standard error if it fails. */
export async function runContender<Result>(
  module: URL,
  task: object,
  { nodeArgs = [], env = {}, limitMs = defaultLimitMs }: ContenderOptions = {},
): Promise<Result> {
  const file = fileURLToPath(module);
  // Old packages use deprecated functions of Node, whose warnings would fill the output.
  const args = ['--no-deprecation', ...nodeArgs, file, JSON.stringify(task)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: limitMs,
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${file} ended with ${code ?? signal}:\n${errors.slice(-4_000)}`);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Result;
}

/** For the contender: its task. */
export function readTask<Task>(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}

/** For the contender: its result. */
export function writeResult(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
