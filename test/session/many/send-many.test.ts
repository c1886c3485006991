/**
 * Sends of many messages, and lone sends, against a scripted gateway in memory: they come to what sends of one message
 * each come to, and stop as one.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../../src/base/errors.js';
import { maxMessagesOfTurn, maxRecipientsUnderWay } from '../../../src/base/limits.js';
import {
  APNs,
  type InvalidRecipient,
  Message,
  type Progress,
  type Recipient,
  Result,
  type SendOptions,
  Session,
} from '../../../src/index.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { tokenOf } from '../../support/book-source.js';
import { Gateways } from '../../support/gateways.js';
import { type GatewayScript, openScriptedGateway, type ScriptedGateway } from '../../support/scripted-gateway.js';

const token = (number: number): string => Buffer.from(tokenOf(number)).toString('hex');
const topic = 'com.example.app';
const toOne = (number: number): Message => new Message([token(number)], { topic, alert: `Number ${number}` });
const list = (count: number): Message[] => Array.from({ length: count }, (_, number) => toOne(number));

function* endless(): Generator<Message> {
  for (let number = 0; ; number++) yield toOne(number);
}

/** A session whose gateway follows `script`. */
function open(script: GatewayScript | ((n: number) => GatewayScript | PealError)) {
  const gateways = new Gateways(openScriptedGateway, typeof script === 'function' ? script : () => script);
  const session = new Session({ threads: 0, backend: gateways.backend });
  const apns = new APNs(session.getConnection('https://gateway.example', null));
  return { gateways, apns, session, [Symbol.asyncDispose]: () => session.close() };
}

type Judge = (gateway: ScriptedGateway, streamId: number, index: number) => void;

const rejecting =
  (status: number, reason: string): Judge =>
  (gateway, streamId) =>
    gateway.reject(streamId, status, JSON.stringify({ reason }));

/** By the number of the token: each kind of answer. */
const judges: readonly Judge[] = [
  (gateway, streamId) => gateway.accept(streamId),
  (gateway, streamId) => gateway.accept(streamId),
  rejecting(400, 'BadDeviceToken'),
  (gateway, streamId) => gateway.reject(streamId, 410, '{"reason":"Unregistered","timestamp":1700000000000}'),
  rejecting(413, 'PayloadTooLarge'),
  rejecting(503, 'Shutdown'),
  (gateway, streamId) => gateway.reject(streamId, 429, '{"reason":"TooManyRequests"}', '7'),
  rejecting(400, 'SomethingNew'),
  (gateway, streamId) => gateway.reject(streamId, 500, ''),
];
const judge: Judge = (gateway, streamId, index) => judges[index % judges.length]!(gateway, streamId, index);

/** Those after which nothing is to be gained by waiting: a gateway with other faults is given pauses. */
const finals: readonly Judge[] = judges.filter((_, at) => at !== 5 && at !== 6 && at !== 8);
const judgeFinally: Judge = (gateway, streamId, index) => finals[index % finals.length]!(gateway, streamId, index);

/** The requests that came, without their order. */
function requestsOf(all: readonly ScriptedGateway[]): string[] {
  const texts = all.flatMap((gateway) =>
    [...gateway.headers].map(([id, fields]) => JSON.stringify([[...fields].sort(), gateway.bodies.get(id)])),
  );
  return texts.sort();
}

/** All that a result tells, with lists of recipients and of faults without their order: answers come in any. */
function everythingOf(result: Result) {
  const { unsentTokens, unknownTokens, errors, ...data } = result.toJSON();
  const retries = (options: { unknown?: boolean; mended?: boolean }) =>
    result.retryAll(options).map((message) => {
      const { tokens, ...rest } = message.toJSON();
      return { ...rest, binaryExpiration: null, tokens: tokens.map((one) => JSON.stringify(one)).sort() };
    });
  return {
    ...data,
    errors: new Map(errors.map((error) => [error.reason, error])),
    unsent: [...unsentTokens].sort(),
    unknown: [...unknownTokens].sort(),
    failures: new Map(result.failed),
    gone: new Map(result.gone),
    needsRetry: result.needsRetry(),
    delayMs: result.retryDelayMs(() => 0.5),
    again: [retries({}), retries({ unknown: true }), retries({ mended: true })],
    isOfSeveral: throws(() => result.retry({ mended: true })),
  };
}

function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}

