/**
 * Where the files are that threads begin with. Normally they lie beside this one. In a program that a bundler has made
 * one file of, they cannot: they are looked for in the package `peal` as it is installed where that program runs.
 * Files of packages that peal depends on are looked for from the same places. Called on any thread, only when a thread is to
 * be started or such a file is to be read.
 */
import { existsSync, readFileSync } from 'node:fs';
// Not by its name: many put `import { createRequire }` at the head of a bundle, where it would stand twice.
import * as nodeModule from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PealError } from './errors.js';
import { version } from './version.js';

/** Files below dist/ that a thread begins with, or that cannot be bundled. */
export type PackageFile = 'workers/shard.js' | 'workers/simulator.js' | 'src/engine/hosts/thread-pool.js';

declare const __webpack_require__: unknown;

/**
 * This file, where it is one; the bundle that it has become a part of, or undefined where a bundle of CommonJS does not know
 * that. Webpack (and what is built on it) says where the file was when it was bundled, which is of no use.
 */
const here: string | undefined = typeof __webpack_require__ === 'undefined' ? import.meta.url : undefined;

/** Whether this file is one of a whole package, not a part of a bundle. */
export function isWholePackage(): boolean {
  return here?.endsWith('/src/base/package-files.js') === true && existsSync(new URL('../../workers/shard.js', here));
}

/**
 * The URL of a file of this package.
 *
 * @throws PealError ERR_PEAL_SHARD where this code is bundled and no package of the same version is installed beside it
 */
export function packageFile(name: PackageFile): URL {
  return isWholePackage() ? new URL(`../../${name}`, here) : installedFile(name, placesToLookFrom());
}

/** The same in the package that is installed for programs at `places` (paths or file URLs), the first that has one. */
export function installedFile(name: PackageFile, places: readonly string[]): URL {
  for (const place of places) {
    const manifest = manifestFor(place);
    if (manifest === null) continue;
    const found = (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: unknown }).version;
    if (found !== version) throw otherVersionError(String(found));
    return new URL(`dist/${name}`, pathToFileURL(manifest));
  }
  throw bundledError();
}

/**
 * The path of a file of a package that peal depends on, such as `uplot/LICENSE`; null where it is not installed, as beside
 * a bundle.
 */
export function dependencyFile(name: string): string | null {
  for (const place of placesToLookFrom()) {
    try {
      return nodeModule.createRequire(place).resolve(name);
    } catch {
      // The next place may have it.
    }
  }
  return null;
}

function manifestFor(place: string): string | null {
  try {
    return nodeModule.createRequire(place).resolve('peal/package.json');
  } catch {
    return null;
  }
}

/** The bundle itself, however it was made, then the program that was started, then the working directory. */
function placesToLookFrom(): string[] {
  const places = [commonJsFile() ?? here, process.argv[1], path.join(process.cwd(), 'package.json')];
  return places.filter(
    (place) => place !== undefined && (path.isAbsolute(place) || place.startsWith('file:')),
  ) as string[];
}

/** What `typeof __filename` says is not to be relied on: webpack answers "string" in an ES module, too. */
function commonJsFile(): string | undefined {
  try {
    return __filename;
  } catch {
    return undefined;
  }
}

const advice =
  'Leave peal out of the bundle (external: ["peal"]) and install it where the program runs, or use no threads of peal ' +
  '(threads: 0, startSimulator); docs/bundlers.md has examples.';

function bundledError(): PealError {
  return shardError(`Threads begin with files of the package peal, and a bundle has none of them. ${advice}`);
}

function otherVersionError(found: string): PealError {
  return shardError(
    `Threads begin with files of the package peal ${version}, which is bundled, and peal ${found} is installed. ${advice}`,
  );
}

function shardError(message: string): PealError {
  return new PealError('ERR_PEAL_SHARD', message, { origin: 'usage' });
}
