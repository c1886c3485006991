import assert from 'node:assert/strict';
import type { Address } from '../../src/apns/address.js';
import type { CredentialData } from '../../src/apns/credential.js';
import { PoolRegistry, poolKey } from '../../src/connection/pool-registry.js';
import { Harness } from './pool-harness.js';

const address: Address = { protocol: 'http2', host: 'a.example', port: 443 };
const token = (fingerprint: string): CredentialData => ({ kind: 'token', fingerprint });

describe('connection/pool-registry', () => {
  it('keeps apart whatever makes connections different', () => {
    const keys = [
      poolKey(address, token('f'), null),
      poolKey({ ...address, port: 2197 }, token('f'), null),
      poolKey({ ...address, host: 'b.example' }, token('f'), null),
      poolKey(address, token('g'), null),
      poolKey(address, { kind: 'none', fingerprint: 'none' }, null),
      poolKey(address, token('f'), 'PEM'),
    ];
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(poolKey({ ...address }, token('f'), null), keys[0]);
  });

  it('makes each pool once and closes all', async () => {
    const registry = new PoolRegistry();
    const harness = new Harness();
    let made = 0;
    const make = () => {
      made++;
      return harness.pool;
    };
    assert.equal(registry.poolFor('k', make), registry.poolFor('k', make));
    assert.equal(made, 1);
    harness.start();
    registry.outdate(0);
    harness.clock.advance(10);
    assert.equal(harness.pool.stats().ready, 0);
    await registry.close();
    assert.deepEqual([...registry.pools], []);
  });
});
