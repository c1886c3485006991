/** Workers of a cluster that are killed at random instants. */
import { RedisServer } from '../../support/redis-server.js';
import { faultsOfKind, runFaults } from './fault-run.js';
import { killWorker, times } from './faults.js';

describe('workers that are killed', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('at any instant: others go on with their slices, nobody is lost, and nobody who was accepted is sent to again', async () => {
    await runFaults('kills of workers', faultsOfKind, { faults: times(killWorker), isParallel: true });
  });
});
