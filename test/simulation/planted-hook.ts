/**
 * Plants one bug into a process: given to Node with `--import`, it has the module of that bug loaded with the text of
 * the bug in place of its own. Which one, PEAL_PLANTED_BUG says, by its name.
 */
import { register } from 'node:module';
import { plantedBugs } from './planted-bugs.js';

const name = process.env.PEAL_PLANTED_BUG;
const bug = plantedBugs.find((each) => each.name === name);
if (bug === undefined) throw new Error(`PEAL_PLANTED_BUG: there is no bug "${name}"`);
const url = new URL(`../../src/${bug.file}`, import.meta.url).href;
register('./planted-loader.js', import.meta.url, { data: { url, before: bug.before, after: bug.after } });
