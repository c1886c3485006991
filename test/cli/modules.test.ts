/**
 * What a send loads to start: each module is an open file and time before the first byte. The limits are a little above
 * what it is; a module that most sends do without belongs behind an import where it is needed.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { importedAtOnce, sendEntries } from '../../scripts/first-modules.js';
import { repositoryRoot } from '../support/repository.js';

const dist = path.join(repositoryRoot, 'dist');
/**
 * With the shard on the main thread. The engine knows both push services by their rules of answers, addresses and
 * credentials: about twenty small modules, among them the three that make a message to FCM.
 */
const maxModules = 352;

/** The modules that these import, and so on, below src; those that are imported when they are needed left out. */
const loadedBy = (entries: readonly string[]): readonly string[] =>
  [...importedAtOnce(dist, entries)].map((file) => file.replace(/^src\/(.*)\.js$/, '$1.ts'));

describe('an answer to a shell that completes', () => {
  it('loads no more than the definitions of the commands', () => {
    const begin = ['src/cli/run-process.js', 'src/cli/program.js', 'src/cli/command-line.js'];
    const before = loadedBy(begin);
    const more = loadedBy([...begin, 'src/cli/completion/completion.js']).filter((file) => !before.includes(file));
    assert.deepEqual(more.sort(), [
      'cli/completion/answer.ts',
      'cli/completion/completion.ts',
      'cli/completion/shells.ts',
    ]);
  });
});

describe('the start of peal send', () => {
  const loaded = [...loadedBy(sendEntries)];

  it('loads few modules', () => {
    assert.ok(loaded.length <= maxModules, `${loaded.length} modules:\n${loaded.sort().join('\n')}`);
  });

  it('loads no reader of tables, no unpacker and no options of other commands for a plain list', () => {
    const unwanted = [
      ...['campaign/input/text-reader.ts', 'campaign/input/text-format.ts', 'campaign/input/record-rows.ts'],
      ...['campaign/tables/csv', 'campaign/tables/json', 'campaign/tables/ndjson'],
      ...['campaign/recipients/gunzip.ts', 'campaign/recipients/unzstd.ts'],
      ...['cli/demo', 'cli/feedback', 'cli/simulate', 'simulator'],
      // Nothing is set but on the command line.
      ...['cli/config/expanded-line.ts', 'cli/config/config-text.ts', 'cli/config/config-schema.ts'],
    ];
    assert.deepEqual(
      loaded.filter((file) => unwanted.some((begin) => file.startsWith(begin))),
      [],
    );
  });

  it('loads no journal, no file of outcomes and no page of a report where nothing is kept', () => {
    const kept = ['campaign/outputs', 'campaign/run/open-folder.ts', 'campaign/journal/journal.ts'];
    const page = readdirSync(path.join(repositoryRoot, 'src/campaign/report')).filter((name) =>
      /^(?:report-?|write|html)/.test(name),
    );
    const unwanted = [...kept, 'campaign/journal/lmdb', ...page.map((name) => `campaign/report/${name}`)];
    assert.deepEqual(
      loaded.filter((file) => unwanted.some((begin) => file.startsWith(begin))),
      [],
    );
  });
});
