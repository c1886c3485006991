/**
 * One access token of FCM for several processes, each a session of its own, with a Redis and the simulator's token
 * endpoint.
 */
import assert from 'node:assert/strict';
import { sharedAccessTokens } from '../../../src/cluster/tokens/shared-access-tokens.js';
import { FCM, FcmMessage, loadServiceAccount, Session } from '../../../src/fcm.js';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { openRedis, type RedisClient } from '../../../src/stores/redis-client.js';
import { RedisServer } from '../../support/redis-server.js';

describe('cluster/tokens/shared-access-tokens', () => {
  let server: RedisServer;
  let redis: RedisClient;
  let simulator: Simulator;

  before(async function () {
    if (!RedisServer.isInstalled) this.skip();
    server = await RedisServer.start();
    redis = await openRedis({ url: server.url });
    simulator = await startSimulator({ controlPort: null, fcm: true });
  });
  beforeEach(async () => {
    await redis.flushall();
    simulator.fcm!.reset();
  });
  after(async () => {
    redis?.disconnect();
    await server?.stop();
    await simulator?.close();
  });

  const loaded = () => {
    const ca = simulator.caCertificate!;
    return loadServiceAccount({ serviceAccount: simulator.fcm!.serviceAccount, ca });
  };
  /** As another process has it. */
  const origin = () => sharedAccessTokens(loaded(), redis).credential.tokenOrigin!;
  const minted = (): number => simulator.fcm!.summary().tokens.minted;

  it('is fetched by one of many that ask at once, and lies in Redis sealed', async () => {
    const tokens = await Promise.all(Array.from({ length: 5 }, () => origin().fetch(null, Date.now())));
    assert.equal(new Set(tokens).size, 1);
    assert.equal(minted(), 1);
    const [key] = await redis.keys('*:access');
    const record = await redis.get(key!);
    assert.ok(record !== null && !record.includes(tokens[0]!), 'it is sealed');
    const leftMs = await redis.pttl(key!);
    assert.ok(leftMs > 3_500_000 && leftMs <= 3_600_000, `${leftMs} ms left`);
  });

  it('is replaced once when it has expired, however many say so', async () => {
    const [one, two, three] = [origin(), origin(), origin()];
    const first = await one.fetch(null, Date.now());
    const next = await Promise.all([one, two, three].map((each) => each.fetch(first, Date.now())));
    assert.equal(new Set(next).size, 1);
    assert.notEqual(next[0], first);
    assert.equal(minted(), 2);
  });

  it('is renewed five minutes before it ends', async () => {
    const first = await origin().fetch(null, Date.now());
    const [key] = await redis.keys('*:access');
    await redis.pexpire(key!, 6 * 60_000);
    assert.equal(await origin().fetch(null, Date.now()), first);
    await redis.pexpire(key!, 4 * 60_000);
    assert.notEqual(await origin().fetch(null, Date.now()), first);
    assert.equal(minted(), 2);
  });

  it('serves sends of several sessions', async () => {
    const ca = simulator.caCertificate!;
    const sessions = Array.from({ length: 3 }, () => new Session({ threads: 0, ca }));
    const message = new FcmMessage([`${'d'.repeat(22)}:APA91b${'Q'.repeat(110)}`], { title: 'Hello' });
    for (const session of sessions) {
      const gateway = session.getConnection(simulator.fcm!.url, sharedAccessTokens(loaded(), redis));
      assert.equal((await new FCM(gateway).send(message)).accepted, 1);
    }
    assert.equal(minted(), 1);
    await Promise.all(sessions.map((session) => session.close()));
  });
});
