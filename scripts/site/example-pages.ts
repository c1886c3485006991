/**
 * Pages for texts of the repository that pages link to: a folder with the list of its files, a file with its text. So
 * that nothing on the site leads out of it. Called by the staging of the site.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { addressOf } from './links.js';
import type { MadeText } from './made/made-text.js';
import { block, code, page } from './markdown.js';

/** What the name of a file says about its language; other texts are shown without colours. */
const languages: Readonly<Record<string, string>> = {
  ...{ '.ts': 'ts', '.mts': 'ts', '.js': 'js', '.mjs': 'js', '.cjs': 'js', '.json': 'json', '.py': 'python' },
  ...{ '.yaml': 'yaml', '.yml': 'yaml', '.sh': 'sh', '.service': 'ini', '.timer': 'ini', '.toml': 'toml' },
  ...{ Dockerfile: 'docker', '.dockerignore': 'text' },
};

/** Longer texts would be several times as long with their colours. */
const colouredCharacters = 30_000;

/** The page of a file that is no page itself. */
export function filePage(root: string, file: string): MadeText {
  const name = path.posix.basename(file);
  const text = readFileSync(path.join(root, file), 'utf8');
  const known = languages[path.posix.extname(name)] ?? languages[name];
  const language = known === undefined || text.length > colouredCharacters ? 'text' : known;
  return { address: addressOf(file), title: name, text: page(code(file), block(language, text)) };
}

/** Files of a folder and of those below it, without what is installed there and its lock. */
export function filesBelow(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'package-lock.json')
    .flatMap((entry) => {
      const name = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(root, name) : [name];
    })
    .sort();
}

/** The page of a folder, with its README where it has one. */
export function folderPage(folder: string, files: readonly string[]): MadeText {
  const address = addressOf(`${folder}/index.md`);
  const list = files.map((file) => {
    const way = path.posix.relative(path.posix.dirname(address), addressOf(file));
    return `- [${code(path.posix.relative(folder, file))}](./${way}.md)`;
  });
  return { address, title: folder, text: page(code(`${folder}/`), list.join('\n')) };
}
