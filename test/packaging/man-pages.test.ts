/**
 * The manual pages that prepack writes: they say what the help says, in roff that `man` shows as it is meant. What
 * needs mandoc is skipped by name without it: `apt-get install mandoc`.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { type ManPage, manPages } from '../../scripts/man-pages.js';
import { lines, paragraph, roff } from '../../scripts/roff.js';
import { runCommand } from '../support/command.js';
import { commandOptions, flagsOf } from '../support/command-options.js';
import { repositoryRoot } from '../support/repository.js';

const hasMandoc = spawnSync('mandoc', [], { input: '.TH A 1\n' }).error === undefined;
/** Bold is a character, a backspace and the character again. */
const rendered = (text: string): string => {
  const shown = execFileSync('mandoc', ['-T', 'utf8', '-O', 'width=500'], { input: text, encoding: 'utf8' });
  return shown
    .split('')
    .map((part, at, all) => (at === all.length - 1 ? part : part.slice(0, -1)))
    .join('');
};

describe('the manual pages', () => {
  let pages: readonly ManPage[];
  const textOf = (file: string): string => pages.find((page) => page.file === file)!.text;
  before(async () => {
    pages = await manPages('2026-11-29');
  });

  it('are peal(1) and a page for each command, which package.json names', () => {
    const files = pages.map(({ file }) => file);
    assert.deepEqual(
      [...files].sort(),
      ['peal.1', ...Object.keys(commandOptions).map((name) => `peal-${name}.1`)].sort(),
    );
    const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
      readonly man: readonly string[];
    };
    assert.deepEqual([...manifest.man].sort(), files.map((file) => `./man/${file}`).sort());
  });

  it('have each option of the help', () => {
    for (const [name, groups] of Object.entries(commandOptions)) {
      const text = textOf(`peal-${name}.1`);
      for (const flag of flagsOf(groups)) assert.ok(text.includes(`\\fB${roff(flag)}\\fR`), `${name} ${flag}`);
    }
  });

  it('are without a warning of mandoc', function () {
    if (!hasMandoc) this.skip();
    for (const { file, text } of pages) {
      const { stdout, status } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], {
        input: text,
        encoding: 'utf8',
      });
      assert.deepEqual({ stdout, status }, { stdout: '', status: 0 }, file);
    }
  });

  it('show the words of the help, and codes and example of it', async function () {
    if (!hasMandoc) this.skip();
    const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
    for (const name of ['send', 'broadcast', 'simulate', 'doctor']) {
      const help = oneLine((await runCommand([name, '--help'])).stdout);
      const page = oneLine(rendered(textOf(`peal-${name}.1`)));
      const words = (text: string): Set<string> => new Set(text.toLowerCase().match(/[a-z0-9{}|/_-]{3,}/g));
      const shown = words(page);
      const missing = [...words(help)].filter((word) => !shown.has(word) && !page.toLowerCase().includes(word));
      assert.deepEqual(
        missing,
        ['usage', 'arguments', 'codes', 'example'].filter((word) => missing.includes(word)),
        name,
      );
      const example = /Example: (peal .*)$/.exec(help)?.[1]?.trim();
      if (example !== undefined) assert.ok(page.includes(example), name);
    }
  });

  it('show any text as it is', function () {
    if (!hasMandoc) this.skip();
    const word = fc.string({
      unit: fc.constantFrom(...'.\'"\\-^~`abc({[%$&…é—'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
        const text = rendered(`.TH A 1 2026-11-29\n.SH X\n${paragraph(words.join(' '))}\n.SH Y\n`);
        assert.ok(text.replaceAll(/\s+/g, ' ').includes(` ${words.join(' ')} `), `${words.join(' ')} → ${text}`);
        const example = rendered(`.TH A 1 2026-11-29\n.SH X\n${lines(words.join('\n'))}\n.SH Y\n`);
        for (const each of words)
          assert.ok(
            example.split('\n').some((line) => line.trim() === each),
            `${each} → ${example}`,
          );
      }),
      { numRuns: 30 },
    );
  });

  it('are written with the day of SOURCE_DATE_EPOCH', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-test-'));
    try {
      const script = path.join(repositoryRoot, 'dist/scripts/write-man.js');
      execFileSync(process.execPath, [script, folder], { env: { ...process.env, SOURCE_DATE_EPOCH: '1764374400' } });
      assert.deepEqual(readdirSync(folder).sort(), pages.map(({ file }) => file).sort());
      assert.match(readFileSync(path.join(folder, 'peal.1'), 'utf8'), /^\.TH "PEAL" "1" "2025-11-29"/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
