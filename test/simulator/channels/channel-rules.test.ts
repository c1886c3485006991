/** What the simulator answers to each way of getting a request about channels wrong, asked by node:http2. */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http2';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { type PushAnswer, PushClient } from '../../support/push-client.js';

const app = 'com.example.app';
const channelsPath = `/1/apps/${app}/channels`;
const broadcastPath = `/4/broadcasts/apps/${app}`;
const newChannel = JSON.stringify({ 'message-storage-policy': 0, 'push-type': 'LiveActivity' });
const storing = JSON.stringify({ 'message-storage-policy': 1, 'push-type': 'LiveActivity' });
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const unknownId = Buffer.alloc(16, 7).toString('base64');
const objectOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;

describe('simulator: requests about channels', () => {
  let simulator: Simulator;
  let service: PushClient;
  let gateway: PushClient;
  /** Stores nothing. */
  let channelId = '';
  /** Stores the most recent broadcast. */
  let storingId = '';

  before(async () => {
    simulator = await startSimulator({
      channelsPort: 0,
      topics: [app, 'com.example.plain', 'com.example.voip'],
      broadcastTopics: [app, 'com.example.voip'],
    });
    const trust = { ca: simulator.caCertificate ?? '' };
    service = new PushClient(simulator.channelsUrl!, trust);
    gateway = new PushClient(simulator.url, trust);
    channelId = idOf(await service.request({ ':path': channelsPath }, newChannel));
    storingId = idOf(await service.request({ ':path': channelsPath }, storing));
  });

  after(async () => {
    service.close();
    gateway.close();
    await simulator.close();
  });

  const idOf = ({ headers }: PushAnswer): string => String(headers['apns-channel-id']);
  const manage = (fields: OutgoingHttpHeaders, body = ''): Promise<PushAnswer> =>
    service.request({ ':path': channelsPath, ...fields }, body);
  const broadcastFields = (): OutgoingHttpHeaders => ({
    ':path': broadcastPath,
    'apns-channel-id': channelId,
    'apns-push-type': 'liveactivity',
    'apns-priority': '10',
    'apns-expiration': '0',
  });

  function answers(what: string, status: number, reason: string, ask: () => Promise<PushAnswer>): void {
    it(`answers ${status} ${reason} to ${what}`.replace('  ', ' '), async () => {
      const answer = await ask();
      assert.deepEqual([answer.status, answer.reason], [status, reason]);
      assert.match(String(answer.headers['apns-request-id']), uuid);
    });
  }

  /** Over both ports, which answer alike. */
  function answersBroadcast(
    what: string,
    status: number,
    reason: string,
    fields: () => OutgoingHttpHeaders,
    body: string | Buffer = '{"aps":{}}',
  ): void {
    for (const [port, client] of [['gateway', () => gateway] as const, ['service', () => service] as const]) {
      answers(`a broadcast ${what}, at the ${port}`, status, reason, () =>
        client().request({ ...broadcastFields(), ...fields() }, body),
      );
    }
  }

  describe('of channel management', () => {
    const create = (body: string) => () => manage({}, body);
    answers('a new channel', 201, '', create(newChannel));
    answers('a policy as text, as senders in the field write it', 201, '', () =>
      manage({}, '{"message-storage-policy":"1","push-type":"liveactivity"}'),
    );
    answers('no body', 400, 'BadRequestPayload', create(''));
    answers('a body that is not JSON', 400, 'BadRequestPayload', create('{'));
    answers('a body that is no object', 400, 'BadRequestPayload', create('[]'));
    answers('an unknown attribute', 400, 'BadRequestParams', create(newChannel.replace('}', ',"name":"Cup"}')));
    answers('no push type', 400, 'MissingPushType', create('{"message-storage-policy":0}'));
    answers('another push type', 400, 'InvalidPushType', create(newChannel.replace('LiveActivity', 'alert')));
    answers('no storage policy', 400, 'MissingChannelQueueSize', create('{"push-type":"LiveActivity"}'));
    answers('an unknown storage policy', 400, 'MissingChannelQueueSize', create(newChannel.replace('0', '2')));
    answers('a body above 5,120 bytes', 413, 'PayloadTooLarge', create(objectOf(5121)));

    for (const method of ['GET', 'DELETE']) {
      const about = (fields: OutgoingHttpHeaders) => () => manage({ ':method': method, ...fields });
      answers(`a ${method} without a channel`, 400, 'MissingChannelId', about({}));
      answers(`a ${method} of an id that is no base64`, 400, 'BadChannelId', about({ 'apns-channel-id': 'no id' }));
      const long = Buffer.alloc(99, 1).toString('base64');
      answers(`a ${method} of an id above 128 characters`, 400, 'BadChannelId', about({ 'apns-channel-id': long }));
      const unknown = about({ 'apns-channel-id': unknownId });
      answers(`a ${method} of a channel that there is not`, 400, 'ChannelNotRegistered', unknown);
    }

    answers('a PUT', 405, 'MethodNotAllowed', () => manage({ ':method': 'PUT' }));
    answers('a POST to the list', 405, 'MethodNotAllowed', () => manage({ ':path': `/1/apps/${app}/all-channels` }));
    answers('a GET of a broadcast', 405, 'MethodNotAllowed', () =>
      manage({ ':path': broadcastPath, ':method': 'GET' }),
    );
    for (const path of [
      '/',
      '/1/apps/channels',
      `/1/apps/${app}/channel`,
      '/1/apps/a b/channels',
      `/3/device/${'ab'.repeat(32)}`,
    ]) {
      answers(`the path ${path}`, 404, 'BadPath', () => manage({ ':path': path.replace(' ', '%20') }));
    }
    const ofApp = (bundleId: string) => () => manage({ ':path': `/1/apps/${bundleId}/all-channels`, ':method': 'GET' });
    answers('an app that is not allowed', 403, 'TopicMismatch', ofApp('com.example.other'));
    answers('an app without the broadcast capability', 400, 'FeatureNotEnabled', ofApp('com.example.plain'));
    answers('a topic with a suffix', 400, 'TopicDisallowed', ofApp(`${app}.push-type.liveactivity`));
    answers('a bundle id with such an ending', 200, '', ofApp('com.example.voip'));
    answers('a request id that is no UUID', 400, 'BadMessageId', () => manage({ 'apns-request-id': '1' }, newChannel));
  });

  describe('of broadcasts', () => {
    answersBroadcast('in order', 200, '', () => ({}));
    answersBroadcast('with a push type in capitals', 200, '', () => ({ 'apns-push-type': 'LiveActivity' }));
    answersBroadcast('with an expiration, to a channel that stores', 200, '', () => ({
      'apns-channel-id': storingId,
      'apns-expiration': '1900000000',
    }));
    answersBroadcast('of 5,120 bytes', 200, '', () => ({}), objectOf(5120));

    answersBroadcast('without a channel', 400, 'MissingChannelId', () => ({ 'apns-channel-id': undefined }));
    answersBroadcast('with an id that is no base64', 400, 'BadChannelId', () => ({ 'apns-channel-id': 'abc' }));
    answersBroadcast('to no channel', 400, 'ChannelNotRegistered', () => ({ 'apns-channel-id': unknownId }));
    answersBroadcast('without a push type', 400, 'MissingPushType', () => ({ 'apns-push-type': undefined }));
    answersBroadcast('with another push type', 400, 'InvalidPushType', () => ({ 'apns-push-type': 'alert' }));
    answersBroadcast('without a priority', 400, 'BadPriority', () => ({ 'apns-priority': undefined }));
    answersBroadcast('with priority 7', 400, 'BadPriority', () => ({ 'apns-priority': '7' }));
    answersBroadcast('without an expiration', 400, 'BadExpirationDate', () => ({ 'apns-expiration': undefined }));
    answersBroadcast('with a date', 400, 'BadExpirationDate', () => ({ 'apns-expiration': '2030-01-01' }));
    answersBroadcast('with an expiration, to a channel that stores nothing', 400, 'BadExpirationDate', () => ({
      'apns-expiration': '1900000000',
    }));
    answersBroadcast('without a payload', 400, 'PayloadEmpty', () => ({}), '');
    answersBroadcast('of 5,121 bytes', 413, 'PayloadTooLarge', () => ({}), objectOf(5121));
    answersBroadcast('of 20,000 bytes', 413, 'PayloadTooLarge', () => ({}), objectOf(20_000));
    answersBroadcast('that is not JSON', 400, 'BadRequestPayload', () => ({}), 'hello');
    answersBroadcast('of another app', 403, 'TopicMismatch', () => ({
      ':path': '/4/broadcasts/apps/com.example.other',
    }));
    answersBroadcast('of an app without the capability', 400, 'FeatureNotEnabled', () => ({
      ':path': '/4/broadcasts/apps/com.example.plain',
    }));
    answersBroadcast('with a header field twice', 400, 'DuplicateHeaders', () => ({
      'apns-push-type': ['liveactivity', 'liveactivity'],
    }));
  });

  it('returns the request id and the channel id, and a unique id for each broadcast', async () => {
    const requestId = '11111111-2222-4333-8444-555555555555';
    const answer = await gateway.request({ ...broadcastFields(), 'apns-request-id': requestId }, '{"aps":{}}');
    assert.equal(answer.headers['apns-request-id'], requestId);
    assert.equal(answer.headers['apns-channel-id'], channelId);
    assert.match(String(answer.headers['apns-unique-id']), uuid);
    const refused = await gateway.request({ ...broadcastFields(), 'apns-request-id': requestId }, '');
    assert.deepEqual(
      [refused.reason, refused.headers['apns-request-id'], refused.headers['apns-unique-id']],
      ['PayloadEmpty', requestId, undefined],
    );
    assert.equal(refused.headers['content-type'], 'application/json');
    const wrong = await gateway.request({ ...broadcastFields(), 'apns-request-id': 'mine' }, '{}');
    assert.match(String(wrong.headers['apns-request-id']), uuid);
  });

  it('asks for a credential before it looks at anything but path and method', async () => {
    const strict = await startSimulator({ channelsPort: 0, auth: 'token', topics: [] });
    const clients = [strict.channelsUrl!, strict.url].map(
      (url) => new PushClient(url, { ca: strict.caCertificate ?? '' }),
    );
    for (const client of clients) {
      const answer = await client.request({ ':path': broadcastPath }, '');
      assert.deepEqual([answer.status, answer.reason], [403, 'MissingProviderToken']);
      const wrong = await client.request({ ':path': broadcastPath, authorization: 'bearer a.b.c' }, '');
      assert.deepEqual([wrong.status, wrong.reason], [403, 'InvalidProviderToken']);
      client.close();
    }
    await strict.close();
  });
});
