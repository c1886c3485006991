/** What the simulator answers to each way of getting a request wrong, asked by node:http2. */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http2';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { type PushAnswer, PushClient, tokenNumber } from '../../support/push-client.js';

/** Apple's table, written down once more: sender and simulator share theirs. */
const topicSuffixes = {
  complication: '.complication',
  controls: '.push-type.controls',
  fileprovider: '.pushkit.fileprovider',
  liveactivity: '.push-type.liveactivity',
  location: '.location-query',
  pushtotalk: '.voip-ptt',
  voip: '.voip',
  widgets: '.push-type.widgets',
};

const token = tokenNumber(7);
const objectOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;

describe('simulator: requests', () => {
  let simulator: Simulator;
  let client: PushClient;

  before(async () => {
    simulator = await startSimulator({
      topics: ['com.example.app', 'com.example.voip', 'com.apple.mgmt.External.0a1b'],
    });
    client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
  });

  after(async () => {
    client.close();
    await simulator.close();
  });

  function answers(what: string, status: number, reason: string, ask: () => Promise<PushAnswer>): void {
    it(`answers ${status} ${reason} to ${what}`.trim(), async () => {
      const answer = await ask();
      assert.deepEqual([answer.status, answer.reason], [status, reason]);
    });
  }

  function answersFields(what: string, status: number, reason: string, fields: OutgoingHttpHeaders): void {
    answers(what, status, reason, () => client.push(token, fields));
  }

  const withPath = (path: string) => (): Promise<PushAnswer> => client.request({ ':path': path }, '{}');

  answers('a push in order', 200, '', () => client.push(token));
  answers('a token in capitals', 200, '', () => client.push(token.replace(/7/g, 'A')));
  answers('a token of 100 bytes', 200, '', () => client.push('ab'.repeat(100)));

  answers('a GET', 405, 'MethodNotAllowed', () => client.push(token, { ':method': 'GET' }));
  answers('another path', 404, 'BadPath', withPath('/1/apps/com.example.app/channels'));
  answers('a path without a token place', 404, 'BadPath', withPath('/3/device'));
  answers('no token', 400, 'MissingDeviceToken', () => client.push(''));
  answers('a token that is no hex', 400, 'BadDeviceToken', () => client.push('not-hex!'));
  answers('a token of an odd length', 400, 'BadDeviceToken', () => client.push('abc'));
  answers('a token of 101 bytes', 400, 'BadDeviceToken', () => client.push('ab'.repeat(101)));
  answers('a token with a query', 400, 'BadDeviceToken', () => client.push(`${token}?x=1`));

  answersFields('an unknown push type', 400, 'InvalidPushType', { 'apns-push-type': 'toast' });
  answersFields('a push type that objects inherit', 400, 'InvalidPushType', { 'apns-push-type': 'constructor' });
  answersFields('no topic', 400, 'MissingTopic', { 'apns-topic': undefined });
  answersFields('a topic with a blank', 400, 'BadTopic', { 'apns-topic': 'com example' });
  answersFields('a topic without its suffix', 400, 'BadTopic', { 'apns-push-type': 'voip' });
  answersFields('a topic of another app', 400, 'TopicDisallowed', { 'apns-topic': 'com.example.other' });
  answersFields('a voip push in order', 200, '', { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' });
  answersFields('a Live Activity in order', 200, '', {
    'apns-push-type': 'liveactivity',
    'apns-topic': 'com.example.app.push-type.liveactivity',
  });
  for (const [type, suffix] of Object.entries(topicSuffixes)) {
    const topic = { 'apns-topic': `com.example.app${suffix}` };
    const name = `a topic ending in ${suffix}`;
    answersFields(`${name} without a push type`, 400, 'InvalidPushType', topic);
    answersFields(`${name} as an alert`, 400, 'InvalidPushType', { ...topic, 'apns-push-type': 'alert' });
    answersFields(`${name} in the background`, 400, 'InvalidPushType', { ...topic, 'apns-push-type': 'background' });
    const other = type === 'voip' ? 'widgets' : 'voip';
    answersFields(`${name} as ${other}`, 400, 'InvalidPushType', { ...topic, 'apns-push-type': other });
    answersFields(`${name} as ${type}`, 200, '', { ...topic, 'apns-push-type': type });
    answersFields(`the suffix ${suffix} alone`, 400, 'BadTopic', { 'apns-topic': suffix, 'apns-push-type': type });
    answersFields(`an app's topic as ${type}`, 400, 'BadTopic', { 'apns-push-type': type });
  }
  const mdm = { 'apns-topic': 'com.apple.mgmt.External.0a1b' };
  answersFields('a topic of device management without a push type', 200, '', mdm);
  answersFields('one as mdm', 200, '', { ...mdm, 'apns-push-type': 'mdm' });
  answersFields('one as an alert', 400, 'InvalidPushType', { ...mdm, 'apns-push-type': 'alert' });
  answersFields('the beginning of such a topic alone', 400, 'BadTopic', {
    'apns-topic': 'com.apple.mgmt.',
    'apns-push-type': 'mdm',
  });
  answersFields('mdm to an app', 400, 'BadTopic', { 'apns-push-type': 'mdm' });
  answersFields('an alert to a bundle id that ends like that', 200, '', { 'apns-topic': 'com.example.voip' });
  answersFields('a background push to it', 200, '', {
    'apns-topic': 'com.example.voip',
    'apns-push-type': 'background',
  });
  answersFields('an unknown priority', 400, 'BadPriority', { 'apns-priority': '7' });
  answersFields('priority 1', 200, '', { 'apns-priority': '1' });
  answersFields('background at priority 10', 400, 'BadPriority', {
    'apns-push-type': 'background',
    'apns-priority': '10',
  });
  answersFields('background without priority', 200, '', { 'apns-push-type': 'background' });
  answersFields('background at priority 5', 200, '', { 'apns-push-type': 'background', 'apns-priority': '5' });
  answersFields('an expiration in words', 400, 'BadExpirationDate', { 'apns-expiration': 'tomorrow' });
  answersFields('expiration 0', 200, '', { 'apns-expiration': '0' });
  answersFields('a collapse id of 64 bytes', 200, '', { 'apns-collapse-id': 'c'.repeat(64) });
  answersFields('a collapse id of 65 bytes', 400, 'BadCollapseId', { 'apns-collapse-id': 'c'.repeat(65) });
  answersFields('an apns-id that is none', 400, 'BadMessageId', { 'apns-id': 'id' });
  answersFields('a header twice', 400, 'DuplicateHeaders', { 'apns-collapse-id': ['a', 'b'] });
  answersFields('a provider token that is none', 403, 'InvalidProviderToken', { authorization: 'bearer a.b.c' });

  answers('no payload', 400, 'PayloadEmpty', () => client.push(token, {}, ''));
  answers('a payload that is no JSON', 400, 'PayloadEmpty', () => client.push(token, {}, '{"aps":'));
  answers('a payload that is an array', 400, 'PayloadEmpty', () => client.push(token, {}, '[1]'));
  answers('a payload of 4,096 bytes', 200, '', () => client.push(token, {}, objectOf(4096)));
  answers('a payload of 4,097 bytes', 413, 'PayloadTooLarge', () => client.push(token, {}, objectOf(4097)));
  answers('a payload of 40,000 bytes', 413, 'PayloadTooLarge', () => client.push(token, {}, objectOf(40_000)));
  const voip = { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' };
  answers('a voip payload of 5,120 bytes', 200, '', () => client.push(token, voip, objectOf(5120)));
  answers('a voip payload of 5,121 bytes', 413, 'PayloadTooLarge', () => client.push(token, voip, objectOf(5121)));

  it('gives every answer a fresh apns-id, and echoes one that the client brought', async () => {
    const first = await client.push(token);
    const second = await client.push(token);
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    assert.match(String(first.headers['apns-id']), uuid);
    assert.match(String(second.headers['apns-id']), uuid);
    assert.notEqual(first.headers['apns-id'], second.headers['apns-id']);
    const mine = '123e4567-e89b-42d3-a456-426614174000';
    assert.equal((await client.push(token, { 'apns-id': mine })).headers['apns-id'], mine);
    assert.equal((await client.push(tokenNumber(8), { 'apns-id': mine })).headers['apns-id'], mine);
  });

  it('judges each request by its own headers, whichever came before', async () => {
    const seen = [
      await client.push(token, { 'apns-priority': '7' }),
      await client.push(token),
      await client.push(token, { 'apns-topic': undefined }),
      await client.push(token, { 'apns-topic': undefined, 'apns-priority': '5' }),
      await client.push(token, { 'apns-priority': '5' }),
      await client.push('', { 'apns-priority': '5' }),
      await client.push(token, { 'apns-priority': '5' }),
    ];
    const reasons = seen.map((answer) => answer.reason);
    assert.deepEqual(reasons, ['BadPriority', '', 'MissingTopic', 'MissingTopic', '', 'MissingDeviceToken', '']);
  });

  it('tells since when a token is gone with 410 only', async () => {
    const gone = await client.push(`feed4100${'0'.repeat(56)}`);
    assert.deepEqual([gone.status, gone.reason], [410, 'Unregistered']);
    const sinceMs = gone.timestamp ?? 0;
    assert.ok(sinceMs > Date.UTC(2020, 0, 1) && sinceMs < Date.now(), `${sinceMs}`);
    const bad = await client.push(`feed4000${'0'.repeat(56)}`);
    assert.deepEqual([bad.status, bad.reason, bad.timestamp], [400, 'BadDeviceToken', undefined]);
  });
});
