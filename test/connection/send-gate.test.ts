import assert from 'node:assert/strict';
import {
  maxTransientPauseMs,
  maxUnavailableMs,
  tokenUpdatesPauseMs,
  transientAnswersBeforePause,
  transientPauseMs,
} from '../../src/base/limits.js';
import type { AnswerReview } from '../../src/connection/connection-health.js';
import { SendGate } from '../../src/connection/send-gate.js';
import { VirtualClock } from '../support/virtual-clock.js';

const good: AnswerReview = { bad: 0, transient: 0, repeated: 0, tokenUpdates: 0, inconclusive: 0, retryAfterMs: 0 };
const transient = (count: number, retryAfterMs = 0): AnswerReview => {
  return { ...good, bad: count, transient: count, inconclusive: count, retryAfterMs };
};
const many = transientAnswersBeforePause;

describe('connection/send-gate', () => {
  let clock: VirtualClock;
  let gate: SendGate;
  let opened: number;
  let unavailable: number;

  beforeEach(() => {
    clock = new VirtualClock();
    opened = 0;
    unavailable = 0;
    gate = new SendGate(clock, {
      onGateOpen: () => void opened++,
      onRefusals: () => {},
      onUnavailable: () => void unavailable++,
    });
  });

  /** How long the gate stays shut, in milliseconds. */
  function shutMs(): number {
    const beganMs = clock.now();
    while (!gate.isOpen) clock.advance(10);
    return clock.now() - beganMs;
  }

  it('shuts after a row of transient answers, however many reads they come in, and opens by itself', () => {
    for (let i = 1; i < many; i++) gate.afterRead(1, transient(1));
    assert.equal(gate.isOpen, true);
    gate.afterRead(1, transient(1));
    assert.equal(gate.isOpen, false);
    assert.equal(shutMs(), transientPauseMs);
    assert.equal(opened, 1);
  });

  it('shuts for twice as long each time until an answer of another kind comes', () => {
    gate.afterRead(many, transient(many));
    const pauses = [shutMs()];
    for (let i = 0; i < 9; i++) {
      gate.afterRead(1, transient(1));
      pauses.push(shutMs());
    }
    assert.deepEqual(pauses.slice(0, 3), [transientPauseMs, 2 * transientPauseMs, 4 * transientPauseMs]);
    assert.equal(pauses.at(-1), maxTransientPauseMs);
    gate.afterRead(1, good);
    gate.afterRead(many, transient(many));
    assert.equal(shutMs(), transientPauseMs);
  });

  it('does not shut where other answers come among them', () => {
    for (let i = 0; i < 100; i++) {
      gate.afterRead(many - 1, transient(many - 1));
      gate.afterRead(1, good);
      gate.afterRead(2 * many, transient(2 * many - 1));
    }
    assert.equal(gate.isOpen, true);
  });

  it('waits for as long as Retry-After asks, within reason', () => {
    gate.afterRead(1, transient(1, 3000));
    gate.afterRead(many, transient(many, 2000));
    assert.equal(shutMs(), 3000);
    gate.afterRead(1, transient(1, 3_600_000));
    assert.equal(shutMs(), maxTransientPauseMs);
  });

  it('counts pauses, not answers that come while it is shut', () => {
    gate.afterRead(many, transient(many));
    gate.afterRead(500, transient(500));
    assert.equal(gate.pauses, 1);
    assert.equal(shutMs(), transientPauseMs);
  });

  it('stays open where each connection is sent away by its answers, though not for ever', () => {
    const shutdown = { ...good, bad: 1, inconclusive: 1 };
    const beganMs = clock.now();
    while (unavailable === 0 && clock.now() < 2 * maxUnavailableMs) {
      gate.afterRead(1, shutdown);
      assert.equal(gate.isOpen, true);
      clock.advance(30_000);
    }
    assert.equal(unavailable, 1);
    assert.equal(clock.now() - beganMs, maxUnavailableMs + 30_000);
    gate.forgive();
    gate.afterRead(1, shutdown);
    assert.equal(unavailable, 1);
  });

  it('shuts after TooManyProviderTokenUpdates, longer each time', () => {
    const updates = { ...good, bad: 1, tokenUpdates: 1, inconclusive: 1 };
    gate.afterRead(1, updates);
    assert.equal(shutMs(), tokenUpdatesPauseMs);
    gate.afterRead(1, updates);
    assert.equal(shutMs(), 2 * tokenUpdatesPauseMs);
    gate.afterRead(1, good);
    gate.afterRead(1, updates);
    assert.equal(shutMs(), tokenUpdatesPauseMs);
  });

  it('stays shut while the provider token is missing, whatever ends meanwhile', () => {
    gate.hold();
    gate.afterRead(many, transient(many));
    clock.advance(maxTransientPauseMs);
    assert.equal(gate.isOpen, false);
    gate.release();
    assert.equal(gate.isOpen, true);
    assert.equal(opened, 1);
  });

  it('learns nothing from retries that meet a fault again, neither for the gateway nor against it', () => {
    const again = (count: number): AnswerReview => ({ ...good, bad: count, repeated: count, inconclusive: count });
    for (let read = 0; read < 100; read++) gate.afterRead(many, again(many));
    assert.equal(gate.isOpen, true);
    gate.afterRead(many, transient(many));
    shutMs();
    gate.afterRead(many, again(many));
    assert.equal(gate.isTroubled, true, 'nor do they end the trouble that there is');
    gate.afterRead(2, again(1));
    assert.equal(gate.isTroubled, false, 'one of two was answered otherwise');
  });

  it('does not count time in which nothing was sent as time without an answer', () => {
    gate.afterRead(many, transient(many));
    clock.advance(10 * maxUnavailableMs);
    gate.afterRead(many, transient(many));
    assert.equal(unavailable, 0);
    assert.equal(shutMs(), transientPauseMs, 'a first pause again');
  });

  it('tells when nothing of use was answered for too long, and has its time again when it is asked anew', () => {
    let pauses = 0;
    gate.afterRead(many, transient(many));
    for (; unavailable === 0; pauses++) {
      shutMs();
      gate.afterRead(1, transient(1));
    }
    assert.ok(clock.now() >= maxUnavailableMs && clock.now() <= maxUnavailableMs + 2 * maxTransientPauseMs);
    assert.ok(pauses < 20, `${pauses} trials`);
    gate.forgive();
    shutMs();
    gate.afterRead(1, transient(1));
    assert.equal(unavailable, 1);
  });

  afterEach(() => {
    gate.stop();
    assert.equal(clock.timerCount, 0);
  });

  it('leaves no timer behind when answers come after it was stopped', () => {
    gate.stop();
    gate.afterRead(many, transient(many));
    gate.afterRead(1, { ...good, bad: 1, inconclusive: 1, tokenUpdates: 1 });
    assert.equal(clock.timerCount, 0);
  });
});
