/**
 * The client of `peal/compat/apns2` against the simulator: what its own are, apart from what the original does as well.
 */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { PealError } from '../../../src/base/errors.js';
import { ApnsClient, ApnsError, Errors, Notification, UnansweredError } from '../../../src/compat/apns2/index.js';
import {
  createThrowAwayProviderKey,
  type Simulator,
  type SimulatorOptions,
  scriptedToken,
  startSimulator,
  type ThrowAwayProviderKey,
} from '../../../src/simulator/index.js';

const token = 'ab'.repeat(32);
const renewableAfterMs = 25 * 60_000;

describe('the client of compat/apns2', () => {
  let providerKey: ThrowAwayProviderKey;
  let simulator: Simulator;
  let client: ApnsClient;

  async function start(options: SimulatorOptions = {}, own: object = {}): Promise<void> {
    // Another one for each test, because a process has one provider token of a key.
    providerKey = createThrowAwayProviderKey();
    simulator = await startSimulator({ controlPort: null, auth: 'token', providerKeys: [providerKey], ...options });
    client = clientOf(own);
  }

  function clientOf(own: object): ApnsClient {
    const { keyId, teamId: team, p8: signingKey } = providerKey;
    const port = Number(new URL(simulator.url).port);
    const gateway = { host: 'localhost', port, ca: simulator.caCertificate! };
    return new ApnsClient({ keyId, team, signingKey, defaultTopic: 'com.example.app', ...gateway, ...own });
  }

  const rejected = (sending: Promise<unknown>): Promise<unknown> => sending.then(() => assert.fail('accepted'), same);
  const same = (value: unknown): unknown => value;

  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  it('shows its key neither to console.log nor to JSON.stringify, and has it', async () => {
    await start();
    await client.send(new Notification(token, { alert: 'x' }));
    const shown = inspect(client, { depth: 20, showHidden: true }) + JSON.stringify(client);
    const secret = providerKey.p8.split('\n')[1]!;
    assert.ok(!shown.includes(secret), shown);
    assert.equal(client.signingKey, providerKey.p8);
    assert.ok(shown.includes(providerKey.keyId), 'its key id is no secret');
  });

  it('shows no whole device token in what it rejects with', async () => {
    await start();
    const error = await rejected(client.send(new Notification(scriptedToken('Unregistered'))));
    assert.ok(error instanceof ApnsError);
    const whole = error.notification.deviceToken;
    assert.equal(whole, scriptedToken('Unregistered'));
    assert.ok(!inspect(error, { depth: 20 }).includes(whole));
    assert.ok(!String(error.stack).includes(whole));
  });

  it('renews an expired provider token and sends again, without a rejection', async () => {
    await start({ scenario: { faults: [{ when: { requests: 2 }, do: 'expireProviderTokens' }] } });
    const [now, dateNow] = [performance.now.bind(performance), Date.now];
    try {
      await client.send(new Notification(token, { alert: 'x' }));
      // Earlier APNs would refuse another one.
      performance.now = () => now() + renewableAfterMs;
      Date.now = () => dateNow() + renewableAfterMs;
      for (let sent = 0; sent < 2; sent++) await client.send(new Notification(token, { alert: 'x' }));
    } finally {
      performance.now = now;
      Date.now = dateNow;
    }
    const { accepted, reasons } = simulator.ledger.summary();
    assert.deepEqual([accepted, reasons], [3, { ExpiredProviderToken: 1 }]);
  });

  it('sends topics and collapse ids that are no text as text, and goes on', async () => {
    await start();
    // Programs without types give them.
    const untyped = (value: unknown): string => value as string;
    for (const value of [5, {}, Symbol('x')]) {
      const sending = client.send(new Notification(token, { topic: untyped(value), collapseId: untyped(value) }));
      const error = await sending.then(() => null, same);
      if (error !== null) assert.ok(error instanceof ApnsError, inspect(error));
    }
    await client.send(new Notification(token, { alert: 'x' }));
    assert.equal(simulator.ledger.summary().requests, 4);
  });

  it('leaves the events of a listener that throws to its program, and goes on', async () => {
    await start();
    const own = new Error('mine');
    client.once(Errors.error, () => {
      throw own;
    });
    assert.equal(await rejected(client.send(new Notification(scriptedToken('BadTopic')))), own);
    await client.send(new Notification(token, { alert: 'x' }));
  });

  it('rejects after requestTimeout with what is known of the push', async () => {
    await start(
      { scenario: { faults: [{ do: 'noAnswer', forRequests: 1, when: { requests: 1 } }] } },
      { requestTimeout: 50 },
    );
    const error = await rejected(client.send(new Notification(token, { alert: 'x' })));
    assert.ok(error instanceof UnansweredError && error instanceof PealError);
    assert.deepEqual([error.code, error.outcome], ['ERR_PEAL_TIMEOUT', 'unknown']);
  });

  it('says of a key that is none, and of a gateway that is not there, that nothing was sent', async () => {
    await start();
    const wrongKey = await rejected(clientOf({ signingKey: 'none' }).send(new Notification(token)));
    assert.ok(wrongKey instanceof UnansweredError);
    assert.deepEqual([wrongKey.code, wrongKey.outcome], ['ERR_PEAL_CREDENTIAL', 'unsent']);
    assert.throws(() => clientOf({ host: 'a b' }), { code: 'ERR_PEAL_ADDRESS' });
    await simulator.close();
    const noGateway = await rejected(client.send(new Notification(token)));
    assert.ok(noGateway instanceof UnansweredError);
    assert.deepEqual([noGateway.code, noGateway.outcome], ['ERR_PEAL_CONNECT', 'unsent']);
  });

  it('closes its connection with the last pending send without keepAlive', async () => {
    await start({}, { keepAlive: false });
    for (let sent = 0; sent < 2; sent++) {
      await client.send(new Notification(token, { alert: 'x' }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(simulator.ledger.summary().connections, 2);
  });

  it('does not change the aps that notifications share', async () => {
    await start({ ledger: 'full' });
    const aps = Object.freeze({ 'relevance-score': 1 });
    await client.sendMany([
      new Notification(token, { aps, badge: 1 }),
      new Notification(token, { aps, sound: 'ping' }),
    ]);
    assert.deepEqual(aps, { 'relevance-score': 1 });
  });

  it('waits in close for what is pending, and takes nothing more', async () => {
    await start({ roundTripMs: 20 });
    const sending = client.sendMany(Array.from({ length: 50 }, () => new Notification(token, { alert: 'x' })));
    await client.close();
    assert.equal((await sending).filter((sent) => sent instanceof Notification).length, 50);
    const late = await rejected(client.send(new Notification(token)));
    assert.ok(late instanceof UnansweredError);
    assert.deepEqual([late.code, late.outcome], ['ERR_PEAL_CLOSED', 'unsent']);
  });

  it('rejects in destroy what is not written with the error of its program', async () => {
    await start();
    const own = new Error('mine');
    const sending = client.sendMany(Array.from({ length: 50 }, () => new Notification(token, { alert: 'x' })));
    await client.destroy(own);
    for (const sent of await sending) assert.equal((sent as { error: Error }).error, own);
    assert.equal(simulator.ledger.summary().requests, 0);
  });
});
