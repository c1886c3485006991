import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { EnvironmentStore } from '../../../src/credentials/kinds/environment-store.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import { app, authority, clientCertificate, fingerprintsOf, production } from './store-contract.js';

describe('credentials in the environment', () => {
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  const certificate = { app, environment: 'production', ...authority.issueClient(app) };
  const token = {
    app: 'com.example.other',
    environment: 'sandbox',
    key: p8,
    keyId,
    teamId,
    gateway: 'https://h.example',
  };

  it('are objects or lists, in any variable of the prefix', async () => {
    const store = new EnvironmentStore({
      PEAL_CREDENTIAL_B: JSON.stringify([certificate, token]),
      PEAL_CREDENTIAL_A: JSON.stringify({ ...certificate, ...authority.issueClient(app) }),
      PEAL_CREDENTIALS: 'env:',
      PATH: '/bin',
    });
    assert.equal((await fingerprintsOf(store)).length, 2);
    const [other] = await store.versionsOf({ app: 'com.example.other', environment: 'development' });
    assert.equal(other!.open().gateway, 'https://h.example');
    const entries = await store.list();
    assert.deepEqual(
      entries.map(({ app: one, environment, kind, problem }) => [one, environment, kind, problem]),
      [
        [app, 'production', 'certificate', null],
        [app, 'production', 'certificate', null],
        ['com.example.other', 'development', 'token', null],
      ],
    );
    const shown = inspect([store, entries, other], { depth: 9, showHidden: true }) + JSON.stringify([entries, other]);
    assert.doesNotMatch(shown, /PRIVATE KEY/);
  });

  it('cannot be changed by a program', async () => {
    const store = new EnvironmentStore({});
    const readOnly = { code: 'ERR_PEAL_OPTION', message: /set a variable PEAL_CREDENTIAL_… where/ };
    await assert.rejects(store.put(clientCertificate()), readOnly);
    await assert.rejects(store.remove(production, null), readOnly);
    assert.equal(await store.reseal(), 0);
    store.subscribe()();
    await store.close();
  });

  it('are refused in a sentence that names the variable and quotes nothing', () => {
    for (const [text, message] of [
      ['canary', /PEAL_CREDENTIAL_X must be a JSON object/],
      ['"canary"', /must be a JSON object/],
      ['[]', /must be a JSON object/],
      [JSON.stringify({ ...certificate, app: '../canary' }), /needs "app" \(a bundle id\)/],
      [JSON.stringify({ ...certificate, environment: 'canary' }), /and "environment" \(production or development\)/],
      [JSON.stringify({ ...certificate, gateway: 7 }), /"gateway" as text/],
    ] as const) {
      assert.throws(
        () => new EnvironmentStore({ PEAL_CREDENTIAL_X: text }),
        (error: Error) => {
          assert.match(error.message, message);
          assert.doesNotMatch(inspect(error), /canary|PRIVATE/);
          return true;
        },
      );
    }
  });
});
