import assert from 'node:assert/strict';
import {
  APNs,
  type BroadcastOptions,
  Channels,
  type ChannelsOptions,
  Message,
  type MessageOptions,
  Session,
} from '../../../src/index.js';
import { ServiceGateway } from '../../support/service-gateway.js';

const update = { event: 'update', timestamp: new Date(1_700_000_000_000), contentState: { score: 1 } } as const;
const bundleId = 'com.example.app';
const requestId = '01234567-89ab-cdef-0123-456789abcdef';
const session = new Session({ backend: { open: () => assert.fail('connected') } });

describe('session/channels/broadcast-options', () => {
  const refused = async (
    message: Message | MessageOptions,
    code: string,
    text: RegExp,
    options: BroadcastOptions = { bundleId },
    ids: unknown = 'AAAA',
    address = 'api_sandbox',
  ): Promise<void> => {
    const apns = new APNs(session.getConnection(address, null));
    await assert.rejects(apns.broadcast(message, ids as string, options), { code, message: text });
  };

  it('refuses a message that is not a Live Activity, or has what only pushes have', async () => {
    const forDevices =
      /^A broadcast carries a Live Activity, but the message is for devices \(pushType alert\): give event, timestamp and contentState, or send it with push\.$/;
    await refused({ alert: 'Hello' }, 'ERR_PEAL_HEADER', forDevices);
    await refused(new Message([], { alert: 'Hello' }), 'ERR_PEAL_HEADER', forDevices);
    await refused(
      { event: 'update', timestamp: new Date() },
      'ERR_PEAL_PAYLOAD',
      /event update needs contentState besides/,
    );
    await refused(
      { ...update, collapseId: 'x' },
      'ERR_PEAL_HEADER',
      /The option collapseId does not go with a broadcast/,
    );
    await refused(
      { ...update, apnsId: requestId },
      'ERR_PEAL_HEADER',
      /The option apnsId does not go with a broadcast: give requestId/,
    );
    await refused(new Message(['ab'.repeat(32)], update), 'ERR_PEAL_OPTION', /brings no tokens/);
  });

  it('allows 5,120 bytes to options, and says what it allows', async () => {
    await using gateway = await ServiceGateway.open();
    await using real = new Session({ ca: gateway.ca });
    gateway.channels.set('AAAA', 0);
    const apns = new APNs(real.getConnection(gateway.url, null));
    const base = JSON.stringify({
      aps: { timestamp: 1_700_000_000, event: 'update', 'content-state': { text: '' } },
    }).length;
    const sized = (bytes: number): MessageOptions => ({ ...update, contentState: { text: 'x'.repeat(bytes - base) } });
    const { accepted } = await apns.broadcast(sized(5_120), 'AAAA', { bundleId });
    assert.equal(accepted, 1);
    assert.equal(gateway.seen[0]!.body.length, 5_120);
    await assert.rejects(apns.broadcast(sized(5_121), 'AAAA', { bundleId }), {
      code: 'ERR_PEAL_PAYLOAD',
      message: 'The payload has 5121 bytes, but a broadcast allows 5120: shorten it.',
    });
    assert.throws(() => new Message([], sized(5_120)), /liveactivity allows 4096/);
  });

  it('sends the header fields of the message, but for its topic', async () => {
    await using gateway = await ServiceGateway.open();
    await using real = new Session({ ca: gateway.ca });
    gateway.channels.set('AAAA', 0);
    const apns = new APNs(real.getConnection(gateway.url, null));
    const headers = { 'apns-new-field': 'new' };
    const topic = `${bundleId}.push-type.liveactivity`;
    const message = new Message([], { ...update, topic, priority: 5, expiration: 1_800_000_000, headers });
    const result = await apns.broadcast(message, ['AAAA'], { requestId: requestId.toUpperCase() });
    const sent = gateway.seen[0]!.headers;
    const names = Object.keys(sent).filter((name) => name.startsWith('apns-'));
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, sent[name]])), {
      'apns-push-type': 'liveactivity',
      'apns-new-field': 'new',
      'apns-expiration': '1800000000',
      'apns-priority': '5',
      'apns-request-id': requestId,
      'apns-channel-id': 'AAAA',
    });
    assert.equal(sent[':path'], `/4/broadcasts/apps/${bundleId}`);
    assert.equal(result.channels.get('AAAA')!.requestId, requestId);
  });

  it('needs an app, a gateway of HTTP/2 and ids, and refuses what else is not valid', async () => {
    await refused(
      update,
      'ERR_PEAL_OPTION',
      /The option bundleId is missing: .* topic <bundle id>\.push-type\.liveactivity/,
      {},
    );
    await refused(update, 'ERR_PEAL_OPTION', /The option bundleId must be a bundle id/, { bundleId: 'a/b' });
    await refused(
      update,
      'ERR_PEAL_ADDRESS',
      /has no channels: they need one of HTTP\/2/,
      { bundleId },
      'AAAA',
      'push_sandbox',
    );
    await refused(update, 'ERR_PEAL_OPTION', /takes a channel id, or an iterable of them, not 7/, { bundleId }, 7);
    await refused(update, 'ERR_PEAL_OPTION', /names one request: give it with a single/, { bundleId, requestId }, [
      'AAAA',
      'BBBB',
    ]);
    await refused(update, 'ERR_PEAL_OPTION', /requestId must be a UUID/, { bundleId, requestId: 'x' });
    await refused(update, 'ERR_PEAL_OPTION', /address must be https:\/\/host:port/, {
      bundleId,
      address: 'binary://x:1',
    });
    function* endless(): Generator<string> {
      for (let number = 0; ; number++) yield String(number);
    }
    await refused(update, 'ERR_PEAL_OPTION', /100000 channels at most/, { bundleId }, endless());
  });

  it('calls ids invalid that are not base64, or not text, without a connection', async () => {
    // Some of them look alike.
    const [first, second] = [{}, {}];
    const ids: unknown[] = ['', 'AAA', 'a b=', 'é', 'A'.repeat(132), 7, '7', null, first, second];
    const apns = new APNs(session.getConnection('api_sandbox', null));
    const { channels, ...counts } = await apns.broadcast(update, ids as string[], { bundleId });
    assert.deepEqual(counts, { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 10 });
    assert.deepEqual([...channels.keys()], ids);
    assert.match(channels.get(second as never)!.error!.message, /^The channel id an object is not one/);
    const { error, attempts } = channels.get('AAA')!;
    assert.equal(error!.message, 'The channel id "AAA" is not one: Apple\'s are text in base64.');
    assert.equal(attempts, 0);
    const none = await apns.broadcast(update, [], { bundleId });
    assert.equal(none.channels.size, 0);
  });
});

