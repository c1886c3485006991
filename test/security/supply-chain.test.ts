/** What is installed with peal: little, of known contents, and nothing that runs while it is installed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/repository.js';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
  readonly dev?: boolean;
  /** The systems that it is for; it holds a binary then. */
  readonly os?: readonly string[];
}

interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly bundleDependencies?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
}

const read = <T>(...parts: string[]): T => JSON.parse(readFileSync(path.join(repositoryRoot, ...parts), 'utf8')) as T;

/** Folders with a lockfile of their own. */
const trees = [[], ['bench', 'peers'], ['test', 'interop'], ['site']];
/**
 * Packages with an install script that are let in: it compiles them where no binary came with them. `npm ci
 * --ignore-scripts` is used all the same, and they work without it.
 */
const scriptsAllowed: readonly string[] = ['node_modules/lmdb', 'node_modules/msgpackr-extract'];
/**
 * Those that programs bring along which the interop tests and benchmarks run (firebase-admin, and with it the adapter
 * of Parse Server), and esbuild, with which VitePress makes the site. They print or prepare something, and work without
 * it: `npm ci --ignore-scripts` is how they are installed. No part of peal's own tree.
 */
const othersScriptsAllowed: readonly string[] = [
  ...['node_modules/@firebase/util', 'node_modules/core-js-pure', 'node_modules/protobufjs', 'node_modules/esbuild'],
];
/** A new one needs a reason in CONTRIBUTING.md, and its row here. */
const runtime = [
  ...['@bomb.sh/tab', 'cli-progress', 'comlink', 'commander', 'csv-parse', 'fzstd', 'hyparquet'],
  ...['hyparquet-compressors', 'picocolors', 'pino', 'piscina', 'prom-client', 'tinyglobby', 'uplot', 'xxhash-wasm'],
  ...['yaml', 'zod'],
];
/** It comes with binaries, and peal does without it where there is none for the system: no journal then. */
const optional = ['lmdb'];
/**
 * Packages that an installation of peal brings in all, those of its dependencies included; besides, the binaries that
 * three of them have for one system.
 */
const maxRuntimePackages = 51;

describe('security: supply chain', () => {
  for (const tree of trees) {
    const name = path.join(...tree, 'package-lock.json');

    it(`supply chain: every entry of ${name} is from the registry, of fixed contents, without install script`, () => {
      const lock = read<Lock>(...tree, 'package-lock.json');
      assert.equal(lock.lockfileVersion, 3);
      const entries = Object.entries(lock.packages).filter(([where]) => where !== '');
      assert.ok(entries.length > 0);
      const allowed = tree.length > 0 ? [...scriptsAllowed, ...othersScriptsAllowed] : scriptsAllowed;
      for (const [where, one] of entries) {
        // Also those for other platforms, which npm leaves out where it has not fetched them.
        assert.match(one.integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, `${where}: integrity`);
        assert.match(one.version ?? '', /^\d+\.\d+\.\d+/, `${where}: version`);
        assert.ok(one.link !== true, `${where} is no link`);
        assert.equal(one.resolved, undefined, `${where} names a source of its own, beside the registry of npm`);
        assert.ok(one.hasInstallScript !== true || allowed.includes(where), `${where} has an install script`);
      }
    });

    it(`supply chain: what ${path.join(...tree, 'package.json')} asks for is a version, not an address`, () => {
      const {
        dependencies = {},
        devDependencies = {},
        optionalDependencies = {},
      } = read<Manifest>(...tree, 'package.json');
      for (const [one, range] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
        assert.match(range, /^~?\d+\.\d+\.\d+$/, one);
      }
    });
  }

  it('supply chain: peal runs on a handful of packages, each of them named', () => {
    const manifest = read<Manifest>('package.json');
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}).sort(), runtime);
    assert.deepEqual(Object.keys(manifest.optionalDependencies ?? {}), optional);
    assert.equal(manifest.bundleDependencies, undefined);
    const { packages } = read<Lock>('package-lock.json');
    const isInstalled = ({ dev, os }: LockedPackage): boolean => dev !== true && os === undefined;
    const installed = Object.entries(packages).filter(([where, one]) => where !== '' && isInstalled(one));
    assert.ok(
      installed.length <= maxRuntimePackages,
      `${installed.length} packages: ${installed.map(([where]) => where)}`,
    );
    const contributing = readFileSync(path.join(repositoryRoot, 'CONTRIBUTING.md'), 'utf8');
    for (const one of [...runtime, ...optional, ...Object.keys(manifest.devDependencies ?? {})]) {
      const word = one.startsWith('@types/') ? 'types of' : one;
      assert.ok(contributing.includes(word), `CONTRIBUTING.md says why ${one} is there`);
    }
  });

  it('supply chain: peal itself runs nothing while it is installed', () => {
    const { scripts = {} } = read<Manifest>('package.json');
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']) {
      assert.equal(scripts[name], undefined, name);
    }
  });
});
