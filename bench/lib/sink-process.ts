/** The sink of bench/sink in a process of its own, with the throw-away credentials that the contenders send with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { SinkCounts, SinkOptions } from '../sink/options.js';
import { type Target, topic, writeCredentials } from './target.js';

const main = fileURLToPath(new URL('../sink/main.js', import.meta.url));

export class SinkProcess implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    readonly target: Target,
    /** A directory for the benchmark's files, removed with the sink. */
    readonly folder: string,
    child: ChildProcess,
    lines: AsyncIterator<string>,
  ) {
    this.#process = child;
    this.#lines = lines;
  }

  static async start(options: Partial<SinkOptions> = {}): Promise<SinkProcess> {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-sink-'));
    const authority = new ThrowAwayAuthority('peal sink', Date.now());
    const caFile = path.join(folder, 'ca.pem');
    writeFileSync(caFile, authority.certificate);
    const task = JSON.stringify({ ...options, ...authority.issueServer() });
    const child = spawn(process.execPath, [main, task], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = linesOf(createInterface({ input: child.stdout }));
    const { port } = (await nextOf(lines)) as { port: number };
    const target: Target = {
      ...{ protocol: 'http2', url: `https://localhost:${port}`, topic, ca: authority.certificate, caFile },
      ...writeCredentials(folder),
    };
    return new SinkProcess(target, folder, child, lines);
  }

  counts(): Promise<SinkCounts> {
    return this.#ask('counts');
  }

  /** The counts so far. They begin again at nothing. */
  reset(): Promise<SinkCounts> {
    return this.#ask('reset');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin!.end();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #ask(command: string): Promise<SinkCounts> {
    this.#process.stdin!.write(`${command}\n`);
    return nextOf(this.#lines) as Promise<SinkCounts>;
  }
}

const linesOf = (lines: Interface): AsyncIterator<string> => lines[Symbol.asyncIterator]();

async function nextOf(lines: AsyncIterator<string>): Promise<unknown> {
  const { done, value } = await lines.next();
  if (done === true) throw new Error('The sink has ended.');
  return JSON.parse(value);
}
