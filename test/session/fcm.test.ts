/**
 * Messages to FCM against the simulator's service, over TLS: each has one outcome, and the books of the service agree.
 */
import assert from 'node:assert/strict';
import {
  FCM,
  FcmMessage,
  type FcmMessageOptions,
  loadServiceAccount,
  type PushOutcome,
  Result,
  Session,
} from '../../src/fcm.js';
import { APNs, Message } from '../../src/index.js';
import {
  type Simulator,
  type SimulatorFcmOptions,
  scriptedFcmToken,
  startSimulator,
} from '../../src/simulator/index.js';

const hello: FcmMessageOptions = { title: 'Hello', body: 'there' };

function token(number: number): string {
  return `d${String(number).padStart(21, '0')}:APA91b${'Q'.repeat(110 + (number % 3))}`;
}

interface World extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly session: Session;
  readonly fcm: FCM;
}

async function worldOf(options: SimulatorFcmOptions = {}, threads = 0): Promise<World> {
  const simulator = await startSimulator({ controlPort: null, fcm: options, ledger: 'full' });
  const service = simulator.fcm ?? assert.fail('serves FCM');
  const ca = simulator.caCertificate ?? assert.fail('has an authority of its own');
  const session = new Session({ threads, ca });
  const credential = { serviceAccount: service.serviceAccount, ca };
  const gateway = session.getConnection(service.url, credential, { messagesPerMinute: false });
  return {
    simulator,
    session,
    fcm: new FCM(gateway),
    async [Symbol.asyncDispose]() {
      await session.close();
      await simulator.close();
    },
  };
}

/** What the books of both sides say of a send without retries. */
function assertEqualBooks(result: Result<FcmMessage>, { simulator }: World): void {
  const { messages } = simulator.fcm!.summary();
  assert.equal(messages.accepted, result.accepted);
  assert.equal(messages.rejected, result.rejections.size);
  assert.equal(messages.distinctTokens, result.recipients - result.invalid.length);
  assert.equal(messages.duplicates, 0);
}

