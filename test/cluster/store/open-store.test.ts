/** What the opening of a cluster's Redis says of its settings. */
import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/base/log.js';
import { openClusterStore } from '../../../src/cluster/store/open-store.js';
import { RedisServer } from '../../support/redis-server.js';

describe('cluster/store/open-store', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('warns of a Redis that may lose what campaigns note in it', async () => {
    await using redis = await RedisServer.start({ settings: { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' } });
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) };
    const { close } = await openClusterStore(redis.url, { log });
    await close();
    assert.match(warnings.join('\n'), /set appendonly yes\.\n.*set maxmemory-policy noeviction\.$/);
  });

  it('says nothing of one that is set up as it should be', async () => {
    await using redis = await RedisServer.start();
    const log = { ...silentLogger, warn: (_fields: object, message: string) => assert.fail(message) };
    const { close } = await openClusterStore(redis.url, { log });
    await close();
  });
});
