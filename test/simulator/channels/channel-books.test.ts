/** The books of channels and broadcasts: complete, and apart from the ledger of device pushes. */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http2';
import { storagePolicies } from '../../../src/apns/channel.js';
import { maxChannelsOfApp, maxLoggedChannelRequests } from '../../../src/base/limits.js';
import { ChannelBooks } from '../../../src/simulator/channels/channel-books.js';
import { ServedChannels } from '../../../src/simulator/channels/served-channels.js';
import { type ServedAction, ServedRequest } from '../../../src/simulator/channels/served-request.js';
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
  startSimulatorThread,
} from '../../../src/simulator/index.js';
import { ACCEPTED_ANSWER } from '../../../src/simulator/settings/answers.js';
import { type PushAnswer, PushClient, tokenNumber } from '../../support/push-client.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const app = 'com.example.app';
const channelOf = (policy: number): string =>
  JSON.stringify({ 'message-storage-policy': policy, 'push-type': 'LiveActivity' });
const idOf = ({ headers }: PushAnswer): string => String(headers['apns-channel-id']);
const accepted = { requests: 1, accepted: 1, rejected: 0, unanswered: 0, reasons: {} };
const none = { requests: 0, accepted: 0, rejected: 0, unanswered: 0, reasons: {} };

describe('simulator: books of channels', () => {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorOptions = {}): Promise<Simulator> {
    const simulator = await startSimulator({ channelsPort: 0, ...options });
    opened.push(simulator);
    return simulator;
  }

  function clientOf({ caCertificate }: { readonly caCertificate: string | null }, url: string | null): PushClient {
    const client = new PushClient(url ?? '', { ca: caCertificate ?? '' });
    opened.push(client);
    return client;
  }

  const create = (client: PushClient, policy: number, bundleId = app): Promise<PushAnswer> =>
    client.request({ ':path': `/1/apps/${bundleId}/channels` }, channelOf(policy));

  const broadcast = (client: PushClient, id: string, fields: OutgoingHttpHeaders = {}, body = '{"aps":{}}') =>
    client.request(
      {
        ':path': `/4/broadcasts/apps/${app}`,
        'apns-channel-id': id,
        'apns-push-type': 'liveactivity',
        'apns-priority': '5',
        'apns-expiration': '0',
        ...fields,
      },
      body,
    );

  it('create, read, list and remove channels, app by app', async () => {
    const simulator = await start();
    const client = clientOf(simulator, simulator.channelsUrl);
    const ids = [idOf(await create(client, 0)), idOf(await create(client, 1))];
    const other = idOf(await create(client, 1, 'com.example.other'));
    assert.equal(new Set([...ids, other]).size, 3);
    const ask = async (method: string, what: string, id?: string): Promise<[status: number, body: unknown]> => {
      const stream = client.session.request({
        ':method': method,
        ':path': `/1/apps/${app}/${what}`,
        ...(id === undefined ? {} : { 'apns-channel-id': id }),
      });
      let [status, body] = [0, ''];
      stream.on('response', (fields) => {
        status = Number(fields[':status']);
      });
      for await (const piece of stream.setEncoding('utf8')) body += piece;
      return [status, body === '' ? null : JSON.parse(body)];
    };
    const attributes = (policy: number): object => ({ 'message-storage-policy': policy, 'push-type': 'LiveActivity' });
    assert.deepEqual(await ask('GET', 'channels', ids[0]), [200, attributes(0)]);
    assert.deepEqual(await ask('GET', 'channels', ids[1]), [200, attributes(1)]);
    assert.deepEqual(await ask('GET', 'all-channels'), [200, { channels: ids }]);
    assert.deepEqual(await ask('GET', 'channels', other), [400, { reason: 'ChannelNotRegistered' }]);
    assert.deepEqual(await ask('DELETE', 'channels', ids[0]), [204, null]);
    assert.deepEqual(await ask('DELETE', 'channels', ids[0]), [400, { reason: 'ChannelNotRegistered' }]);
    assert.deepEqual(await ask('GET', 'all-channels'), [200, { channels: [ids[1]] }]);
    const { channels, management, connections } = simulator.channels.summary();
    const reasons = { ChannelNotRegistered: 2 };
    assert.deepEqual(management, { requests: 10, accepted: 8, rejected: 2, unanswered: 0, reasons });
    assert.deepEqual([channels, connections], [2, 1]);
    const policies = simulator.channels.list().map(({ bundleId, storagePolicy }) => [bundleId, storagePolicy]);
    assert.deepEqual(policies, [
      [app, storagePolicies[1]],
      ['com.example.other', 'most-recent'],
    ]);
    assert.equal(simulator.channels.find(app, ids[0]!), null);
  });

  it('count the broadcasts of each channel, over both ports, and keep what is to be stored', async () => {
    const simulator = await start();
    const service = clientOf(simulator, simulator.channelsUrl);
    const gateway = clientOf(simulator, simulator.url);
    const [plain, storing] = [idOf(await create(service, 0)), idOf(await create(service, 1))];
    await broadcast(gateway, plain);
    await broadcast(service, plain, { 'apns-expiration': '1900000000' });
    await broadcast(gateway, plain, {}, '');
    await broadcast(gateway, storing, { 'apns-expiration': '1900000000' }, '{"aps":{"event":"update"}}');
    await broadcast(gateway, 'AAAA');
    const { channels } = simulator;
    const reasons = { BadExpirationDate: 1, PayloadEmpty: 1 };
    const counts = { requests: 3, accepted: 1, rejected: 2, unanswered: 0, reasons };
    assert.deepEqual(channels.find(app, plain)!.broadcasts, counts);
    assert.equal(channels.find(app, plain)!.stored, null);
    assert.deepEqual(channels.find(app, storing)!.broadcasts, accepted);
    assert.equal(channels.find(app, storing)!.stored, '{"aps":{"event":"update"}}');
    const all = channels.summary().broadcasts;
    assert.deepEqual([all.requests, all.accepted, all.reasons.ChannelNotRegistered], [5, 2, 1]);
    const [first, , , fourth] = channels.received('broadcast');
    assert.deepEqual([first!.channelId, first!.priority, first!.expiration, first!.status], [plain, '5', '0', 200]);
    assert.deepEqual(
      [fourth!.payload, fourth!.payloadBytes, fourth!.answer],
      ['{"aps":{"event":"update"}}', 26, 'accepted'],
    );
    channels.reset();
    assert.deepEqual(channels.received(), []);
    assert.deepEqual(channels.summary().broadcasts, none);
    assert.deepEqual(channels.find(app, storing), {
      ...{ bundleId: app, channelId: storing, storagePolicy: 'most-recent' },
      ...{ broadcasts: none, stored: '{"aps":{"event":"update"}}' },
    });
  });

  it('leave the ledger of device pushes as it is', async () => {
    const simulator = await start({ ledger: 'full' });
    const service = clientOf(simulator, simulator.channelsUrl);
    const gateway = clientOf(simulator, simulator.url);
    const id = idOf(await create(service, 0));
    await gateway.push(tokenNumber(1));
    const before = simulator.ledger.summary();
    for (let i = 0; i < 20; i++) await broadcast(gateway, i % 2 === 0 ? id : 'AAAA');
    assert.deepEqual(simulator.ledger.summary(), before);
    assert.equal(simulator.ledger.received().length, 1);
    // A push behind broadcasts, on the same connection, is one like any other.
    assert.equal((await gateway.push(tokenNumber(2))).status, 200);
    const { accepted: pushes, withoutToken, connections } = simulator.ledger.summary();
    assert.deepEqual([pushes, withoutToken, connections], [2, 0, 1]);
    assert.equal(simulator.ledger.received()[1]!.token, tokenNumber(2));
  });

  it('can be read over the control server, and across threads', async () => {
    const simulator = await startSimulatorThread({ channelsPort: 0 });
    opened.push(simulator);
    const service = clientOf(simulator, simulator.channelsUrl);
    const id = idOf(await create(service, 1));
    await broadcast(service, id);
    const [record] = await simulator.channels.list(app);
    assert.deepEqual(record, {
      ...{ bundleId: app, channelId: id, storagePolicy: 'most-recent' },
      ...{ broadcasts: accepted, stored: '{"aps":{}}' },
    });
    const read = async (path: string): Promise<string> => (await fetch(`${simulator.controlUrl}${path}`)).text();
    const summary = await simulator.channels.summary();
    assert.deepEqual(JSON.parse(await read('/peal/channels')), { summary, channels: [record] });
    const lines = (await read('/peal/channels/requests')).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      await simulator.channels.received(),
    );
    assert.deepEqual((await simulator.channels.received('create')).length, 1);
    await simulator.ledger.reset();
    assert.deepEqual((await simulator.channels.summary()).management, none);
  });

  it('give the same ids again from the same seed, and others from another', async () => {
    const ids = [];
    for (const seed of [7, 7, 8]) {
      const simulator = await start({ seed });
      ids.push(idOf(await create(clientOf(simulator, simulator.channelsUrl), 0)));
    }
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });

  describe('at their limits', () => {
    const books = new ChannelBooks();
    const served = new ServedChannels(books, new VirtualClock(), 1);
    const take = (action: ServedAction, channelId: string | null = null) => {
      const rest = { requestId: null, pushType: null, priority: null, expiration: null };
      const request = new ServedRequest({ action, bundleId: app, channelId, ...rest });
      const body = Buffer.from(channelOf(0));
      request.takeBody(body, 0, body.length, body.length);
      return served.take(request, ACCEPTED_ANSWER);
    };

    it('hold 10,000 channels of an app, and one more once one is removed', () => {
      for (let i = 0; i < maxChannelsOfApp; i++) assert.equal(take('create').status, 201);
      assert.equal(take('create').status, 400);
      assert.equal(books.received().at(-1)!.answer, 'CannotCreateChannelConfig');
      const { channels } = JSON.parse(take('list').body) as { readonly channels: readonly string[] };
      assert.equal(new Set(channels).size, maxChannelsOfApp);
      assert.equal(take('remove', channels[5]).status, 204);
      assert.equal(take('create').status, 201);
    });

    it('keep the newest 1,000 requests', () => {
      const received = books.received();
      assert.equal(received.length, maxLoggedChannelRequests);
      assert.deepEqual([received.at(-1)!.action, received.at(-2)!.action], ['create', 'remove']);
    });
  });

  it('list 10,000 channels in one answer, however small the windows of the client are', async () => {
    const simulator = await start();
    const client = clientOf(simulator, simulator.channelsUrl);
    await client.ready();
    for (let i = 0; i < 10; i++) {
      await Promise.all(Array.from({ length: 1000 }, () => create(client, 0)));
    }
    const stream = client.session.request({ ':path': `/1/apps/${app}/all-channels` });
    let body = '';
    for await (const piece of stream.setEncoding('utf8')) body += piece;
    assert.equal((JSON.parse(body) as { readonly channels: readonly string[] }).channels.length, 10_000);
    assert.equal((await create(client, 0)).reason, 'CannotCreateChannelConfig');
  });
});
