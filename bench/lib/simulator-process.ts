/** `peal simulate` in a process of its own, with a throw-away provider key that the contenders send with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createThrowAwayProviderKey } from '../../src/simulator/certificate.js';
import type { LedgerSummary } from '../../src/simulator/ledger.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** Where and as whom to send. Plain data: it goes to other processes. */
export interface Target {
  readonly url: string;
  readonly topic: string;
  readonly ca: string;
  readonly caFile: string;
  readonly keyFile: string;
  readonly keyId: string;
  readonly teamId: string;
}

export class SimulatorProcess implements AsyncDisposable {
  private constructor(
    readonly target: Target,
    /** A directory for whatever the benchmark writes; it goes with the simulator. */
    readonly folder: string,
    readonly process: ChildProcess,
    readonly controlUrl: string,
  ) {}

  /** @param options More options of `peal simulate`. */
  static async start(options: readonly string[]): Promise<SimulatorProcess> {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-'));
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const [keyFile, caFile] = [path.join(folder, 'key.p8'), path.join(folder, 'ca.pem')];
    writeFileSync(keyFile, p8, { mode: 0o600 });
    const key = ['--auth', 'token', '--provider-key', keyFile, '--key-id', keyId, '--team-id', teamId];
    const args = [main, 'simulate', '--json', '--ca-out', caFile, ...key, ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const { url, controlUrl } = JSON.parse(line) as { url: string; controlUrl: string };
    const ca = readFileSync(caFile, 'utf8');
    const target = { url, topic: 'com.example.bench', ca, caFile, keyFile, keyId, teamId };
    return new SimulatorProcess(target, folder, child, controlUrl);
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
