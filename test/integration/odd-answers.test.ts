/**
 * Answers that APNs does not give, and that a gateway or a proxy before it may: the status decides, and is told apart.
 */
import assert from 'node:assert/strict';
import { APNs, Message, type Result, type SendOptions, Session } from '../../src/index.js';
import { Http2Gateway } from '../support/http2-gateway.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');
const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
const largeBodyBytes = 70_000;

for (const threads of [0, 1]) {
  describe(`odd answers, threads: ${threads}`, () => {
    let gateway: Http2Gateway;
    let session: Session;

    afterEach(async () => {
      await session.shutdown();
      await gateway.close();
    });

    async function send(count: number, options: SendOptions = {}): Promise<Result> {
      session = new Session({ ca: gateway.ca, threads });
      const apns = new APNs(session.getConnection(`https://127.0.0.1:${gateway.address.port}`, null));
      return apns.send(message, {
        recipients: Array.from({ length: count }, (_, number) => token(number)),
        ...options,
      });
    }

    it('stops after ten answers of any one status that is not 200, and names it', async () => {
      for (const status of [201, 202, 204, 255]) {
        gateway = await Http2Gateway.open({ answer: () => ({ status }) });
        const result = await send(500);
        assert.equal(result.stopped?.code, 'ERR_PEAL_STOPPED');
        assert.match(result.stopped.message, new RegExp(`^Stopped after 10 answers "HTTP ${status}" in a row`));
        assert.match(result.stopped.message, /check that host and port are those of an APNs gateway/);
        const { accepted, rejected, unsent, unknown } = result.counts;
        assert.deepEqual([accepted, rejected + unsent, unknown], [0, 500, 0]);
        assert.equal(result.failed.size, rejected);
        assert.deepEqual([...result.reasons], [[`HTTP ${status}`, rejected]]);
        await session.shutdown();
        await gateway.close();
      }
      gateway = await Http2Gateway.open();
    });

    it('counts answers 202 among others as rejected, with the recipient', async () => {
      gateway = await Http2Gateway.open({
        answer: (hex) => ({ status: Number.parseInt(hex, 16) % 2 === 0 ? 200 : 202 }),
      });
      const result = await send(500);
      assert.deepEqual([result.accepted, result.counts.rejected, result.failed.size], [250, 250, 250]);
      const failure = result.failed.get(token(1))!;
      assert.deepEqual([failure.status, failure.class, failure.isTransient], [202, 'request', false]);
      assert.deepEqual(
        result.errors.map(({ reason, count }) => [reason, count]),
        [['HTTP 202', 250]],
      );
      assert.equal(result.stopped, null);
    });

    it('goes by the status of an answer whose body is too large to be kept', async () => {
      const page = 'x'.repeat(largeBodyBytes);
      gateway = await Http2Gateway.open({
        answer: (hex) => {
          const number = Number.parseInt(hex, 16);
          if (number % 4 === 0) return { status: 200, body: page };
          if (number % 4 === 1) return { status: 410, body: `{"reason":"Unregistered","pad":"${page}"}` };
          if (number % 4 === 2) return { status: 400, body: `<html>${page}</html>` };
          return { status: 503, body: page };
        },
      });
      const result = await send(40, { retry: false });
      const { accepted, rejected, unsent, unknown } = result.counts;
      assert.deepEqual([accepted, rejected, unsent, unknown], [10, 30, 0, 0]);
      const [gone, bad, busy] = [1, 2, 3].map((number) => result.failed.get(token(number))!);
      assert.deepEqual([gone!.status, gone!.reason, gone!.class], [410, 'Unregistered', 'gone']);
      assert.deepEqual([bad!.status, bad!.reason, bad!.class], [400, '', 'request']);
      assert.deepEqual([busy!.status, busy!.class], [503, 'transient']);
      assert.equal(gateway.repeated.length, 0);
    });
  });
}
