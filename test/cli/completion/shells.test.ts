/**
 * The scripts of `peal completion` in the shells themselves. A shell that is not installed is skipped by name:
 * `apt-get install zsh fish`. There is no PowerShell in Debian.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../support/command.js';
import { hasTerminals, isInstalled, ShellSession, type TestedShell } from './shell-session.js';

const main = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

describe('completion in shells', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-test-'));
  const work = path.join(folder, 'work');
  /** A path without `peal`, and one with it. */
  const bare = { ...process.env, HOME: folder, XDG_CONFIG_HOME: path.join(folder, 'config') };
  const env = { ...bare, PATH: `${path.join(folder, 'bin')}:${process.env.PATH}` };
  const scriptOf = (shell: string): string => path.join(folder, `completion.${shell}`);

  before(async () => {
    mkdirSync(path.join(work, 'campaign-1'), { recursive: true });
    writeFileSync(path.join(work, 'recipients.txt'), '');
    mkdirSync(path.join(folder, 'bin'));
    const program = path.join(folder, 'bin', 'peal');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    chmodSync(program, 0o755);
    for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
      const { code, stdout, stderr } = await runCommand(['completion', shell]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      writeFileSync(scriptOf(shell), stdout);
    }
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const loads: Readonly<Record<TestedShell, string>> = {
    bash: `source ${scriptOf('bash')}`,
    zsh: `autoload -Uz compinit; compinit -u -D; source ${scriptOf('zsh')}`,
    fish: `source ${scriptOf('fish')}`,
  };

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    it(`works at a terminal with ${shell}`, async function () {
      if (!isInstalled(shell) || !hasTerminals()) this.skip();
      await using session = new ShellSession(shell, work, env);
      await session.type(
        `${loads[shell]}; ${shell === 'fish' ? 'echo ready-(math 40 + 2)' : 'echo ready-$((40 + 2))'}\n`,
        'ready-42',
      );
      await session.type('peal cha\t', 'channels ');
      await session.type('cr\t', 'create ');
      await session.type('--storage-policy=mo\t', 'most-recent ');
      await session.type('\u0015peal send --envi\t', '--environment ');
      await session.type('pr\t', 'production ');
      await session.type('--tokens rec\t', 'recipients.txt ');
      // A text is no file.
      await session.type('\u0015peal send --alert rec\tX', 'recX');
      await session.type('\u0015peal resume camp\t', 'campaign-1/');
    });

    it(`asks a function named peal with ${shell}, as those have who run npx`, async function () {
      if (!isInstalled(shell) || !hasTerminals()) this.skip();
      const call = `'${process.execPath}' '${main}'`;
      const named = shell === 'fish' ? `function peal; ${call} $argv; end` : `peal() { ${call} "$@"; }`;
      await using session = new ShellSession(shell, work, bare);
      await session.type(`${named}; ${loads[shell]}\n`, '\n');
      await session.type('peal simu\t', 'simulate ');
    });
  }

  it('describes what it offers in zsh and in fish', async function () {
    if (!isInstalled('zsh') || !isInstalled('fish') || !hasTerminals()) this.skip();
    await using session = new ShellSession('zsh', work, env);
    await session.type(`${loads.zsh}\n`, '\n');
    const screen = await session.type('peal s\t\t', 'in other languages');
    assert.match(screen, /serve +-- run a service that programs/);
    const shown = execFileSync('fish', ['-c', `${loads.fish}; complete -C 'peal send --collapse'`], { cwd: work, env });
    assert.equal(String(shown), '--collapse-id\tlater notifications with the same id replace earlier ones\n');
  });

  it('completes in fish what is asked for by complete -C', function () {
    if (!isInstalled('fish')) this.skip();
    const completions = (line: string): string[] =>
      execFileSync('fish', ['--no-config', '-c', `${loads.fish}; complete -C '${line}'`], {
        cwd: work,
        env,
        encoding: 'utf8',
      })
        .split('\n')
        .filter((one) => one !== '')
        .map((one) => one.split('\t')[0]!);
    assert.deepEqual(completions('peal send --en'), ['--environment']);
    assert.deepEqual(completions('peal send --environment=pr'), ['--environment=production']);
    assert.deepEqual(completions('peal channels '), ['create', 'help', 'list', 'read', 'remove']);
    assert.deepEqual(completions('peal send --alert '), []);
    assert.deepEqual(completions('peal send --tokens rec'), ['recipients.txt']);
  });

  it('is silent in fish where peal is no more', function () {
    if (!isInstalled('fish')) this.skip();
    const asked = spawnSync('fish', ['--no-config', '-c', `${loads.fish}; complete -C 'peal send --en'`], {
      cwd: work,
      env: { ...bare, PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    });
    assert.equal(asked.stderr, '');
  });

  describe('by bash', () => {
    before(function () {
      if (!isInstalled('bash')) this.skip();
    });

    /** Calls the function as bash does. @param words the line as bash divides it, at = and :, too */
    const asked = (line: string, words: readonly string[], setting = ''): string[] => {
      const code = `
        ${setting}
        source "$1"; source "$1"
        compopt() { echo "compopt $*"; }
        COMP_LINE=$2; COMP_POINT=\${#2}; shift 2
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _peal peal
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['-c', code, 'bash', scriptOf('bash'), line, ...words], {
        cwd: work,
        env,
        encoding: 'utf8',
      });
      assert.equal(stderr, '');
      return stdout.split('\n').filter((one) => one !== '');
    };

    it('puts words together that bash has divided', () => {
      const [none, ...choices] = asked('peal send --gateway https://h:1 --environment=', [
        ...['peal', 'send', '--gateway', 'https', ':', '//h', ':', '1', '--environment', '='],
      ]);
      assert.equal(none, 'compopt +o default');
      assert.deepEqual(choices, ['production', 'sandbox', 'development']);
      assert.deepEqual(asked('peal send --environment=pro', ['peal', 'send', '--environment', '=', 'pro']).slice(1), [
        'production',
      ]);
    });

    it('keeps the option before a value where bash does not divide at =', () => {
      const words = ['peal', 'send', '--environment=pro'];
      assert.deepEqual(asked('peal send --environment=pro', words, "COMP_WORDBREAKS=' '").slice(1), [
        '--environment=production',
      ]);
    });

    it('leaves files and folders to bash', () => {
      assert.deepEqual(asked('peal send --tokens r', ['peal', 'send', '--tokens', 'r']), []);
      assert.deepEqual(asked('peal resume ', ['peal', 'resume', '']), ['compopt +o default -o dirnames']);
    });

    it('runs nothing of what is written in the line', () => {
      const evil = path.join(folder, 'evil');
      const text = `"$(touch ${evil})"`;
      const after = asked(`peal send --alert ${text} --bad`, ['peal', 'send', '--alert', text, '--bad']);
      assert.deepEqual(after.slice(1), ['--badge']);
      assert.ok(!existsSync(evil));
    });

    it('asks for the words before the cursor only', () => {
      assert.deepEqual(asked('peal se', ['peal', 'send']).slice(1), ['send', 'serve']);
    });

    it('is silent where peal is no more', () => {
      assert.deepEqual(asked('peal se', ['peal', 'se'], 'PATH=/usr/bin:/bin'), []);
    });
  });
});
