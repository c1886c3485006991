/** docs/how-to/README.md lists each page of its folder once, by the heading of the page, with a line about it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './support/repository.js';

const folder = path.join(repositoryRoot, 'docs', 'how-to');
const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

describe('the list of docs/how-to', () => {
  it('has each page once, under its heading', () => {
    const pages = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');
    assert.ok(pages.length > 20);
    const headings = pages.map((name) => `${/^# (.+)$/m.exec(textOf(name))![1]} (${name})`);
    const lines = textOf('README.md')
      .split('\n')
      .filter((line) => line.startsWith('- '));
    const listed = lines.map((line) => {
      const [, title, name] = /^- \[(.+)\]\(([a-z-]+\.md)\): \S.*\.$/.exec(line) ?? [];
      assert.ok(name !== undefined, line);
      return `${title} (${name})`;
    });
    assert.deepEqual(listed.sort(), headings.sort());
  });
});
