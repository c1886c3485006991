/** The key of a route: whatever differs between two configurations keeps their connections apart. */
import assert from 'node:assert/strict';
import { routeKey } from '../../../src/engine/dispatcher/route.js';
import type { RouteConfig } from '../../../src/engine/messages.js';
import { type CredentialData, hideSecrets } from '../../../src/push/credentials/credential.js';
import { checkSessionOptions } from '../../../src/session/options/session-options.js';
import { routeConfig } from '../../support/engine-fixtures.js';

/** Another value of the same kind. */
function varied(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  return Array.isArray(value) ? [...value, 'another'] : `${value ?? ''}another`;
}

describe('the key of a route', () => {
  // Not a list in this test: what a session makes of no options at all, which is everything that its table has.
  const { link } = checkSessionOptions({});
  const config: RouteConfig = { ...routeConfig, link };

  for (const [name, value] of Object.entries(link)) {
    it(`tells apart what differs in the option ${name}`, () => {
      const other = { ...config, link: { ...link, [name]: varied(value) } };
      assert.notEqual(routeKey(other), routeKey(config));
    });
  }

  for (const name of ['protocol', 'host', 'port'] as const) {
    it(`tells apart what differs in the ${name}`, () => {
      const address = { ...config.address, [name]: varied(config.address[name]) };
      assert.notEqual(routeKey({ ...config, address }), routeKey(config));
    });
  }

  it('is the same for the same, however it was put together', () => {
    const reversed = <T extends object>(object: T): T => Object.fromEntries(Object.entries(object).reverse()) as T;
    const same = reversed({ ...config, link: reversed(link), address: reversed(config.address) });
    assert.equal(routeKey(same), routeKey(config));
    assert.equal(routeKey(structuredClone(config)), routeKey(config));
  });

  it('takes pins apart that one text could mean as well', () => {
    const withPins = (...pins: string[]): string => routeKey({ ...config, link: { ...link, pins } });
    assert.notEqual(withPins('a', 'b'), withPins('a,b'));
    assert.notEqual(withPins('a', 'b'), withPins('b', 'a'));
  });

  it('holds the digest of a credential, and nothing else of it', () => {
    const data = { kind: 'certificate', fingerprint: 'f1', cert: null, pfx: null } as const;
    const keyWith = (credential: CredentialData): string => routeKey({ ...config, credential });
    const one = { ...data, key: 'secret', passphrase: 'secret' } as const;
    assert.ok(!keyWith(one).includes('secret'));
    assert.equal(keyWith(hideSecrets(one)), keyWith(one));
    assert.notEqual(keyWith({ ...one, fingerprint: 'f2' }), keyWith(one));
    assert.notEqual(keyWith({ kind: 'token', fingerprint: 'f1' }), keyWith(one));
  });
});
