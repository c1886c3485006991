/**
 * Tests of one's own notification code with mocha, against the simulator of `peal/simulator`: a gateway in the same process
 * that checks each request as APNs does and keeps books of its own. Nothing is mocked: what passes here has gone through the
 * real sender, TLS and HTTP/2.
 *
 *     npx mocha dist/examples/testing/notifications.test.js
 *
 * Three things to take over: tokens that ask for their answer (`scriptedToken`), faults (`scenario`), and a clock that runs
 * faster, so that waits of seconds between retries take milliseconds.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { APNs, type Clock, Session, systemClock } from 'peal';
import { type Simulator, type SimulatorOptions, scriptedToken, startSimulator } from 'peal/simulator';
import { type Device, type Devices, Notifications } from './notifications.js';

const topic = 'com.example.shop';
const longAgo = new Date('2020-01-01');

/** A database for tests: the devices of one customer. */
class TestDevices implements Devices {
  readonly devices: Device[];

  constructor(...devices: readonly Device[]) {
    this.devices = [...devices];
  }

  async of(): Promise<readonly Device[]> {
    return [...this.devices];
  }

  async remove(token: string): Promise<void> {
    this.devices.splice(
      this.devices.findIndex((device) => device.token === token),
      1,
    );
  }
}

/** A device that exists: any token is accepted unless it asks for something else. */
const device = (token = randomBytes(32).toString('hex'), registeredAt = longAgo): Device => ({ token, registeredAt });

/**
 * Time passes twenty times as fast for peal. Its waits are short then, and so are its time limits: those for a connection and
 * for a push are raised below. Only a session without threads takes a clock.
 */
const speed = 20;
const fastClock: Clock = {
  ...systemClock,
  now: () => performance.now() * speed,
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs / speed).unref(),
};
const patientMs = 30_000 * speed;

describe('notifications', () => {
  let simulator: Simulator;
  let session: Session;

  /** A gateway for one test. `topics`: a push for another app is refused, as Apple would. */
  async function start(devices: Devices, options: SimulatorOptions = {}): Promise<Notifications> {
    simulator = await startSimulator({ topics: [topic], ledger: 'full', controlPort: null, ...options });
    session = new Session({ ca: simulator.caCertificate!, clock: fastClock, connectTimeoutMs: patientMs });
    return new Notifications(new APNs(session.getConnection(simulator.url, null)), devices, topic, patientMs);
  }

  afterEach(async () => {
    await session.close();
    await simulator.close();
  });

  it('tells each device of the customer, in the words of the shop', async () => {
    const devices = new TestDevices(device(), device());
    const notifications = await start(devices);
    assert.equal(await notifications.orderShipped('ada', 7), 'told');
    for (const { token } of devices.devices) {
      const [request] = simulator.ledger.received(token);
      assert.equal(request!.answer, 'accepted');
      assert.equal(request!.headers['apns-collapse-id'], 'order-7');
      assert.deepEqual(JSON.parse(request!.payload), {
        aps: { alert: { title: 'Order 7', body: 'It is on its way.' } },
      });
    }
  });

  it('sends nothing for a customer without devices', async () => {
    const notifications = await start(new TestDevices());
    assert.equal(await notifications.orderShipped('ada', 7), 'nobody');
    assert.equal(simulator.ledger.summary().requests, 0);
  });

  it('removes a device that is gone, and keeps the others', async () => {
    const [here, gone] = [device(), device(scriptedToken('Unregistered'))];
    const devices = new TestDevices(gone, here);
    const notifications = await start(devices);
    assert.equal(await notifications.orderShipped('ada', 7), 'told');
    assert.deepEqual(devices.devices, [here]);
    assert.equal(simulator.ledger.answerOf(gone.token), 'Unregistered');
  });

  it('keeps a device that registered again after it was gone', async () => {
    const again = device(scriptedToken('Unregistered'), new Date());
    const devices = new TestDevices(again);
    const notifications = await start(devices);
    assert.equal(await notifications.orderShipped('ada', 7), 'nobody');
    assert.deepEqual(devices.devices, [again]);
  });

  it('keeps a device whose token is called bad: perhaps the environment is wrong', async () => {
    const devices = new TestDevices(device(scriptedToken('BadDeviceToken')));
    const notifications = await start(devices);
    assert.equal(await notifications.orderShipped('ada', 7), 'nobody');
    assert.equal(devices.devices.length, 1);
  });

  for (const reason of ['TooManyRequests', 'ServiceUnavailable']) {
    it(`tells a device although APNs answers ${reason} at first`, async () => {
      const devices = new TestDevices(device());
      const twice = { when: { requests: 1 }, do: 'answer', reason, forRequests: 2 } as const;
      const notifications = await start(devices, { scenario: { faults: [twice] } });
      assert.equal(await notifications.orderShipped('ada', 7), 'told');
      const answers = simulator.ledger.received(devices.devices[0]!.token).map(({ answer }) => answer);
      assert.deepEqual(answers, [reason, reason, 'accepted']);
    });
  }

  it('says later, and removes nobody, where APNs has no time', async () => {
    const devices = new TestDevices(device(), device(scriptedToken('ServiceUnavailable')));
    const notifications = await start(devices);
    assert.equal(await notifications.orderShipped('ada', 7), 'later');
    assert.equal(devices.devices.length, 2);
  });

  it('says later while APNs cannot be reached, and tells the device once it can', async () => {
    const devices = new TestDevices(device());
    const notifications = await start(devices);
    const { port } = simulator;
    await simulator.close();
    assert.equal(await notifications.orderShipped('ada', 7), 'later');
    assert.equal(simulator.ledger.summary().requests, 0);

    await session.close();
    const after = await start(devices, { port });
    assert.equal(await after.orderShipped('ada', 7), 'told');
  });
});
