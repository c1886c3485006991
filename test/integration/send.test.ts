/**
 * The whole way: Session, engine (in this thread, and in two of its own), connections, TLS, simulator; and the sender's
 * books against the simulator's.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import {
  APNs,
  Message,
  type Recipient,
  Result,
  Session,
  type SessionOptions,
  type Simulator,
  scriptedToken,
  startSimulator,
  TokenBlock,
} from '../../src/index.js';
import { quietPort } from '../support/quiet-port.js';

const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const credential = { key: signer.privateKey, keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST' };
const providerKeys = [{ keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST', publicKey: signer.publicKey }];
const options = { alert: 'Hello', topic: 'com.example.app' } as const;
const plainToken = (): string => `00${randomBytes(31).toString('hex')}`;
/** What the simulator's script is asked for, and how often. */
const scripted = { Unregistered: 200, BadDeviceToken: 50, TooManyRequests: 30, DeviceTokenNotForTopic: 7 } as const;

function mixedTokens(count: number): string[] {
  const tokens = Object.entries(scripted).flatMap(([reason, times]) =>
    Array.from({ length: times }, (_, index) => scriptedToken(reason, index)),
  );
  while (tokens.length < count) tokens.splice((tokens.length * 7919) % tokens.length, 0, plainToken());
  return tokens;
}

function* inBlocks(tokens: readonly string[]): Generator<TokenBlock> {
  for (let at = 0; at < tokens.length; at += 1000) {
    const part = tokens.slice(at, at + 1000);
    yield new TokenBlock(Buffer.from(part.join(''), 'hex'), 32, part.length);
  }
}

