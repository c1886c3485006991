/**
 * What `onUnknown: 'resend'` puts on the wire, as a server that is not ours reads it: each request for one recipient
 * names the same notification.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { APNs, Message, type Recipient, type Result, type SendOptions, Session } from '../../src/index.js';
import { randomTokens } from '../cli/fixture.js';
import { Http2Gateway } from '../support/http2-gateway.js';

const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const unavailable = { status: 503, body: '{"reason":"ServiceUnavailable"}' };

describe('sending again to recipients that are unknown', () => {
  let gateway: Http2Gateway;
  let session: Session;

  /** Those whose first request is answered. Where nobody's is, a sender slows down and asks with single requests. */
  const wellServed = new Set<string>();

  beforeEach(async () => {
    wellServed.clear();
    // Nobody knows of the first request, the second comes at a bad time, the third is accepted.
    const answers = ['reset', unavailable, { status: 200 }] as const;
    const answer = (token: string) => answers[wellServed.has(token) ? 2 : gateway.seen.get(token)! - 1]!;
    gateway = await Http2Gateway.open({ answer });
  });

  afterEach(async () => {
    await session.shutdown();
    await gateway.close();
  });

  async function send(threads: number, recipients: readonly Recipient[], options: SendOptions): Promise<Result> {
    session = new Session({ ca: gateway.ca, threads });
    const apns = new APNs(session.getConnection(`https://127.0.0.1:${gateway.address.port}`, null));
    const message = new Message(recipients, { alert: 'Hello', topic: 'com.example.app' });
    return await apns.send(message, options);
  }

  for (const threads of [0, 2]) {
    it(`keeps the apns-id of each, made where it has none, threads: ${threads}`, async () => {
      const tokens = randomTokens(60);
      const own = randomUUID();
      const badlyServed = [
        ...tokens.slice(0, 40),
        ...tokens.slice(40, 59).map((token) => ({ token, payload: { aps: { alert: token.slice(0, 4) } } })),
        { token: tokens[59]!, apnsId: own },
      ];
      for (const token of randomTokens(8 * 60)) wellServed.add(token);
      const others = [...wellServed];
      const recipients = badlyServed.flatMap((recipient, index) => [
        ...others.slice(8 * index, 8 * index + 8),
        recipient,
      ]);
      const result = await send(threads, recipients, { onUnknown: 'resend' });
      assert.deepEqual([result.counts.accepted, result.resent], [9 * 60, 120]);
      const ids = tokens.map((token) => gateway.apnsIds.get(token)!);
      for (const of of ids) assert.deepEqual([of.length, new Set(of).size], [3, 1]);
      assert.equal(new Set(ids.flat()).size, 60, 'each has its own');
      for (const [id] of ids.slice(0, 59)) assert.match(id!, version4);
      assert.equal(ids[59]![0], own);
    });
  }

  it('leaves the apns-id to APNs where unknown ones are reported', async () => {
    const [token] = randomTokens(1);
    const result = await send(0, [token!], {});
    assert.equal(result.counts.unknown, 1);
    assert.deepEqual(gateway.apnsIds.get(token!), ['']);
  });
});
