/** docs/cli.md is a contract: what it leaves out cannot be relied on, and what it promises has to exist. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sendOptionGroups } from '../../src/cli/send/send-options.js';
import { exitCodes } from '../../src/cli/shared/exit-codes.js';
import { runCommand } from '../support/command.js';
import { commandOptions, flagsOf } from '../support/command-options.js';
import { repositoryRoot } from '../support/repository.js';

const page = (name: string): string => readFileSync(path.join(repositoryRoot, 'docs', name), 'utf8');
const flagsIn = (text: string): Set<string> => new Set(text.match(/--[a-z][a-z-]+/g));

describe('the documents of the command line', () => {
  it('name every option of each command but peal simulate, and no other', () => {
    const { simulate: _, serve: __, ...named } = commandOptions;
    const real = new Set(Object.values(named).flatMap(flagsOf));
    assert.deepEqual(
      [...flagsIn(page('cli.md') + page('binary.md').split('## On the command line')[1]!)].sort(),
      [...real].sort(),
    );
  });

  it('name every option of peal simulate', () => {
    const named = new Set([...flagsIn(page('simulator.md')), ...flagsIn(page('cli.md'))]);
    assert.deepEqual(
      flagsOf(commandOptions.simulate!).filter((flag) => !named.has(flag)),
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
  const ofDispatch = commandOptions.dispatch!.map(({ heading, options }) => ({
    heading,
    options: options.filter(({ long }) => !ofSend.has(long!)),
  }));
  for (const [command, groups, inTables] of [
    ['send', sendOptionGroups(), tabled(page('cli.md'), '\n## peal send\n', '\n## peal dispatch\n')],
    ['dispatch', ofDispatch, tabled(page('cli.md'), '\n## peal dispatch\n', '\n## ')],
    ['status', commandOptions.status!, tabled(page('cli.md'), '\n## peal status\n', '\n## ')],
    ['feedback', commandOptions.feedback!, tabled(page('binary.md'), '\n### peal feedback\n', '\n## ')],
    ['serve', commandOptions.serve!, tabled(page('serve.md'), '\n## Options\n', null)],
    ['simulate', commandOptions.simulate!, tabled(page('simulator.md'), '\n## Options\n', '\n## ', 1)],
    ['demo', commandOptions.demo!, tabled(page('cli.md'), '\n## peal demo\n', null)],
  ] as const) {
    it(`have a row for each option of peal ${command}, and for no other`, () => {
      assert.deepEqual([...new Set(inTables)].sort(), flagsOf(groups).sort());
    });
  }

  it('have a row for each option of peal worker that peal send has not, and for none that is not there', () => {
    const inTables = tabled(page('cli.md'), '\n## peal worker\n', '\n## ');
    const real = flagsOf(commandOptions.worker!);
    assert.deepEqual(
      real.filter((flag) => !ofSend.has(flag) && !inTables.includes(flag)),
      [],
    );
    assert.deepEqual(
      inTables.filter((flag) => !real.includes(flag)),
      [],
    );
  });

  for (const command of ['credentials', 'channels', 'broadcast', 'doctor']) {
    it(`have a row for each option of peal ${command}, and for no other`, () => {
      const inTables = tabled(page('cli.md'), `\n## peal ${command}\n`, '\n## ');
      const real = new Set(flagsOf(commandOptions[command]!));
      assert.deepEqual([...new Set(inTables)].sort(), [...real].sort());
    });
  }

  it('and the help fit a terminal of 80 columns', async () => {
    const ofChannels = ['create', 'read', 'list', 'remove'].map((action) => ['channels', action]);
    for (const command of [['send'], ['broadcast'], ['doctor'], ['channels'], ...ofChannels]) {
      const { stdout } = await runCommand([...command, '--help']);
      for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    }
  });

  it('and the help of peal send name the same exit codes', async () => {
    const { stdout } = await runCommand(['send', '--help']);
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
