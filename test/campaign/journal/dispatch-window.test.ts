/**
 * The window on a model of journal and gateway: notes wait for a transaction, the gateway takes so many recipients a
 * second, and answers after its round trip. Time is the model's own.
 */
import assert from 'node:assert/strict';
import {
  firstDispatchWindow,
  journalCommitMs,
  maxDispatchWindow,
  minDispatchWindow,
} from '../../../src/base/limits.js';
import { DispatchWindow } from '../../../src/campaign/journal/dispatch-window.js';

const block = 1024;
const fsyncMs = 5;

interface Gateway {
  readonly perSecond: number;
  readonly roundTripMs: number;
}

interface Measured {
  /** Share of what the gateway could take in the second half of the time. */
  readonly used: number;
  readonly window: number;
}

function simulate(seconds: number, gatewayAt: (ms: number) => Gateway): Measured {
  const window = new DispatchWindow();
  window.open();
  const stepMs = 0.5;
  let [noting, open, queued, answered, could, half] = [0, 0, 0, 0, 0, 0];
  let notes: { readonly durableMs: number; readonly count: number }[] = [];
  let answers: { readonly atMs: number; readonly count: number }[] = [];
  let nextCommitMs = 0;
  for (let ms = 0; ms < seconds * 1000; ms += stepMs) {
    const { perSecond, roundTripMs } = gatewayAt(ms);
    for (let room = window.room(open); room > 0; room = window.room(open)) {
      const piece = Math.min(block, room);
      open += piece;
      noting += piece;
    }
    if (ms >= nextCommitMs && noting > 0) {
      notes.push({ durableMs: ms + fsyncMs, count: noting });
      noting = 0;
      nextCommitMs = ms + journalCommitMs;
    }
    for (const { count } of notes.filter(({ durableMs }) => durableMs <= ms)) {
      window.sample(queued, ms);
      queued += count;
    }
    notes = notes.filter(({ durableMs }) => durableMs > ms);
    const taken = Math.min(queued, (perSecond * stepMs) / 1000);
    queued -= taken;
    if (taken > 0) answers.push({ atMs: ms + roundTripMs, count: taken });
    for (const { count } of answers.filter(({ atMs }) => atMs <= ms)) {
      open -= count;
      answered += count;
    }
    answers = answers.filter(({ atMs }) => atMs > ms);
    if (ms < seconds * 500) half = answered;
    else could += (perSecond * stepMs) / 1000;
  }
  return { used: (answered - half) / could, window: window.recipients };
}

describe('the window of what a crash leaves unknown', () => {
  const gateways = [
    { perSecond: 1_000, roundTripMs: 50 },
    { perSecond: 20_000, roundTripMs: 100 },
    { perSecond: 50_000, roundTripMs: 30 },
    { perSecond: 50_000, roundTripMs: 300 },
    { perSecond: 300_000, roundTripMs: 20 },
    { perSecond: 1_500_000, roundTripMs: 2 },
  ];
  for (const gateway of gateways) {
    const { perSecond, roundTripMs } = gateway;
    it(`keeps a gateway busy that takes ${perSecond} a second and answers after ${roundTripMs} ms`, () => {
      const { used, window } = simulate(20, () => gateway);
      assert.ok(used > 0.93, `used ${used}`);
      // What is in flight, and what has to be noted meanwhile.
      const needed = (perSecond / 1000) * (roundTripMs + journalCommitMs + fsyncMs);
      const most = Math.max(minDispatchWindow, needed * 2.5 + 2 * block);
      assert.ok(window <= most, `a window of ${window}, where ${most} is plenty`);
    });
  }

  it('follows a gateway that becomes slow, and fast again', () => {
    const slow = { perSecond: 2_000, roundTripMs: 40 };
    const fast = { perSecond: 400_000, roundTripMs: 40 };
    // What a fast gateway had noted takes a slow one a while.
    const { window } = simulate(60, (ms) => (ms < 5_000 ? fast : slow));
    assert.ok(window <= 4 * minDispatchWindow, `${window}`);
    assert.ok(simulate(20, (ms) => (ms < 10_000 ? slow : fast)).used > 0.9);
  });

  it('is for a few until a connection stands', () => {
    const window = new DispatchWindow();
    for (let ms = 0; ms < 10_000; ms += 100) {
      assert.equal(window.room(0), firstDispatchWindow);
      assert.equal(window.room(firstDispatchWindow), 0);
      window.sample(0, ms);
    }
    window.open();
    assert.equal(window.room(0), minDispatchWindow);
    window.open();
    assert.equal(window.recipients, minDispatchWindow);
  });

  it('is used up in pieces that are worth a batch, and in whole blocks once it is large', () => {
    const window = new DispatchWindow();
    window.open();
    assert.equal(window.room(minDispatchWindow * 0.75), minDispatchWindow / 4);
    assert.equal(window.room(minDispatchWindow * 0.75 + 1), 0);
    for (let ms = 0; window.recipients < 4 * block; ms++) {
      window.room(Number.MAX_SAFE_INTEGER);
      window.sample(0, ms);
    }
    assert.equal(window.room(window.recipients - 1), block);
    assert.equal(window.room(window.recipients), 0);
  });

  it('has bounds', () => {
    const window = new DispatchWindow();
    window.open();
    for (let ms = 0; ms < 100; ms++) {
      window.room(Number.MAX_SAFE_INTEGER);
      window.sample(0, ms);
    }
    assert.equal(window.recipients, maxDispatchWindow);
    for (let ms = 1_000; ms < 100_000; ms += 300) window.sample(10_000, ms);
    assert.equal(window.recipients, minDispatchWindow);
  });

  it('does not grow where the input is what is slow', () => {
    const window = new DispatchWindow();
    window.open();
    for (let ms = 0; ms < 10_000; ms += 100) {
      assert.equal(window.room(128), 128);
      window.sample(0, ms);
    }
    assert.equal(window.recipients, minDispatchWindow);
  });
});
