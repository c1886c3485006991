/** Workers of a cluster that are stopped for so long that others take their slices, and then go on. */
import { RedisServer } from '../../support/redis-server.js';
import { faultsOfKind, recipients, runFaults } from './fault-run.js';
import { stopMs, stopWorker, times } from './faults.js';

describe('workers that are stopped', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('for longer than a lock lasts, and go on when others have their slices: they send nothing more of them', async () => {
    const perSecond = Math.ceil(recipients / (stopMs / 1000 + 5));
    const options = ['--rate', `${perSecond}/s`];
    await runFaults('stops of workers', faultsOfKind, { faults: times(stopWorker), isParallel: true, options });
  });
});
