/** What a binary connection makes of everything a gateway can say or leave unsaid. */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { flushLingerMs, maxUnprovenNotifications } from '../../../src/base/limits.js';
import type { Backend } from '../../../src/transport/backend.js';
import type { BinaryScript } from '../../support/binary-gateway.js';
import { range } from '../../support/book-source.js';
import { type BinaryHarness, type HarnessOptions, useBinaryPool } from '../../support/use-pool.js';

function refusing(bad: number, status: number): BinaryScript {
  return { judge: (index) => (index === bad ? status : undefined) };
}

describe('connection/binary/binary-connection', () => {
  const pools = useBinaryPool();
  let harness: BinaryHarness;
  const start = (options: HarnessOptions<BinaryScript> = {}): BinaryHarness => {
    harness = pools.make(options);
    return harness;
  };

  describe('proof by flush', () => {
    it('accepts everything before the flush that is refused, and uses the connection no more', () => {
      const { source, gateways } = start();
      harness.run(flushLingerMs * 2);
      assert.equal(source.count('accepted'), 100);
      assert.deepEqual(gateways[0]!.identifiers, range(1, 102));
      assert.ok(gateways[0]!.isClosed);
      assert.deepEqual(harness.received(), range(0, 100));
    });

    it('takes status 2 without an identifier as the answer to a flush', () => {
      const { source } = start({ script: () => ({ onFlush: (_, gateway) => gateway.refuse(2, 0) }) });
      harness.run();
      assert.equal(source.count('accepted'), 100);
    });

    for (const status of [5, 8, 255, 10]) {
      it(`takes status ${status} with the flush's identifier as its answer`, () => {
        const { source } = start({ script: () => ({ onFlush: (id, gateway) => gateway.refuse(status, id) }) });
        harness.run();
        assert.equal(source.count('accepted'), 100);
      });
    }

    it('flushes when the window is full and goes on over another connection at once', () => {
      const recipients = maxUnprovenNotifications * 2 + 10;
      const { source, gateways } = start({ recipients });
      harness.run(flushLingerMs * 4);
      assert.equal(source.count('accepted'), recipients);
      assert.deepEqual(
        gateways.map(({ delivered }) => delivered.length),
        [maxUnprovenNotifications, maxUnprovenNotifications, 10],
      );
    });

    it('leaves unknown what a flush without an answer does not prove', () => {
      const { source } = start({
        script: () => ({ onFlush: () => {} }),
        pool: { readTimeoutMs: 700 },
      });
      harness.run(600);
      assert.equal(source.count('taken'), 100);
      harness.run(400);
      assert.equal(source.count('unknown'), 100);
      assert.match(source.causes[0]!.cause.message, /switch `flush` off/);
    });

    it('leaves unknown what a flush answered by silence and close does not prove', () => {
      const { source } = start({ script: () => ({ onFlush: (_, gateway) => gateway.end() }) });
      harness.run();
      assert.equal(source.count('unknown'), 100);
      assert.equal(source.causes[0]!.cause.code, 'ERR_PEAL_CLOSED');
    });
  });

  describe('statuses', () => {
    for (const [status, reason] of [
      [2, 'Missing device token'],
      [5, 'Invalid token size'],
      [8, 'Invalid token'],
      [7, 'Invalid payload size'],
      [1, 'Processing error'],
      [255, 'Unknown'],
      [77, 'Unknown status 77'],
    ] as const) {
      it(`status ${status}: accepted before, rejected at the identifier, sent again after`, () => {
        const { source, gateways } = start({ script: (n) => (n === 0 ? refusing(40, status) : {}) });
        harness.run();
        assert.deepEqual(source.indicesOf('rejected'), [40]);
        assert.equal(source.count('accepted'), 99);
        const { rejection } = source.rejections[0]!;
        assert.deepEqual([rejection.status, rejection.reason], [status, reason]);
        assert.deepEqual(gateways[0]!.delivered, range(0, 40));
        assert.deepEqual(gateways[1]!.delivered, range(41, 100));
        assert.ok(source.causes.every(({ cause }) => cause.code === 'ERR_PEAL_DISCARDED'));
      });
    }

    it('status 10 names the last one that was delivered', () => {
      const script: BinaryScript = {
        judge: (index, gateway) => {
          if (index === 41) gateway.refuse(10, 41);
          return undefined;
        },
      };
      const { source } = start({ script: (n) => (n === 0 ? script : {}) });
      harness.run();
      assert.equal(source.count('accepted'), 100);
      assert.deepEqual(harness.received(), range(0, 100));
    });

    it('status 0 is no error: it proves and nothing else', () => {
      const script: BinaryScript = {
        judge: (index, gateway) => {
          if (index === 40) gateway.answer(0, 41, { closes: false });
          return undefined;
        },
      };
      const { source } = start({ script: () => script });
      harness.run();
      assert.equal(source.count('accepted'), 100);
      assert.equal(harness.attemptsAtMs.length, 1);
    });

    it('takes a status that comes late for what it names', () => {
      const late = { ...refusing(700, 8), statusDelayMs: 200 };
      const { source } = start({ recipients: 5000, script: (n) => (n === 0 ? late : {}) });
      harness.run();
      assert.deepEqual(source.indicesOf('rejected'), [700]);
      assert.equal(source.count('accepted'), 4999);
      assert.deepEqual(
        harness.received().sort((a, b) => a - b),
        range(0, 5000).filter((index) => index !== 700),
      );
    });

    it('takes a status in two pieces', () => {
      const script: BinaryScript = {
        judge: (index, gateway) => {
          if (index !== 5) return undefined;
          gateway.stopReading();
          gateway.answer(8, gateway.identifier, { piece: 3 });
          return undefined;
        },
      };
      const { source } = start({ script: (n) => (n === 0 ? script : {}) });
      harness.run();
      assert.deepEqual(source.indicesOf('rejected'), [5]);
      assert.equal(source.count('accepted'), 99);
    });

    it('goes on after as many failures in a row as there are, without a wait between', () => {
      const { source } = start({ recipients: 200, resends: 250, script: () => ({ judge: () => 8 }) });
      harness.run(1000);
      assert.equal(source.count('rejected'), 200);
      assert.equal(harness.attemptsAtMs.length, 200);
    });

    for (const [what, status, identifier] of [
      ['no identifier and no flush under way', 2, 0],
      ['an identifier that was never given', 8, 5000],
      ['status 10 and no identifier', 10, 0],
    ] as const) {
      it(`guesses nothing from a status with ${what}`, () => {
        const script: BinaryScript = {
          judge: (index, gateway) => {
            if (index === 50) gateway.refuse(status, identifier);
            return undefined;
          },
        };
        const { source } = start({ script: (n) => (n === 0 ? script : {}) });
        harness.run();
        assert.equal(source.count('unknown'), 100);
        assert.equal(source.causes[0]!.cause.code, 'ERR_PEAL_PROTOCOL');
      });
    }

    it('gives up what answers with something else', () => {
      const script: BinaryScript = {
        judge: (_, gateway) => {
          gateway.stopReading();
          gateway.send(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n'));
          return undefined;
        },
      };
      const { source } = start({ script: () => script });
      harness.run();
      assert.equal(source.count('unknown'), 100);
      assert.equal(source.causes[0]!.cause.code, 'ERR_PEAL_PROTOCOL');
    });
  });

  describe('closing without a status', () => {
    it('leaves what was written unknown, and sends the rest over another connection', () => {
      const script: BinaryScript = {
        judge: (index, gateway) => {
          if (index === 100) gateway.end();
          return undefined;
        },
      };
      const { source } = start({
        recipients: 2000,
        pool: { writeBufferSize: 20_000 },
        script: (n) => (n === 0 ? script : {}),
      });
      harness.run();
      const unknown = source.count('unknown');
      assert.ok(unknown >= 100 && unknown < 2000, `${unknown} unknown`);
      assert.equal(source.count('accepted'), 2000 - unknown);
    });

    it('leaves what was written unknown after a reset', () => {
      const { source } = start({ script: () => ({ judge: (_, gateway) => void gateway.drop() }) });
      harness.run();
      assert.equal(source.count('unknown'), 100);
    });

    it('gives up after connections that settle nothing', () => {
      const { source } = start({
        recipients: 50_000,
        script: () => ({ judge: (_, gateway) => void gateway.end() }),
      });
      source.onFailed = (error) => {
        source.failures.push(error);
        source.dropWaiting();
      };
      harness.run(600_000);
      assert.equal(harness.attemptsAtMs.length, 3);
      assert.equal(source.failures.length, 1);
      assert.ok(source.isDone);
      assert.equal(source.count('accepted'), 0);
    });

    it('knows that nothing was processed where the certificate was refused', () => {
      const refusal = new PealError('ERR_PEAL_TLS', 'scripted.', { origin: 'credential' });
      const { source, streams } = start({ resends: 0 });
      harness.run(flushLingerMs / 2);
      assert.equal(source.count('taken'), 100);
      streams[0]!.fail(refusal);
      harness.clock.settle();
      assert.equal(source.count('unsent'), 100);
    });

    it('gives up a gateway that takes nothing more', () => {
      const { source } = start({
        recipients: 4000,
        pool: { writeTimeoutMs: 300 },
        memory: { bufferBytes: 10, delayMs: () => 1_000 },
      });
      harness.run(400);
      assert.ok(source.count('unknown') > 0);
      assert.match(source.causes[0]!.cause.message, /did not take what was written/);
      source.dropWaiting();
    });
  });

  describe('proof by silence', () => {
    const pool = { flush: false, readTailTimeoutMs: 3_000 };

    it('accepts what was followed by silence, and keeps the connection and its identifiers', () => {
      const { source, gateways } = start({ pool });
      harness.run(2_900);
      assert.equal(source.count('accepted'), 0);
      harness.run(200);
      assert.equal(source.count('accepted'), 100);
      assert.equal(gateways[0]!.flushes, 0);
      assert.equal(harness.pool.stats().ready, 1);
    });

    it('waits for silence when the window is full', () => {
      const recipients = maxUnprovenNotifications + 50;
      const { source, gateways } = start({ pool, recipients });
      harness.run(2_000);
      assert.equal(source.count('taken'), maxUnprovenNotifications);
      harness.run(7_000);
      assert.equal(source.count('accepted'), recipients);
      assert.deepEqual(gateways[0]!.identifiers, range(1, recipients + 1));
    });

    it('takes a status within the tail as over a flushing connection', () => {
      const late = { ...refusing(40, 8), statusDelayMs: 2_000 };
      const { source } = start({ pool, script: (n) => (n === 0 ? late : {}) });
      harness.run();
      assert.deepEqual(source.indicesOf('rejected'), [40]);
      assert.equal(source.count('accepted'), 99);
    });

    it('flushes after all where there is no tail to wait for', () => {
      const { source, gateways } = start({ pool: { flush: false, readTailTimeoutMs: 0 } });
      harness.run(flushLingerMs * 2);
      assert.equal(source.count('accepted'), 100);
      assert.equal(gateways[0]!.flushes, 1);
    });

    it('does not take half a status for silence', () => {
      const script: BinaryScript = {
        judge: (index, gateway) => {
          if (index === 50) gateway.send(Uint8Array.of(8, 8, 0));
          return undefined;
        },
      };
      const { source } = start({ pool, script: () => script });
      harness.run(10_000);
      assert.equal(source.count('accepted'), 0);
    });

    it('proves before it closes', async () => {
      const { source } = start({ pool });
      harness.run(100);
      await harness.close();
      assert.equal(source.count('accepted'), 100);
    });
  });

  it('lets the loop read between two writes', () => {
    let writes = 0;
    let writesAtStatus = 0;
    const open: Backend['open'] = (_options, listener) => {
      harness.clock.defer(() => listener.onOpen());
      const answer = (): void => {
        writesAtStatus = writes;
        listener.onBytes(Uint8Array.of(8, 8, 0, 0, 0, 1), 6);
      };
      return {
        write: (_bytes, onWritten) => {
          // The status is there before the line has taken the first write.
          if (++writes === 1) harness.clock.defer(answer);
          onWritten();
        },
        pauseReading: () => {},
        resumeReading: () => {},
        end: () => {},
        destroy: () => harness.clock.defer(() => listener.onClosed(null)),
        ...{ isClosed: false, hasUnread: false, reset: () => false, details: () => ({}) },
      };
    };
    const { source } = start({ recipients: 1000, resends: 0, pool: { backend: { open }, writeBufferSize: 2000 } });
    source.onUnsent = () => {};
    harness.pool.workAvailable();
    harness.clock.settle();
    assert.deepEqual(source.indicesOf('rejected'), [0]);
    assert.equal(writesAtStatus, 1);
    source.dropWaiting();
  });

  it('flushes when it is closed', async () => {
    const { source } = start();
    harness.run(flushLingerMs / 2);
    assert.equal(source.count('accepted'), 0);
    await harness.close();
    assert.equal(source.count('accepted'), 100);
  });

  it('sends payloads of their own', () => {
    const { source } = start({ isPersonal: true });
    harness.run();
    assert.equal(source.count('accepted'), 100);
  });
});
