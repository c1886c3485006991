/**
 * `peal simulate` as a process of its own, on a port and with a certificate that stay the same when it is killed and
 * started again. For the tests of this folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LedgerSummary, TokenRecord } from '../../src/index.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { getFrom } from '../support/control-server.js';
import { quietPort } from '../support/quiet-port.js';
import { ledgerAt } from './accounts.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class SimulatorProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'peal-faults-'));
  readonly caFile: string;
  readonly caCertificate: string;
  readonly #options: readonly string[];
  #process: ChildProcess | null = null;
  readonly #port: number;
  #controlUrl = '';

  private constructor(options: readonly string[], port: number) {
    this.#port = port;
    const authority = new ThrowAwayAuthority();
    const { cert, key } = authority.issueServer();
    this.caCertificate = authority.certificate;
    this.caFile = this.write('ca.pem', authority.certificate);
    const certificate = ['--cert', this.write('cert.pem', cert), '--cert-key', this.write('cert.key', key)];
    this.#options = ['simulate', '--json', ...certificate, ...options];
  }

  /** @param options More options of `peal simulate`. */
  static async start(options: readonly string[] = []): Promise<SimulatorProcess> {
    const simulator = new SimulatorProcess(options, await quietPort());
    await simulator.restart();
    return simulator;
  }

  get url(): string {
    return `https://localhost:${this.#port}`;
  }

  /** Another incarnation, with an empty ledger, on the port of the first. */
  async restart(): Promise<void> {
    const args = [main, ...this.#options, '--port', String(this.#port)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const { controlUrl } = JSON.parse(line) as { controlUrl: string };
    this.#process = child;
    this.#controlUrl = controlUrl;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async summary(): Promise<LedgerSummary> {
    return JSON.parse(await getFrom(`${this.#controlUrl}/peal/ledger`)) as LedgerSummary;
  }

  ledger(): Promise<Map<string, TokenRecord>> {
    return ledgerAt(this.#controlUrl);
  }

  /** A file in the simulator's folder. */
  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
