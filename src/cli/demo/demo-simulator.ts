/** `peal simulate` as a child process of the demo, so that its books are independent. Main thread. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PealError } from '../../base/errors.js';
import type { LedgerSummary } from '../../simulator/books/ledger.js';
import type { DemoFiles } from './demo-files.js';

const startTimeoutMs = 20_000;
const stopTimeoutMs = 8_000;

interface Announcement {
  readonly url: string;
  readonly ledgerUrl: string;
}

export class DemoSimulator {
  readonly #process: ChildProcess;
  readonly #announcement: Announcement;

  private constructor(process: ChildProcess, announcement: Announcement) {
    this.#process = process;
    this.#announcement = announcement;
  }

  /** Resolves once it listens. Throws PealError ERR_PEAL_CONNECT if it does not start. */
  static async start(files: DemoFiles, topic: string): Promise<DemoSimulator> {
    const main = fileURLToPath(new URL('../main.js', import.meta.url));
    const key = ['--provider-key', files.publicKey, '--key-id', files.keyId, '--team-id', files.teamId];
    const args = ['simulate', '--json', '--auth', 'token', ...key, '--topic', topic, '--ca-out', files.authority];
    const child = spawn(process.execPath, [main, ...args], {
      // A process group of its own: Ctrl-C is for the sender, which still waits for answers. The channel tells the
      // simulator when the demo has gone.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    try {
      return new DemoSimulator(child, await announcementOf(child));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get url(): string {
    return this.#announcement.url;
  }

  async ledger(): Promise<LedgerSummary> {
    const response = await fetch(this.#announcement.ledgerUrl);
    return (await response.json()) as LedgerSummary;
  }

  async stop(): Promise<void> {
    // It is not read any more, and an unread pipe would keep this process alive.
    this.#process.stdout?.destroy();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }
}

/** The first line that it prints. */
async function announcementOf(child: ChildProcess): Promise<Announcement> {
  const lines = createInterface({ input: child.stdout! });
  const signal = AbortSignal.timeout(startTimeoutMs);
  try {
    const [line] = (await Promise.race([
      once(lines, 'line', { signal }),
      once(child, 'exit', { signal }).then(() => Promise.reject(new Error('it ended'))),
    ])) as [string];
    return JSON.parse(line) as Announcement;
  } catch (cause) {
    const message = 'The simulator of the demo did not start: try `peal simulate` by itself to see why.';
    throw new PealError('ERR_PEAL_CONNECT', message, { origin: 'connect', cause });
  } finally {
    lines.close();
  }
}