describe('session/channels/channel-options', () => {
  const of = (address: string, options: object = {}): Channels =>
    new Channels(session.getConnection(address, null), { bundleId, ...options } as ChannelsOptions);

  it('asks for the address of a gateway that is not Apple’s', () => {
    for (const apple of ['api_production', 'api_sandbox', 'https://api.push.apple.com:2197']) of(apple);
    of('https://gateway.example', { address: 'https://gateway.example:2196' });
    const missing = /The option address is missing: the gateway https:\/\/gateway\.example is not one of Apple's/;
    assert.throws(() => of('https://gateway.example'), { code: 'ERR_PEAL_OPTION', message: missing });
    assert.throws(() => of('push_production'), { code: 'ERR_PEAL_ADDRESS' });
    assert.throws(() => of('sandbox', { bundleId: undefined }), /The option bundleId is missing/);
    assert.throws(() => new Channels({} as never, { bundleId }), /Channels belong to a gateway/);
  });

  it('refuses ids and policies that are not valid', async () => {
    const channels = of('sandbox');
    await assert.rejects(channels.read('no id'), /read takes a channel id, which is text in base64, not "no id"/);
    await assert.rejects(channels.remove(''), /remove takes a channel id, which is text in base64, not empty/);
    await assert.rejects(channels.create({ storagePolicy: 'all' as never }), /must be 'none' or 'most-recent'/);
    await assert.rejects(channels.list({ timeoutMs: 0 }), /timeoutMs must be a whole number from 1/);
  });
});
