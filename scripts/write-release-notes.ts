/** `node dist/scripts/write-release-notes.js TAG FILE`: for the release workflow. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { releaseNotes } from './release-notes.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [tag = '', file = 'dist/notes.md'] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
try {
  writeFileSync(file, releaseNotes(tag, version, readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8')));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
