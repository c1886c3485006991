/** A reading of a feedback gateway, over memory streams and a virtual clock. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../../src/base/errors.js';
import { maxFeedbackWaiting } from '../../../src/base/limits.js';
import { silentLogger } from '../../../src/base/log.js';
import { feedbackTupleBytes, writeFeedbackTuple } from '../../../src/codec/binary/feedback.js';
import { type FeedbackTuple, readFeedback } from '../../../src/connection/binary/feedback-connection.js';
import type { Backend, ByteStreamListener } from '../../../src/transport/backend.js';
import { createMemoryBackend, type MemoryStream } from '../../../src/transport/memory.js';
import { linkWith } from '../../support/link-options.js';
import { VirtualClock } from '../../support/virtual-clock.js';

type Tuple = readonly [seconds: number, token: Uint8Array];

function bytesOf(tuples: readonly Tuple[]): Uint8Array {
  const bytes = new Uint8Array(tuples.reduce((sum, [, token]) => sum + feedbackTupleBytes(token.length), 0));
  let at = 0;
  for (const [seconds, token] of tuples) at = writeFeedbackTuple(bytes, at, seconds, token);
  return bytes;
}

const some: Tuple[] = [
  [1_700_000_000, new Uint8Array(32).fill(1)],
  [1_700_000_001, new Uint8Array(100).fill(2)],
];

/** A gateway that does as `serve` says once it is connected; reading goes on while the clock does. */
class Reading {
  readonly clock = new VirtualClock();
  readonly tuples: FeedbackTuple[] = [];
  client: MemoryStream | null = null;
  listener: ByteStreamListener | null = null;
  isServerClosed = false;
  connections = 0;
  error: unknown = null;
  isDone = false;
  readonly generator: AsyncGenerator<FeedbackTuple, void, undefined>;

  constructor(serve: (stream: MemoryStream) => void, pieceBytes = 10_000, refusal: PealError | null = null) {
    const backend = createMemoryBackend(
      (stream) => {
        this.connections += 1;
        if (refusal !== null) return refusal;
        return {
          onOpen: () => serve(stream),
          onBytes: () => {},
          onClosed: () => {
            this.isServerClosed = true;
          },
        };
      },
      { clock: this.clock, pieceBytes: () => pieceBytes },
    );
    const open: Backend['open'] = (options, listener) => {
      this.listener = listener;
      this.client = backend.open(options, listener) as MemoryStream;
      return this.client;
    };
    this.generator = readFeedback({
      address: { protocol: 'feedback', host: 'feedback.example', port: 2196 },
      certificate: null,
      link: linkWith(),
      backend: { open },
      clock: this.clock,
      log: silentLogger,
    });
  }

