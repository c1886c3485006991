/** Runs the compiled `peal` command from a shell, with redirections, for the tests of this folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface ShellResult {
  readonly code: number | null;
  readonly stderr: string;
}

/** `redirection` as a shell writes it, such as `>/dev/full`. Without a rest on standard error of its own. */
export function runInShell(args: readonly string[], redirection: string): Promise<ShellResult> {
  const script = `exec "$@" ${redirection}`;
  const child: ChildProcess = spawn('sh', ['-c', script, 'sh', process.execPath, main, ...args], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}
