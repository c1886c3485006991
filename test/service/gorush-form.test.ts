/** The request form of gorush: what its fields become, and what it is answered. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { randomTokens } from '../cli/fixture.js';
import { ServiceWorld } from './service-world.js';

describe('POST /api/push', () => {
  let world: ServiceWorld;

  before(async () => {
    world = await ServiceWorld.open({}, { ledger: 'full' });
  });
  after(() => world[Symbol.asyncDispose]());

  /** What the gateway got for one notification. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any form, compared field by field
  async function sent(fields: object): Promise<{ payload: any; headers: Readonly<Record<string, string>> }> {
    const tokens = randomTokens(1);
    const { status, json } = await world.post('/api/push', { notifications: [{ tokens, platform: 1, ...fields }] });
    assert.equal(status, 200, JSON.stringify(json));
    assert.deepEqual(json, { counts: 1, logs: [], success: 'ok' });
    const { payload, headers } = world.simulator.ledger.received(tokens[0]!).at(-1)!;
    return { payload: JSON.parse(payload), headers };
  }

  it('makes of each field what gorush makes of it', async () => {
    assert.deepEqual((await sent({ message: 'Hi' })).payload, { aps: { alert: 'Hi' } });
    assert.deepEqual((await sent({ message: 'Hi', title: 'T' })).payload, {
      aps: { alert: { title: 'T', body: 'Hi' } },
    });
    const alert = { title: 'Game', body: 'Poker', 'loc-args': ['a'], 'loc-key': 'K' };
    assert.deepEqual((await sent({ alert, badge: 5 })).payload, { aps: { alert, badge: 5 } });
    const sound = { critical: 1, name: 'default', volume: 1 };
    const all = { message: 'Hi', sound, category: 'c', 'thread-id': 't', data: { key1: 'welcome', key2: 2 } };
    const { payload } = await sent({ ...all, mutable_content: true, interruption_level: 'active' });
    const aps = {
      alert: 'Hi',
      sound,
      'mutable-content': 1,
      category: 'c',
      'thread-id': 't',
      'interruption-level': 'active',
    };
    assert.deepEqual(payload, { key1: 'welcome', key2: 2, aps });
    assert.deepEqual((await sent({ message: 'Hi', name: 'ding', volume: 0.5 })).payload.aps.sound, {
      name: 'ding',
      volume: 0.5,
    });
  });

  it('takes header fields in each spelling', async () => {
    const apnsId = '11111111-2222-4333-8444-555555555555';
    for (const [id, collapse, type] of [
      ['apns_id', 'collapse_id', 'push_type'],
      ['apns-id', 'collapse-id', 'push-type'],
      ['apnsId', 'collapseId', 'pushType'],
    ] as const) {
      const own = { [id]: apnsId, [collapse]: 'c', [type]: 'background', contentAvailable: true };
      const { headers, payload } = await sent({
        ...own,
        priority: 'normal',
        topic: 'com.example.other',
        expiration: 1900000000,
      });
      assert.deepEqual(payload, { aps: { 'content-available': 1 } });
      assert.equal(headers['apns-id'], apnsId);
      assert.equal(headers['apns-collapse-id'], 'c');
      assert.equal(headers['apns-push-type'], 'background');
      assert.equal(headers['apns-priority'], '5');
      assert.equal(headers['apns-topic'], 'com.example.other');
      assert.equal(headers['apns-expiration'], '1900000000');
    }
    assert.equal((await sent({ message: 'Hi', priority: 'high' })).headers['apns-priority'], '10');
  });

  it('names what failed, item by item, and takes the others', async () => {
    const gone = scriptedToken('Unregistered', 3);
    const tokens = randomTokens(2);
    const { json } = await world.post('/api/push', {
      notifications: [
        { notif_id: 'n1', tokens: [tokens[0], gone], platform: 1, message: 'Hi' },
        { tokens: ['android'], platform: 2, message: 'Ho', image: 'x' },
        { tokens: [tokens[1]], platform: 1, message: 'Hu', badge: -1 },
      ],
    });
    const log = { type: 'failed-push', message: 'Ho' };
    const other = 'This service sends to Apple devices only: the platform must be 1.';
    assert.equal(json.counts, 4);
    assert.deepEqual(json.logs[0], { ...log, platform: 'android', token: 'android', error: other });
    assert.equal(json.logs[1].token, tokens[1]);
    assert.match(json.logs[1].error, /badge/);
    const last = {
      notif_id: 'n1',
      type: 'failed-push',
      platform: 'ios',
      token: gone,
      message: 'Hi',
      error: 'Unregistered',
    };
    assert.deepEqual(json.logs[2], last);
    assert.equal(world.simulator.ledger.received(tokens[0]!).length, 1);
    assert.equal(world.simulator.ledger.received(tokens[1]!).length, 0);
  });

  it('takes any content type, and answers problems as gorush does', async () => {
    const notifications = [{ tokens: randomTokens(1), platform: 1, message: 'Hi' }];
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    assert.equal((await world.post('/api/push', { notifications }, form)).status, 200);
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [{}, /^Missing notifications field\.$/],
      [{ notifications: [] }, /^Notifications field is empty\.$/],
      [{ notifications: [{ platform: 1, message: 'Hi' }] }, /tokens must not be nil or empty/],
      [{ notifications: [{ tokens: ['a'], platform: 1, mesage: 'Hi' }] }, /"mesage": did you mean message\?/],
      ['{', /not JSON/],
    ];
    for (const [body, message] of cases) {
      const { status, json } = await world.post('/api/push', body);
      assert.equal(status, 400);
      assert.deepEqual(Object.keys(json), ['code', 'message']);
      assert.equal(json.code, 400);
      assert.match(json.message, message);
    }
  });
});
