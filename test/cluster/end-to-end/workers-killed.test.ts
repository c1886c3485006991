/** Workers of a cluster that are killed at random instants. */
import { RedisServer } from '../../support/redis-server.js';
import { faultsOfKind, recipients, runFaults } from './fault-run.js';
import { killWorker, times } from './faults.js';

describe('workers that are killed', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('at any instant: others go on with their slices, nobody is lost, and nobody who was accepted is sent to again', async () => {
    // So slow that a worker has slices at the last kill, though the one before waits for another worker to begin.
    const options = ['--rate', `${recipients / 20}/s`];
    await runFaults('kills of workers', faultsOfKind, { faults: times(killWorker), isParallel: true, options });
  });
});
