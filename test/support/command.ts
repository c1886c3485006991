/**
 * Runs the compiled `peal` command in a process of its own and hands back what a script would see.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface CommandOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** No file may grow larger than this, as on a full disk. A multiple of 1,024; needs a shell. */
  readonly maxFileBytes?: number;
  /** So many files may be open at a time. Needs a shell. */
  readonly maxOpenFiles?: number;
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
