/**
 * What SECURITY.md and SUPPORT.md claim: tests that exist and are run, Nodes that are tested, entries that are
 * exported.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/repository.js';

const textOf = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');
const manifest = JSON.parse(textOf('package.json')) as {
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, unknown>>;
};

/** The cells of each row of the tables below a heading, without the heads of the tables. */
function rowsBelow(page: string, heading: string): string[][] {
  const section = textOf(page)
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section !== undefined, `${page} has a section "${heading}"`);
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  const rule = lines.findIndex((line) => /^[|-]+$/.test(line));
  return lines.slice(rule + 1).map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

/** The versions that .ci/run goes through on Nodes of their own, loop by loop. */
function versionsOfLoops(): string[] {
  const loops = [...textOf('.ci/run').matchAll(/^ *for version in ([\d. ]+); do$/gm)];
  return loops.flatMap(([, versions]) => versions!.split(' '));
}

describe('SECURITY.md', () => {
  const rows = rowsBelow('SECURITY.md', 'What is defended');

  it('names for each claim tests that exist and that the test command runs', () => {
    assert.ok(rows.length > 15, `${rows.length} rows`);
    for (const [what, , shownBy = ''] of rows) {
      const named = [...shownBy.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
      assert.ok(named.length > 0, `${what}: a test`);
      for (const file of named) {
        assert.match(file, /^test\/.+\.test\.ts$/, what);
        assert.ok(existsSync(path.join(repositoryRoot, file)), `${what}: ${file} does not exist`);
        assert.match(textOf(file), /\bit\(/, `${file} has cases`);
      }
    }
  });

  it('names every test of the checklist', () => {
    const page = textOf('SECURITY.md');
    const { spec } = JSON.parse(textOf('.mocharc.json')) as { spec: string | string[] };
    assert.match([spec].flat().join(' '), /dist\/test\/\*\*\/\*\.test\.js/);
    const checklist = readdirSync(path.join(repositoryRoot, 'test/security')).filter((name) =>
      name.endsWith('.test.ts'),
    );
    assert.ok(checklist.length > 10);
    for (const name of checklist) assert.ok(page.includes(`\`test/security/${name}\``), name);
  });

  it('invents no address', () => {
    assert.doesNotMatch(textOf('SECURITY.md'), /@[a-z]+\.|mailto:|https?:/);
    assert.match(textOf('SECURITY.md'), /\*\*Report a vulnerability\*\*/);
  });
});

describe('SUPPORT.md', () => {
  it('names the lowest Node that package.json allows', () => {
    const lowest = /^>=(\d+\.\d+)$/.exec(manifest.engines.node)?.[1];
    assert.ok(lowest !== undefined);
    assert.ok(textOf('SUPPORT.md').includes(`peal needs Node ${lowest} or later`));
    assert.ok(versionsOfLoops().includes(`${lowest}.0`), `.ci/run tests Node ${lowest}.0`);
  });

  it('names the Nodes that continuous integration tests, and no others', () => {
    const named = rowsBelow('SUPPORT.md', 'Nodes').map(([version]) => version!);
    // The line of the lowest version is the one on which .ci/run itself is run.
    const tested = [...versionsOfLoops(), manifest.engines.node.replace(/^>=(\d+).*/, '$1')];
    assert.deepEqual([...named].sort(), [...new Set(tested)].sort());
    const readme = /tested on ([\d., and]+)\)/.exec(textOf('README.md'))?.[1];
    const lines = new Set(named.map((version) => version.split('.')[0]));
    assert.deepEqual(new Set(readme?.match(/\d+(\.\d+)?/g)?.map((version) => version.split('.')[0])), lines);
  });

  it('names every entry that a program can import', () => {
    const [stable = ''] = rowsBelow('SUPPORT.md', 'What is stable')[0] ?? [];
    const named = [...stable.matchAll(/`(peal[^`]*)`/g)].map(([, name]) => name!);
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
    const names = entries.map((entry) => entry.replace(/^\./, 'peal').replace(/^peal\/compat\/.*/, 'peal/compat/…'));
    assert.deepEqual(named.sort(), [...new Set(names)].sort());
  });
});
