/**
 * What the end-to-end tests of the binary protocol share: a simulator that asks for a client certificate, that
 * certificate, and lists in a directory of their own.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';
import { linesOf } from './fixture.js';

export class BinaryFixture implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly simulator: Simulator,
  ) {}

  static async open(options: SimulatorOptions = {}): Promise<BinaryFixture> {
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
    const authority = new ThrowAwayAuthority('peal test', Date.now());
    const simulator = await startSimulator({
      auth: 'certificate',
      clientCa: authority.certificate,
      binaryPort: 0,
      feedbackPort: 0,
      ...options,
    });
    const fixture = new BinaryFixture(folder, simulator);
    const { cert, key } = authority.issueClient('com.example.app');
    await fixture.write('client.pem', cert);
    await fixture.write('client.key', key);
    await fixture.write('ca.pem', simulator.caCertificate!);
    return fixture;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  /** Lines of a file of --out, sorted, without the last empty one. */
  async outputLines(name: string): Promise<string[]> {
    return linesOf(await readFile(this.path(`out/${name}`), 'utf8'));
  }

  /** What the simulator's ledger says. */
  books(): { readonly accepted: number; readonly rejected: number; readonly duplicates: number | null } {
    const { accepted, rejected, duplicates } = this.simulator.ledger.summary();
    return { accepted, rejected, duplicates };
  }

  /** Certificate and trust. */
  get credential(): string[] {
    return ['--cert', this.path('client.pem'), '--cert-key', this.path('client.key'), '--ca', this.path('ca.pem')];
  }

  /** A complete `peal send` of `tokens`, in-process unless `more` says otherwise, with --out, which it may replace. */
  send(tokens: string, ...more: readonly string[]): string[] {
    const threads = more.includes('--threads') ? [] : ['--threads', '0'];
    const where = ['--gateway', this.simulator.binaryUrl!, ...this.credential, '--out', this.path('out'), '--force'];
    return ['send', '--tokens', tokens, '--alert', 'Hello', ...where, ...threads, ...more];
  }

  feedback(...more: readonly string[]): string[] {
    return ['feedback', '--gateway', this.simulator.feedbackUrl!, ...this.credential, ...more];
  }
}
