/**
 * Runs a program that was moved to peal by its import, in a process of its own, as it is or with the library that it
 * was written for: in a copy that differs in that one word. Used by tests that compare the two.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Simulator } from '../../src/simulator/index.js';
import { repositoryRoot } from '../support/repository.js';

const installed = path.join(repositoryRoot, 'test', 'interop', 'node_modules');
const redirection = new URL('./redirect-to-gateway.js', import.meta.url).href;

/** A program that has not ended by then does not end by itself. */
const limitMs = 60_000;

/** Whether `npm ci` was run in test/interop. */
export function isInstalled(library: string): boolean {
  return existsSync(path.join(installed, library, 'package.json'));
}

/** The library that a program was written for, and peal's module that has its interface. */
export interface Move {
  readonly library: '@parse/node-apn' | 'apns2';
  readonly module: 'peal/compat/node-apn' | 'peal/compat/apns2';
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** Connections to port 443 go to this gateway, whose authority is trusted. */
  readonly gateway?: Simulator;
  readonly env?: Readonly<Record<string, string>>;
}

export class ProgramFolder implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'peal-moved-'));

  constructor() {
    symlinkSync(installed, path.join(this.folder, 'node_modules'));
  }

  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** The program as it was before it was moved. */
  before(program: string, { library, module }: Move): string {
    const lines = readFileSync(program, 'utf8').split('\n');
    const named = lines.flatMap((line, index) => (line.includes(`'${module}'`) ? [index] : []));
    assert.equal(named.length, 1, `${program} names ${module} in one line`);
    lines[named[0]!] = lines[named[0]!]!.replace(`'${module}'`, `'${library}'`);
    const isModule = !program.endsWith('.cjs');
    return this.write(`before.${isModule ? 'mjs' : 'cjs'}`, lines.join('\n'));
  }

  /**
   * A folder with all packages of test/interop, one of them a copy: so it loads its dependencies from there, too. With
   * a move, the library is a package that hands on peal's module.
   */
  packagesAround(copied: string, { library, module }: Move, isMoved: boolean): string {
    const packages = mkdtempSync(path.join(this.folder, 'packages-'));
    const own = path.join(packages, 'node_modules');
    for (const name of packageNames()) {
      const place = path.join(own, name);
      mkdirSync(path.dirname(place), { recursive: true });
      if (name === copied) cpSync(path.join(installed, name), place, { recursive: true });
      else if (name !== library || !isMoved) symlinkSync(path.join(installed, name), place);
    }
    if (!isMoved) return packages;
    const resolved = createRequire(path.join(repositoryRoot, 'package.json')).resolve(module);
    const place = path.relative(this.folder, path.join(own, library));
    this.write(path.join(place, 'package.json'), JSON.stringify({ name: library, version: '0.0.0', main: 'index.js' }));
    this.write(path.join(place, 'index.js'), `module.exports = require(${JSON.stringify(resolved)});\n`);
    return packages;
  }

  /** Runs a program with a task to its end, which it has to find by itself. */
  async run(program: string, task: object, { gateway, env = {} }: ProgramOptions = {}): Promise<ProgramEnd> {
    const taskFile = this.write('task.json', JSON.stringify(task));
    const args = [program, taskFile];
    const all: Record<string, string> = { ...(process.env as Record<string, string>), ...env };
    if (gateway !== undefined) {
      args.unshift('--import', redirection);
      all.GATEWAY_PORT = new URL(gateway.url).port;
      all.NODE_EXTRA_CA_CERTS = this.write('ca.pem', gateway.caCertificate!);
    }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: all, timeout: limitMs });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Of test/interop, those with a scope included. */
const packageNames = (): string[] =>
  readdirSync(installed)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(path.join(installed, name)).map((inner) => `${name}/${inner}`) : [name],
    );

export const moved = (name: string): string => path.join(repositoryRoot, 'examples', 'moved', name);

/** A program that is compiled, by its URL from this file. */
export const compiled = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
