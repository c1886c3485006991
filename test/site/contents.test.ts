/** The contents of the site name each page of docs/ once, and nothing that does not exist. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { contents } from '../../scripts/site/contents.js';
import { repositoryRoot } from '../support/repository.js';

const pages = contents.flatMap((section) => section.pages);
const written = pages.flatMap((page) => ('file' in page ? [page.file] : []));

describe('contents of the site', () => {
  it('name each page of docs/ exactly once', () => {
    const inDocs = readdirSync(path.join(repositoryRoot, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name.split(path.sep).join('/')}`);
    assert.ok(inDocs.length > 20);
    const listed = written.filter((file) => file.startsWith('docs/'));
    assert.deepEqual(listed.toSorted(), inDocs.toSorted(), 'a page needs one row in scripts/site/contents.ts');
  });

  it('name no file that does not exist, and no two pages alike', () => {
    assert.deepEqual(
      written.filter((file) => !existsSync(path.join(repositoryRoot, file))),
      [],
    );
    const titles = pages.map((page) => page.title);
    assert.deepEqual(
      titles.filter((title, index) => titles.indexOf(title) !== index),
      [],
    );
  });
});
