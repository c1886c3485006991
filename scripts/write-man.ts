/**
 * Writes the manual pages into man/, which package.json names and the package holds. Run by prepack, so that there is
 * no copy that could be older than the commands, and before `scripts/package.ts`, which leaves no definitions of
 * commands in dist/. SOURCE_DATE_EPOCH sets the day in their footers.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { manPages } from './man-pages.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../man', import.meta.url));
const { SOURCE_DATE_EPOCH } = process.env;
const day = SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(SOURCE_DATE_EPOCH) * 1000);

const pages = await manPages(day.toISOString().slice(0, 10));
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const { file, text } of pages) writeFileSync(path.join(folder, file), text);
