/** All faults of a cluster in one campaign. */
import { RedisServer } from '../../support/redis-server.js';
import { recipients, runFaults } from './fault-run.js';
import { cutWorkerOff, fillRedis, killDispatcher, killWorker, restartRedis, shuffled, stopWorker } from './faults.js';

describe('all faults in one campaign', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('in random order, while others last: nobody is lost, and nobody who was accepted is sent to again', async () => {
    const all = [killWorker, stopWorker, cutWorkerOff, restartRedis, fillRedis, killDispatcher];
    await runFaults('faults', all.length, {
      faults: (random) => shuffled(all, random),
      isParallel: true,
      hasProxies: true,
      options: ['--rate', `${recipients / 40}/s`],
    });
  });
});