const number = fc.nat(5000);
const recipient: fc.Arbitrary<Recipient> = fc.oneof(
  { weight: 6, arbitrary: number.map(token) },
  number.map((n) => tokenOf(n)),
  fc.constant('not a token'),
  fc.constant('abcd'),
  number.map((n) => ({ token: token(n), payload: { aps: { badge: n } }, priority: 5 as const })),
  number.map((n) => ({ token: token(n), collapseId: `c${n}`, expiration: 1_900_000_000 })),
  number.map((n) => ({ token: token(n), apnsId: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` })),
  number.map((n) => ({ token: token(n), priority: 7 as never })),
  number.map((n) => new TokenBlock(Buffer.concat([tokenOf(n), tokenOf(n + 1)]), 32, 2)),
);
const message = fc
  .record({
    recipients: fc.oneof(
      { weight: 8, arbitrary: fc.array(recipient, { minLength: 1, maxLength: 1 }) },
      fc.array(recipient, { maxLength: 4 }),
      fc.array(number.map(token), { minLength: 9, maxLength: 20 }),
    ),
    alert: fc.string({ maxLength: 20 }).map((text) => `Hello ${text}`),
    options: fc.record(
      {
        collapseId: fc.constantFrom('news', 'sport'),
        expiration: fc.constantFrom(0, 1_900_000_000),
        priority: fc.constantFrom(10 as const, 5 as const),
        threadId: fc.constant('thread'),
        topic: fc.constantFrom('com.example.app', 'com.example.other'),
      },
      { requiredKeys: ['topic'] },
    ),
  })
  .map(({ recipients, alert, options }) => new Message(recipients, { alert, ...options }));

describe('send of many messages', () => {
  for (const form of ['array', 'iterable', 'async iterable'] as const) {
    it(`comes to what sends of one message each come to: ${form}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 25 }), async (messages) => {
          await using together = open({ onRequest: judgeFinally });
          await using apart = open({ onRequest: judgeFinally });
          const options: SendOptions = { retry: false, stopAtBadTokens: false };
          const single: Result[] = [];
          for (const one of messages) single.push(await apart.apns.send(one, options));
          const streams = {
            array: messages,
            iterable: new Set(messages),
            'async iterable': (async function* () {
              yield* messages;
            })(),
          };
          const result = await together.apns.send(streams[form], options);
          assert.deepEqual(everythingOf(result), everythingOf(Result.mergeAll(single)));
          assert.deepEqual(requestsOf(together.gateways.all), requestsOf(apart.gateways.all));
        }),
        { numRuns: 30 },
      );
    });
  }

  it('comes to the same with faults that pass', async () => {
    await using together = open({ onRequest: judge });
    await using apart = open({ onRequest: judge });
    const messages = Array.from({ length: 40 }, (_, n) =>
      n % 7 === 0 ? new Message([token(n), token(n + 100), token(n + 201)], { topic, badge: n }) : toOne(n),
    );
    const single = await Promise.all(messages.map((one) => apart.apns.send(one, { retry: false })));
    const result = await together.apns.send(messages, { retry: false });
    assert.deepEqual(everythingOf(result), everythingOf(Result.mergeAll(single)));
    assert.ok(result.needsRetry() && result.reasons.get('TooManyRequests')! > 3);
  });

  it('sends again within the budget of `retry`, and counts the requests', async () => {
    const times = new Map<number, number>();
    const onRequest: Judge = (gateway, streamId, index) => {
      const time = (times.get(index) ?? 0) + 1;
      times.set(index, time);
      if (index % 2 === 0 && time <= index / 2) gateway.reject(streamId, 503, '{"reason":"Shutdown"}');
      else gateway.accept(streamId);
    };
    await using gate = open({ onRequest });
    const result = await gate.apns.send([0, 1, 2, 4, 6].map(toOne), { retry: { attempts: 3, timeMs: 60_000 } });
    assert.deepEqual([result.accepted, result.resent], [4, 1 + 2 + 2]);
    assert.deepEqual([...result.failed.keys()], [token(6)]);
    assert.deepEqual(result.retryAll().length, 1);
  });

  it('keeps the count of what it has pulled and not sent below its limit', async () => {
    let requests = 0;
    let last: ScriptedGateway | null = null;
    await using gate = open({
      onRequest: (gateway) => {
        requests += 1;
        last = gateway;
      },
    });
    let pulled = 0;
    const source = function* (): Generator<Message> {
      for (const one of endless()) {
        pulled += 1;
        yield one;
      }
    };
    const abort = new AbortController();
    const sending = gate.apns.send(source(), { signal: abort.signal });
    while (requests === 0 || pulled < maxRecipientsUnderWay) await turn();
    for (let count = 0; count < 20; count++) await turn();
    assert.ok(pulled <= maxRecipientsUnderWay + maxMessagesOfTurn, `${pulled} pulled`);
    abort.abort();
    const { streamOf } = last!;
    for (const streamId of streamOf.values()) last!.accept(streamId);
    const { counts, stopped } = await sending;
    assert.equal(stopped?.code, 'ERR_PEAL_ABORTED');
    assert.equal(counts.recipients, pulled);
    assert.equal(counts.accepted, requests);
    assert.equal(counts.unsent, pulled - requests);
  });

  it('stops as a whole if the gateway cannot be reached, and leaves what was not pulled', async () => {
    const refused = new PealError('ERR_PEAL_CONNECT', 'Refused.', { origin: 'connect', retryable: true });
    await using gate = open(() => refused);
    const result = await gate.apns.send(endless());
    assert.equal(result.stopped?.code, 'ERR_PEAL_CONNECT');
    assert.equal(result.unsent.length, result.recipients);
    assert.ok(result.recipients <= maxRecipientsUnderWay + maxMessagesOfTurn);
    assert.ok(gate.gateways.attemptsAtMs.length <= 10, `${gate.gateways.attemptsAtMs.length} attempts`);
    assert.ok(result.needsRetry());
  });

  it('counts all messages of an array after a stop, and those of a stream if it is asked to', async () => {
    const refused = new PealError('ERR_PEAL_TLS', 'Not trusted.', { origin: 'connect' });
    await using gate = open(() => refused);
    const count = maxRecipientsUnderWay + 5_000;
    for (const messages of [list(count), list(count).values()]) {
      const result = await gate.apns.send(messages, { afterStop: 'unsent' });
      assert.equal(result.stopped?.code, 'ERR_PEAL_TLS');
      assert.equal(result.counts.unsent, count);
      assert.equal(result.needsRetry(), false);
      const again = result.retryAll({ mended: true });
      assert.deepEqual(again.length, count);
      assert.deepEqual([again[7]!.payload, [...result.unsent][7]], [toOne(7).payload, token(7)]);
    }
  });

  it('stops as a whole if the credential is refused again and again, and offers all of it to a mended one', async () => {
    await using gate = open({ onRequest: rejecting(403, 'InvalidProviderToken') });
    const count = maxRecipientsUnderWay + 2_000;
    const result = await gate.apns.send(list(count));
    assert.equal(result.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.equal(result.stopped.origin, 'credential');
    assert.ok(result.counts.rejected >= 10 && result.counts.unsent > 2_000, JSON.stringify(result.counts));
    assert.equal(result.recipients, count);
    assert.equal(result.needsRetry(), false);
    assert.equal(result.retryAll({ mended: true }).length, count);
  });

  it('stops if nearly every token is bad, and not if a message is refused', async () => {
    await using gate = open({ onRequest: rejecting(400, 'BadDeviceToken') });
    const bad = await gate.apns.send(list(20_000));
    assert.equal(bad.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.equal(bad.retryAll({ mended: true }).length, 20_000);
    assert.equal((await gate.apns.send(list(2_000), { stopAtBadTokens: false })).stopped, null);
    await using other = open({ onRequest: rejecting(413, 'PayloadTooLarge') });
    const refused = await other.apns.send(list(2_000));
    assert.deepEqual([refused.stopped, refused.counts.rejected], [null, 2_000]);
  });

  it('ends when the session is closed while its stream gives nothing', async () => {
    await using gate = open({});
    let pulls = 0;
    const source: AsyncIterable<Message> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          pulls += 1;
          return pulls === 1 ? Promise.resolve({ done: false, value: toOne(1) }) : new Promise(() => {});
        },
      }),
    };
    const sending = gate.apns.send(source);
    while (pulls < 2) await turn();
    await gate.session.close();
    const { stopped, counts, errors } = await sending;
    assert.equal(stopped?.code, 'ERR_PEAL_ABORTED');
    assert.equal(counts.recipients, 1);
    assert.match(errors.at(-1)!.explanation, /stream of messages/);
  });

  it('sends what came before a message that cannot be sent, and says which it was', async () => {
    await using gate = open({});
    const wrong = [toOne(1), toOne(2), 'text' as never, toOne(3)];
    await assert.rejects(gate.apns.send(wrong), { code: 'ERR_PEAL_OPTION' });
    assert.equal(gate.gateways.all.length, 0);
    const { stopped, accepted } = await gate.apns.send(wrong.values());
    assert.deepEqual([stopped?.code, accepted], ['ERR_PEAL_OPTION', 2]);
    assert.match(stopped!.message, /message 2 /);
    const broken = function* (): Generator<Message> {
      yield toOne(1);
      throw new Error('no more');
    };
    const failed = await gate.apns.send(broken());
    assert.deepEqual([failed.stopped?.code, failed.accepted], ['ERR_PEAL_INPUT', 1]);
  });

  it('reports progress and invalid recipients over all messages', async () => {
    await using gate = open({});
    const progress: Progress[] = [];
    const invalid: InvalidRecipient[] = [];
    const many = new Message(
      Array.from({ length: 100 }, (_, n) => (n === 50 ? 'x' : token(n))),
      { topic, alert: 'to many' },
    );
    const messages = [
      toOne(1),
      new Message(['y', token(2)], { topic, alert: 'to two' }),
      many,
      new Message(['z'], { badge: 1 }),
    ];
    const result = await gate.apns.send(messages, {
      onProgress: (now) => progress.push(now),
      onInvalid: (one) => invalid.push(one),
    });
    const sorted = invalid.sort((a, b) => a.index - b.index).map(({ index, text }) => [index, text]);
    assert.deepEqual(sorted, [
      [1, 'y'],
      [53, 'x'],
      [103, 'z'],
    ]);
    assert.deepEqual([result.invalid, result.counts.invalid, result.accepted], [[], 3, 101]);
    assert.deepEqual(progress.at(-1), {
      ...{ done: 104, accepted: 101, rejected: 0, unsent: 0, unknown: 0, invalid: 3 },
      ...{ total: 104, queued: 0 },
    });
  });

  it('stops if a callback throws', async () => {
    await using gate = open({});
    const onInvalid = (): void => {
      throw new Error('full disk');
    };
    const result = await gate.apns.send([new Message(['x'], { topic, badge: 1 }), ...list(5)], { onInvalid });
    assert.equal(result.stopped?.code, 'ERR_PEAL_INPUT');
    assert.equal(result.unsent.length, 5);
  });
});

