/**
 * Quotas of the simulated FCM by its own clock, faults of its connections, and that both books of a simulator stay
 * apart.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { SendQuota, TargetQuotas } from '../../../src/simulator/fcm/send-quota.js';
import {
  createMemoryGateway,
  type SimulatorFcmOptions,
  type SimulatorOptions,
  startSimulator,
  startSimulatorThread,
} from '../../../src/simulator/index.js';
import { PushClient, tokenNumber } from '../../support/push-client.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { assertionOf, errorOf, FcmClient, type FcmReply, grantForm } from './fcm-client.js';

const notification = { title: 'Hi' };
const tokenOf = (index: number): string => `t${index}:APA91b`;

describe('simulator: quotas of FCM', () => {
  it('are full again a minute after the first message, and count what was answered 2xx or 4xx', () => {
    const quota = new SendQuota(3);
    const send = (nowMs: number, status: number): boolean => {
      const hasRoom = quota.hasRoom(nowMs);
      quota.count(hasRoom ? status : 429);
      return hasRoom;
    };
    assert.ok(send(1000, 200));
    assert.ok(send(30_000, 503), 'does not count');
    assert.ok(send(40_000, 404));
    assert.ok(send(50_000, 200));
    assert.ok(!send(60_999, 200));
    assert.ok(send(61_000, 200));
  });

  it('of one target leave the others alone', () => {
    const quotas = new TargetQuotas(2);
    assert.deepEqual([quotas.allows(1, 1, 0), quotas.allows(1, 1, 10), quotas.allows(1, 1, 20)], [true, true, false]);
    assert.ok(quotas.allows(2, 1, 30));
    assert.ok(quotas.allows(1, 1, 60_000));
  });
});

describe('simulator: FCM over sockets', () => {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorFcmOptions | true = true, further: SimulatorOptions = {}) {
    const simulator = await startSimulator({ ...further, fcm: options });
    opened.push(simulator);
    return { simulator, fcm: simulator.fcm!, connect: () => connectTo(simulator.caCertificate ?? '', simulator.fcm!) };
  }

  function connectTo(ca: string, fcm: { readonly httpsUrl: string; issueAccessToken(): string }): FcmClient {
    const client = new FcmClient(fcm.httpsUrl, ca, fcm.issueAccessToken());
    opened.push(client);
    return client;
  }

  const sendMany = (client: FcmClient, count: number): Promise<FcmReply[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => client.send({ token: tokenOf(index), notification })));

  it('answers QUOTA_EXCEEDED in three kinds, each once its quota is used up', async () => {
    const { connect, fcm } = await start({
      messagesPerMinute: 12,
      deviceMessagesPerMinute: 3,
      topicMessagesPerMinute: 2,
    });
    const client = connect();
    const device = await Promise.all(
      Array.from({ length: 4 }, () => client.send({ token: 'one:APA91b', notification })),
    );
    assert.deepEqual(
      device.map(({ status }) => status),
      [200, 200, 200, 429],
    );
    const topic = await Promise.all(Array.from({ length: 3 }, () => client.send({ topic: 'news', notification })));
    assert.equal(errorOf(topic[2]!).message, 'Topic quota exceeded.');
    const rest = await sendMany(client, 10);
    assert.equal(rest.filter(({ status }) => status === 200).length, 7);
    const refused = rest.find(({ status }) => status === 429);
    const { metadata } = errorOf(refused!).details![0] as unknown as { readonly metadata: Record<string, string> };
    assert.equal(metadata.quota_limit_value, '12');
    assert.deepEqual(fcm.ledger.summary().reasons, {
      QUOTA_EXCEEDED: 3,
      'QUOTA_EXCEEDED (device)': 1,
      'QUOTA_EXCEEDED (topic)': 1,
    });
  });

  it('refuses streams, resets connections and goes away as its scenario says, and books what it processed', async () => {
    const { connect, fcm, simulator } = await start({
      scenario: {
        processingMs: 5,
        faults: [
          { when: { connection: 1, requests: 5 }, do: 'refuse', forRequests: 2 },
          { when: { connection: 2 }, do: 'answer', reason: 'UNAVAILABLE', retryAfterS: 33, forRequests: 3 },
          { when: { connection: 3, connectionRequests: 4 }, do: 'reset', processed: 1 },
          { when: { connection: 4, connectionRequests: 4 }, do: 'goaway', how: 'drain' },
        ],
      },
    });
    const first = await sendMany(connect(), 10);
    assert.deepEqual(
      first.map(({ status, resetCode }) => (status === 200 ? 200 : -resetCode)),
      [200, 200, 200, 200, -7, -7, 200, 200, 200, 200],
    );
    const second = await sendMany(connect(), 4);
    assert.deepEqual(
      second.map(({ status, headers }) => [status, headers['retry-after']]),
      [
        [503, '33'],
        [503, '33'],
        [503, '33'],
        [200, undefined],
      ],
    );
    const third = await sendMany(connect(), 4);
    assert.ok(third.every(({ status }) => status === 0));
    const fourth = await sendMany(connect(), 4);
    assert.ok(fourth.every(({ status }) => status === 200));
    const { accepted, connections, faults, refused, rejected, unanswered } = fcm.ledger.summary();
    const counts = { accepted, connections, refused, rejected, unanswered };
    assert.deepEqual(counts, { accepted: 13, connections: 4, refused: 2, rejected: 3, unanswered: 4 });
    assert.deepEqual(faults, { refuse: 1, answer: 1, reset: 1, goaway: 1 });
    assert.equal(fcm.faults.length, 4);
    assert.equal(simulator.faults.length, 0);
  });

  it('refuses a scenario with a reason of Apple, and one of the ordinary port with a reason of FCM', async () => {
    const answer = (reason: string) => ({ faults: [{ do: 'answer' as const, reason }] });
    await assert.rejects(
      startSimulator({ fcm: { scenario: answer('Shutdown') } }),
      /fcm\.scenario\.faults\[0\]\.reason/,
    );
    await assert.rejects(startSimulator({ scenario: answer('UNAVAILABLE') }), /scenario\.faults\[0\]\.reason/);
  });

  it('keeps its books apart from those of APNs, and tells both to the control server', async () => {
    const { connect, fcm, simulator } = await start();
    const apns = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    opened.push(apns);
    await apns.push(tokenNumber(1));
    const client = connect();
    await sendMany(client, 3);
    assert.equal(fcm.exchange(grantForm(assertionOf(fcm.serviceAccount, Date.now()))).status, 200);
    const ask = async (path: string): Promise<string> => (await fetch(`${simulator.controlUrl}/peal/${path}`)).text();
    assert.equal(JSON.parse(await ask('ledger')).requests, 1);
    const told = JSON.parse(await ask('fcm'));
    assert.deepEqual(told, JSON.parse(JSON.stringify(fcm.summary())));
    assert.deepEqual([told.messages.requests, told.tokens.minted, told.project], [3, 1, 'peal-simulator']);
    assert.equal(JSON.parse((await ask('fcm/tokens')).split('\n')[0]!).token, tokenOf(0));
    assert.equal(JSON.parse(await ask('fcm/service-account')).client_email, fcm.serviceAccount.client_email);
    assert.deepEqual(JSON.parse(await ask('fcm/faults')), { isOver: true, done: [] });
    assert.match(await ask('fcm/requests'), /start the simulator with ledger \\"full\\"/);
    await fetch(`${simulator.controlUrl}/peal/reset`, { method: 'POST' });
    assert.deepEqual([fcm.ledger.summary().requests, fcm.summary().tokens.requests], [0, 0]);
    assert.equal((await client.send({ token: 'x', notification })).status, 200, 'access tokens stay valid');
  });

  it('says so where there is none', async () => {
    const simulator = await startSimulator();
    opened.push(simulator);
    assert.equal(simulator.fcm, null);
    assert.equal((await fetch(`${simulator.controlUrl}/peal/fcm`)).status, 404);
  });

  it('runs on a thread of its own', async () => {
    const simulator = await startSimulatorThread({ fcm: { project: 'other' }, ledger: 'full' });
    opened.push(simulator);
    const fcm = simulator.fcm!;
    assert.equal(fcm.serviceAccount.project_id, 'other');
    const client = new FcmClient(fcm.httpsUrl, simulator.caCertificate ?? '', await fcm.issueAccessToken(60), 'other');
    opened.push(client);
    assert.equal((await client.send({ token: 'x:APA91b', notification })).status, 200);
    assert.equal((await fcm.recordOf('x:APA91b'))?.answer, 'accepted');
    assert.equal((await fcm.received()).length, 1);
    assert.equal((await fcm.summary()).messages.accepted, 1);
  });

  it('takes bodies in pieces, and refuses those that are too large', async () => {
    const { connect } = await start(true, { initialWindowBytes: 1000 });
    const client = connect();
    const message = { token: 'x:APA91b', webpush: { headers: { a: 'b'.repeat(20_000) } }, notification };
    assert.equal((await client.send(message)).status, 200);
    const large = await client.post(Buffer.alloc(300_000, 0x20));
    assert.equal(errorOf(large).message, 'Request payload size exceeds the limit.');
  });
});

describe('simulator: FCM in memory', () => {
  it('has its own service accounts, tokens and ledger, by the clock of the program', () => {
    const clock = new VirtualClock();
    const gateway = createMemoryGateway({ clock, fcm: { project: 'p' } });
    const fcm = gateway.fcm!;
    const form = grantForm(assertionOf(fcm.serviceAccount, clock.wallMs()));
    const { body } = fcm.exchange(form);
    assert.match(String(JSON.parse(body).access_token), /^ya29\.c\./);
    assert.equal(fcm.summary().messages.requests, 0);
    assert.equal(createMemoryGateway({ clock }).fcm, null);
    gateway.close();
  });
});
