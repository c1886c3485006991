/** Who waits for the acknowledgement of a PING, on virtual time. */
import assert from 'node:assert/strict';
import { pingTimeoutMs } from '../../../src/base/limits.js';
import { PingWaits } from '../../../src/connection/http2/ping-waits.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('PingWaits', () => {
  it('tells all whose PING, or a later one, was acknowledged', async () => {
    const waits = new PingWaits(new VirtualClock());
    const [first, second, third] = [waits.add(1), waits.add(2), waits.add(3)];
    waits.heard(2);
    assert.deepEqual(await Promise.all([first, second]), [true, true]);
    waits.stop();
    assert.equal(await third, false, 'the connection has ended');
  });

  it('takes silence for an answer after pingTimeoutMs, and not before', async () => {
    const clock = new VirtualClock();
    const waits = new PingWaits(clock);
    const told: boolean[] = [];
    void waits.add(1).then((isAlive) => told.push(isAlive));
    clock.advance(pingTimeoutMs - 1);
    await null;
    assert.deepEqual(told, []);
    waits.heard(0);
    clock.advance(1);
    await null;
    assert.deepEqual(told, [false]);
  });
});
