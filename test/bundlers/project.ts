/**
 * A project of somebody else's in a temporary folder, with peal installed as it is published. The tests of this folder
 * bundle, compile and test programs in it. Skipped by name where `npm ci` was not run in test/bundlers.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { packInto } from '../support/packed.js';
import { repositoryRoot } from '../support/repository.js';

const run = promisify(execFile);
const tools = path.join(repositoryRoot, 'test', 'bundlers', 'node_modules');

/** The entry of a tool that is loaded by its path, because it is none of peal's own packages. */
export function toolUrl(file: string): string {
  return pathToFileURL(path.join(tools, file)).href;
}

/** Describes what needs the tools, or skips it by name. */
export function describeWithTools(title: string, body: (this: Mocha.Suite) => void): void {
  if (existsSync(path.join(tools, 'esbuild', 'package.json'))) describe(title, body);
  else describe.skip(`${title} (npm ci --prefix test/bundlers --ignore-scripts)`, body);
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of Node to its end. */
export async function runNode(args: readonly string[], cwd: string): Promise<Ended> {
  // Jest and its like write what they find to standard error; colours are for people.
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', NODE_OPTIONS: '', CI: 'true' };
  try {
    const { stdout, stderr } = await run(process.execPath, args, { cwd, env, maxBuffer: 1 << 26 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}

export class Project {
  readonly folder: string;
  /** The package as `npm pack` makes it. */
  readonly tarball: string;

  private constructor(folder: string, tarball: string) {
    this.folder = folder;
    this.tarball = tarball;
  }

  /** Packs peal and installs it. Takes some seconds: one for all tests of a file. */
  static async create(): Promise<Project> {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'peal-project-')));
    const { tarball } = await packInto(folder);
    const modules = path.join(folder, 'node_modules');
    const installed = path.join(modules, 'peal');
    mkdirSync(installed, { recursive: true });
    await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
    linkPackages(path.join(repositoryRoot, 'node_modules'), modules);
    linkPackages(tools, modules);
    return new Project(folder, tarball);
  }

  /** Writes files, by their paths within the project. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      const to = path.join(this.folder, file);
      mkdirSync(path.dirname(to), { recursive: true });
      writeFileSync(to, text);
    }
  }

  file(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Runs the command of a tool, by the file of its package that does it. */
  tool(file: string, args: readonly string[], cwd = this.folder): Promise<Ended> {
    return runNode([path.join(tools, file), ...args], cwd);
  }

  /** Does something while a file or folder is not there. */
  async hide(file: string, action: () => Promise<void>): Promise<void> {
    renameSync(file, `${file}.hidden`);
    try {
      await action();
    } finally {
      renameSync(`${file}.hidden`, file);
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What is there already stays: peal, and the version that peal itself depends on. */
function linkPackages(from: string, to: string): void {
  for (const name of readdirSync(from).filter((entry) => !entry.startsWith('.'))) {
    if (name.startsWith('@')) {
      mkdirSync(path.join(to, name), { recursive: true });
      for (const part of readdirSync(path.join(from, name)))
        link(path.join(from, name, part), path.join(to, name, part));
    } else link(path.join(from, name), path.join(to, name));
  }
}

function link(from: string, to: string): void {
  if (!existsSync(to)) symlinkSync(from, to);
}
