import assert from 'node:assert/strict';
import { APNs, Channels, loadCredential, Session } from '../../src/index.js';
import { createThrowAwayProviderKey } from '../../src/simulator/index.js';
import { ServiceGateway } from '../support/service-gateway.js';

const bundleId = 'com.example.app';
const update = { event: 'update', timestamp: new Date(1_700_000_000_000), contentState: { score: 1 } } as const;

function credential() {
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  return loadCredential({ key: p8, keyId, teamId });
}

describe('session/channels', () => {
  it('creates, reads, lists and removes channels, over one connection', async () => {
    await using service = await ServiceGateway.open();
    await using session = new Session({ ca: service.ca });
    const gateway = session.getConnection(service.url, credential());
    const channels = new Channels(gateway, { bundleId, address: service.url });
    const requestId = '01234567-89ab-cdef-0123-456789abcdef';
    const created = await channels.create({ requestId });
    assert.deepEqual(
      { ...created, channelId: '' },
      { channelId: '', storagePolicy: 'none', pushType: 'liveactivity', requestId },
    );
    const kept = await channels.create({ storagePolicy: 'most-recent' });
    assert.deepEqual(await channels.list(), [created.channelId, kept.channelId]);
    assert.equal((await channels.read(kept.channelId)).storagePolicy, 'most-recent');
    await channels.remove(created.channelId);
    assert.deepEqual(await channels.list(), [kept.channelId]);
    assert.equal(service.sessions.length, 1);
    assert.equal(service.seen[0]!.body, '{"message-storage-policy":0,"push-type":"LiveActivity"}');
    assert.match(String(service.seen[0]!.headers.authorization), /^bearer ey/);
  });

  it('sends a broadcast to each channel once', async () => {
    await using service = await ServiceGateway.open();
    await using session = new Session({ ca: service.ca });
    const gateway = session.getConnection(service.url, credential());
    const channels = new Channels(gateway, { bundleId, address: service.url });
    const ids = [(await channels.create()).channelId, (await channels.create()).channelId];
    const result = await new APNs(gateway).broadcast({ ...update, topic: `${bundleId}.push-type.liveactivity` }, [
      ...ids,
      ids[0]!,
      'not base64',
      'AAAA',
    ]);
    const { accepted, rejected, unsent, unknown, invalid } = result;
    assert.deepEqual(
      { accepted, rejected, unsent, unknown, invalid },
      { accepted: 2, rejected: 1, unsent: 0, unknown: 0, invalid: 1 },
    );
    assert.deepEqual([...result.channels.keys()], [...ids, 'not base64', 'AAAA']);
    assert.equal(result.channels.get('AAAA')!.reason, 'ChannelNotRegistered');
    assert.equal(result.channels.get(ids[0]!)!.attempts, 1);
    assert.match(result.channels.get(ids[0]!)!.uniqueId!, /^[0-9a-f-]{36}$/);
    const { headers } = service.seen.find(({ headers }) => headers[':path'] === `/4/broadcasts/apps/${bundleId}`)!;
    assert.equal(headers['apns-push-type'], 'liveactivity');
    assert.equal(headers['apns-expiration'], '0');
    assert.equal(headers['apns-priority'], '10');
    assert.equal(headers['apns-topic'], undefined);
  });
});
