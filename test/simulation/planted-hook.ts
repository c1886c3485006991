/**
 * Plants one bug into a process: given to Node with `--import`, it has the module of that bug loaded with the text of
 * the bug in place of its own. Which one, PEAL_PLANTED_BUG says, as JSON. Where the place of the bug is not there
 * exactly once, the process ends here, with exit code 1: an error in a loader would look like one of the code under
 * test.
 */
import { existsSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import type { PlantedBug } from './planted-bugs.js';

const { file, before, after } = JSON.parse(process.env.PEAL_PLANTED_BUG!) as PlantedBug;
const url = new URL(`../../src/${file}`, import.meta.url);
const parts = existsSync(url) ? readFileSync(url, 'utf8').split(before) : [];
if (parts.length !== 2) {
  const places = parts.length === 0 ? 'there is no such file' : `its place is there ${parts.length - 1} times`;
  console.error(`The bug cannot be planted into ${file}: ${places}. Follow the code in planted-*bugs.ts.`);
  process.exit(1);
}
register('./planted-loader.js', import.meta.url, { data: { url: url.href, source: parts.join(after) } });
