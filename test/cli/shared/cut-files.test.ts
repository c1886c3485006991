/** A file of --out that cannot be written to its end, as on a full disk: how much of it is there, and what follows. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { runCommand } from '../../support/command.js';
import { quietPort } from '../../support/quiet-port.js';
import { Fixture, randomTokens } from '../fixture.js';

describe('files of --out that were cut', () => {
  let fixture: Fixture;
  before(async function () {
    if (process.platform === 'win32') this.skip();
    fixture = await Fixture.open();
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  it('hold whole lines, are named with how many, and are whole once the same command was run again', async () => {
    const list = randomTokens(10_000);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    // Nobody listens there: all are unsent, each of them 65 octets in the file.
    const args = fixture.send(tokens, {
      without: ['--gateway', '--force'],
      with: ['--gateway', `https://127.0.0.1:${await quietPort()}`],
    });
    const { code, stdout, stderr } = await runCommand(args, { maxFileBytes: 512 * 1024 });
    assert.equal(code, 6);
    assert.match(stderr, /^peal: .*unsent\.txt\.\w{8}\.cut holds 8,065 of 10,000 lines; a run that resumes .*\.$/m);
    assert.doesNotMatch(stdout, /unsent\.txt/);
    const cut = readdirSync(fixture.path('out')).find((name) => name.endsWith('.cut'))!;
    assert.match(await fixture.output(cut), /^([0-9a-f]{64}\n){8065}$/);
    const again = await runCommand(args);
    assert.equal(again.code, 4, again.stderr);
    assert.deepEqual(await fixture.outputLines('unsent.txt'), list.sort());
  });
});
