/**
 * What a send loads to start: each module is an open file and time before the first byte. The limits are a little above
 * what it is; a module that most sends do without belongs behind an import where it is needed.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/repository.js';

const source = path.join(repositoryRoot, 'src');
/** What a send of one message to a plain list has loaded before it connects. */
const entries = [
  'cli/run-process.ts',
  'cli/program.ts',
  'cli/send/send.ts',
  'campaign/run/open-run.ts',
  'campaign/run/campaign-run.ts',
  'engine/dispatcher/dispatcher.ts',
  'transport/tls.ts',
];
const maxModules = 222;

/** The files that these import, and so on; imports of types and those that are made when they are needed left out. */
function loadedBy(files: readonly string[]): ReadonlySet<string> {
  const found = new Set(files.map((file) => path.join(source, file)));
  for (const file of found) {
    const code = readFileSync(file, 'utf8');
    for (const [, what, from] of code.matchAll(/^(?:import|export) (?!type\b)([^;]*?)from '(\.[^']+)\.js';$/gm)) {
      const names = /^\{([^}]*)\}\s*$/
        .exec(what!)?.[1]
        ?.split(',')
        .map((name) => name.trim())
        .filter(Boolean);
      if (names?.every((name) => name.startsWith('type ')) === true) continue;
      found.add(path.resolve(path.dirname(file), `${from}.ts`));
    }
  }
  return found;
}

describe('the start of peal send', () => {
  const loaded = [...loadedBy(entries)].map((file) => path.relative(source, file).replaceAll(path.sep, '/'));

  it('loads few modules', () => {
    assert.ok(loaded.length <= maxModules, `${loaded.length} modules:\n${loaded.sort().join('\n')}`);
  });

  it('loads no reader of tables, no unpacker and no options of other commands for a plain list', () => {
    const unwanted = [
      ...['campaign/input/text-reader.ts', 'campaign/input/text-format.ts', 'campaign/input/record-rows.ts'],
      ...['campaign/tables/csv', 'campaign/tables/json', 'campaign/tables/ndjson'],
      ...['campaign/recipients/gunzip.ts', 'campaign/recipients/unzstd.ts'],
      ...['cli/demo', 'cli/feedback', 'cli/simulate', 'simulator'],
    ];
    assert.deepEqual(
      loaded.filter((file) => unwanted.some((begin) => file.startsWith(begin))),
      [],
    );
  });

  it('loads no journal, no file of outcomes and no page of a report where nothing is kept', () => {
    const kept = ['campaign/outputs', 'campaign/run/open-folder.ts', 'campaign/journal/journal.ts'];
    const page = readdirSync(path.join(source, 'campaign/report')).filter((name) =>
      /^(?:report-?|write|html)/.test(name),
    );
    const unwanted = [...kept, 'campaign/journal/lmdb', ...page.map((name) => `campaign/report/${name}`)];
    assert.deepEqual(
      loaded.filter((file) => unwanted.some((begin) => file.startsWith(begin))),
      [],
    );
  });
});
