/**
 * Finds the files that threads start with. Normally they lie beside this file. A bundler makes one file of a program,
 * and then they are looked for in the package `peal` that is installed where the program runs. Files of
 * packages that peal depends on are looked for in the same places. Called on any thread, only when a thread is to be
 * started or such a file is to be read.
 */
import { existsSync, readFileSync } from 'node:fs';
// A named import would not do: many put `import { createRequire }` at the head of a bundle, where it would stand twice.
import * as nodeModule from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PealError } from './errors.js';
import { version } from './version.js';

/** Files below dist/ that a thread starts with, or that cannot be bundled. */
export type PackageFile = 'workers/shard.js' | 'workers/simulator.js' | 'src/engine/hosts/thread-pool.js';

declare const __webpack_require__: unknown;

/**
 * The URL of this file, or of the bundle that contains it; undefined in a CommonJS bundle that does not know its URL.
 * Webpack and the tools built on it give the path at the time of bundling, which is of no use.
 */
const here: string | undefined = typeof __webpack_require__ === 'undefined' ? import.meta.url : undefined;

/** Returns whether this file belongs to a whole package, and not to a bundle. */
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

/** Returns the URL of the same file in the first package `peal` installed for one of `places` (paths or file URLs). */
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
 * The path of a file of a package that peal depends on, such as `uplot/LICENSE`; null where it is not installed, as
 * beside a bundle.
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

/** The bundle itself in either module format, then the program that was started, then the working directory. */
function placesToLookFrom(): string[] {
  const places = [commonJsFile() ?? here, process.argv[1], path.join(process.cwd(), 'package.json')];
  return places.filter(
    (place) => place !== undefined && (path.isAbsolute(place) || place.startsWith('file:')),
  ) as string[];
}

/** `typeof __filename` cannot be relied on: webpack answers "string" in an ES module, too. */
function commonJsFile(): string | undefined {
  try {
    return __filename;
  } catch {
    return undefined;
  }
}

const advice =
  'Leave peal out of the bundle (external: ["peal"]) and install it where the program runs, or use no threads of ' +
  'peal (threads: 0, startSimulator); docs/bundlers.md has examples.';

function bundledError(): PealError {
  return shardError(`A thread starts with a file of the package peal, which a bundle does not contain. ${advice}`);
}

function otherVersionError(found: string): PealError {
  return shardError(
    `The bundle contains peal ${version}, but peal ${found} is installed, and threads start with its files. ${advice}`,
  );
}

function shardError(message: string): PealError {
  return new PealError('ERR_PEAL_SHARD', message, { origin: 'usage' });
}
