/**
 * A terminal that is typed into and looked at: bash in a tmux of its own, with its own socket and without anybody's
 * settings. Frames are what tmux says the terminal shows, with the time at which it was asked.
 */
import { execFile, spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Frame } from './film.js';
import { linesOf } from './styled-text.js';

const run = promisify(execFile);

/** Between two or three keys: a quick typist. */
const typingMs = 30;
/** What has not come by then never will. */
const patienceMs = 120_000;

export const hasTmux = (): boolean => spawnSync('tmux', ['-V']).status === 0;

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  /** Milliseconds between two frames. */
  readonly frameMs: number;
  /** Where the shell begins. */
  readonly folder: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

export class Terminal {
  readonly #socket = `peal-picture-${process.pid}`;
  readonly #options: TerminalOptions;
  readonly #frames: Frame[] = [];
  #startedMs = 0;
  #isRecording = false;
  #recording: Promise<void> = Promise.resolve();

  private constructor(options: TerminalOptions) {
    this.#options = options;
  }

  /** Opens it with a prompt that an empty line stands before, and waits for that. */
  static async open(options: TerminalOptions): Promise<Terminal> {
    const terminal = new Terminal(options);
    const { columns, rows, folder, env } = options;
    const size = ['-x', String(columns), '-y', String(rows)];
    const variables = Object.entries({ ...env, PS1: '\\n$ ', PS2: '  ' }).map(([name, value]) => `${name}=${value}`);
    const shell = ['env', '-i', 'TERM=screen', 'LC_ALL=C.UTF-8', ...variables, 'bash', '--norc', '--noprofile'];
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, '-c', folder, ...shell);
    await terminal.prompt();
    return terminal;
  }

  /** Begins with an empty screen at the moment 0. */
  async record(): Promise<void> {
    await this.#tmux('send-keys', '-l', 'clear');
    await this.#tmux('send-keys', 'Enter');
    await this.see(({ rows }) => rows.filter(({ text }) => text !== '').length === 1);
    this.#startedMs = performance.now();
    this.#isRecording = true;
    this.#recording = this.#look();
  }

  /** Types a command of one line or more, then Enter. */
  async type(text: string): Promise<void> {
    for (const line of text.split('\n')) {
      for (const [keys] of line.matchAll(/.{1,3}/gu)) {
        await this.#tmux('send-keys', '-l', '--', keys);
        await setTimeout(typingMs);
      }
      await this.#tmux('send-keys', 'Enter');
    }
  }

  /** Waits until the terminal shows what is looked for. */
  async see(isThere: (frame: Frame) => boolean): Promise<Frame> {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const frame = await this.#frame();
      if (isThere(frame)) return frame;
      if (performance.now() > endMs)
        throw new Error(`The terminal never showed it:\n${frame.rows.map((row) => row.text).join('\n')}`);
      await setTimeout(20);
    }
  }

  /** Waits for the prompt below what was typed. The last row that is not empty has nothing but the prompt then. */
  prompt(): Promise<Frame> {
    return this.see(({ rows }) => rows.findLast((row) => row.text !== '')?.text.trim() === '$');
  }

  /** Lets a reader read. */
  rest(ms: number): Promise<void> {
    return setTimeout(ms);
  }

  /** Resolves with what it showed since `record`, and as the last frame what it shows now. */
  async cut(): Promise<readonly Frame[]> {
    this.#isRecording = false;
    await this.#recording;
    return [...this.#frames, await this.#frame()];
  }

  async close(): Promise<void> {
    this.#isRecording = false;
    await this.#recording.finally(() => this.#tmux('kill-server'));
  }

  async #look(): Promise<void> {
    while (this.#isRecording) {
      this.#frames.push(await this.#frame());
      const sinceMs = performance.now() - this.#startedMs;
      await setTimeout(this.#options.frameMs - (sinceMs % this.#options.frameMs));
    }
  }

  async #frame(): Promise<Frame> {
    const ms = Math.round(performance.now() - this.#startedMs);
    const cursorFormat = '#{cursor_flag} #{cursor_x} #{cursor_y}';
    const text = await this.#tmux('capture-pane', '-e', '-p', ';', 'display-message', '-p', cursorFormat);
    const lines = text.trimEnd().split('\n');
    const [isShown, column, row] = lines.pop()!.split(' ').map(Number);
    return { ms, rows: linesOf(lines.join('\n')), cursor: isShown === 1 ? { column: column!, row: row! } : null };
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-L', this.#socket, ...args]);
    return stdout;
  }
}
