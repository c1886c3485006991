import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Interrupt, type SignalSource } from '../../../src/cli/shared/interrupt.js';
import { jsonLines } from '../../support/command.js';

const main = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

/** Runs before everything else: sends the process a signal as soon as anybody listens for it. */
const interruptAtOnce = `data:text/javascript,${encodeURIComponent(`
  process.once('newListener', (name) => {
    if (name === 'SIGINT') setImmediate(() => process.kill(process.pid, 'SIGINT'));
  });
`)}`;

describe('Interrupt', () => {
  it('takes over from the one before it, so that a signal is heard once', () => {
    const source = new EventEmitter();
    const heard: string[] = [];
    const early = new Interrupt(
      source as SignalSource,
      () => heard.push('early'),
      () => assert.fail(),
    );
    const late = new Interrupt(
      source as SignalSource,
      () => heard.push('late'),
      () => assert.fail(),
    );
    source.emit('SIGINT', 'SIGINT');
    assert.deepEqual([heard, early.exitCode, late.exitCode], [['late'], null, 130]);
    late[Symbol.dispose]();
    assert.equal(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM'), 0);
  });

  describe('has a word to say also while the command is still being loaded', () => {
    for (const args of [
      ['send', '--tokens', '-'],
      ['send', '--tokens', '-', '--json'],
      ['feedback', '--gateway', 'no address'],
      ['simulate', '--no-such-option'],
      ['--help'],
    ]) {
      it(`peal ${args.join(' ')}`, async () => {
        const child = spawn(process.execPath, ['--import', interruptAtOnce, main, ...args], {
          stdio: ['pipe', 'pipe', 'pipe'],
        });
        let stdout = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
        });
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
        assert.deepEqual([code, signal], [130, null]);
        assert.match(stderr, /^peal: interrupted before anything was done\n$/);
        if (!args.includes('--json')) return assert.equal(stdout, '');
        const [error, summary, ...others] = jsonLines(stdout);
        assert.deepEqual(others, []);
        assert.deepEqual(error, {
          messageType: 'error',
          code: 'ERR_PEAL_ABORTED',
          message: 'interrupted before anything was done',
          retryable: true,
          count: 0,
        });
        const { messageType, recipients, stopped, exitCode } = summary!;
        assert.deepEqual([messageType, recipients, stopped, exitCode], ['summary', 0, 'ERR_PEAL_ABORTED', 130]);
      });
    }
  });
});
