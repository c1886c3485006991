/** PINGs that a program asks for, to the connections of one gateway. */
import assert from 'node:assert/strict';
import { APNs } from '../../src/session/apns.js';
import { Session } from '../../src/session/session.js';
import { startSimulator } from '../../src/simulator/index.js';

const hello = { alert: 'Hello', topic: 'com.example.app' };

describe('Gateway.ping', () => {
  for (const threads of [0, 1]) {
    it(`tells of each open connection whether it is alive, with ${threads} threads`, async () => {
      await using simulator = await startSimulator({ controlPort: null });
      await using session = new Session({ threads, ca: simulator.caCertificate! });
      const gateway = session.getConnection(simulator.url, null);
      assert.deepEqual(await gateway.ping(), [], 'nothing is open');
      await new APNs(gateway).push(hello, 'ab'.repeat(32));
      assert.deepEqual(await gateway.ping(), [true]);
      await session.close();
      assert.deepEqual(await gateway.ping(), [], 'it was closed');
    });
  }
});
