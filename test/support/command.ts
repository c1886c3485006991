/**
 * Runs the compiled `peal` command and hands back what a script would see: in a process of its own where the test has
 * to do with the process (signals, limits, folders) or PEAL_TEST_CASES is "all", which continuous integration sets only
 * for the test files that leave out cases otherwise; else in this process, with streams of its own, in a tenth of the
 * time.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../src/cli/program.js';
import { drawsAll } from './cases.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface CommandOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** No file may grow larger than this, as on a full disk. A multiple of 1,024; needs a shell. */
  readonly maxFileBytes?: number;
  /** So many files may be open at a time. Needs a shell. */
  readonly maxOpenFiles?: number;
  /** Whether the test has to do with the process itself, beyond what the options above tell. Default false. */
  readonly ownProcess?: boolean;
  /** Called once the process runs; for signals and for input that is written piece by piece. */
  readonly whileRunning?: (child: ChildProcess, output: () => string) => Promise<void> | void;
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves when the command has ended. Without `stdin` (or a `whileRunning` that writes) its input is empty. */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return drawsAll || needsProcess(options) ? runProcess(args, options) : runHere(args, options);
}

function needsProcess(options: CommandOptions): boolean {
  const { stdin, cwd, maxFileBytes, maxOpenFiles, whileRunning, ownProcess = false } = options;
  return ownProcess || [stdin, cwd, maxFileBytes, maxOpenFiles, whileRunning].some((option) => option !== undefined);
}

async function runHere(args: readonly string[], { env }: CommandOptions): Promise<CommandResult> {
  const stdout = new Collected();
  const stderr = new Collected();
  const terminal = { stdin: Readable.from([]), stdout, stderr, env: { ...process.env, NO_COLOR: '1', ...env } };
  const listeners = signalListeners();
  const code = await runCommandLine(args, terminal);
  assert.equal(signalListeners(), listeners, `peal ${args[0]} has ended and still listens to signals`);
  return { code, signal: null, stdout: stdout.text, stderr: stderr.text };
}

function signalListeners(): number {
  return process.listenerCount('SIGTERM') + process.listenerCount('SIGINT') + process.listenerCount('SIGHUP');
}

/** Keeps what is written to it. */
class Collected extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

async function runProcess(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [program, programArgs] = commandLine(args, options);
  const child = spawn(program, programArgs, {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (options.whileRunning === undefined || options.stdin !== undefined) child.stdin.end(options.stdin);
  await options.whileRunning?.(child, () => stdout);
  const [code, signal] = await ended;
  return { code, signal, stdout, stderr };
}

function commandLine(args: readonly string[], { maxFileBytes, maxOpenFiles }: CommandOptions): [string, string[]] {
  if (maxOpenFiles !== undefined) {
    return ['sh', ['-c', `ulimit -n ${maxOpenFiles}; exec "$@"`, 'sh', process.execPath, main, ...args]];
  }
  if (maxFileBytes === undefined) return [process.execPath, [main, ...args]];
  // The signal is ignored, so that the write fails (EFBIG) instead of the process.
  const limited = `trap '' XFSZ; ulimit -f ${maxFileBytes / 1024}; exec "$@"`;
  return ['bash', ['-c', limited, 'bash', process.execPath, main, ...args]];
}

/** The JSON lines of an output. */
export function jsonLines(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
