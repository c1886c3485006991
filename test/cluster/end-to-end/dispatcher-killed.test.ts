/** Dispatchers that are killed while workers send, and that run again. */
import { RedisServer } from '../../support/redis-server.js';
import { faultsOfKind, runFaults } from './fault-run.js';
import { killDispatcher, times } from './faults.js';

describe('a dispatcher that is killed', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('at any instant, and runs again: it takes up what is out, and nobody is lost or sent to again', async () => {
    await runFaults('kills of the dispatcher', faultsOfKind, { faults: times(killDispatcher) });
  });
});
