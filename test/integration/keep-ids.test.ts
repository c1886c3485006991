/** The ids that a gateway names in its answers, where a send asks for them and where it does not. */
import assert from 'node:assert/strict';
import { ACCEPTED, APNs, Message, type SendOptions, Session, type SettledBatch } from '../../src/index.js';
import { Http2Gateway } from '../support/http2-gateway.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');
const numberOf = (hex: string): number => Number.parseInt(hex, 16);
const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
const idOf = (number: number, of: string): string => `${of.repeat(8)}-0000-4000-8000-${token(number).slice(-12)}`;

/** Answers 200 with both ids, with a body, without a unique id, with none; and 410 with both. */
function answer(hex: string) {
  const number = numberOf(hex);
  const apnsId = { 'apns-id': idOf(number, 'a') };
  const both = { ...apnsId, 'apns-unique-id': idOf(number, 'b') };
  if (number % 5 === 0) return { status: 200, headers: both };
  if (number % 5 === 1) return { status: 200, headers: both, body: '{}' };
  if (number % 5 === 2) return { status: 200, headers: apnsId };
  if (number % 5 === 3) return { status: 200 };
  return { status: 410, headers: both, body: '{"reason":"Unregistered"}' };
}

const expectedIds = (number: number) => ({
  apnsId: number % 5 === 3 ? null : idOf(number, 'a'),
  apnsUniqueId: number % 5 < 2 ? idOf(number, 'b') : null,
});

for (const threads of [0, 1]) {
  describe(`ids of notifications, threads: ${threads}`, () => {
    let gateway: Http2Gateway;
    let session: Session;
    let apns: APNs;

    beforeEach(async () => {
      gateway = await Http2Gateway.open({ answer });
      session = new Session({ ca: gateway.ca, threads });
      apns = new APNs(session.getConnection(`https://127.0.0.1:${gateway.address.port}`, null));
    });

    afterEach(async () => {
      await session.shutdown();
      await gateway.close();
    });

    const send = (from: number, count: number, options: SendOptions = {}) =>
      apns.send(message, { recipients: Array.from({ length: count }, (_, at) => token(from + at)), ...options });

    it('are in the result of a send that asks for them, and in that of no other on the same connection', async () => {
      const before = await send(0, 1500);
      const kept = await send(2000, 1500, { keepIds: true });
      const after = await send(4000, 1500);
      assert.deepEqual([before.accepted, kept.accepted, after.accepted], [1200, 1200, 1200]);
      for (const result of [before, after]) {
        assert.equal(result.acceptedIds.size, 0);
        assert.ok([...result.failed.values()].every(({ apnsId, apnsUniqueId }) => apnsId && apnsUniqueId === null));
      }
      assert.equal(kept.acceptedIds.size, 1200);
      for (const [hex, ids] of kept.acceptedIds) assert.deepEqual(ids, expectedIds(numberOf(hex)));
      const failure = kept.failed.get(token(2004))!;
      assert.deepEqual([failure.apnsId, failure.apnsUniqueId], [idOf(2004, 'a'), idOf(2004, 'b')]);
      assert.deepEqual(kept.toJSON().acceptedIds?.[token(2000)], expectedIds(2000));
    });

    it('come with the settled batches where the program takes the outcomes', async () => {
      const seen = new Map<string, unknown>();
      const outcomes = {
        settled: ({ tokens, ledger, ids }: SettledBatch): void => {
          for (let index = 0; index < ledger.length; index++) {
            if (ledger[index] !== ACCEPTED) continue;
            seen.set(tokens.textAt(index), { apnsId: ids!.apnsIds[index], apnsUniqueId: ids!.apnsUniqueIds[index] });
          }
        },
      };
      const result = await send(0, 3000, { keepIds: true, outcomes });
      assert.equal(result.acceptedIds.size, 0);
      assert.equal(seen.size, 2400);
      for (const [hex, ids] of seen) assert.deepEqual(ids, expectedIds(numberOf(hex)));
    });

    it('are those of the request that was accepted, where a recipient was sent to again', async () => {
      await gateway.close();
      gateway = await Http2Gateway.open({
        answer: (hex, requests) => (requests <= 20 ? { status: 503 } : answer(hex)),
      });
      session = new Session({ ca: gateway.ca, threads });
      apns = new APNs(session.getConnection(`https://127.0.0.1:${gateway.address.port}`, null));
      const result = await apns.send(message, {
        recipients: Array.from({ length: 20 }, (_, at) => token(at * 5)),
        keepIds: true,
      });
      assert.equal(result.resent, 20);
      assert.equal(result.acceptedIds.size, 20);
      for (const [hex, ids] of result.acceptedIds) assert.deepEqual(ids, expectedIds(numberOf(hex)));
    });
  });
}