describe('sending through the engine to the simulator', () => {
  let simulator: Simulator;
  let session: Session;

  beforeEach(async () => {
    simulator = await startSimulator({ auth: 'token', providerKeys, controlPort: null });
  });

  afterEach(async () => {
    await session?.shutdown();
    await simulator.close();
  });

  function open(more: SessionOptions = {}): APNs {
    session = new Session({ ca: simulator.caCertificate!, ...more });
    return new APNs(session.getConnection(simulator.url, credential));
  }

  for (const threads of [0, 2]) {
    it(`agrees with the simulator's ledger about 20,000 tokens, threads: ${threads}`, async () => {
      const tokens = mixedTokens(20_000);
      const result = await open({ threads }).send(new Message([...tokens, 'no token'], options), { retry: false });
      const rejected = Object.values(scripted).reduce<number>((sum, count) => sum + count, 0);
      const { accepted, unsent, unknown, invalid, recipients } = result.counts;
      assert.deepEqual([recipients, accepted, unsent, unknown, invalid], [20_001, 20_000 - rejected, 0, 0, 1]);
      assert.deepEqual(Object.fromEntries(result.reasons), scripted);

      const ledger = simulator.ledger.summary();
      assert.deepEqual([ledger.requests, ledger.distinctTokens, ledger.duplicates], [20_000, 20_000, 0]);
      assert.deepEqual([ledger.accepted, ledger.reasons], [accepted, scripted]);
      for (const token of tokens) {
        assert.equal(simulator.ledger.answerOf(token), result.failed.get(token)?.reason ?? 'accepted');
      }
      assert.equal(result.gone.size, 200);
      assert.ok([...result.gone.values()].every((since) => since instanceof Date));
      assert.equal(result.retry()?.tokens.length, 1);
    });
  }

  it('sends again to those alone whose fault passes, as often as it may', async () => {
    const passing = Array.from({ length: 5 }, (_, index) => scriptedToken('ServiceUnavailable', index));
    const tokens = [...passing, ...Array.from({ length: 500 }, plainToken), scriptedToken('Unregistered', 7)];
    const result = await open().send(new Message(tokens, options), { retry: { attempts: 2 } });
    assert.deepEqual([result.accepted, result.failed.size, result.resent], [500, 6, 5]);
    const { requests, distinctTokens, duplicates } = simulator.ledger.summary();
    assert.deepEqual([requests, distinctTokens, duplicates], [511, 506, 5]);
    for (const token of passing) assert.equal(simulator.ledger.recordOf(token)?.requests, 2);
  });

  it('stops before a list of the other environment is burnt', async () => {
    const tokens = Array.from({ length: 20_000 }, (_, index) => scriptedToken('BadDeviceToken', index));
    const result = await open().send(new Message(tokens, options));
    assert.equal(result.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.match(result.stopped.message, /BadDeviceToken.*environment/);
    assert.ok(result.counts.rejected < 10_000, `${result.counts.rejected} rejected`);
    assert.equal(result.counts.rejected + result.counts.unsent, 20_000);
    assert.equal(simulator.ledger.summary().requests, result.counts.rejected);
  });

  it('takes recipients in every form from a stream', async () => {
    const tokens = Array.from({ length: 3000 }, plainToken);
    const payload = { aps: { alert: 'only for you' } };
    const recipients = async function* (): AsyncGenerator<Recipient> {
      yield* tokens.slice(0, 500);
      yield* inBlocks(tokens.slice(500, 2000));
      for (const token of tokens.slice(2000, 2500)) yield Buffer.from(token, 'hex');
      for (const token of tokens.slice(2500)) yield { token, payload };
    };
    const result = await open().send(new Message([], options), { recipients: recipients() });
    assert.equal(result.accepted, 3000, inspect(result));
    const { requests, duplicates, payloadBytes } = simulator.ledger.summary();
    const shared = new Message([], options).payload.length;
    assert.deepEqual(
      [requests, duplicates, payloadBytes],
      [3000, 0, 2500 * shared + 500 * JSON.stringify(payload).length],
    );
  });

  it('runs many small sends of different messages side by side', async () => {
    const apns = open();
    const sends = Array.from({ length: 500 }, (_, number) =>
      apns.send(new Message(plainToken(), { ...options, badge: number })),
    );
    const total = (await Promise.all(sends)).reduce(Result.merge, new Result());
    assert.deepEqual([total.recipients, total.accepted], [500, 500]);
    assert.equal(simulator.ledger.summary().requests, 500);
  });

  it('stops early when the gateway refuses everything, and keeps what it did not send', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    session = new Session({ ca: simulator.caCertificate! });
    const apns = new APNs(session.getConnection(simulator.url, { ...credential, key: stranger.privateKey }));
    const result = await apns.send(new Message(Array.from({ length: 5000 }, plainToken), options));
    assert.equal(result.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.match(result.stopped.message, /InvalidProviderToken/);
    const { recipients, rejected, unsent } = result.counts;
    assert.deepEqual([recipients, rejected + unsent], [5000, 5000]);
    assert.equal(simulator.ledger.summary().requests, rejected);
    assert.equal(result.needsRetry(), false);
  });

  it('resolves with everything unsent when the gateway is not trusted or not there', async () => {
    const message = new Message(Array.from({ length: 2000 }, plainToken), options);
    session = new Session({ connectTimeoutMs: 60_000 });
    const untrusted = await new APNs(session.getConnection(simulator.url, credential)).send(message);
    assert.deepEqual([untrusted.stopped?.code, untrusted.counts.unsent], ['ERR_PEAL_TLS', 2000]);
    assert.equal(untrusted.needsRetry(), false);
    const nowhere = `https://127.0.0.1:${await quietPort()}`;
    const absent = await new APNs(session.getConnection(nowhere, credential)).send(message);
    assert.deepEqual([absent.stopped?.code, absent.counts.unsent], ['ERR_PEAL_CONNECT', 2000]);
    assert.equal(absent.needsRetry(), true);
    assert.ok(absent.delay(() => 0.5) > 0);
  });

  it('resolves a send that was aborted in the middle, with nothing lost and nothing sent twice', async () => {
    const abort = new AbortController();
    const tokens = Array.from({ length: 60_000 }, plainToken);
    const result = await open({ threads: 1 }).send(new Message(tokens, options), {
      signal: abort.signal,
      onProgress: ({ accepted }) => accepted > 0 && abort.abort(),
    });
    const { recipients, accepted, unsent, unknown } = result.counts;
    assert.deepEqual([recipients, accepted + unsent, unknown], [60_000, 60_000, 0]);
    const { requests, duplicates } = simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [accepted, 0]);
    for (const token of result.unsent) assert.equal(simulator.ledger.answerOf(token), null);
  });

  it('sends again after a shutdown, with the same provider token', async () => {
    const apns = open({ threads: 1 });
    assert.equal((await apns.send(new Message(plainToken(), options))).accepted, 1);
    await session.shutdown();
    assert.deepEqual((await session.stats()).shards, []);
    assert.equal((await apns.send(new Message(plainToken(), options))).accepted, 1);
  });

  it('ends running sends when the session is shut down, with every recipient in an outcome', async () => {
    const apns = open();
    const running = apns.send(new Message(Array.from({ length: 100_000 }, plainToken), options));
    await apns.send(new Message(plainToken(), options));
    await session.shutdown();
    const { counts, stopped } = await running;
    assert.equal(counts.recipients, 100_000);
    assert.equal(counts.accepted + counts.unsent + counts.unknown, 100_000);
    assert.ok(stopped === null || stopped.code === 'ERR_PEAL_ABORTED');
  });

  it('keeps the books of a send that begins in the moment of a shutdown, and offers to send it again', async () => {
    const apns = open();
    await apns.send(new Message(plainToken(), options));
    const late = apns.send(new Message([plainToken(), plainToken()], options));
    await session.shutdown();
    const result = await late;
    assert.deepEqual([result.recipients, result.counts.unsent], [2, 2]);
    assert.equal(result.stopped?.code, 'ERR_PEAL_ABORTED');
    assert.equal((await apns.send(result.retry()!)).accepted, 2);
  });

  it('shows no key and no provider token in results, errors or logs', async () => {
    const lines: string[] = [];
    const log = (fields: object, message: string): void =>
      void lines.push(`${inspect(fields, { depth: 20 })}${JSON.stringify(fields)} ${message}`);
    const logger = { trace: log, debug: log, info: log, warn: log, error: log };
    const result = await open({ threads: 1, logger }).send(
      new Message([plainToken(), scriptedToken('InvalidProviderToken')], options),
    );
    const shown =
      lines.join('\n') + inspect(result, { depth: 20 }) + JSON.stringify(result) + inspect(session, { depth: 20 });
    const secret = signer.privateKey.export({ format: 'jwk' }).d!;
    for (const canary of [secret, 'PRIVATE KEY', 'eyJ']) assert.ok(!shown.includes(canary), canary);
  });
});
