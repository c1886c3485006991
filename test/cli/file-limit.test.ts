/**
 * A process that may open too few files (`ulimit -n`): one sentence, from the lowest limit that Node itself starts
 * with.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { exitCodeOf, exitCodes } from '../../src/cli/shared/exit-codes.js';
import { printError } from '../../src/cli/shared/terminal.js';
import { Fixture, randomTokens } from './fixture.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

function withLimit(files: number, args: readonly string[]) {
  const script = `ulimit -n ${files}; exec "$@"`;
  const env = { ...process.env, NO_COLOR: '1' };
  return spawnSync('sh', ['-c', script, 'sh', process.execPath, main, ...args], { env, encoding: 'utf8' });
}

describe('a limit of open files', () => {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  for (const files of [24, 32, 48, 60]) {
    it(`of ${files} is told in one sentence, whatever the command`, () => {
      for (const args of [
        ['send', '--tokens', 'x', '--alert', 'y', '--environment', 'production'],
        ['--help'],
        ['demo'],
      ]) {
        const { status, stdout, stderr } = withLimit(files, args);
        const what = process.platform === 'linux' ? `only ${files}` : 'only \\d+ more';
        assert.match(
          stderr,
          new RegExp(
            `^peal: this process may open ${what} files, and needs \\d+: raise the limit \\(ulimit -n 1024\\) and run it again\\.\n$`,
          ),
        );
        assert.deepEqual([status, stdout], [exitCodes.limits, '']);
      }
    });
  }

  it('that suffices by that sentence does: a send with threads and files of --out', async () => {
    await using fixture = await Fixture.open();
    const tokens = await fixture.write('tokens.txt', randomTokens(300).join('\n'));
    const needed = Number(/needs (\d+)/.exec(withLimit(32, ['--help']).stderr)![1]);
    // The simulator is in this process: a child that is waited for in this way would never be answered.
    const { runCommand } = await import('../support/command.js');
    const args = fixture.send(tokens, { without: ['--threads'], with: ['--threads', '2'] });
    const result = await runCommand(args, { maxOpenFiles: needed });
    assert.equal(result.code, 0, result.stderr);
  });

  it('that is met later on is no fault of peal either', () => {
    const error = Object.assign(new Error('EMFILE: too many open files, open x'), { code: 'EMFILE' });
    for (const one of [error, new Error('wrapped', { cause: error })]) {
      const said: string[] = [];
      const stderr = { write: (text: string) => said.push(text) > 0 };
      printError({ stderr, env: {} } as never, one);
      assert.equal(
        said.join(''),
        'peal: this process has reached its limit of open files (EMFILE): raise it (ulimit -n 1024) and run it again.\n',
      );
      assert.equal(exitCodeOf(one), exitCodes.limits);
    }
    assert.equal(exitCodeOf(new Error('other')), exitCodes.fault);
  });
});
