import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { CredentialCache } from '../../src/credentials/credential-cache.js';
import { EnvironmentStore } from '../../src/credentials/kinds/environment-store.js';
import { NewCredential } from '../../src/credentials/kinds/new-credential.js';
import { openCredentialStore } from '../../src/credentials/open-credential-store.js';
import { createThrowAwayProviderKey } from '../../src/simulator/index.js';
import { app, sealingKey } from './kinds/store-contract.js';

describe('a store of credentials', () => {
  it('is named by its URL', async () => {
    assert.equal((await openCredentialStore('file:/etc/peal')).name, 'file:/etc/peal');
    assert.equal((await openCredentialStore(pathToFileURL('/etc/peal').href)).name, 'file:/etc/peal');
    assert.equal((await openCredentialStore('env:', { env: {} })).name, 'the environment');
  });

  it('is refused where its URL names none, and no part of the URL is quoted', async () => {
    for (const url of [
      '',
      'file:',
      'mysql://u:canary@h/x',
      'postgres:canary',
      'redis:',
      '/etc/peal',
      'file://host/x',
      7,
      null,
    ]) {
      const options = { sealKeys: sealingKey('a') };
      await assert.rejects(openCredentialStore(url as never, options), (error: Error & { code: string }) => {
        assert.equal(error.code, 'ERR_PEAL_OPTION');
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    }
  });

  it('is refused where a database has no sealing key, before anything is opened', async () => {
    for (const url of ['postgres://u:canary@127.0.0.1:1/x', 'redis://:canary@127.0.0.1:1', 'rediss://127.0.0.1:1']) {
      await assert.rejects(openCredentialStore(url), (error: Error) => {
        assert.match(error.message, /127\.0\.0\.1:1.* keeps credentials sealed, and no sealing key is given/);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    }
  });

  it('and what goes with it refuse names of options that they do not know', async () => {
    const store = new EnvironmentStore({});
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const given = { app, environment: 'production', credential: { key: p8, keyId, teamId } } as const;
    await assert.rejects(openCredentialStore('env:', { sealKey: 'x' } as never), /did you mean sealKeys\?/);
    assert.throws(() => new CredentialCache(store, { freshMS: 1 } as never), /write freshMs\./);
    assert.throws(() => new NewCredential({ ...given, gatewayy: 'x' } as never), /did you mean gateway\?/);
  });

  it('takes credentials that are text in the end, and no other', () => {
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const place = { app, environment: 'sandbox' } as const;
    const kept = new NewCredential({ ...place, credential: { key: Buffer.from(p8), keyId, teamId } });
    assert.equal(kept.environment, 'development');
    assert.equal(kept.material.key, p8);
    const sign = (): Uint8Array => new Uint8Array(64);
    for (const credential of [{ sign, keyId, teamId }, { providerToken: () => '' }]) {
      assert.throws(() => new NewCredential({ ...place, credential }), {
        code: 'ERR_PEAL_CREDENTIAL',
        message: /^A store keeps \{ key, keyId, teamId \}, \{ cert, key \} or \{ pfx \}/,
      });
    }
  });
});