describe('send of one message to one token', () => {
  it('comes to what a send with all its books comes to', async () => {
    await using lone = open({ onRequest: judgeFinally });
    await using full = open({ onRequest: judgeFinally });
    for (const given of [...Array.from({ length: 12 }, (_, n) => token(n)), tokenOf(20), 'no token', 'abcd']) {
      const one = new Message([given], { topic, alert: 'Hello', collapseId: 'c', expiration: 0 });
      const [a, b] = await Promise.all([lone.apns.send(one), full.apns.send(one, {})]);
      assert.deepEqual(everythingOf(a), everythingOf(b));
    }
    assert.deepEqual(requestsOf(lone.gateways.all), requestsOf(full.gateways.all));
  });

  it('says why it was stopped, and offers to be sent again', async () => {
    const refused = new PealError('ERR_PEAL_CONNECT', 'Refused.', { origin: 'connect', retryable: true });
    await using lone = open(() => refused);
    await using full = open(() => refused);
    const [a, b] = await Promise.all([lone.apns.send(toOne(1)), full.apns.send(toOne(1), {})]);
    assert.deepEqual(everythingOf(a), everythingOf(b));
    assert.equal(a.stopped?.code, 'ERR_PEAL_CONNECT');
  });

  it('rejects for a message that the credential cannot send', async () => {
    const { privateKey } = await import('node:crypto').then(({ generateKeyPairSync }) =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    );
    await using session = new Session({ threads: 0, backend: { open: () => assert.fail('connected') } });
    const key = { key: privateKey, keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ' };
    const apns = new APNs(session.getConnection('https://gateway.example', key));
    await assert.rejects(apns.send(new Message([token(1)], { alert: 'no topic' })), { code: 'ERR_PEAL_HEADER' });
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
