/** The question after the first recipients, as it stands on a terminal. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { askToGoOn, canaryLines } from '../../../src/cli/send/canary-question.js';
import type { Terminal } from '../../../src/cli/shared/terminal.js';

const report = {
  recipients: 1000,
  accepted: 973,
  rejected: 25,
  others: 2,
  reasons: [
    ['Unregistered', 20],
    ['BadDeviceToken', 5],
  ] as (readonly [string, number])[],
};

describe('the question after the canary', () => {
  /** @param answer typed once the question stands there */
  function screen(answer?: string): { terminal: Terminal; stdin: PassThrough; shown: () => string } {
    let text = '';
    const stdin = new PassThrough();
    const stderr = new Writable({
      write: (chunk, _encoding, done) => {
        text += String(chunk);
        if (answer !== undefined && String(chunk).includes('Go on?')) stdin.write(answer);
        done();
      },
    });
    return { terminal: { stdin, stderr, stdout: stderr, env: {} }, stdin, shown: () => text };
  }

  it('shows what became of them, and why', async () => {
    const { terminal, shown } = screen('y\n');
    assert.equal(await askToGoOn(report, terminal, new AbortController().signal), true);
    assert.equal(
      shown(),
      'The first 1,000 recipients: 973 accepted (97.30 %), 25 rejected, 2 without an answer.\n' +
        '  20  Unregistered\n  5  BadDeviceToken\nGo on? [y/N] ',
    );
  });

  for (const [answer, goesOn] of [
    ['yes', true],
    [' Y ', true],
    ['n', false],
    ['', false],
    ['yep', false],
  ] as const) {
    it(`takes ${JSON.stringify(answer)} for ${goesOn ? 'yes' : 'no'}`, async () => {
      const { terminal } = screen(`${answer}\n`);
      assert.equal(await askToGoOn(report, terminal, new AbortController().signal), goesOn);
    });
  }

  it('does not take what was typed before for an answer', async () => {
    const { terminal, stdin } = screen('n\n');
    stdin.write('y\n');
    assert.equal(await askToGoOn(report, terminal, new AbortController().signal), false);
  });

  it('takes the end of the input, and an interruption, for no', async () => {
    const ended = screen();
    ended.stdin.end();
    assert.equal(await askToGoOn(report, ended.terminal, new AbortController().signal), false);
    const { terminal, shown } = screen();
    const asking = new AbortController();
    const asked = askToGoOn(report, terminal, asking.signal);
    while (!shown().includes('Go on?')) await new Promise((resolve) => setTimeout(resolve, 10));
    asking.abort();
    assert.equal(await asked, false);
    assert.match(shown(), /Go on\? \[y\/N\] \r?\n$/);
    assert.equal(await askToGoOn(report, screen().terminal, AbortSignal.abort()), false);
  });

  it('waits a moment after the end of the input for the signal that tells why', async () => {
    const { terminal, stdin } = screen();
    const asking = new AbortController();
    let isAborted = false;
    stdin.end();
    setTimeout(() => {
      isAborted = true;
      asking.abort();
    }, 250);
    const askedMs = performance.now();
    assert.equal(await askToGoOn(report, terminal, asking.signal), false);
    assert.ok(isAborted);
    assert.ok(performance.now() - askedMs >= 200);
  });

  it('lists five reasons, and escapes what acts on terminals', () => {
    const reasons = Array.from({ length: 7 }, (_, at) => [`R${at}\u001b[2J`, 1] as const);
    const lines = canaryLines({ ...report, others: 0, reasons }).split('\n');
    assert.equal(lines.length, 1 + 5 + 1 + 1);
    assert.equal(lines.at(-2), '  and 2 other reasons');
    assert.ok(!lines.join('').includes('\u001b'));
  });
});
