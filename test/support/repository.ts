/** Where the checkout is, found from wherever the tests were compiled to. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`no package.json above ${start}`);
  }
}

/** The folder that holds package.json and src/. */
export const repositoryRoot: string = findRoot(path.dirname(fileURLToPath(import.meta.url)));
