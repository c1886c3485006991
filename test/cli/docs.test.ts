/** docs/cli.md is a contract: what it leaves out cannot be relied on, and what it promises has to exist. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { resumeOptions, statusOptions } from '../../src/cli/campaign/campaign-options.js';
import { dispatchOptionGroups } from '../../src/cli/cluster/dispatch-options.js';
import { workerOptionGroups } from '../../src/cli/cluster/worker-options.js';
import {
  addOptionGroups,
  listOptionGroups,
  migrateOptionGroups,
  removeOptionGroups,
  rotateOptionGroups,
} from '../../src/cli/credentials/credentials-options.js';
import { demoOptions } from '../../src/cli/demo/demo-options.js';
import { feedbackOptionGroups } from '../../src/cli/feedback/feedback-options.js';
import { sendOptionGroups } from '../../src/cli/send/send-options.js';
import { serveOptionGroups } from '../../src/cli/serve/serve-options.js';
import { exitCodes } from '../../src/cli/shared/exit-codes.js';
import { simulateOptionGroups } from '../../src/cli/simulate/simulate-options.js';
import { runCommand } from '../support/command.js';
import { repositoryRoot } from '../support/repository.js';

const page = (name: string): string => readFileSync(path.join(repositoryRoot, 'docs', name), 'utf8');
const flagsIn = (text: string): Set<string> => new Set(text.match(/--[a-z][a-z-]+/g));
const flagsOf = (groups: ReturnType<typeof demoOptions>): string[] =>
  groups.flatMap(({ options }) => options.map((option) => option.long!));

const credentialsGroups = [
  ...[listOptionGroups(), addOptionGroups(), rotateOptionGroups()],
  ...[removeOptionGroups(), migrateOptionGroups()],
];

describe('the documents of the command line', () => {
  it('name every option of each command but peal simulate, and no other', () => {
    const groups = [
      sendOptionGroups(),
      dispatchOptionGroups(),
      workerOptionGroups(),
      statusOptions(),
      resumeOptions(),
      feedbackOptionGroups(),
      demoOptions(),
    ];
    const real = new Set([...groups, ...credentialsGroups].flatMap(flagsOf));
    assert.deepEqual(
      [...flagsIn(page('cli.md') + page('binary.md').split('## On the command line')[1]!)].sort(),
      [...real].sort(),
    );
  });

  it('name every option of peal simulate', () => {
    const named = new Set([...flagsIn(page('simulator.md')), ...flagsIn(page('cli.md'))]);
    assert.deepEqual(
      flagsOf(simulateOptionGroups()).filter((flag) => !named.has(flag)),
      [],
    );
  });

  /** Flags in the given column of the tables between two headings, where each option has its row. */
  const tabled = (text: string, from: string, to: string | null, column = 0): string[] => {
    const part = text.split(from)[1]!.split(to ?? '\u0000')[0]!;
    const rows = part.split('\n').filter((line) => line.startsWith('| '));
    const cells = rows.map((row) => row.slice(2).split(/(?<!\\)\| ?/)[column]!);
    return cells.flatMap((cell) => cell.match(/--[a-z][a-z-]+/g) ?? []);
  };

  const ofSend = new Set(flagsOf(sendOptionGroups()));
  const ofDispatch = dispatchOptionGroups().map(({ heading, options }) => ({
    heading,
    options: options.filter(({ long }) => !ofSend.has(long!)),
  }));
  for (const [command, groups, inTables] of [
    ['send', sendOptionGroups(), tabled(page('cli.md'), '\n## peal send\n', '\n## peal dispatch\n')],
    ['dispatch', ofDispatch, tabled(page('cli.md'), '\n## peal dispatch\n', '\n## ')],
    ['status', statusOptions(), tabled(page('cli.md'), '\n## peal status\n', '\n## ')],
    ['feedback', feedbackOptionGroups(), tabled(page('binary.md'), '\n### peal feedback\n', '\n## ')],
    ['serve', serveOptionGroups(), tabled(page('serve.md'), '\n## Options\n', null)],
    ['simulate', simulateOptionGroups(), tabled(page('simulator.md'), '\n## Options\n', '\n## ', 1)],
    ['demo', demoOptions(), tabled(page('cli.md'), '\n## peal demo\n', null)],
  ] as const) {
    it(`have a row for each option of peal ${command}, and for no other`, () => {
      assert.deepEqual([...new Set(inTables)].sort(), flagsOf(groups).sort());
    });
  }

  it('have a row for each option of peal credentials, and for no other', () => {
    const inTables = tabled(page('cli.md'), '\n## peal credentials\n', '\n## ');
    const real = new Set(credentialsGroups.flatMap(flagsOf));
    assert.deepEqual([...new Set(inTables)].sort(), [...real].sort());
  });

  it('and the help of peal send name the same exit codes', async () => {
    const { stdout } = await runCommand(['send', '--help']);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    const [, said = ''] = /Exit codes:\n([\s\S]*?)\n\n/.exec(stdout) ?? [];
    const named = said
      .split('\n')
      .flatMap((line) => /^ {2}(\d[\d, ]*) {2}/.exec(line)?.[1]?.split(', ').map(Number) ?? []);
    assert.deepEqual(named, Object.values(exitCodes));
  });

  it('and the help say of each file of --out, and where a variable may stand', () => {
    const said = (name: string): string =>
      sendOptionGroups()
        .flatMap(({ options }) => options)
        .find(({ long }) => long === name)!.description;
    for (const file of ['rejected.csv', 'unsent.txt', 'unknown.txt', 'invalid.csv', 'accepted.csv']) {
      assert.ok(said('--out').includes(file), file);
      assert.match(page('cli.md'), new RegExp(`^\\| \`${file}\` \\|`, 'm'));
    }
    for (const name of ['--key', '--cert', '--cert-key', '--pfx', '--ca']) assert.match(said(name), /env:NAME/, name);
  });

  it('name every exit code', () => {
    const rows = [...page('cli.md').matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    assert.deepEqual(rows, Object.values(exitCodes));
  });
});
