/** Nobody waits for a gateway that keeps its end of a connection open though everything is answered. */
import assert from 'node:assert/strict';
import { closeTimeoutMs } from '../../src/base/limits.js';
import { APNs, Message, Session } from '../../src/index.js';
import { LingeringGateway } from '../support/lingering-gateway.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');
const count = 20;

for (const threads of [0, 1]) {
  for (const [what, goawayAfter] of [
    ['with its last answer', count],
    ['within its answers', 7],
    ['never', Number.POSITIVE_INFINITY],
  ] as const) {
    it(`a session is shut down at once by a gateway that says GOAWAY ${what}, threads: ${threads}`, async () => {
      const gateway = await LingeringGateway.open(goawayAfter);
      const session = new Session({ ca: gateway.ca, threads });
      try {
        const apns = new APNs(session.getConnection(gateway.url, null));
        const tokens = Array.from({ length: count }, (_, number) => token(number));
        const result = await apns.send(new Message(tokens, { alert: 'hi', topic: 'com.example.app' }));
        const answeredAtMs = performance.now();
        await session.shutdown();
        const tookMs = performance.now() - answeredAtMs;
        assert.equal(result.accepted, count);
        // What it took before is a timer: nothing is as slow as that on a machine that is only busy.
        assert.ok(tookMs < closeTimeoutMs, `the shutdown took ${tookMs} ms`);
      } finally {
        await session.shutdown();
        await gateway.close();
      }
    });
  }
}
