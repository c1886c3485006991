/**
 * A project of somebody who has just installed peal: a folder outside the repository, with blanks in its path, in which
 * npm has installed the packed package and everything that it needs from the registry. Programs run there on a chosen
 * Node. Used by package.test.ts.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { promisify } from 'node:util';
import { packInto } from '../support/packed.js';

const run = promisify(execFile);

/** A program that has not ended by then never will. */
const patienceMs = 120_000;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The binary of a Node, and how it calls itself. */
export interface NodeBinary {
  readonly file: string;
  readonly version: string;
}

export class FreshProject {
  readonly folder: string;
  readonly tarball: string;
  /** What npm said while it installed. */
  readonly installation: Ended;
  readonly #running = new Set<ChildProcess>();

  private constructor(folder: string, tarball: string, installation: Ended) {
    this.folder = folder;
    this.tarball = tarball;
    this.installation = installation;
  }

  /** Installs peal, from a tarball or packed now, with `flags` of npm and nothing else but these packages. */
  static async create(
    flags: readonly string[],
    packages: readonly string[] = [],
    packed: string | null = null,
  ): Promise<FreshProject> {
    const above = realpathSync(mkdtempSync(path.join(tmpdir(), 'peal-package-')));
    const folder = path.join(above, 'a fresh project');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true }\n');
    const tarball = packed ?? (await packInto(above)).tarball;
    const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...flags, tarball, ...packages];
    const installation = await ended('npm', args, { cwd: folder, env: environmentOf(process.execPath) });
    return new FreshProject(folder, tarball, installation);
  }

  file(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  read(...parts: string[]): string {
    return readFileSync(this.file(...parts), 'utf8');
  }

  /** Writes files, by their paths within the project. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(this.file(file)), { recursive: true });
      writeFileSync(this.file(file), text);
    }
  }

  /** Runs a program of this name as a shell would, with this Node as `node`: `npx`, `npm`, or `node` itself. */
  run(node: NodeBinary, program: string, ...args: string[]): Promise<Ended> {
    return ended(program, args, { cwd: this.folder, env: environmentOf(node.file) });
  }

  /** Starts `peal` as a script of the project would, and resolves with it and the lines that it prints. */
  start(node: NodeBinary, ...args: string[]): { process: ChildProcess; lines: Interface } {
    const env = environmentOf(node.file);
    const child = spawn(this.file('node_modules/.bin/peal'), args, {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return { process: child, lines: createInterface(child.stdout) };
  }

  /** Ends what was started and still runs. */
  async stop(): Promise<void> {
    for (const child of this.#running) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  }

  dispose(): void {
    rmSync(path.dirname(this.folder), { recursive: true, force: true });
  }
}

/** Of a shell whose `node` is this one, without what belongs to the run of the tests. */
function environmentOf(node: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|PEAL_|INIT_CWD$)/i.test(name));
  return {
    ...Object.fromEntries(own),
    PATH: [path.dirname(node), process.env.PATH].join(path.delimiter),
    NO_COLOR: '1',
    npm_config_update_notifier: 'false',
  };
}

async function ended(program: string, args: readonly string[], options: object): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(program, args, { ...options, maxBuffer: 1 << 26, timeout: patienceMs });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}
