/** Messaging of `peal/compat/firebase-messaging` against the simulator: what arrives, and what calls give. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import * as ours from '../../../src/compat/firebase-messaging/index.js';
import {
  type Simulator,
  type SimulatorFcmOptions,
  scriptedFcmToken,
  startSimulator,
} from '../../../src/simulator/index.js';

const token = 'aaaaaaaaaaaaaaaaaaaaaa:APA91b0';
const notification = { title: 'Hi', body: 'there' };

const tokens = (count: number): string[] => Array.from({ length: count }, (_, index) => `${token}${index}`);

/** Programs without types give them. */
const untyped = (value: unknown): never => value as never;

const withCode = (code: string, message: RegExp | string) => (error: unknown) => {
  assert.ok(error instanceof ours.FirebaseError, inspect(error));
  assert.equal(error.code, code);
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

describe('messaging of compat/firebase-messaging', () => {
  let simulator: Simulator;
  let messaging: ours.Messaging;

  async function start(options: SimulatorFcmOptions = {}, own: ours.AppOptions = {}): Promise<void> {
    simulator = await startSimulator({ controlPort: null, ledger: 'full', fcm: options });
    messaging = messagingOf(own);
  }

  function messagingOf(own: ours.AppOptions, name?: string): ours.Messaging {
    const { url, serviceAccount } = simulator.fcm!;
    const credential = ours.cert(untyped(serviceAccount));
    const ca = simulator.caCertificate!;
    return ours.getMessaging(ours.initializeApp({ credential, address: url, ca, ...own }, name));
  }

  const bodies = (target?: string): unknown[] =>
    simulator.fcm!.ledger.received(target).map(({ payload }) => JSON.parse(payload));

  afterEach(async () => {
    await Promise.all(ours.getApps().map(ours.deleteApp));
    await simulator.close();
  });

  it('sends to tokens, topics, conditions and installation ids, by the names of the wire', async () => {
    await start();
    const content = { notification, android: { ttl: 3500, collapseKey: 'c', notification: { notificationCount: 2 } } };
    const wire = {
      notification,
      android: { ttl: '3.500000000s', collapse_key: 'c', notification: { notification_count: 2 } },
    };
    const targets = {
      token,
      topic: 'news',
      condition: "'a' in topics && 'b' in topics",
      fid: 'cXyZ0123456789abcdefgh',
    };
    for (const [kind, target] of Object.entries(targets)) {
      const name = await messaging.send(untyped({ [kind]: target, ...content }));
      assert.match(name, /^projects\/peal-simulator\/messages\/\S+$/);
      assert.deepEqual(bodies(target), [{ message: { [kind]: target, ...wire } }]);
    }
    await messaging.send({ topic: '/topics/other', notification });
    assert.deepEqual(bodies('other'), [{ message: { topic: 'other', notification } }]);
  });

  it('tells what became of each message in their order', async () => {
    await start();
    const wanted = {
      UNREGISTERED: 'messaging/registration-token-not-registered',
      INVALID_ARGUMENT: 'messaging/invalid-argument',
      'INVALID_ARGUMENT (token)': 'messaging/invalid-argument',
      SENDER_ID_MISMATCH: 'messaging/mismatched-credential',
      THIRD_PARTY_AUTH_ERROR: 'messaging/third-party-auth-error',
      QUOTA_EXCEEDED: 'messaging/message-rate-exceeded',
      'html-404': 'messaging/unknown-error',
    };
    const invalid: readonly (readonly [object | null, string, RegExp])[] = [
      [null, 'messaging/invalid-payload', /^Message must be a non-null object$/],
      [{ token, topic: 'a' }, 'messaging/invalid-payload', /^Exactly one of topic, token or condition is required$/],
      [{ token, data: { n: 1 } }, 'messaging/invalid-payload', /^data must only contain string values$/],
      [{ token: 'a b', notification }, 'messaging/invalid-argument', /blank/],
      [{ token: 'ab'.repeat(32), notification }, 'messaging/invalid-argument', /device token of APNs/],
      [{ token, data: { from: 'x' } }, 'messaging/invalid-argument', /FCM keeps for itself/],
      [{ token, data: { text: 'x'.repeat(4096) } }, 'messaging/invalid-argument', /FCM allows 4,?096/],
    ];
    const rows = Object.entries(wanted);
    const { responses, successCount, failureCount } = await messaging.sendEach([
      { token, notification },
      ...rows.map(([reason]) => ({ token: scriptedFcmToken(reason), notification })),
      ...invalid.map(([message]) => untyped(message)),
      { topic: 'last', notification },
    ]);
    assert.deepEqual([successCount, failureCount], [2, rows.length + invalid.length]);
    const codes = responses.map(({ error }) => error?.code);
    assert.deepEqual(codes, [undefined, ...Object.values(wanted), ...invalid.map(([, code]) => code), undefined]);
    for (const [index, [, code, text]] of invalid.entries()) {
      withCode(code, text)(responses[1 + rows.length + index]!.error);
    }
    assert.deepEqual(Object.keys(responses[0]!), ['success', 'messageId']);
    assert.deepEqual(Object.keys(responses[1]!), ['success', 'error']);
    // What surely is refused makes no request.
    assert.equal(simulator.fcm!.ledger.summary().requests, rows.length + 2);
  });

  it('sends one message to 500 tokens, and to installation ids', async () => {
    await start();
    const all = tokens(500);
    const { successCount, responses } = await messaging.sendEachForMulticast({
      tokens: all,
      notification,
      data: { a: 'b' },
    });
    assert.deepEqual([successCount, responses.length], [500, 500]);
    assert.equal(new Set(responses.map(({ messageId }) => messageId)).size, 500);
    const { accepted, distinctTokens, connections } = simulator.fcm!.ledger.summary();
    assert.deepEqual([accepted, distinctTokens], [500, 500]);
    assert.ok(connections < 10, String(connections));
    assert.deepEqual(bodies(all[7]!), [{ message: { token: all[7], notification, data: { a: 'b' } } }]);
    const gone = scriptedFcmToken('UNREGISTERED');
    const mixed = await messaging.sendEachForMulticast({
      tokens: [gone, untyped(5)],
      fids: ['feed-unregistered-0'],
      notification,
    });
    assert.deepEqual(
      mixed.responses.map(({ error }) => error?.code),
      [
        'messaging/registration-token-not-registered',
        'messaging/invalid-payload',
        'messaging/installation-id-not-registered',
      ],
    );
    const wrong = await messaging.sendEachForMulticast({ tokens: [token, ''], data: untyped({ n: 1 }) });
    assert.deepEqual(
      wrong.responses.map(({ error }) => error?.message),
      ['data must only contain string values', 'Exactly one of topic, token or condition is required'],
    );
  });

  it('throws at once for arguments that are not valid', async () => {
    await start();
    const message = { token, notification };
    const refused: readonly (readonly [() => unknown, code: string, text: string])[] = [
      [() => messaging.send(untyped(undefined)), 'invalid-payload', 'Message must be a non-null object'],
      [() => messaging.send(message, untyped(1)), 'invalid-argument', 'dryRun must be a boolean'],
      [() => messaging.sendEach([]), 'invalid-argument', 'messages must be a non-empty array'],
      [
        () => messaging.sendEach(untyped({ length: 1, 0: message })),
        'invalid-argument',
        'messages must be a non-empty array',
      ],
      [() => messaging.sendEach([message], untyped(null)), 'invalid-argument', 'dryRun must be a boolean'],
      [
        () => messaging.sendEach(tokens(501).map((one) => ({ token: one }))),
        'invalid-argument',
        'messages list must not contain more than 500 items',
      ],
      [
        () => messaging.sendEachForMulticast(untyped(null)),
        'invalid-argument',
        'MulticastMessage must be a non-null object',
      ],
      [() => messaging.sendEachForMulticast({ notification }), 'invalid-argument', 'tokens must be a non-empty array'],
      [
        () => messaging.sendEachForMulticast({ tokens: tokens(501) }),
        'invalid-argument',
        'tokens list must not contain more than 500 items',
      ],
      [
        () => messaging.sendEachForMulticast({ tokens: [token] }, untyped('true')),
        'invalid-argument',
        'dryRun must be a boolean',
      ],
    ];
    for (const [call, code, text] of refused) assert.throws(call, withCode(`messaging/${code}`, text));
    for (const method of ['subscribeToTopic', 'unsubscribeFromTopic'] as const) {
      const told = withCode('messaging/invalid-argument', new RegExp(`^${method} is not part of `));
      await assert.rejects(messaging[method]([token], 'news'), told);
    }
    assert.equal(simulator.fcm!.ledger.summary().requests, 0);
  });

  it('takes messages as they are when it is called', async () => {
    await start();
    const message = { token, notification: { title: 'before' } };
    const sending = messaging.send(message);
    message.notification.title = 'after';
    await sending;
    assert.deepEqual(bodies(token), [{ message: { token, notification: { title: 'before' } } }]);
    assert.deepEqual(message, { token, notification: { title: 'after' } });
  });

  it('has messages checked only, with dryRun', async () => {
    await start();
    assert.equal(
      await messaging.send({ token, notification }, true),
      'projects/peal-simulator/messages/fake_message_id',
    );
    assert.deepEqual(bodies(token), [{ validate_only: true, message: { token, notification } }]);
    const { responses } = await messaging.sendEach([{ token }], true);
    assert.deepEqual(bodies(token)[1], { validate_only: true, message: { token, data: {} } });
    assert.equal(responses[0]!.messageId, 'projects/peal-simulator/messages/fake_message_id');
  });

  it('rejects with the code of the answer, and of a message that is not sent', async () => {
    await start();
    const gone = messaging.send({ token: scriptedFcmToken('UNREGISTERED'), notification });
    await assert.rejects(
      gone,
      withCode('messaging/registration-token-not-registered', 'Requested entity was not found.'),
    );
    const data = untyped({ payload: { aps: { alert: 'x' }, big: 1n } });
    await assert.rejects(messaging.send({ token, apns: data }), TypeError);
    const [elsewhere, unknownProject] = [
      messagingOf({ projectId: 'other-app' }, 'other'),
      'messaging/mismatched-credential',
    ];
    await assert.rejects(elsewhere.send({ token, notification }), withCode(unknownProject, /./));
  });

  it('asks the function of a credential once for its token', async () => {
    let asked = 0;
    await start();
    const { project, url } = simulator.fcm!;
    const access_token = simulator.fcm!.issueAccessToken();
    const getAccessToken = async () => {
      asked += 1;
      return { access_token, expires_in: 3600 };
    };
    const own = messagingOf({ credential: { getAccessToken }, projectId: project, address: url }, 'own');
    for (let call = 0; call < 3; call++) await own.send({ token, notification });
    assert.equal(asked, 1);
  });

  it('says why a credential has no token, in each response', async () => {
    await start();
    const failing = { getAccessToken: () => Promise.reject(new Error('no token today')) };
    const own = messagingOf({ credential: failing, projectId: 'p' }, 'failing');
    const text = /^Credential implementation provided to initializeApp\(\) via .* following error: "no token today"\.$/;
    await assert.rejects(own.send({ token, notification }), withCode('app/invalid-credential', text));
    const { responses } = await own.sendEach([{ token, notification }]);
    withCode('app/invalid-credential', text)(responses[0]!.error);
    const wrong = messagingOf({ credential: { getAccessToken: async () => untyped('x') }, projectId: 'p' }, 'wrong');
    await assert.rejects(
      wrong.send({ token, notification }),
      withCode('app/invalid-credential', /"expires_in" \(number\)/),
    );
  });

  it('renews an access token that FCM calls expired, without a rejection', async () => {
    await start();
    await messaging.send({ token, notification });
    simulator.fcm!.expireAccessTokens();
    await messaging.send({ token, notification });
    const { messages } = simulator.fcm!.summary();
    assert.deepEqual([messages.accepted, messages.reasons], [2, { ACCESS_TOKEN_EXPIRED: 1 }]);
  });

  it('finds the service account and the project in the environment', async () => {
    await start();
    const { serviceAccount, url: address } = simulator.fcm!;
    const ca = simulator.caCertificate!;
    const names = ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT'] as const;
    const before = names.map((name) => process.env[name]);
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
    try {
      for (const name of names) delete process.env[name];
      const credential = { getAccessToken: async () => ({ access_token: 'x', expires_in: 9 }) };
      const nameless = messagingOf({ credential }, 'nameless');
      await assert.rejects(
        nameless.sendEach([{ token, notification }]),
        withCode('messaging/invalid-argument', /^Failed to determine project ID for Messaging\. /),
      );
      const unset = ours.getMessaging(ours.initializeApp({ address, ca }, 'unset'));
      await assert.rejects(
        unset.send({ token, notification }),
        withCode('app/invalid-credential', /GOOGLE_APPLICATION_CREDENTIALS/),
      );
      const file = path.join(folder, 'account.json');
      writeFileSync(file, JSON.stringify(serviceAccount), { mode: 0o600 });
      process.env.GOOGLE_APPLICATION_CREDENTIALS = file;
      const found = ours.getMessaging(ours.initializeApp({ address, ca }, 'found'));
      assert.match(await found.send({ token, notification }), /^projects\/peal-simulator\//);
    } finally {
      names.forEach((name, index) => {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      });
      rmSync(folder, { recursive: true });
    }
  });

  it('gives access tokens of a service account to programs that ask for them', async () => {
    await start();
    const endpoint = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'a-token', expires_in: 3600, token_type: 'Bearer' }));
    });
    await once(endpoint.listen(0, '127.0.0.1'), 'listening');
    try {
      const token_uri = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
      const credential = ours.cert(untyped({ ...simulator.fcm!.serviceAccount, token_uri }));
      const { access_token, expires_in } = await credential.getAccessToken();
      assert.equal(access_token, 'a-token');
      assert.ok(expires_in > 0 && expires_in <= 3600, String(expires_in));
    } finally {
      endpoint.close();
    }
  });

  it('waits for messages under way when its app is deleted, and sends nothing afterwards', async () => {
    await start();
    const { app } = messaging;
    const sending = messaging.sendEach(tokens(300).map((one) => ({ token: one, notification })));
    await ours.deleteApp(app);
    assert.equal((await sending).successCount, 300);
    await assert.rejects(
      messaging.send({ token, notification }),
      withCode('app/app-deleted', /has already been deleted/),
    );
    assert.throws(() => messaging.app.name, withCode('app/app-deleted', /./));
  });
});

describe('messaging of compat/firebase-messaging without a gateway', () => {
  it('tells that nothing was sent', async () => {
    const credential = { getAccessToken: async () => ({ access_token: 'x', expires_in: 3600 }) };
    const gone = await startSimulator({ controlPort: null, fcm: true });
    const address = gone.fcm!.url;
    await gone.close();
    const app = ours.initializeApp({ credential, projectId: 'p', address });
    const { responses } = await ours.getMessaging(app).sendEach([{ token, notification }]);
    await ours.deleteApp(app);
    const { error } = responses[0]!;
    withCode('app/network-error', /^Error while making request: \S+ refused the connection/)(error);
    assert.equal((error as ours.FirebaseAppError).outcome, 'unsent');
  });
});
