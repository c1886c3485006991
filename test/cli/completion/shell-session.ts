/**
 * A shell on a terminal of its own, by the program `script` of util-linux, as a person would use it. For tests of
 * completion.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

export const interactive = {
  bash: 'bash --noprofile --norc -i',
  zsh: 'zsh -f -i',
  fish: 'fish --no-config -i',
} as const;
export type TestedShell = keyof typeof interactive;

export const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** Whether `script` is the one of util-linux, whose options are used here. */
export const hasTerminals = (): boolean =>
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

export class ShellSession implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  #output = '';
  #changed: () => void = () => {};

  constructor(shell: TestedShell, cwd: string, env: Readonly<Record<string, string | undefined>>) {
    this.#process = spawn('script', ['-qec', interactive[shell], '/dev/null'], {
      cwd,
      env: { ...env, TERM: 'xterm', PS1: '$ ' },
    });
    this.#process.stdin.on('error', () => {});
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#changed();
    });
  }

  /** Types keys, and resolves with the screen since then once it holds `expected`. */
  async type(keys: string, expected: string): Promise<string> {
    this.#output = '';
    this.#process.stdin.write(keys);
    for (;;) {
      const shown = visible(this.#output);
      if (shown.includes(expected)) return shown;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'close');
    // Its terminal is gone then, which ends the shell.
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** Without what moves the cursor or rings. */
function visible(output: string): string {
  return [...stripVTControlCharacters(output)].filter((one) => one === '\n' || one >= ' ').join('');
}
