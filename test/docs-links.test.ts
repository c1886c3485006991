/**
 * Links of README.md and docs/ lead somewhere also for those who have the package only, not the repository, but for
 * links to a few pages that package.json leaves out by name: they are for those who work on peal, and large.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './support/repository.js';

const { files } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as { files: string[] };
/** npm packs these without being told. */
const packed = [...files.filter((entry) => !entry.startsWith('!')), 'README.md', 'LICENSE', 'package.json'];

const pages = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'SUPPORT.md',
  ...readdirSync(path.join(repositoryRoot, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.split(path.sep).join('/')}`),
];

const textOf = (page: string): string => readFileSync(path.join(repositoryRoot, page), 'utf8');
const proseOf = (page: string): string => textOf(page).replace(/^```.*?^```/gms, '');

/** The anchors that headings of a page have, as GitHub and npm make them. */
function anchorsOf(page: string): Set<string> {
  const headings = proseOf(page).matchAll(/^#+ (.+)$/gm);
  return new Set([...headings].map(([, text]) => anchorOf(text!)));
}

function anchorOf(heading: string): string {
  const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, '');
  return words.replaceAll(' ', '-');
}

/** What is wrong with a link on a page; null where nothing is. */
function faultOf(page: string, target: string): string | null {
  if (/^[a-z]+:/.test(target)) return null;
  const [file = '', anchor] = target.split('#');
  const linked = file === '' ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), file));
  if (!existsSync(path.join(repositoryRoot, linked))) return `${linked} does not exist`;
  const isIn = (entry: string): boolean => linked === entry || linked.startsWith(`${entry}/`);
  if (!packed.some(isIn)) return `${linked} is not packed`;
  if (anchor !== undefined && !anchorsOf(linked).has(anchor)) return `${linked} has no heading for #${anchor}`;
  return null;
}

describe('links', () => {
  for (const page of pages) {
    it(`of ${page} lead to files of the package, and to headings that exist`, () => {
      const targets = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
      const faults = targets.map((target) => faultOf(page, target)).filter((fault) => fault !== null);
      assert.deepEqual(faults, []);
    });
  }

  it('are told from each other', () => {
    assert.equal(faultOf('README.md', 'docs/binary.md#feedback'), null);
    assert.equal(faultOf('README.md', 'CONTRIBUTING.md'), 'CONTRIBUTING.md is not packed');
    assert.equal(faultOf('docs/cli.md', '../test/layering.test.ts'), 'test/layering.test.ts is not packed');
    assert.equal(faultOf('docs/cli.md', 'library.md#no-such'), 'docs/library.md has no heading for #no-such');
    assert.equal(faultOf('docs/cli.md', 'nothing.md'), 'docs/nothing.md does not exist');
  });
});
