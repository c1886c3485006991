/** How long answers take: from the hand-out of a request to its connection until its answer was read. */
import assert from 'node:assert/strict';
import { range } from '../../support/book-source.js';
import { type ScriptedGateway, streams } from '../../support/scripted-gateway.js';
import { usePool } from '../../support/use-pool.js';

describe('latencies of an HTTP/2 connection', () => {
  const pools = usePool();
  /** Answers recipient n after (n + 1) * 10 ms, every third with a rejection. */
  const answerLater = (gateway: ScriptedGateway, id: number, index: number): void => {
    const answer = (): void => (index % 3 === 2 ? gateway.reject(id, 400, '{}') : gateway.accept(id));
    pools.last.clock.setTimer(answer, (index + 1) * 10);
  };

  it('are exact for each answer, accepted or rejected', () => {
    const h = pools.make({
      recipients: 12,
      timedFrom: 0,
      pool: { maxConnections: 1 },
      script: () => ({ settings: streams(3), onRequest: answerLater }),
    });
    h.run(1_000);
    assert.deepEqual(
      h.source.latencies.toSorted((a, b) => a.index - b.index),
      range(0, 12).map((index) => ({ index, ms: (index + 1) * 10 })),
    );
  });

  it('are not told where no run asks, and from the first run that does for all that follow', () => {
    const h = pools.make({
      ...{ recipients: 9, runSize: 3, timedFrom: 3 },
      pool: { maxConnections: 1 },
      script: () => ({ settings: streams(3), onRequest: answerLater }),
    });
    h.run(1_000);
    const timed = h.source.latencies.filter(({ index }) => index >= 3);
    assert.deepEqual(
      timed.toSorted((a, b) => a.index - b.index),
      range(3, 9).map((index) => ({ index, ms: (index + 1) * 10 })),
    );
    const quiet = pools.make({ recipients: 50 });
    quiet.run(1_000);
    assert.equal(quiet.source.count('accepted'), 50);
    assert.deepEqual(quiet.source.latencies, []);
  });

  it('do not count the time that a request waits for the write before it', () => {
    // Pieces of 500 bytes, one each 20 ms, and no more than that under way: each write waits for the one before.
    const h = pools.make({
      ...{ recipients: 40, timedFrom: 0 },
      pool: { maxConnections: 1 },
      memory: { bufferBytes: 500, pieceBytes: (waiting) => Math.min(waiting, 500), delayMs: () => 20 },
      script: () => ({
        settings: streams(4),
        onRequest: (gateway, id) => gateway.accept(id),
      }),
    });
    h.run(60_000);
    assert.equal(h.source.latencies.length, 40);
    const lastMs = Math.max(...h.source.latencies.map(({ ms }) => ms));
    // A write has four requests at most: under 2,000 bytes, which take 80 ms, and the answers come within 40 more.
    assert.ok(lastMs <= 160, `${lastMs} ms`);
    assert.ok(h.source.latencies.every(({ ms }) => ms >= 40 && Number.isInteger(ms)));
  });
});
