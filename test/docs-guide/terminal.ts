/**
 * A terminal of a reader: one bash, to which commands are given block by block, so that variables, folders and jobs
 * last from one to the next. Used by run-page.ts; the shell runs as a process beside the tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface Ran {
  /** Of the commands that failed, in their order; the last one where a pipe fails counts as the pipe does. */
  readonly failures: readonly number[];
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

export interface Started {
  /** What came until now. */
  printed(): string;
  readonly end: Promise<Ran>;
}

export class Terminal {
  readonly #shell: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #scripts: string;
  #count = 0;

  /** @param scripts a folder for the blocks and what they print; none of it is in the folder of the reader */
  constructor(cwd: string, scripts: string, env: NodeJS.ProcessEnv) {
    // Detached, so that the processes of a page can be ended together.
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#lines = createInterface({ input: this.#shell.stdout! })[Symbol.asyncIterator]();
    this.#scripts = scripts;
  }

  async run(commands: string): Promise<Ran> {
    return this.start(commands).end;
  }

  /** Commands that the page does not wait for. */
  start(commands: string): Started {
    const base = path.join(this.#scripts, `block-${this.#shell.pid}-${++this.#count}`);
    // The last command is one that cannot fail: a failure counts where it happens, and not once more for the whole
    // block.
    writeFileSync(`${base}.sh`, `${commands}\n:\n`);
    for (const file of [`${base}.codes`, `${base}.out`]) writeFileSync(file, '');
    this.#shell.stdin!.write(
      `trap 'echo $? >> ${base}.codes' ERR\n. ${base}.sh < /dev/null >> ${base}.out 2>&1\ntrap - ERR\necho ended\n`,
    );
    const printed = (): string => readFileSync(`${base}.out`, 'utf8');
    return { printed, end: this.#ended(base, printed) };
  }

  async #ended(base: string, printed: () => string): Promise<Ran> {
    const { done } = await this.#lines.next();
    const output = printed();
    const codes = readFileSync(`${base}.codes`, 'utf8').trim();
    // The shell itself was ended, with what it ran.
    if (done === true) return { failures: [], output };
    return { failures: codes === '' ? [] : codes.split('\n').map(Number), output };
  }

  /** Ends the shell and whatever it started and left running. */
  async close(): Promise<void> {
    const { pid } = this.#shell;
    const gone = once(this.#shell, 'close');
    try {
      process.kill(-pid!, 'SIGKILL');
    } catch {
      // All of it has ended by itself.
    }
    await gone;
  }
}
