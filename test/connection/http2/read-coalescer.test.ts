import assert from 'node:assert/strict';
import { maxReadPauseMs, minReadPauseMs, minRequestsForReadPause, smallReadBytes } from '../../../src/base/limits.js';
import { ReadCoalescer } from '../../../src/connection/http2/read-coalescer.js';
import type { ByteStream } from '../../../src/transport/backend.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const many = minRequestsForReadPause;

class Reads implements ByteStream {
  isPaused = false;
  pauses = 0;
  write(): void {}
  end(): void {}
  destroy(): void {}
  pauseReading(): void {
    this.isPaused = true;
    this.pauses++;
  }
  resumeReading(): void {
    this.isPaused = false;
  }
}

describe('connection/http2/read-coalescer', () => {
  let clock: VirtualClock;
  let stream: Reads;
  let coalescer: ReadCoalescer;
  let bursts: number;
  let inFlightNow: number;

  beforeEach(() => {
    clock = new VirtualClock();
    stream = new Reads();
    bursts = 0;
    coalescer = new ReadCoalescer(clock, stream, () => {
      bursts++;
      return inFlightNow;
    });
  });

  function burst(reads: number, inFlight = many, length = 40): void {
    inFlightNow = inFlight;
    for (let i = 0; i < reads; i++) coalescer.afterRead(length, inFlight);
    clock.settle();
  }

  /** How long reading stays paused, in milliseconds. */
  function pauseMs(): number {
    let ms = 0;
    for (; stream.isPaused; ms++) clock.advance(1);
    return ms;
  }

  it('pauses after a burst of few small reads while many requests are in flight', () => {
    burst(3);
    assert.equal(pauseMs(), minReadPauseMs);
  });

  it('calls its owner once after the small reads of one turn, and for no others', () => {
    burst(5);
    pauseMs();
    assert.equal(bursts, 1);
    burst(5, many, smallReadBytes);
    assert.equal(bursts, 1);
  });

  it('leaves large reads, large bursts and small loads alone', () => {
    burst(3, many, smallReadBytes);
    burst(3, many - 1);
    burst(500);
    assert.equal(stream.pauses, 0);
  });

  it('leaves a connection alone whose gateway allows 128 streams, as nginx does: it would idle during each pause', () => {
    for (let i = 0; i < 20; i++) burst(3, 128);
    assert.equal(stream.pauses, 0);
  });

  it('pauses longer while pauses gather little, and shorter when they gather plenty', () => {
    burst(3);
    assert.equal(pauseMs(), minReadPauseMs);
    for (let i = 0; i < 5; i++) {
      burst(10);
      pauseMs();
    }
    burst(10);
    assert.equal(pauseMs(), maxReadPauseMs);
    for (let i = 0; i < 5; i++) {
      burst(300);
      pauseMs();
    }
    burst(300);
    assert.equal(pauseMs(), minReadPauseMs);
  });

  it('stops pausing once bursts are large without', () => {
    burst(3);
    for (let i = 0; i < 40; i++) {
      pauseMs();
      burst(200);
    }
    pauseMs();
    const before = stream.pauses;
    burst(200);
    burst(200);
    assert.equal(stream.pauses, before);
  });

  it('resumes nothing once it is stopped', () => {
    burst(3);
    coalescer.stop();
    clock.advance(10);
    assert.equal(stream.isPaused, true);
    assert.equal(clock.timerCount, 0);
  });
});
