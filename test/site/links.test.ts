/** Links of the repository as the site has them. */
import assert from 'node:assert/strict';
import { addressOf, type Repository, withSiteLinks } from '../../scripts/site/links.js';
import { anchorOf, code, inProse, plain, table } from '../../scripts/site/markdown.js';

const files = ['docs/cli.md', 'docs/guide/first.md', 'docs/a.svg', 'docs/openapi.json', 'README.md', 'examples/a.b.ts'];
const repository: Repository = {
  isFile: (file) => files.includes(file),
  isFolder: (file) => file === 'examples',
  titleOf: (file) => (file === 'docs/cli.md' ? 'The command line' : undefined),
};

const onSite = (text: string, file: string): string => withSiteLinks(text, file, addressOf(file), repository).text;

describe('links of the site', () => {
  it('give each file one place', () => {
    assert.deepEqual(
      [
        'docs/cli.md',
        'docs/guide/first.md',
        'docs/guide/README.md',
        'README.md',
        'LICENSE',
        'docs/openapi.json',
        'examples/a.b@.ts',
      ].map(addressOf),
      ['cli', 'guide/first', 'guide/index', 'readme', 'license', 'openapi-json', 'examples/a-b--ts'],
    );
  });

  it('lead from page to page, also between folders, with their anchors', () => {
    assert.equal(onSite('see [it](../cli.md#exit-codes)', 'docs/guide/first.md'), 'see [it](../cli.md#exit-codes)');
    assert.equal(onSite('[start](docs/guide/first.md)', 'README.md'), '[start](./guide/first.md)');
    assert.equal(
      onSite('[a](../examples/a.b.ts), [all](../examples/)', 'docs/cli.md'),
      '[a](./examples/a-b-ts.md), [all](./examples/index.md)',
    );
    assert.equal(
      onSite('![plot](a.svg) [api](openapi.json)', 'docs/cli.md'),
      '![plot](./a.svg) [api](./openapi-json.md)',
    );
    assert.equal(onSite('[`code`](cli.md)', 'docs/cli.md'), '[`code`](./cli.md)');
  });

  it('keep addresses and anchors, and all that is code', () => {
    for (const text of [
      '[x](https://example.com/a.md) [y](#here)',
      '`[x](nowhere.md)`',
      '```md\n[x](nowhere.md)\n```',
      '- item\n  ```sh\n  echo "[x](nowhere.md)"\n  ```',
    ]) {
      assert.equal(onSite(text, 'docs/cli.md'), text);
    }
  });

  it('are called after their page where their text is its file', () => {
    assert.equal(
      onSite('[cli.md](../cli.md#a) has it', 'docs/guide/first.md'),
      '[The command line](../cli.md#a) has it',
    );
    assert.equal(onSite('[docs/cli.md](docs/cli.md)', 'README.md'), '[The command line](./cli.md)');
    assert.equal(onSite('[other.md](../cli.md)', 'docs/guide/first.md'), '[other.md](../cli.md)');
  });

  it('are refused where they lead nowhere', () => {
    assert.throws(
      () => onSite('[x](missing.md)', 'docs/cli.md'),
      /docs\/cli\.md links to docs\/missing\.md, which does not exist/,
    );
  });

  it('are told from code that is not closed', () => {
    assert.equal(
      inProse('a ` b\n\nc `d` e', (prose) => prose.toUpperCase()),
      'A ` B\n\nC `d` E',
    );
  });
});

describe('Markdown of the site', () => {
  it('has nothing in a text that is read as marks', () => {
    assert.equal(plain('a <b> | *c* [d]\n  {{e}}'), 'a \\<b\\> \\| \\*c\\* \\[d\\] \\{\\{e\\}\\}');
    assert.equal(code('a|b'), '`a\\|b`');
    assert.equal(code('`a`'), '`` `a` ``');
    assert.equal(table(['x', 'y'], [['1', '2']]), '| x | y |\n|---|---|\n| 1 | 2 |');
  });

  it('has the anchors of GitHub', () => {
    assert.equal(anchorOf('peal pause, peal rate, peal resume'), 'peal-pause-peal-rate-peal-resume');
    assert.equal(anchorOf('What happens when …'), 'what-happens-when-');
  });
});
