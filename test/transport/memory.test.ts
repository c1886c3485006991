import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../src/base/errors.js';
import type { ByteStreamListener, OpenOptions } from '../../src/transport/backend.js';
import {
  createMemoryBackend,
  createMemoryPair,
  type MemoryOptions,
  type MemoryStream,
} from '../../src/transport/memory.js';
import { VirtualClock } from '../support/virtual-clock.js';

class Ear implements ByteStreamListener {
  text = '';
  pieces = 0;
  events: string[] = [];

  onOpen(): void {
    this.events.push('open');
  }

  onBytes(buffer: Uint8Array, length: number): void {
    this.text += Buffer.from(buffer.subarray(0, length)).toString('latin1');
    this.pieces++;
  }

  onClosed(error: PealError | null): void {
    this.events.push(error === null ? 'closed' : error.code);
  }
}

function pair(options: Partial<MemoryOptions> = {}): {
  clock: VirtualClock;
  a: MemoryStream;
  b: MemoryStream;
  earA: Ear;
  earB: Ear;
} {
  const clock = new VirtualClock();
  const [a, b] = createMemoryPair({ clock, ...options });
  const [earA, earB] = [new Ear(), new Ear()];
  a.attach(earA);
  b.attach(earB);
  a.begin();
  b.begin();
  clock.settle();
  return { clock, a, b, earA, earB };
}

const ignore = (): void => {};

describe('transport/memory', () => {
  it('carries bytes both ways, never from within a call', () => {
    const { clock, a, b, earA, earB } = pair();
    let isWritten = false;
    a.write(Buffer.from('ping'), () => {
      isWritten = true;
    });
    b.write(Buffer.from('pong'), ignore);
    assert.deepEqual([isWritten, earA.text, earB.text], [false, '', '']);
    clock.settle();
    assert.deepEqual([isWritten, earA.text, earB.text], [true, 'pong', 'ping']);
  });

  it('delivers the same text however it is cut and delayed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary-ascii', maxLength: 50 }), { maxLength: 20 }),
        fc.array(fc.nat(20), { minLength: 1 }),
        fc.array(fc.nat(5), { minLength: 1 }),
        (texts, cuts, delays) => {
          let step = 0;
          const { clock, a, earB } = pair({
            pieceBytes: () => cuts[step++ % cuts.length]!,
            delayMs: () => delays[step % delays.length]!,
          });
          for (const text of texts) {
            a.write(Buffer.from(text, 'latin1'), ignore);
            clock.settle();
          }
          clock.advance(10_000);
          assert.equal(earB.text, texts.join(''));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('lets a writer wait until a slow reader has read', () => {
    const { clock, a, b, earB } = pair({ bufferBytes: 10 });
    b.pauseReading();
    let written = 0;
    a.write(Buffer.alloc(11, 'x'), () => written++);
    clock.settle();
    assert.equal(written, 0);
    b.resumeReading();
    clock.settle();
    assert.deepEqual([written, earB.text.length], [1, 11]);
  });

  it('ends both sides after what was written', () => {
    const { clock, a, b, earA, earB } = pair();
    b.write(Buffer.from('last words'), ignore);
    a.write(Buffer.from('goodbye'), ignore);
    a.end();
    clock.settle();
    assert.deepEqual([earA.text, earB.text], ['last words', 'goodbye']);
    assert.deepEqual(
      [earA.events, earB.events],
      [
        ['open', 'closed'],
        ['open', 'closed'],
      ],
    );
  });

  it('loses what is under way when one side is destroyed', () => {
    const { clock, a, earA, earB } = pair();
    a.write(Buffer.from('lost'), () => assert.fail('written'));
    a.destroy();
    a.destroy();
    clock.settle();
    assert.equal(earB.text, '');
    assert.deepEqual(
      [earA.events, earB.events],
      [
        ['open', 'closed'],
        ['open', 'ERR_PEAL_CLOSED'],
      ],
    );
  });

  it('as a back-end leads to what accepts, or fails with its error', () => {
    const clock = new VirtualClock();
    const server = new Ear();
    const refusal = new PealError('ERR_PEAL_CONNECT', 'no', { origin: 'connect' });
    const options = { address: { host: 'here' } } as unknown as OpenOptions;
    let isOpen = true;
    const backend = createMemoryBackend(() => (isOpen ? server : refusal), { clock });
    const [first, second] = [new Ear(), new Ear()];
    backend.open(options, first).write(Buffer.from('hello'), ignore);
    isOpen = false;
    backend.open(options, second);
    assert.deepEqual(first.events, []);
    clock.settle();
    assert.deepEqual(first.events, ['open']);
    assert.deepEqual([server.text, second.events], ['hello', ['ERR_PEAL_CONNECT']]);
  });
});
