/** How long a binary connection waits, and that it has read what there is before it takes silence for an answer. */
import assert from 'node:assert/strict';
import { connectTimeoutMs, flushIntervalMs, flushLingerMs } from '../../../src/base/limits.js';
import type { Backend, ByteStreamListener } from '../../../src/transport/backend.js';
import type { BinaryScript } from '../../support/binary-gateway.js';
import { type BinaryHarness, type HarnessOptions, useBinaryPool } from '../../support/use-pool.js';

describe('connection/binary/binary-connection, patience', () => {
  const pools = useBinaryPool();
  let harness: BinaryHarness;
  let listener: ByteStreamListener;
  let failure: string;

  /** A gateway that takes everything, and says what the test says. */
  function start({ opens = true, ...options }: HarnessOptions<BinaryScript> & { opens?: boolean } = {}): BinaryHarness {
    const open: Backend['open'] = (_options, itsListener) => {
      listener = itsListener;
      let isClosed = false;
      const close = (): void => {
        if (isClosed) return;
        isClosed = true;
        harness.clock.defer(() => itsListener.onClosed(null));
      };
      if (opens) harness.clock.defer(() => itsListener.onOpen());
      return {
        write: (_bytes, onWritten) => harness.clock.defer(onWritten),
        pauseReading: () => {},
        resumeReading: () => {},
        ...{ end: close, destroy: close },
        ...{ isClosed: false, hasUnread: false, reset: () => false, details: () => ({}) },
      };
    };
    harness = pools.make({ resends: 0, ...options, pool: { backend: { open }, ...options.pool } });
    harness.source.onUnsent = () => {};
    failure = '';
    harness.source.onFailed = ({ message }) => {
      failure = message;
      harness.source.dropWaiting();
    };
    return harness;
  }

  /** The thread was busy: timers until `untilMs` are late, and octets lie there that came meanwhile. */
  function wakeUpTo(untilMs: number, octets: Uint8Array): void {
    const { clock } = harness;
    while (clock.nextTimerMs !== null && clock.nextTimerMs <= untilMs) clock.runTimer();
    listener.onBytes(octets, octets.length);
    clock.settle();
  }

  const refusesTheFirst = Uint8Array.of(8, 8, 0, 0, 0, 1);

  it('reads what a busy thread left lying before it takes silence for acceptance', () => {
    const { source } = start({ recipients: 10, pool: { flush: false, readTailTimeoutMs: 3_000 } });
    harness.run(100);
    wakeUpTo(3_200, refusesTheFirst);
    assert.equal(source.count('accepted'), 0);
    assert.deepEqual(source.indicesOf('rejected'), [0]);
    source.dropWaiting();
  });

  it('reads what a busy thread left lying before it gives up a flush', () => {
    const { source } = start({ recipients: 10, pool: { readTimeoutMs: 700 } });
    harness.run(flushLingerMs * 2);
    wakeUpTo(1_000, Uint8Array.of(8, 2, 0, 0, 0, 11));
    assert.equal(source.count('accepted'), 10);
  });

  it('gives up an attempt to connect that its back-end does not end', () => {
    start({ opens: false, pool: { connectTimeoutMs } });
    harness.run(connectTimeoutMs * 20);
    assert.match(failure, /within 10000 ms/);
  });

  it('waits for the rest of a status no longer than for any other answer', () => {
    const pool = { flush: false, readTailTimeoutMs: 3_000, readTimeoutMs: 20_000 };
    const { source } = start({ recipients: 10, pool });
    harness.run(100);
    listener.onBytes(Uint8Array.of(8, 8, 0), 3);
    harness.clock.advance(20_000);
    assert.equal(source.count('taken'), 10);
    harness.clock.advance(4_000);
    assert.equal(source.count('unknown'), 10);
    assert.match(source.causes[0]!.cause.message, /began a status and did not end it/);
  });
});

describe('connection/binary/binary-connection, steady work', () => {
  const pools = useBinaryPool();

  it('asks for proof every few seconds although there is always more to write', () => {
    const harness = pools.make({
      recipients: 300,
      pool: { writeBufferSize: 300 },
      memory: { bufferBytes: 10, delayMs: () => 100 },
    });
    harness.run(flushIntervalMs - 100);
    assert.equal(harness.source.count('accepted'), 0);
    harness.run(2_000);
    assert.equal(harness.gateways[0]!.flushes, 1);
    const { accepted, waiting } = {
      accepted: harness.source.count('accepted'),
      waiting: harness.source.count('waiting'),
    };
    assert.ok(accepted > 0 && waiting > 0, `${accepted} accepted, ${waiting} waiting`);
    harness.source.dropWaiting();
  });
});
