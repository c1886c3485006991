/** Every recipient has exactly one outcome, and none is called accepted that was not, whatever a gateway does. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BinaryGateway, BinaryScript } from '../../support/binary-gateway.js';
import { cases } from '../../support/cases.js';
import { useBinaryPool } from '../../support/use-pool.js';

type Fault = 'refuse' | 'shutdown' | 'end' | 'drop' | 'stray' | 'zero' | 'split' | 'none';

const faults = fc.constantFrom<Fault>('refuse', 'shutdown', 'end', 'drop', 'stray', 'zero', 'split', 'none');
const plan = fc.record({
  fault: faults,
  /** After how many notifications of the connection. */
  after: fc.integer({ min: 0, max: 60 }),
  status: fc.constantFrom(1, 2, 3, 5, 8, 10, 128, 255, 77),
  delayMs: fc.constantFrom(0, 0, 5, 200),
  flush: fc.constantFrom('identifier', 'zero', 'end', 'silence'),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

function commit(gateway: BinaryGateway, { fault, status }: Plan, identifier: number): number | undefined {
  switch (fault) {
    case 'refuse':
      return status === 10 ? 8 : status;
    case 'shutdown':
      gateway.refuse(10, identifier - 1);
      return undefined;
    case 'end':
      gateway.stopReading();
      gateway.end();
      return undefined;
    case 'drop':
      gateway.stopReading();
      gateway.drop();
      return undefined;
    case 'stray':
      gateway.refuse(status, 70_000);
      return undefined;
    case 'zero':
      // Status 2 would be the answer to a flush: no gateway says it of a notification that has a token.
      gateway.refuse(status === 2 ? 1 : status, 0);
      return undefined;
    case 'split':
      gateway.stopReading();
      gateway.answer(8, identifier, { piece: 2 });
      return undefined;
    case 'none':
      return undefined;
  }
}

function scriptOf(each: Plan): BinaryScript {
  let read = 0;
  return {
    statusDelayMs: each.delayMs,
    judge: (_, gateway) => (read++ === each.after ? commit(gateway, each, gateway.identifier) : undefined),
    onFlush: (identifier, gateway) => {
      if (each.flush === 'identifier') gateway.refuse(2, identifier);
      if (each.flush === 'zero') gateway.refuse(2, 0);
      if (each.flush === 'end') gateway.end();
    },
  };
}

describe('connection/binary/binary-connection, conservation', () => {
  const pools = useBinaryPool();

  it('gives every recipient one outcome, true to what the gateway delivered', async () => {
    const scenario = fc.record({
      recipients: fc.integer({ min: 1, max: 300 }),
      plans: fc.array(plan, { maxLength: 8 }),
      pieceBytes: fc.integer({ min: 1, max: 5000 }),
      flush: fc.boolean(),
      maxConnections: fc.integer({ min: 1, max: 3 }),
      writeBufferSize: fc.constantFrom(300, 2048, 65_536),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ recipients, plans, pieceBytes, flush, maxConnections, writeBufferSize }) => {
        const harness = pools.make({
          recipients,
          resends: 250,
          script: (n) => (plans[n] === undefined ? {} : scriptOf(plans[n])),
          pool: { flush, maxConnections, writeBufferSize, readTailTimeoutMs: 1_000 },
          memory: { pieceBytes: () => pieceBytes },
        });
        harness.source.onFailed = () => harness.source.dropWaiting();
        harness.run(300_000);
        await pools.close();
        harness.source.dropWaiting();
        assert.ok(harness.source.isDone);
        const delivered = harness.received();
        assert.equal(new Set(delivered).size, delivered.length, 'something was delivered twice');
        const accepted = harness.source.indicesOf('accepted');
        const received = new Set(delivered);
        for (const index of accepted) assert.ok(received.has(index), `${index} was not delivered`);
        for (const index of harness.source.indicesOf('unsent'))
          assert.ok(!received.has(index), `${index} was delivered`);
      }),
      { numRuns: cases(300, 60) },
    );
  });
});
