/** The packages that peal is measured beside: in bench/peers, installed by hand, never in peal's own tree. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** How to get them. */
export const installPeers = 'npm ci --prefix bench/peers';

/** Whether a package of bench/peers is installed. */
export function hasPeer(name: string): boolean {
  return existsSync(path.join(peersFolder(), 'node_modules', name, 'package.json'));
}

/** Loads it. Throws if it is not installed. */
export function loadPeer(name: string): unknown {
  return createRequire(path.join(peersFolder(), 'package.json'))(name);
}

/** The folder above this file at any depth of the compiler's output, where its own copy has no package.json. */
function peersFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 6; depth++) {
    const peers = path.join(folder, 'bench', 'peers');
    if (existsSync(path.join(peers, 'package.json'))) return peers;
    folder = path.dirname(folder);
  }
  throw new Error('There is no folder bench/peers above this file.');
}
