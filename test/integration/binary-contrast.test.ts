/**
 * What lost notifications with clients of the binary protocol: a bad device token early in a long list, and a gateway
 * that says so only when thousands have been written after it. All that it discards has to be sent again, nothing
 * twice.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import type { Result } from '../../src/session/message/result.js';
import { Session } from '../../src/session/session.js';
import { scriptedBinaryToken } from '../../src/simulator/books/binary-script.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';

const count = 5_000;
const badAt = 700;

describe('a bad device token among 5,000, with a status that takes 200 ms', () => {
  let simulator: Simulator;
  beforeEach(async () => {
    simulator = await startSimulator({ binaryPort: 0, statusDelayMs: 200 });
  });
  afterEach(() => simulator.close());

  const bad = scriptedBinaryToken(8);
  const tokens = Array.from({ length: count }, (_, at) =>
    at === badAt ? bad : `00${randomBytes(31).toString('hex')}`,
  );

  async function send(threads: number): Promise<Result> {
    await using session = new Session({ threads, ca: simulator.caCertificate! });
    const apns = new APNs(session.getConnection(simulator.binaryUrl!, null));
    return await apns.send(new Message([], { alert: 'Hello' }), { recipients: tokens });
  }

  for (const threads of [0, 1]) {
    it(`loses none and sends none twice, with ${threads === 0 ? 'this thread' : 'a worker thread'}`, async () => {
      const result = await send(threads);
      assert.deepEqual(
        [result.counts.accepted, result.counts.rejected, result.counts.unsent, result.counts.unknown],
        [count - 1, 1, 0, 0],
      );
      assert.equal(result.failed.get(bad)?.reason, 'Invalid token');
      const { accepted, rejected, duplicates } = simulator.ledger.summary();
      assert.deepEqual({ accepted, rejected, duplicates }, { accepted: count - 1, rejected: 1, duplicates: 0 });
    });
  }
});
