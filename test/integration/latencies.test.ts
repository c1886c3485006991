/** How long answers take, as a send counts them, in this thread and in others. */
import assert from 'node:assert/strict';
import { APNs, LatencyHistogram, Message, Session } from '../../src/index.js';
import { Http2Gateway } from '../support/http2-gateway.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');
const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
const delayMs = 30;

for (const threads of [0, 1, 2]) {
  describe(`latencies of a send, threads: ${threads}`, () => {
    let gateway: Http2Gateway;
    let session: Session;
    let apns: APNs;

    beforeEach(async () => {
      const seen = new Set<string>();
      gateway = await Http2Gateway.open({
        delayMs,
        // Every tenth is told to come again, and is accepted then.
        answer: (hex) => {
          if (Number.parseInt(hex, 16) % 10 !== 0 || seen.has(hex)) return { status: 200 };
          seen.add(hex);
          return { status: 503, body: '{"reason":"ServiceUnavailable"}' };
        },
      });
      session = new Session({ ca: gateway.ca, threads });
      apns = new APNs(session.getConnection(`https://127.0.0.1:${gateway.address.port}`, null));
    });

    afterEach(async () => {
      await session.shutdown();
      await gateway.close();
    });

    const send = async (from: number, count: number, latencies?: LatencyHistogram): Promise<void> => {
      const recipients = Array.from({ length: count }, (_, at) => token(from + at));
      const { accepted } = await apns.send(message, { recipients, ...(latencies && { latencies }) });
      assert.equal(accepted, count);
    };

    it('has one for each request, is read at any time, and may be given to several sends', async () => {
      const latencies = new LatencyHistogram();
      const other = new LatencyHistogram();
      let mostAtOnce = 0;
      const timer = setInterval(() => {
        mostAtOnce = Math.max(mostAtOnce, latencies.count);
      }, 5);
      await Promise.all([send(1, 2_000, latencies), send(10_001, 15, other), send(20_001, 15)]);
      clearInterval(timer);
      assert.equal(latencies.count, 2_200);
      assert.equal(other.count, 16);
      assert.ok(mostAtOnce > 0, 'nothing was counted before the end');
      const [least, most] = latencies.percentiles([0, 1]);
      assert.ok(least! >= delayMs - 2 && most! < 30_000, `${least} to ${most} ms`);
      await send(30_001, 15, latencies);
      assert.equal(latencies.count, 2_216);
    });
  });
}
