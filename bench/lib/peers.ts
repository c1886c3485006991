/** The packages that peal is measured beside: in bench/peers, installed by hand, never in peal's own tree. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { benchFolder } from './repository.js';

/** How to get them. */
export const installPeers = 'npm ci --prefix bench/peers --ignore-scripts';

/** Whether a package of bench/peers is installed. */
export function hasPeer(name: string): boolean {
  return existsSync(path.join(benchFolder('peers'), 'node_modules', name, 'package.json'));
}

/** Loads it. Throws if it is not installed. */
export function loadPeer(name: string): unknown {
  return peersRequire()(name);
}

/** Loads one that is an ES module, or a part of one. Rejects if it is not installed. */
export async function importPeer(name: string): Promise<unknown> {
  return import(pathToFileURL(peersRequire().resolve(name)).href);
}

const peersRequire = (): NodeJS.Require => createRequire(path.join(benchFolder('peers'), 'package.json'));
