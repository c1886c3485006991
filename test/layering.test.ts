/**
 * The direction of imports, as CONTRIBUTING.md describes it: a folder of src/ imports only from those above it, and no
 * two folders need each other. Reads the sources, not the compiled files.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from './support/repository.js';

const source = path.join(repositoryRoot, 'src');

/** From the ground up. `index` stands for src/index.ts. */
const layers = [
  'base',
  'apns',
  'codec',
  'transport',
  'connection',
  'engine',
  'session',
  'campaign',
  'simulator',
  'cli',
  'index',
] as const;

/** The simulator is a second opinion on what the sender does, so it shares only what both sides must agree on. */
const narrower: Readonly<Record<string, readonly string[]>> = {
  simulator: ['base', 'apns', 'codec', 'transport'],
};

/** Heavy packages, each behind the modules named here. */
const packageOwners: Readonly<Record<string, RegExp>> = {
  piscina: /^engine\/dispatcher\//,
  comlink: /^engine\//,
  commander: /^cli\//,
  'cli-progress': /^cli\//,
  picocolors: /^cli\//,
};

interface Import {
  /** Path below src/, with forward slashes. */
  readonly from: string;
  readonly specifier: string;
  /** Path below src/ of the file that is meant, or null for packages and built-in modules. */
  readonly to: string | null;
}

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => name.split(path.sep).join('/'));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(source, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName: specifier }) => {
    if (!specifier.startsWith('.')) return { from: file, specifier, to: null };
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
    return { from: file, specifier, to: target.replace(/\.js$/, '.ts') };
  });
}

const layerOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : 'index');

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** The folders of a cycle, or null. Depth first, with the path walked so far. */
function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const finished = new Set<string>();
  const visit = (folder: string, walked: string[]): string[] | null => {
    if (walked.includes(folder)) return [...walked.slice(walked.indexOf(folder)), folder];
    if (finished.has(folder)) return null;
    for (const next of edges.get(folder) ?? []) {
      const cycle = visit(next, [...walked, folder]);
      if (cycle !== null) return cycle;
    }
    finished.add(folder);
    return null;
  };
  for (const folder of edges.keys()) {
    const cycle = visit(folder, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

describe('layers of src/', () => {
  const files = filesBelow(source);
  const imports = files.flatMap(importsOf);

  it('has no folder besides the named layers', () => {
    const unknown = files.filter((file) => !(layers as readonly string[]).includes(layerOf(file)));
    assert.deepEqual(unknown, []);
  });

  it('imports only from layers above', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === null || to.startsWith('../')) return false;
      const [user, used] = [layerOf(from), layerOf(to)];
      if (user === used) return false;
      const allowed: readonly string[] = narrower[user] ?? layers.slice(0, layers.indexOf(user as 'index'));
      return !allowed.includes(used);
    });
    assert.deepEqual(wrong, []);
  });

  it('imports nothing outside src/, workers least of all', () => {
    const outside = imports.filter(({ specifier, to }) => to?.startsWith('../') || specifier.includes('workers/'));
    assert.deepEqual(outside, []);
  });

  it('imports only files that exist', () => {
    const missing = imports.filter(({ to }) => to !== null && !existsSync(path.join(source, to)));
    assert.deepEqual(missing, []);
  });

  it('has no two folders that need each other', () => {
    const edges = new Map<string, Set<string>>();
    for (const { from, to } of imports) {
      if (to === null) continue;
      const [user, used] = [path.posix.dirname(from), path.posix.dirname(to)];
      if (user !== used) edges.set(user, (edges.get(user) ?? new Set()).add(used));
    }
    assert.deepEqual(findCycle(edges), null);
  });

  it('keeps each heavy package behind one folder', () => {
    const stray = imports.filter(({ from, specifier }) => {
      const owner = packageOwners[packageOf(specifier)];
      return owner !== undefined && !owner.test(from);
    });
    assert.deepEqual(stray, []);
  });

  it('declares every package that it imports', () => {
    const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const undeclared = imports.filter(
      ({ specifier, to }) =>
        to === null && !specifier.startsWith('node:') && manifest.dependencies[packageOf(specifier)] === undefined,
    );
    assert.deepEqual(undeclared, []);
  });

  it('keeps sockets, timers, promises, clocks and chance out of the codec', () => {
    const modules = /^node:(net|tls|http|http2|https|dgram|dns|timers|fs|worker_threads)/;
    const names =
      /\b(setTimeout|setInterval|setImmediate|queueMicrotask|Promise|Date|performance)\b|Math\.random|\basync\b|\bawait\b/;
    const offenders = files
      .filter((file) => file.startsWith('codec/'))
      .filter((file) => {
        const code = withoutComments(readFileSync(path.join(source, file), 'utf8'));
        return names.test(code) || importsOf(file).some(({ specifier }) => modules.test(specifier));
      });
    assert.deepEqual(offenders, []);
  });
});

/** The tokens of a source text, without comments and without the insides of strings. */
function withoutComments(text: string): string {
  const printer = ts.createPrinter({ removeComments: true });
  const file = ts.createSourceFile('module.ts', text, ts.ScriptTarget.ESNext, false);
  return printer.printFile(file).replace(/'[^'\n]*'/g, "''");
}
