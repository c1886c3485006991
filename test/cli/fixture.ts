/** What the end-to-end tests of the commands share: a simulator, credentials and lists in a directory of their own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { integer } from '../../src/base/text.js';
import { createThrowAwayProviderKey, type ThrowAwayProviderKey } from '../../src/simulator/listen/certificate.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';
import type { CommandResult } from '../support/command.js';

export const topic = 'com.example.app';

export class Fixture implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly simulator: Simulator,
    readonly providerKey: ThrowAwayProviderKey,
  ) {}

  /** A simulator in this process that accepts the fixture's provider key. */
  static async open(options: SimulatorOptions = {}): Promise<Fixture> {
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
    const providerKey = createThrowAwayProviderKey();
    const { keyId, teamId, publicKey } = providerKey;
    const providerKeys = [{ keyId, teamId, publicKey }];
    const simulator = await startSimulator({ auth: 'token', providerKeys, topics: [topic], ...options });
    const fixture = new Fixture(folder, simulator, providerKey);
    await fixture.write('key.p8', providerKey.p8);
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

  /** A file of --out. */
  async output(name: string, out = 'out'): Promise<string> {
    return readFile(path.join(this.folder, out, name), 'utf8');
  }

  /** Lines of a file of --out, sorted, without the last empty one. */
  async outputLines(name: string, out = 'out'): Promise<string[]> {
    return linesOf(await this.output(name, out));
  }

  get credential(): string[] {
    const { keyId, teamId } = this.providerKey;
    return ['--key', this.path('key.p8'), '--key-id', keyId, '--team-id', teamId];
  }

  get gateway(): string[] {
    return ['--gateway', this.simulator.url, '--ca', this.path('ca.pem')];
  }

  /**
   * A complete `peal send` of `tokens`, in-process, with --out (and --force: tests share the folder). Later options
   * override nothing: leave out by name.
   */
  send(tokens: string, options: { without?: readonly string[]; with?: readonly string[] } = {}): string[] {
    const pairs: readonly (readonly [string, string])[] = [
      ['--tokens', tokens],
      ['--alert', 'Hello'],
      ['--topic', topic],
      ...pairsOf(this.credential),
      ...pairsOf(this.gateway),
      ['--threads', '0'],
      ['--out', this.path('out')],
    ];
    const isKept = (name: string): boolean => options.without?.includes(name) !== true;
    const kept = pairs.filter(([name]) => isKept(name));
    return ['send', ...kept.flat(), ...(isKept('--force') ? ['--force'] : []), ...(options.with ?? [])];
  }
}

function pairsOf(args: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < args.length; index += 2) pairs.push([args[index]!, args[index + 1]!]);
  return pairs;
}

/** Different device tokens that no script answers, as hex. */
export function randomTokens(count: number): string[] {
  return Array.from({ length: count }, () => `00${randomBytes(31).toString('hex')}`);
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/**
 * That the sentence on what ended the run is followed by the one on `refused` tokens; gives the result without that.
 */
export function withoutRefusedNote(result: CommandResult, refused: number): CommandResult {
  const lines = result.stderr.split('\n');
  const notes = lines.filter((line) => line.includes('refused for the reason that ended the run'));
  assert.equal(notes.length, 1, result.stderr);
  assert.ok(notes[0]!.startsWith(`peal: ${integer(refused)} tokens were refused`), notes[0]);
  return { ...result, stderr: lines.filter((line) => line !== notes[0]).join('\n') };
}

/** Exactly one line on standard error, which says `what` and is a sentence. */
export function assertOneSentence({ stderr }: CommandResult, ...what: RegExp[]): void {
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0]!, /^peal: .*\.$/);
  for (const pattern of what) assert.match(lines[0]!, pattern);
}
