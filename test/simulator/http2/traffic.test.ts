/** The simulator under traffic: limits, windows, delay, many requests, and two books that agree. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import {
  LedgerDigest,
  type Simulator,
  type SimulatorOptions,
  scriptedToken,
  startSimulator,
} from '../../../src/simulator/index.js';
import { cases } from '../../support/cases.js';
import { answerOf, type PushAnswer, PushClient, tokenNumber } from '../../support/push-client.js';

describe('simulator: traffic', () => {
  const opened: (Simulator | PushClient)[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; client: PushClient }> {
    const simulator = await startSimulator({ controlPort: null, ...options });
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    opened.push(simulator, client);
    await client.ready();
    return { simulator, client };
  }

  /** Pushes to all tokens, `width` at a time; what came of each. */
  async function pushAll(client: PushClient, tokens: readonly string[], width: number): Promise<PushAnswer[]> {
    const answers: PushAnswer[] = new Array(tokens.length);
    let next = 0;
    const run = async (): Promise<void> => {
      for (let index = next++; index < tokens.length; index = next++)
        answers[index] = await client.push(tokens[index]!);
    };
    await Promise.all(Array.from({ length: width }, run));
    return answers;
  }

  it('books thousands of requests exactly as the client does', async () => {
    const { simulator, client } = await start({
      rejectFraction: 0.2,
      rejectReasons: ['Unregistered', 'BadDeviceToken', 'TooManyRequests'],
      seed: 99,
    });
    const count = cases(20_000, 4_000);
    const distinct = count * 0.95;
    const tokens = Array.from({ length: count }, (_, index) => tokenNumber(index % distinct));
    const answers = await pushAll(client, tokens, 400);
    const digest = new LedgerDigest();
    const reasons: Record<string, number> = {};
    answers.forEach((answer, index) => {
      digest.add(Buffer.from(tokens[index]!, 'hex'), answer.reason);
      if (answer.reason !== '') reasons[answer.reason] = (reasons[answer.reason] ?? 0) + 1;
      assert.equal(simulator.ledger.answerOf(tokens[index]!), answer.reason || 'accepted');
    });
    const summary = simulator.ledger.summary();
    assert.deepEqual({ ...summary.reasons }, reasons);
    assert.equal(summary.digest, digest.toString());
    assert.equal(summary.requests, count);
    assert.equal(summary.accepted + summary.rejected, count);
    assert.equal(summary.distinctTokens, distinct);
    assert.equal(summary.duplicates, count - distinct);
    assert.equal(summary.connections, 1);
    assert.equal(summary.payloadBytes, count * '{"aps":{}}'.length);
    assert.ok(
      summary.rejected > 0.175 * count && summary.rejected < 0.225 * count,
      `${summary.rejected} of ${count} at 20 %`,
    );
    assert.equal(Object.keys(reasons).length, 3);
  });

  it('rejects the same tokens in every run with the same seed', async () => {
    const tokens = Array.from({ length: 200 }, (_, index) => tokenNumber(index));
    const runs: string[] = [];
    for (const seed of [5, 5, 6]) {
      const { client } = await start({ rejectFraction: 0.5, seed });
      runs.push((await pushAll(client, tokens, 50)).map((answer) => answer.status).join());
    }
    assert.equal(runs[0], runs[1]);
    assert.notEqual(runs[0], runs[2]);
  });

  it('refuses what is above the stream limit, and serves the rest', async () => {
    // The limit counts before the client has seen it: streams opened with the preface meet it.
    const simulator = await startSimulator({ controlPort: null, maxStreams: 10, roundTripMs: 200 });
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    opened.push(simulator, client);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => client.push(tokenNumber(index))));
    const refused = answers.filter((answer) => answer.resetCode === constants.NGHTTP2_REFUSED_STREAM);
    const accepted = answers.filter((answer) => answer.status === 200);
    assert.equal(refused.length + accepted.length, 30);
    assert.ok(refused.length > 0 && accepted.length >= 10, `${refused.length} refused, ${accepted.length} accepted`);
    assert.equal(simulator.ledger.summary().refused, refused.length);
    assert.equal(simulator.ledger.summary().accepted, accepted.length);
  });

  it('takes large payloads through small windows', async () => {
    const { simulator, client } = await start({ initialWindowBytes: 100 });
    const payload = `{"a":"${'x'.repeat(4_000)}"}`;
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => client.push(tokenNumber(index), {}, payload)),
    );
    assert.ok(answers.every((answer) => answer.status === 200));
    assert.equal(simulator.ledger.summary().payloadBytes, 60 * payload.length);
  });

  it('holds back every answer for the round-trip time', async () => {
    const { client } = await start({ roundTripMs: 60 });
    const startedMs = performance.now();
    const answers = await Promise.all([client.push(tokenNumber(1)), client.push(tokenNumber(2))]);
    const tookMs = performance.now() - startedMs;
    assert.ok(answers.every((answer) => answer.status === 200));
    // A timer counts whole milliseconds, from the turn of the event loop that it was set in.
    assert.ok(tookMs >= 60 - 5, `answers after ${tookMs} ms`);
  });

  it('respects the windows of a client that gives little', async () => {
    const simulator = await startSimulator({ controlPort: null });
    opened.push(simulator);
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    opened.push(client);
    client.session.settings({ initialWindowSize: 5 });
    await once(client.session, 'localSettings');
    const answer = await client.push(scriptedToken('Unregistered'));
    assert.deepEqual([answer.status, answer.reason], [410, 'Unregistered']);
  });

  it('speaks to a client that allows no header table', async () => {
    const { client } = await start();
    client.session.settings({ headerTableSize: 0 });
    await once(client.session, 'localSettings');
    for (let index = 0; index < 3; index++) {
      const answer = await client.push(tokenNumber(index));
      assert.equal(answer.status, 200);
      assert.match(String(answer.headers['apns-id']), /^[0-9a-f-]{36}$/);
    }
    client.session.settings({ headerTableSize: 4096 });
    await once(client.session, 'localSettings');
    assert.equal((await client.push(scriptedToken('TooManyRequests'))).status, 429);
  });

  it('leaves scripted tokens without an answer, refuses or resets them', async () => {
    const { simulator, client } = await start();
    const refused = await client.push(`feed0001${'0'.repeat(56)}`);
    assert.equal(refused.resetCode, constants.NGHTTP2_REFUSED_STREAM);
    const reset = await client.push(`feed0002${'0'.repeat(56)}`);
    assert.equal(reset.resetCode, constants.NGHTTP2_INTERNAL_ERROR);
    const silent = client.session.request({
      ':method': 'POST',
      ':path': `/3/device/feed0000${'0'.repeat(56)}`,
      'apns-topic': 'com.example.app',
    });
    silent.end('{"aps":{}}');
    let isAnswered = false;
    void answerOf(silent).then((answer) => {
      isAnswered = answer.status !== 0;
    });
    assert.equal((await client.push(tokenNumber(1))).status, 200);
    assert.equal(isAnswered, false);
    const { requests, unanswered, refused: refusals } = simulator.ledger.summary();
    assert.deepEqual({ requests, unanswered, refusals }, { requests: 3, unanswered: 2, refusals: 1 });
    silent.close();
  });

  it('answers what is under way before it closes, and says good-bye twice', async () => {
    const { simulator, client } = await start({ roundTripMs: 30 });
    const goodbyes: number[] = [];
    client.session.on('goaway', (_code, lastStreamId: number) => goodbyes.push(lastStreamId));
    const underWay = Array.from({ length: 20 }, (_, index) => client.push(tokenNumber(index)));
    const closed = once(client.session, 'close');
    const closing = simulator.close();
    const answers = await Promise.all(underWay);
    await Promise.all([closing, closed]);
    assert.equal(answers.filter((answer) => answer.status === 200).length, 20);
    assert.equal(simulator.ledger.summary().accepted, 20);
    assert.equal(goodbyes[0], 2 ** 31 - 1);
  });
});
