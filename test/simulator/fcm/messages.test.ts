/** The simulated FCM takes messages as Google's does, answers by token, and books all of it. */
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/base/clock.js';
import { fcmHttp2 } from '../../../src/fcm/protocol.js';
import { fcmScript } from '../../../src/simulator/fcm/fcm-script.js';
import { LedgerDigest, type SimulatorOptions, scriptedFcmToken, startSimulator } from '../../../src/simulator/index.js';
import { fcmAnswers } from '../../../src/simulator/settings/fcm-answers.js';
import { errorCodeOf, errorOf, FcmClient, type FcmReply, violationOf } from './fcm-client.js';

/** The reason that the sender reads in an answer. */
const reasonOfSender = ({ status, text }: FcmReply): string =>
  fcmHttp2.answerOf(status, Buffer.from(text), { apnsId: null, retryAfter: null, uniqueId: null }, systemClock).reason;

const notification = { title: 'Hi', body: 'there' };

describe('simulator: messages of FCM', () => {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorOptions['fcm'] = true, further: SimulatorOptions = {}) {
    const simulator = await startSimulator({ ...further, fcm: options });
    opened.push(simulator);
    const { caCertificate, fcm } = simulator;
    const client = new FcmClient(fcm!.httpsUrl, caCertificate ?? '', fcm!.issueAccessToken(), fcm!.project);
    opened.push(client);
    return { simulator, fcm: fcm!, client };
  }

  it('are answered 200 with a name, pretty-printed unless told otherwise', async () => {
    const { client, fcm, simulator } = await start();
    const first = await client.send({ token: 'a:APA91b1', notification });
    assert.equal(first.status, 200);
    assert.match(first.text, /^\{\n {2}"name": "projects\/peal-simulator\/messages\/0:\d{16}%[0-9a-f]{16}"\n\}\n$/);
    assert.equal(first.headers['content-type'], 'application/json; charset=UTF-8');
    const path = '/v1/projects/peal-simulator/messages:send?prettyPrint=false';
    const second = await client.send({ token: 'a:APA91b2', notification }, { ':path': path });
    assert.match(second.text, /^\{"name":"projects\/peal-simulator\/messages\/0:\d{16}%[0-9a-f]{16}"\}\n$/);
    assert.notEqual(JSON.parse(first.text).name, JSON.parse(second.text).name);
    const { messages } = fcm.summary();
    assert.equal(messages.accepted, 2);
    assert.equal(messages.distinctTokens, 2);
    assert.equal(fcm.ledger.answerOf('a:APA91b1'), 'accepted');
    assert.equal(simulator.ledger.summary().requests, 0);
  });

  it('go to topics, conditions and installation ids as well', async () => {
    const { client, fcm } = await start();
    const targets = { topic: 'news', condition: "'a' in topics && !('b' in topics)", fid: 'cXyZ0123456789abcdefgh' };
    for (const [kind, target] of Object.entries(targets)) {
      assert.equal((await client.send({ [kind]: target, notification })).status, 200, kind);
      assert.equal(fcm.ledger.answerOf(target), 'accepted');
    }
    const dry = await client.post(JSON.stringify({ validate_only: true, message: { topic: 'news', notification } }));
    assert.equal(JSON.parse(dry.text).name, 'projects/peal-simulator/messages/fake_message_id');
  });

  it('get the answer that their token asks for', async () => {
    const { client, fcm } = await start();
    for (const { code, errorCode, name, status, canonical } of fcmAnswers) {
      const reply = await client.send({ token: scriptedFcmToken(name, 3), notification });
      assert.equal(reply.status, status, name);
      const error = errorOf(reply);
      assert.deepEqual([error.code, error.status], [status, canonical], name);
      assert.equal(errorCodeOf(reply) ?? null, errorCode, name);
      assert.equal(reasonOfSender(reply), name, 'the books of the sender can be compared');
      assert.equal(reply.headers['retry-after'], status === 503 ? '10' : undefined);
      assert.equal(fcm.ledger.answerOf(scriptedFcmToken(name, 3)), name);
      assert.ok(code > 200);
    }
    for (const status of [404, 502]) {
      const reply = await client.send({ token: scriptedFcmToken(`html-${status}`), notification });
      assert.equal(reply.status, status);
      assert.match(reply.text, /^<!DOCTYPE html>/);
    }
    assert.equal((await client.send({ token: scriptedFcmToken('refused'), notification })).resetCode, 7);
    assert.equal((await client.send({ token: scriptedFcmToken('reset'), notification })).resetCode, 2);
    const { accepted, refused, rejected, requests, unanswered } = fcm.ledger.summary();
    const expected = { accepted: 0, refused: 1, rejected: fcmAnswers.length + 2, unanswered: 1 };
    assert.deepEqual({ accepted, refused, rejected, unanswered }, expected);
    assert.equal(requests, fcmAnswers.length + 3);
    assert.ok(fcmScript.length > fcmAnswers.length);
  });

  it('are told of a quota in three kinds', async () => {
    const { client } = await start();
    const ask = (reason: string) => client.send({ token: scriptedFcmToken(reason), notification });
    const project = errorOf(await ask('QUOTA_EXCEEDED'));
    const [info, help] = project.details!;
    assert.equal(info!.reason, 'RATE_LIMIT_EXCEEDED');
    const metadata = info!.metadata as Record<string, string>;
    assert.equal(metadata.quota_limit_value, '600000');
    assert.equal(metadata.quota_limit, 'SendsPerMinutePerProject');
    assert.match(help!['@type'], /Help$/);
    for (const kind of ['device', 'topic']) {
      const { details } = errorOf(await ask(`QUOTA_EXCEEDED (${kind})`));
      assert.deepEqual(
        details!.map((detail) => detail['@type'].split('.').at(-1)),
        ['FcmError', 'QuotaFailure'],
      );
    }
  });

  it('are rejected by token and seed, in the share that was asked for', async () => {
    const { client, fcm } = await start({
      rejectFraction: 0.25,
      rejectReasons: ['UNREGISTERED', 'SENDER_ID_MISMATCH'],
    });
    const tokens = Array.from({ length: 400 }, (_, index) => `t${index}:APA91b`);
    const replies = await Promise.all(tokens.map((token) => client.send({ token, notification })));
    const { rejected, reasons, digest } = fcm.ledger.summary();
    assert.ok(rejected > 60 && rejected < 140, String(rejected));
    assert.deepEqual(Object.keys(reasons).sort(), ['SENDER_ID_MISMATCH', 'UNREGISTERED']);
    const own = new LedgerDigest();
    replies.forEach((reply, index) => {
      own.add(Buffer.from(tokens[index]!), reply.status === 200 ? '' : String(errorCodeOf(reply)));
    });
    assert.equal(own.toString(), digest);
  });

  it('are refused with the field that is wrong', async () => {
    const { client, fcm } = await start();
    const cases: readonly (readonly [string, object, object | undefined, unknown?])[] = [
      [
        'a number in data',
        { token: 'x', data: { a: 12 } },
        {
          field: 'message.data[0].value',
          description: "Invalid value at 'message.data[0].value' (TYPE_STRING), 12",
        },
        undefined,
      ],
      ['no target', { notification }, { field: 'message', description: 'Recipient of the message is not set.' }],
      [
        'an unknown field',
        { token: 'x', notifcation: {} },
        {
          field: 'message',
          description: 'Invalid JSON payload received. Unknown name "notifcation" at \'message\': Cannot find field.',
        },
        undefined,
      ],
      [
        'two targets',
        { token: 'x', topic: 'y' },
        {
          field: 'message',
          description: "Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set 'topic'",
        },
        undefined,
      ],
      [
        'a reserved key',
        { token: 'x', data: { from: 'me' } },
        { field: 'message.data', description: 'Invalid data payload key: from' },
      ],
      [
        'a ttl beyond four weeks',
        { token: 'x', android: { ttl: '2419201s' } },
        { field: 'message.android.ttl', description: 'The ttl must be between 0 and 2419200 seconds.' },
      ],
      [
        'a topic with its prefix',
        { topic: '/topics/a' },
        { field: 'message.topic', description: 'Malformed topic name.' },
      ],
      [
        'six topics',
        {
          condition: 'abcdef'
            .split('')
            .map((topic) => `'${topic}' in topics`)
            .join(' || '),
        },
        { field: 'message.condition', description: 'Condition has more than 5 topics.' },
      ],
      [
        'a condition with an operator too many',
        { condition: "'a' in topics &&" },
        { field: 'message.condition', description: 'Invalid condition expression provided.' },
      ],
    ];
    for (const [what, message, violation, ...ofParser] of cases) {
      const reply = await client.send(message);
      assert.equal(reply.status, 400, what);
      assert.equal(errorOf(reply).status, 'INVALID_ARGUMENT', what);
      assert.deepEqual(violationOf(reply), violation, what);
      assert.equal(errorCodeOf(reply), ofParser.length > 0 ? undefined : 'INVALID_ARGUMENT', what);
    }
    assert.deepEqual(fcm.ledger.summary().reasons, { INVALID_ARGUMENT: cases.length });
    const ttl = await client.send({ token: 'x', android: { ttl: 5 } });
    assert.match(errorOf(ttl).message, /Illegal duration format/);
    assert.match(errorOf(await client.post('{"message":')).message, /Invalid JSON payload received/);
    assert.match(errorOf(await client.post('[]')).message, /Root element must be a message/);
  });

  it('take both forms of names, and everything that Google documents', async () => {
    const { client } = await start();
    const message = {
      token: 'x',
      data: { a: 'b' },
      notification: { title: 'T', body: 'B', image: 'https://example.com/a.png' },
      fcmOptions: { analyticsLabel: 'spring' },
      android: {
        collapse_key: 'c',
        priority: 'high',
        ttl: '3.5s',
        restrictedPackageName: 'com.example',
        notification: {
          notification_count: 3,
          notificationPriority: 'PRIORITY_HIGH',
          event_time: '2026-01-01T00:00:00Z',
          vibrate_timings: ['1s', '0.5s'],
          light_settings: { color: { red: 1, green: 0, blue: 0, alpha: 1 }, light_on_duration: '1s' },
          visibility: 'PUBLIC',
        },
      },
      webpush: {
        headers: { Urgency: 'high' },
        notification: { title: 'x', actions: [{}] },
        fcm_options: { link: 'https://a' },
      },
      apns: {
        headers: { 'apns-priority': '5' },
        payload: { aps: { 'content-available': 1 } },
        live_activity_token: 'l',
      },
    };
    assert.equal((await client.send(message)).status, 200);
    const padded = (bytes: number): object => ({ token: 'x', data: { key: 'x'.repeat(bytes - 3) } });
    assert.equal((await client.send(padded(4096))).status, 200);
    const large = await client.send(padded(4097));
    assert.equal(large.status, 400);
    assert.match(errorOf(large).message, /Message is too large/);
    assert.equal((await client.send({ topic: 'x', data: { key: 'x'.repeat(2046) } })).status, 400);
    assert.equal((await client.send({ token: 'x', data: { key: 'x'.repeat(40_000) } })).status, 400);
    const apnsToken = await client.send({ token: 'ab'.repeat(32), notification });
    assert.equal(errorOf(apnsToken).message, 'The registration token is not a valid FCM registration token');
  });

  it('need a path, a type and the project that is served', async () => {
    const { client, fcm } = await start();
    const wrongPath = await client.send({ token: 'x' }, { ':path': '/v1/projects/peal-simulator/messages' });
    assert.deepEqual([wrongPath.status, wrongPath.text.startsWith('<!DOCTYPE html>')], [404, true]);
    const get = await client.send({ token: 'x' }, { ':method': 'PUT' });
    assert.equal(get.status, 404);
    const other = await client.send({ token: 'x' }, { ':path': '/v1/projects/project-id/messages:send' });
    assert.deepEqual([other.status, errorOf(other).status, errorOf(other).details], [404, 'NOT_FOUND', undefined]);
    const type = await client.send({ token: 'x' }, { 'content-type': 'text/plain' });
    assert.match(errorOf(type).message, /content-type must be application\/json/);
    assert.equal((await client.send({ token: 'x' }, { 'content-type': 'application/json;charset=utf-8' })).status, 200);
    assert.equal((await client.send({ token: 'x' }, { ':scheme': 'https:' })).status, 200);
    assert.deepEqual(fcm.ledger.summary().reasons, { 'HTTP 404': 2, NOT_FOUND: 1, INVALID_ARGUMENT: 1 });
  });

  it('are kept whole with ledger full, and told to onRequest', async () => {
    const heard: string[] = [];
    const onRequest: SimulatorOptions['onRequest'] = ({ protocol, token, answer }) => {
      heard.push(`${protocol} ${token} ${answer}`);
    };
    const { client, fcm } = await start(true, { ledger: 'full', onRequest });
    const gone = scriptedFcmToken('UNREGISTERED');
    await client.send({ token: 'x:APA91b', notification });
    await client.send({ token: gone, notification });
    const [request] = fcm.ledger.received('x:APA91b');
    assert.deepEqual(JSON.parse(request!.payload), { message: { token: 'x:APA91b', notification } });
    assert.equal(request!.headers.authorization, 'Bearer …');
    assert.equal(request!.path, '/v1/projects/peal-simulator/messages:send');
    assert.equal(request!.providerKey, 'firebase-adminsdk@peal-simulator.iam.gserviceaccount.com');
    assert.deepEqual(heard, ['fcm x:APA91b accepted', `fcm ${gone} UNREGISTERED`]);
  });
});
