/** Workers of a cluster that cannot reach Redis for longer than others wait for them. */
import { RedisServer } from '../../support/redis-server.js';
import { faultsOfKind, recipients, runFaults } from './fault-run.js';
import { cutWorkerOff, stopMs, times } from './faults.js';

describe('workers that are cut off from Redis', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('for 20 seconds: others go on with their slices, and they send nothing more of them', async () => {
    const perSecond = Math.ceil(recipients / (stopMs / 1000 + 5));
    const options = ['--rate', `${perSecond}/s`];
    const kind = { faults: times(cutWorkerOff), isParallel: true, hasProxies: true, options };
    await runFaults('cuts between a worker and Redis', faultsOfKind, kind);
  });
});
