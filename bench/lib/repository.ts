/** Where the benchmarks find their own folders, at any depth of the compiler's output. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path of a folder in `bench/` of the checkout. The compiler's copy of `bench/` holds no package.json. */
export function benchFolder(name: string): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 6; depth++) {
    if (existsSync(path.join(folder, 'bench', 'peers', 'package.json'))) return path.join(folder, 'bench', name);
    folder = path.dirname(folder);
  }
  throw new Error('There is no folder bench/peers above this file.');
}