  /** Reads to the end, while time passes. */
  async readAll(): Promise<void> {
    const reading = (async () => {
      for await (const tuple of this.generator) this.tuples.push(tuple);
    })().then(
      () => {
        this.isDone = true;
      },
      (error: unknown) => {
        this.error = error;
        this.isDone = true;
      },
    );
    for (let turn = 0; turn < 5_000 && !this.isDone; turn++) {
      this.clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(this.isDone, 'the reading does not end');
    await reading;
    this.clock.advance(1000);
    assert.equal(this.clock.timerCount, 0, 'timers are left behind');
  }
}

const serving = (bytes: Uint8Array) => (stream: MemoryStream) => stream.write(bytes, () => stream.end());

describe('connection/binary/feedback-connection', () => {
  it('opens nothing before it is read', () => {
    assert.equal(new Reading(serving(bytesOf(some))).connections, 0);
  });

  it('gives every tuple, whatever pieces it comes in', async () => {
    const tuple = fc.tuple(fc.nat(0xffffffff), fc.uint8Array({ minLength: 1, maxLength: 100 }));
    await fc.assert(
      fc.asyncProperty(fc.array(tuple, { maxLength: 50 }), fc.integer({ min: 1, max: 400 }), async (tuples, piece) => {
        const reading = new Reading(tuples.length === 0 ? (stream) => stream.end() : serving(bytesOf(tuples)), piece);
        await reading.readAll();
        assert.equal(reading.error, null);
        assert.deepEqual(
          reading.tuples.map(({ seconds, token }) => [seconds, Buffer.from(token).toString('hex')]),
          tuples.map(([seconds, token]) => [seconds, Buffer.from(token).toString('hex')]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('throws what kept the connection from being made', async () => {
    const refusal = new PealError('ERR_PEAL_CONNECT', 'scripted.', { origin: 'connect' });
    const reading = new Reading(() => {}, 1, refusal);
    await reading.readAll();
    assert.equal(reading.error, refusal);
  });

  it('throws where the certificate is refused after the handshake, before anything came', async () => {
    const reading = new Reading(() => {});
    const refusal = new PealError('ERR_PEAL_TLS', 'scripted.', { origin: 'credential' });
    reading.clock.setTimer(() => reading.client!.fail(refusal), 500);
    await reading.readAll();
    assert.equal(reading.error, refusal);
  });

  it('ends without an error when the connection breaks later, and keeps what came', async () => {
    const reading = new Reading((stream) => {
      const bytes = bytesOf(some);
      stream.write(bytes.subarray(0, bytes.length - 5), () => {
        reading.clock.setTimer(() => stream.destroy(), 500);
      });
    });
    await reading.readAll();
    assert.deepEqual([reading.tuples.length, reading.error], [1, null]);
  });

  it('ends when the gateway stays silent', async () => {
    const reading = new Reading((stream) => stream.write(bytesOf(some), () => {}));
    await reading.readAll();
    assert.deepEqual([reading.tuples.length, reading.error], [2, null]);
    assert.ok(reading.clock.now() >= 20_000);
    assert.ok(reading.isServerClosed);
  });

  it('reads what a busy thread left lying before it takes silence for the end', async () => {
    const reading = new Reading((stream) => stream.write(bytesOf(some.slice(0, 1)), () => {}));
    const { clock } = reading;
    const first = reading.generator.next();
    clock.advance(100);
    assert.ok((await first).value);
    const second = reading.generator.next();
    await new Promise((resolve) => setImmediate(resolve));
    while (clock.nextTimerMs !== null && clock.nextTimerMs <= 25_000) clock.runTimer();
    const late = bytesOf(some.slice(1));
    reading.listener!.onBytes(late, late.length);
    clock.settle();
    assert.deepEqual((await second).value?.token, some[1]![1]);
    await reading.generator.return();
    clock.advance(1_000);
    assert.equal(clock.timerCount, 0);
  });

  it('throws for a peer that is no feedback gateway', async () => {
    const reading = new Reading(serving(new TextEncoder().encode('HTTP/1.1 400 Bad Request')));
    await reading.readAll();
    assert.equal((reading.error as PealError).code, 'ERR_PEAL_LIMIT');
  });

  it('closes the connection when the program leaves its loop', async () => {
    const reading = new Reading((stream) => stream.write(bytesOf(some), () => {}));
    const step = reading.generator.next();
    reading.clock.advance(100);
    assert.equal((await step).done, false);
    await reading.generator.return();
    reading.clock.advance(100);
    assert.ok(reading.isServerClosed);
    assert.equal(reading.clock.timerCount, 0);
  });

  it('reads no faster than the program takes', async () => {
    const many = Array.from({ length: 10 * maxFeedbackWaiting }, (): Tuple => [1, new Uint8Array(32)]);
    let isWritten = false;
    const reading = new Reading((stream) => {
      stream.write(bytesOf(many), () => {
        isWritten = true;
      });
    });
    const step = reading.generator.next();
    reading.clock.advance(15_000);
    await step;
    reading.clock.advance(60_000);
    assert.equal(isWritten, false);
    await reading.generator.return();
  });
});
