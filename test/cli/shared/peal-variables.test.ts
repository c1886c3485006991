/** Environment variables of the command line that are set and empty: one rule for all. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pealVariables } from '../../../src/cli/shared/peal-variables.js';
import { runCommand } from '../../support/command.js';
import { repositoryRoot } from '../../support/repository.js';
import { assertOneSentence, Fixture, randomTokens } from '../fixture.js';

/** The option that goes before each, with a value that suits the fixture, and the exit code of an empty one. */
const expected = {
  PEAL_BEARER: { option: '--bearer-file', value: 'tokens.txt', code: 2 },
  PEAL_CREDENTIALS: { option: '--store', value: 'env:', code: 2, args: ['credentials', 'list'] },
  PEAL_PASSPHRASE: { option: '--passphrase-file', value: 'tokens.txt', code: 5 },
  PEAL_PIN: { option: '--pin', value: 'sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', code: 2 },
  PEAL_PROXY: { option: '--proxy', value: 'none', code: 2 },
  PEAL_REDIS: { option: '--redis', value: 'redis://127.0.0.1:1', code: 2, command: 'dispatch' },
  PEAL_SEAL_KEY: {
    option: '--seal-key-file',
    value: 'tokens.txt',
    code: 5,
    args: ['credentials', 'list', '--store', 'redis://127.0.0.1:1'],
  },
  PEAL_SERVICE_ACCOUNT: {
    option: '--service-account',
    value: 'account.json',
    code: 5,
    args: ['send', 'tokens.txt', '--provider', 'fcm', '--alert', 'Hi'],
  },
} as const;

describe('environment variables of the command line', () => {
  let fixture: Fixture;
  let tokens: string;

  before(async () => {
    fixture = await Fixture.open({ auth: 'any' });
    tokens = await fixture.write('tokens.txt', randomTokens(3).join('\n'));
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  it('are those that the page names, and those that are tested here', () => {
    const page = readFileSync(path.join(repositoryRoot, 'docs/cli.md'), 'utf8');
    const named = new Set([...page.matchAll(/`(PEAL_[A-Z_]+)`/g)].map(([, name]) => name));
    assert.deepEqual([...named].sort(), [...pealVariables]);
    assert.deepEqual(Object.keys(expected), [...pealVariables]);
  });

  for (const name of pealVariables) {
    // Only a service reads it: test/cli/serve.
    if (name === 'PEAL_BEARER') continue;
    const { option, value, code } = expected[name];
    const isOfSend = !('command' in expected[name]);
    const { args = null } = expected[name] as { readonly args?: readonly string[] };
    /** A command that would read it. */
    const reading = (given: readonly string[] = []): string[] =>
      args !== null
        ? [...args, ...given]
        : isOfSend
          ? fixture.send(tokens, { with: given })
          : [
              'dispatch',
              tokens,
              '--alert',
              'Hi',
              '--gateway',
              fixture.simulator.url!,
              '--out',
              fixture.path('d'),
              ...given,
            ];

    it(`refuse ${name} where it is set and empty, or blank`, async () => {
      const { requests } = fixture.simulator.ledger.summary();
      for (const empty of ['', ' ']) {
        const result = await runCommand(reading(), { env: { [name]: empty } });
        assert.equal(result.code, code, result.stderr);
        assertOneSentence(
          result,
          new RegExp(
            `The environment variable ${name} is empty: check that it is set where its value comes from, unset it, or give ${option}\\.$`,
          ),
        );
      }
      assert.equal(fixture.simulator.ledger.summary().requests, requests);
    });

    it(`do not read ${name} beside ${option}`, async () => {
      const given = value === 'tokens.txt' ? tokens : value;
      const result = await runCommand(reading([option, given]), { env: { [name]: '' } });
      assert.doesNotMatch(result.stderr, /is empty/);
    });
  }

  it('refuse an empty one that env: names', async () => {
    const { credential } = fixture;
    const byName = credential.map((value) => (value.endsWith('.p8') ? 'env:APNS_KEY' : value));
    const result = await runCommand(fixture.send(tokens, { without: credential, with: byName }), {
      env: { APNS_KEY: ' ' },
    });
    assert.equal(result.code, 5, result.stderr);
    assertOneSentence(
      result,
      /--key: the environment variable APNS_KEY is empty: check that it is set where its value comes from\.$/,
    );
  });
});