describe('messages to FCM', () => {
  for (const threads of [0, 1]) {
    it(`have the outcomes that the service says, threads: ${threads}`, async () => {
      await using world = await worldOf({}, threads);
      const gone = Array.from({ length: 40 }, (_, index) => scriptedFcmToken('unregistered', index));
      const bad = Array.from({ length: 20 }, (_, index) => scriptedFcmToken('invalid-argument-token', index));
      const others = Array.from({ length: 6_000 }, (_, number) => token(number));
      const message = new FcmMessage([...gone, ...others, ...bad, 'ab'.repeat(32)], hello);
      const result = await world.fcm.send(message, { retry: false });
      assert.deepEqual(Object.fromEntries(result.reasons), { UNREGISTERED: 40, 'INVALID_ARGUMENT (token)': 20 });
      assert.deepEqual([result.accepted, result.unsent.length, result.invalid.length], [6_000, 0, 1]);
      assert.equal(result.rejections.get(gone[7]!)?.kind, 'gone');
      assertEqualBooks(result, world);
      assert.equal(world.simulator.fcm!.summary().tokens.minted, 1);
    });
  }

  it('have the class of the reason also where one message goes to one token', async () => {
    await using world = await worldOf();
    const gone = scriptedFcmToken('unregistered');
    const result = await world.fcm.send(new FcmMessage([gone], hello));
    assert.deepEqual([result.gone.has(gone), result.failed.get(gone)?.kind], [true, 'gone']);
    assert.deepEqual([result.errors, result.retry()], [[], null]);
    assert.equal(result.failed.get(gone)?.protocol, 'fcm');
  });

  it('are pushed one by one, and named by the service', async () => {
    await using world = await worldOf();
    const outcomes = await Promise.all(
      Array.from({ length: 2_000 }, (_, number) => world.fcm.push({ title: `Number ${number}` }, token(number))),
    );
    assert.ok(outcomes.every(({ outcome }) => outcome === 'accepted'));
    assert.equal(new Set(outcomes.map(({ apnsId }) => apnsId)).size, 2_000);
    assert.match(outcomes[0]!.apnsId!, /^projects\/peal-simulator\/messages\/0:/);
    assert.equal(world.simulator.fcm!.summary().messages.distinctTokens, 2_000);
  });

  const reasons: readonly (readonly [script: string, status: number, reason: string])[] = [
    ['unregistered', 404, 'UNREGISTERED'],
    ['invalid-argument', 400, 'INVALID_ARGUMENT'],
    ['invalid-argument-token', 400, 'INVALID_ARGUMENT (token)'],
    ['sender-id-mismatch', 403, 'SENDER_ID_MISMATCH'],
    ['third-party-auth-error', 401, 'THIRD_PARTY_AUTH_ERROR'],
    ['quota-exceeded', 429, 'QUOTA_EXCEEDED'],
    ['quota-exceeded-device', 429, 'QUOTA_EXCEEDED (device)'],
    ['quota-exceeded-topic', 429, 'QUOTA_EXCEEDED (topic)'],
    ['unavailable', 503, 'UNAVAILABLE'],
    ['internal', 500, 'INTERNAL'],
    ['permission-denied', 403, 'PERMISSION_DENIED'],
    ['service-disabled', 403, 'SERVICE_DISABLED'],
    ['not-found', 404, 'NOT_FOUND'],
  ];
  it('are rejected for what the service says', async () => {
    await using world = await worldOf();
    const found: [string, number | null, string | null][] = [];
    for (const [script] of reasons) {
      const { outcome, status, reason } = await world.fcm.push(hello, scriptedFcmToken(script));
      assert.equal(outcome, 'rejected', script);
      found.push([script, status, reason]);
    }
    assert.deepEqual(found, reasons);
    assert.equal(world.simulator.fcm!.summary().messages.rejected, reasons.length);
  });

  it('name what the answer finds fault with', async () => {
    await using world = await worldOf();
    const outcome: PushOutcome = await world.fcm.push(
      { message: { android: { notification: { notification_priority: 'LOUD' } } } },
      token(1),
    );
    assert.equal(outcome.outcome, 'rejected');
    if (outcome.outcome === 'rejected') assert.match(outcome.detail ?? '', /notification_priority/);
    const loud = new FcmMessage(token(2), {
      message: { android: { notification: { notification_priority: 'LOUD' } } },
    });
    const result = await world.fcm.send(loud);
    const failure = result.failed.get(token(2));
    assert.match(failure?.detail ?? '', /notification_priority/);
    assert.equal(failure?.toJSON().detail, failure?.detail);
  });

  it('have results that are merged and tried again as those of FCM', async () => {
    await using world = await worldOf();
    const busy = scriptedFcmToken('quota-exceeded-device');
    const results = await Promise.all(
      [busy, token(1)].map((to) => world.fcm.send(new FcmMessage([to], hello), { retry: false })),
    );
    const merged: Result<FcmMessage> = Result.mergeAll(results);
    assert.deepEqual([merged.recipients, merged.accepted, merged.needsRetry()], [2, 1, true]);
    const [again = assert.fail('has a message to send again')] = merged.retryAll();
    assert.ok(again instanceof FcmMessage);
    assert.deepEqual(again.toJSON().tokens, [busy]);
  });

  it('need a credential of FCM, and an address of FCM', async () => {
    await using world = await worldOf();
    const { session, simulator } = world;
    const service = simulator.fcm!;
    for (const nothing of [null, undefined, 'key', 7] as never[]) {
      assert.throws(() => session.getConnection(service.url, nothing), {
        code: 'ERR_PEAL_CREDENTIAL',
        message: /^FCM needs a credential: give \{ serviceAccount \}/,
      });
    }
    const account = { serviceAccount: service.serviceAccount };
    for (const credential of [account, loadServiceAccount(account)]) {
      assert.throws(() => session.getConnection('production', credential), {
        code: 'ERR_PEAL_CREDENTIAL',
        message: /is of APNs, and the credential is of FCM: give 'fcm' as the address/,
      });
    }
  });

  it('are unsent where the source of access tokens fails, and say so', async () => {
    await using world = await worldOf();
    const accessToken = (): never => {
      throw new TypeError('ya29.secret');
    };
    const gateway = world.session.getConnection(world.simulator.fcm!.url, { accessToken, project: 'peal-simulator' });
    const { outcome, error } = await new FCM(gateway).push(hello, token(1));
    assert.equal(outcome, 'unsent');
    assert.equal(error?.message, 'No access token is available: its source failed (TypeError).');
  });

  it('each say something of their own, and go to recipients of their own', async () => {
    await using world = await worldOf();
    const messages = Array.from(
      { length: 3_000 },
      (_, number) => new FcmMessage([token(number)], { title: `To ${number}` }),
    );
    const result = await world.fcm.send(messages);
    assert.equal(result.accepted, 3_000);
    assertEqualBooks(result, world);
    const own = Array.from({ length: 3_000 }, (_, number) => ({
      token: token(10_000 + number),
      payload: { title: `Hello ${number}`, data: { number: `${number}` } },
    }));
    assert.equal((await world.fcm.send(new FcmMessage(own, hello))).accepted, 3_000);
    const bodies = world.simulator.fcm!.ledger.received(token(10_007)).map(({ payload }) => `${payload}`);
    assert.deepEqual(
      bodies.map((body) => JSON.parse(body).message.data),
      [{ number: '7' }],
    );
  });

  it('stream through sendEach', async () => {
    await using world = await worldOf();
    const source = Array.from({ length: 1_500 }, (_, number) => ({ message: hello, token: token(number), number }));
    const numbers = new Set<number>();
    for await (const { item, outcome } of world.fcm.sendEach(source)) {
      if (outcome === 'accepted') numbers.add(item.number);
    }
    assert.equal(numbers.size, 1_500);
  });

  it('go to topics, conditions and installations', async () => {
    await using world = await worldOf();
    const targets = [
      ['topic', '/topics/news'],
      ['condition', "'news' in topics && !('sport' in topics)"],
      ['fid', 'cAAAAAAAAAAAAAAAAAAAAA'],
    ] as const;
    for (const [target, to] of targets) {
      assert.equal((await world.fcm.push({ ...hello, target }, to)).outcome, 'accepted', target);
    }
    const { outcome, error } = await world.fcm.push({ ...hello, target: 'topic' }, 'no topic');
    assert.equal(outcome, 'invalid');
    assert.match(error?.message ?? '', /^The topic no topic has a blank/);
  });

  it('wait for another access token where one has expired, and lose nothing', async () => {
    await using world = await worldOf();
    assert.equal((await world.fcm.push(hello, token(0))).outcome, 'accepted');
    world.simulator.fcm!.expireAccessTokens();
    const result = await world.fcm.send(
      new FcmMessage(
        Array.from({ length: 4_000 }, (_, number) => token(number)),
        hello,
      ),
    );
    assert.deepEqual([result.accepted, result.rejections.size, result.unknown.length], [4_000, 0, 0]);
    assert.equal(world.simulator.fcm!.summary().tokens.minted, 2);
  });

  it('reach a simulator that follows another one at the same ports', async () => {
    const first = await worldOf();
    const { url, tokenUrl } = first.simulator.fcm!;
    first.simulator.fcm!.issueAccessToken();
    assert.equal((await first.fcm.push(hello, token(1))).outcome, 'accepted');
    await first[Symbol.asyncDispose]();
    const ports = { port: Number(new URL(url).port), tokenPort: Number(new URL(tokenUrl).port) };
    await using second = await worldOf(ports);
    assert.equal((await second.fcm.push(hello, token(1))).outcome, 'accepted');
  });

  it('are kept as JSON and sent again', async () => {
    await using world = await worldOf();
    const data = JSON.parse(JSON.stringify(new FcmMessage([token(1), token(2)], { ...hello, collapseId: 'a' })));
    assert.equal((await world.fcm.send(FcmMessage.fromJSON(data))).accepted, 2);
    assert.deepEqual(FcmMessage.fromJSON(data).toJSON(), data);
  });

  it('are not taken for those of the other service', async () => {
    await using world = await worldOf();
    const { session, fcm } = world;
    assert.throws(() => new FCM(session.getConnection('sandbox', null)), { code: 'ERR_PEAL_ADDRESS' });
    assert.throws(() => new APNs(fcm.gateway), { code: 'ERR_PEAL_ADDRESS' });
    const apple = new Message([], { topic: 'com.example.app', alert: 'Hello' });
    assert.throws(() => apple.checkFor(fcm.gateway.address, fcm.gateway.credential), { code: 'ERR_PEAL_ADDRESS' });
    await assert.rejects(fcm.send(apple.withTokens('ab'.repeat(32)) as never), /send takes messages/);
    await assert.rejects(fcm.push(apple as never, token(1)), { code: 'ERR_PEAL_OPTION' });
  });
});
