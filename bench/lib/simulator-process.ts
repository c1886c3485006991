/**
 * `peal simulate` in a process of its own, with a throw-away provider key or certificate that the contenders send with.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LedgerSummary } from '../../src/simulator/books/ledger.js';
import { type Protocol, type Target, topic, writeCredentials } from './target.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** The announcement of `peal simulate --json`, as far as benchmarks need it. */
interface Announcement {
  readonly url: string;
  readonly binaryUrl?: string | null;
  readonly controlUrl: string;
  readonly ledgerUrl: string;
}

/** Books of the simulator beside the gateway. */
export interface SimulatorTarget extends Target {
  readonly ledgerUrl: string;
}

export class SimulatorProcess implements AsyncDisposable {
  private constructor(
    readonly target: SimulatorTarget,
    /** A directory for the benchmark's files, removed with the simulator. */
    readonly folder: string,
    readonly process: ChildProcess,
    readonly controlUrl: string,
  ) {}

  /** @param options More options of `peal simulate`. */
  static async start(protocol: Protocol, options: readonly string[]): Promise<SimulatorProcess> {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-'));
    const { keyId, teamId, ...files } = writeCredentials(folder);
    const caFile = path.join(folder, 'ca.pem');
    const key = ['--auth', 'token', '--provider-key', files.keyFile, '--key-id', keyId, '--team-id', teamId];
    const certificate = ['--auth', 'certificate', '--client-ca', files.clientCaFile, '--binary-port', '0'];
    const how = protocol === 'http2' ? key : certificate;
    // Not scripted, because some of a hundred million random tokens would ask for another answer.
    const args = [main, 'simulate', '--json', '--no-scripted', '--ca-out', caFile, ...how, ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const announced = await firstLine(child);
    const target: SimulatorTarget = {
      ...{ protocol, topic, keyId, teamId, caFile, ...files },
      url: protocol === 'http2' ? announced.url : announced.binaryUrl!,
      ledgerUrl: announced.ledgerUrl,
      ca: readFileSync(caFile, 'utf8'),
    };
    return new SimulatorProcess(target, folder, child, announced.controlUrl);
  }

  async reset(): Promise<void> {
    await fetch(`${this.controlUrl}/peal/reset`, { method: 'POST' });
  }

  async ledger(): Promise<LedgerSummary> {
    return (await (await fetch(`${this.controlUrl}/peal/ledger`)).json()) as LedgerSummary;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGTERM');
    if (this.process.exitCode === null) await once(this.process, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The announcement once it listens. Rejects if it ends before that. */
async function firstLine(child: ChildProcess): Promise<Announcement> {
  const line = once(createInterface({ input: child.stdout! }), 'line') as Promise<[string]>;
  const end = once(child, 'exit').then(([code]): never => {
    throw new Error(`peal simulate ended with ${code} before it listened.`);
  });
  const [text] = await Promise.race([line, end]);
  return JSON.parse(text) as Announcement;
}
