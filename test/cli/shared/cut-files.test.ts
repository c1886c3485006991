/** Files of --out that cannot be written to their end, as on a full disk: which, how much of them is there, and what follows. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, randomTokens } from '../fixture.js';

describe('files of --out that were cut', () => {
  let fixture: Fixture;
  before(async function () {
    if (process.platform === 'win32') this.skip();
    fixture = await Fixture.open();
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  /** A run that leaves 40 tokens unsent, each of them 65 octets in the file, because its key cannot be used. */
  async function runCut(maxFileBytes: number, out: string) {
    const tokens = await fixture.write('tokens.txt', randomTokens(40).join('\n'));
    const key = await fixture.write('bad.p8', 'not a key');
    const args = fixture.send(tokens, {
      without: ['--key', '--out', '--force'],
      with: ['--key', key, '--out', fixture.path(out)],
    });
    return await runCommand(args, { maxFileBytes });
  }

  it('are all named, the unsent first, each with how many of how many lines it holds', async () => {
    const { code, stdout, stderr } = await runCut(0, 'none');
    assert.equal(code, 6);
    assert.match(stderr, /^peal: .*bad\.p8/);
    const said = stderr.trimEnd().split('\n').at(-1)!;
    const files = [...said.matchAll(/([\w.]+)\.\w{8}\.cut holds (\d+) of (\d+) lines/g)].map(([, ...groups]) => groups);
    // unknown.txt is empty, as it should be.
    assert.deepEqual(files, [
      ['unsent.txt', '0', '40'],
      ['rejected.csv', '0', '0'],
      ['invalid.csv', '0', '0'],
    ]);
    assert.match(said, /^peal: .*unsent\.txt cannot be written: .*; the missing lines are recorded nowhere\.$/);
    assert.match(stdout, /unknown\.txt is in /);
    assert.doesNotMatch(stdout, /unsent\.txt|are in/);
  });

  it('hold whole lines, and are in the way of the next run as whole ones are', async () => {
    const { code, stdout, stderr } = await runCut(1024, 'some');
    assert.equal(code, 6);
    assert.match(stderr, /unsent\.txt\.\w{8}\.cut holds 15 of 40 lines; /);
    assert.match(stdout, /rejected\.csv, unknown\.txt and invalid\.csv are in /);
    const cut = readdirSync(fixture.path('some')).find((name) => name.endsWith('.cut'))!;
    const content = await fixture.output(cut, 'some');
    assert.match(content, /^([0-9a-f]{64}\n){15}$/);
    const again = await runCut(64 * 1024, 'some');
    assert.equal(again.code, 2);
    assertOneSentence(
      again,
      /unsent\.txt\.\w{8}\.cut holds recipients that an earlier run did not send to \(an incomplete file: the rest/,
    );
    assert.equal(await fixture.output(cut, 'some'), content);
  });
});
