/** What `peal complete` answers for a line that is half written, as the scripts of the shells read it. */
import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { commandLine } from '../../../src/cli/command-line.js';
import { completionsFor } from '../../../src/cli/completion/answer.js';
import { runCommand } from '../../support/command.js';
import { commandOptions, flagsOf } from '../../support/command-options.js';

const silent = {
  stdin: Readable.from([]),
  stdout: new Writable(),
  stderr: new Writable(),
  env: {},
};

describe('the answer to a line that is half written', () => {
  let program: Command;
  before(async () => {
    program = await commandLine('all', silent, () => {});
  });

  const completionsOf = (...words: string[]) => completionsFor(program, words);
  const values = (...words: string[]): string[] => completionsOf(...words).suggestions.map(({ value }) => value);

  it('has each command that the help lists, with its summary, and not the one that shells call', () => {
    const { suggestions, paths } = completionsOf('');
    assert.deepEqual(
      suggestions.map(({ value }) => value),
      [...program.commands.map((command) => command.name()).filter((name) => name !== 'complete'), 'help'],
    );
    assert.ok(suggestions.every(({ description }) => description !== '' && !/[\n\t]/.test(description)));
    assert.equal(paths, 'none');
  });

  it('has the commands and actions that begin with what is written', () => {
    assert.deepEqual(values('se'), ['send', 'serve']);
    assert.deepEqual(values('channels', 'r'), ['read', 'remove']);
    assert.deepEqual(values('help', 'sim'), ['simulate']);
  });

  it('has each option of each command with a description', () => {
    for (const [name, groups] of Object.entries(commandOptions)) {
      const command = program.commands.find((one) => one.name() === name)!;
      const lines = command.commands.length === 0 ? [[name]] : command.commands.map((one) => [name, one.name()]);
      const offered = lines.flatMap((line) => completionsOf(...line, '--').suggestions);
      const flags = new Set(offered.map(({ value }) => value));
      for (const flag of new Set([...flagsOf(groups), '--help']))
        assert.ok(flags.delete(flag) || flag === '--config', `${name} ${flag}`);
      flags.delete('--config');
      assert.deepEqual([...flags], [], name);
      assert.ok(offered.every(({ description }) => description !== '' && !/[\n\t]/.test(description)));
    }
  });

  it('leaves out options that cannot be given again, and those that exclude one that is given', () => {
    const after = values('send', '--alert', 'a', '--header', '--tokens=x', '--key', 'k', '--');
    for (const flag of ['--alert', '--header', '--no-header', '--key']) assert.ok(!after.includes(flag), flag);
    for (const flag of ['--tokens', '--pin', '--key-id', '--title']) assert.ok(after.includes(flag), flag);
    assert.ok(values('broadcast', '--channel', 'a', '--').includes('--channel'));
    for (const flag of ['--cert', '--pfx']) assert.ok(!after.includes(flag), flag);
    assert.ok(!values('send', '--cert', 'c', '--').includes('--key-id'));
  });

  it('has the choices of an option, after a blank and after =', () => {
    const all = ['production', 'sandbox', 'development'];
    assert.deepEqual(values('send', '--environment', ''), all);
    assert.deepEqual(values('send', '--environment='), all);
    assert.deepEqual(values('send', '--environment=s'), ['sandbox']);
    assert.deepEqual(values('send', '--alert', '--environment', '--environment', 'd'), ['development']);
    assert.deepEqual(values('completion', ''), ['bash', 'zsh', 'fish', 'powershell']);
  });

  it('has the values that an option names besides numbers and addresses', () => {
    assert.deepEqual(values('send', '--threads', ''), ['auto']);
    assert.deepEqual(values('send', '--proxy', 'n'), ['none']);
    assert.deepEqual(values('send', '--threads', '4'), []);
  });

  it('knows every alternative that a value is described by', () => {
    const kinds = new Set(['n', 'url', 'percent', 'bytes', 's', 'name', 'name=value']);
    const asked = Object.entries(commandOptions).flatMap(([name, groups]) =>
      groups.flatMap(({ options }) => options.map((option) => ({ name, option }))),
    );
    for (const { name, option } of asked) {
      const alternatives = /<([^>]*\|[^>]*)>/.exec(option.flags)?.[1]?.split('|') ?? [];
      const literals = alternatives.filter((alternative) => !kinds.has(alternative));
      if (alternatives.length === 0 || alternatives.includes('file')) continue;
      const actions = program.commands.find((one) => one.name() === name)!.commands;
      const action = actions.find((one) => one.options.some(({ long }) => long === option.long));
      assert.deepEqual(values(name, ...(action === undefined ? [] : [action.name()]), option.long!, ''), literals);
    }
  });

  it('leaves files and folders to the shell, where a value or an argument is one', () => {
    assert.deepEqual(completionsOf('send', '--tokens', 'a'), { suggestions: [], paths: 'files' });
    assert.deepEqual(completionsOf('send', '--key=a'), { suggestions: [], paths: 'files' });
    assert.deepEqual(completionsOf('send', '--out', ''), { suggestions: [], paths: 'folders' });
    assert.deepEqual(completionsOf('send', 'one.txt', ''), { suggestions: [], paths: 'files' });
    assert.deepEqual(completionsOf('resume', ''), { suggestions: [], paths: 'folders' });
    assert.deepEqual(completionsOf('send', '--', '--'), { suggestions: [], paths: 'files' });
    assert.deepEqual(completionsOf('send', '--alert', ''), { suggestions: [], paths: 'none' });
  });

  it('has the options where a command has no arguments, or has them all', () => {
    assert.ok(values('simulate', '').includes('--port'));
    assert.deepEqual(values('pause', 'folder', ''), ['--help']);
  });

  it('is empty for a command, an option and a value that are not there', () => {
    for (const words of [['x'], ['send', '--no-such='], ['x', ''], ['--version', '-']]) {
      const { suggestions } = completionsOf(...words);
      assert.ok(!suggestions.some(({ value }) => value === words.at(-1)), words.join(' '));
    }
    assert.deepEqual(completionsOf('send', '--no-such=').suggestions, []);
    assert.deepEqual(completionsOf().suggestions.length, completionsOf('').suggestions.length);
  });

  it('is printed with a tab before descriptions, and ends with what the shell is to do besides', async () => {
    const { code, stdout, stderr } = await runCommand(['complete', '--', 'send', '--envi']);
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 0, stdout: "--environment\twhich of Apple's gateways\n:4\n", stderr: '' },
    );
    assert.equal((await runCommand(['complete', '--', 'resume', ''])).stdout, ':16\n');
    assert.equal((await runCommand(['complete', '--', 'send', ''])).stdout, ':0\n');
  });

  it('takes words that are options of peal itself as words', async () => {
    for (const word of ['--help', '--version', '--log-format=json', '--config=missing.json']) {
      const { code, stderr } = await runCommand(['complete', '--', 'send', word, '']);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, word);
    }
  });

  it('reads no settings, so that it is there while they are wrong', async () => {
    const env = { PEAL_CONFIG: 'missing.json', PEAL_KEY_IDENTITY: 'unknown', PEAL_PROXY: '' };
    const { code, stdout, stderr } = await runCommand(['complete', '--', 'send', '--envi'], { env });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^--environment\t/);
  });
});
