/** What `peal send` says at its start, before it is too late. */
import assert from 'node:assert/strict';
import { recipientsWorthKeeping } from '../../../src/base/limits.js';
import { missingOutNote } from '../../../src/cli/send/send-plan.js';
import { runCommand } from '../../support/command.js';
import { Fixture, randomTokens } from '../fixture.js';

describe('the notes of peal send at its start', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  describe('that nothing is kept', () => {
    const many = recipientsWorthKeeping + 1;
    const cases: readonly (readonly [string, Parameters<typeof missingOutNote>[0], number | null, boolean])[] = [
      ['to many recipients of Apple', { environment: 'production' }, many, true],
      ['to nobody knows how many', { gateway: 'api_sandbox' }, null, true],
      ['to many over the binary protocol', { gateway: 'push_production' }, many, true],
      ['to a few', { environment: 'production' }, many - 1, false],
      ['with --out', { environment: 'production', out: 'run-1' }, many, false],
      ['to a gateway of one’s own', { gateway: 'https://localhost:8443' }, many, false],
    ];
    for (const [what, options, estimated, isSaid] of cases) {
      it(`is ${isSaid ? 'said' : 'not said'} of a run ${what}`, () => {
        assert.equal(
          missingOutNote(options, estimated)?.startsWith('without --out DIR unsent recipients') ?? false,
          isSaid,
        );
      });
    }

    it('comes before the first connection, and not with --quiet', async () => {
      const tokens = await fixture.write('many.txt', randomTokens(2 * many).join('\n'));
      // A proxy that refuses: no way to Apple.
      const args = fixture.send(tokens, {
        without: ['--gateway', '--ca', '--out', '--force'],
        with: ['--environment', 'sandbox', '--proxy', 'http://127.0.0.1:1'],
      });
      const { code, stderr } = await runCommand(args);
      assert.equal(code, 4);
      assert.match(stderr, /^peal: without --out DIR unsent recipients are not recorded: .*continued\n/);
      const quiet = await runCommand([...args, '--quiet']);
      assert.doesNotMatch(quiet.stderr, /are not recorded/);
    });
  });

  describe('that a key may be another one', () => {
    for (const [name, isSaid] of [
      ['AuthKey_ZZZZZ99999.p8', true],
      ['AuthKey_OWN.p8', false],
      ['key.p8', false],
    ] as const) {
      it(`is ${isSaid ? 'said' : 'not said'} of ${name}`, async () => {
        const tokens = await fixture.write('tokens.txt', randomTokens(3).join('\n'));
        const { keyId, p8 } = fixture.providerKey;
        const key = await fixture.write(name.replace('OWN', keyId), p8);
        const args = fixture.send(tokens, { without: ['--key'], with: ['--key', key] });
        const { code, stderr } = await runCommand(args);
        assert.equal(code, 0);
        const note = new RegExp(
          `^peal: --key-id is ${keyId}, but the name of the file AuthKey_ZZZZZ99999\\.p8 \\(--key\\) says`,
          'm',
        );
        if (isSaid) assert.match(stderr, note);
        else assert.doesNotMatch(stderr, /the name of the file/);
        assert.doesNotMatch((await runCommand([...args, '--quiet'])).stderr, /the name of the file/);
      });
    }
  });
});
