/** Single pushes against the simulator's memory gateway: each has one outcome, and the books of the gateway agree. */
import assert from 'node:assert/strict';
import { createMemoryBackend } from '../../../src/backend.js';
import {
  APNs,
  createMemoryGateway,
  Message,
  type PushOutcome,
  Session,
  scriptedToken,
  systemClock,
} from '../../../src/index.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');

describe('push', () => {
  it('resolves with the one outcome of one token, whatever it says', async () => {
    const gateway = await createMemoryGateway();
    await using session = new Session({
      threads: 0,
      backend: createMemoryBackend(gateway.accept, { clock: systemClock }),
    });
    const apns = new APNs(session.getConnection('https://gateway.example', null));
    const outcomes = await Promise.all(
      Array.from({ length: 3_000 }, (_, number) =>
        apns.push({ topic: 'com.example.app', alert: `Number ${number}` }, token(number)),
      ),
    );
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'accepted').length, 3_000);
    assert.equal(new Set(outcomes.map(({ apnsId }) => apnsId)).size, 3_000);
    assert.equal(gateway.ledger.summary().accepted, 3_000);
    gateway.close();
  });

  it('calls a token invalid that is not one, and never shows it whole', async () => {
    await using session = new Session({ backend: { open: () => assert.fail('connected') } });
    const apns = new APNs(session.getConnection('https://gateway.example', null));
    const message = new Message([], { topic: 'com.example.app', alert: 'Hello' });
    const { outcome, error } = await apns.push(message, `${'ab'.repeat(31)}xy`);
    assert.equal(outcome, 'invalid');
    assert.equal(error?.code, 'ERR_PEAL_TOKEN');
    assert.doesNotMatch(error.message, /(ab){10}/);
  });

  it('says that a token is missing, or what was given in its place', async () => {
    await using session = new Session({ backend: { open: () => assert.fail('connected') } });
    const apns = new APNs(session.getConnection('https://gateway.example', null));
    const message = new Message([], { topic: 'com.example.app', alert: 'Hello' });
    const given = [undefined, [token(1)]] as unknown as string[];
    const sentences = given.map(async (wrong) => (await apns.push(message, wrong)).error?.message);
    assert.deepEqual(await Promise.all(sentences), [
      'The token is undefined, not a device token.',
      'The token is an array, not a device token.',
    ]);
  });

  it('tells the compiler by its outcome which fields are there', async () => {
    const gateway = await createMemoryGateway();
    await using session = new Session({ backend: createMemoryBackend(gateway.accept, { clock: systemClock }) });
    const apns = new APNs(session.getConnection('https://gateway.example', null));
    const message = new Message([], { topic: 'com.example.app', alert: 'Hello' });
    const textOf = (push: PushOutcome): string => {
      if (push.outcome === 'accepted') return `${push.status.toFixed()} ${push.apnsId.length}`;
      return push.outcome === 'rejected' ? `${push.status.toFixed()} ${push.reason.trim()}` : push.error.code;
    };
    const tokens = [token(1), scriptedToken('Unregistered'), 'no token'];
    const texts = await Promise.all(tokens.map(async (each) => textOf(await apns.push(message, each))));
    assert.deepEqual(texts, ['200 36', '410 Unregistered', 'ERR_PEAL_TOKEN']);
    gateway.close();
  });

  it('is unsent, and breaks nothing, when its session is closed in the turn in which it was pushed', async () => {
    const gateway = await createMemoryGateway();
    const session = new Session({ backend: createMemoryBackend(gateway.accept, { clock: systemClock }) });
    const apns = new APNs(session.getConnection('https://gateway.example', null));
    const message = new Message([], { topic: 'com.example.app', alert: 'Hello' });
    await apns.push(message, token(1));
    const last = apns.push(message, token(2));
    await session.close();
    const { outcome, error } = await last;
    assert.equal(outcome, 'unsent');
    assert.equal(error?.code, 'ERR_PEAL_ABORTED');
    gateway.close();
  });
});
