/** A cluster whose Redis is killed, or has no memory left, while it sends. */
import { RedisServer } from '../../support/redis-server.js';
import { faultsOfKind, runFaults } from './fault-run.js';
import { fillRedis, restartRedis, times } from './faults.js';

describe('a Redis that', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('is killed and started again with its append-only file: the campaign waits, and goes on', async () => {
    await runFaults('kills of Redis', faultsOfKind, { faults: times(restartRedis) });
  });

  it('has no memory left for a while: the campaign waits, and goes on', async () => {
    await runFaults('times without memory in Redis', faultsOfKind, { faults: times(fillRedis) });
  });
});
