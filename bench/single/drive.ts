/** Drives a sender: so many sends in flight, so many a second, or one call with a list. In the contender's process. */
import type { Sender } from '../senders/sender.js';
import { alertAt, tokenAt } from './texts.js';

export interface Sent {
  readonly count: number;
  /** Those that the sender did not call accepted. */
  readonly failed: number;
  /** From the first send to the last answer. */
  readonly seconds: number;
  /** One of each send, in the order of their answers. */
  readonly latenciesMs: Float64Array;
}

/** Sends number `index`. Resolves with whether it was accepted. */
export type SendAt = (index: number) => Promise<boolean>;

/** More sends than any sender makes in the time of a run. The memory of those not made is never touched. */
const mostSends = 8_000_000;
const memory = new Float64Array(mostSends);

/**
 * A closed loop: as soon as one send is over, the next begins, until the time is up; then waits for those in flight.
 * Latencies count from the call.
 * @param first index of the first send
 * @param most sends after which no further one begins, whatever the time; at least `inFlight`
 */
export function driveInFlight(
  send: SendAt,
  inFlight: number,
  durationMs: number,
  first: number,
  most = mostSends,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    let begun = 0;
    let done = 0;
    let failed = 0;
    function begin(): void {
      const calledMs = performance.now();
      send(first + begun++).then((isAccepted) => {
        const nowMs = performance.now();
        memory[done++] = nowMs - calledMs;
        if (!isAccepted) failed++;
        if (nowMs - startedMs < durationMs && begun < most) begin();
        else if (done === begun) resolve(sentOf(done, failed, startedMs));
      }, reject);
    }
    for (let chain = 0; chain < inFlight; chain++) begin();
  });
}

/**
 * An open loop: sends are due at a fixed rate, in lots of a millisecond each. Latencies count from the moment at which
 * a send was due, also where the sender was too busy to begin it then (coordinated omission).
 */
export function driveRate(send: SendAt, perSecond: number, durationMs: number, first: number): Promise<Sent> {
  const total = Math.round((perSecond * durationMs) / 1000);
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    let begun = 0;
    let done = 0;
    let failed = 0;
    function begin(dueMs: number): void {
      send(first + begun++).then((isAccepted) => {
        memory[done++] = performance.now() - dueMs;
        if (!isAccepted) failed++;
        if (done === total) resolve(sentOf(done, failed, startedMs));
      }, reject);
    }
    const timer = setInterval(() => {
      const elapsedMs = Math.floor(performance.now() - startedMs);
      const due = Math.min(total, Math.floor((elapsedMs * perSecond) / 1000));
      // The millisecond in which it was due, not the moment at which the timer came.
      while (begun < due) begin(startedMs + Math.ceil(((begun + 1) * 1000) / perSecond));
      if (begun === total) clearInterval(timer);
    }, 1);
  });
}

/** One call with messages of one token each. Its latency is that of the whole call. */
export async function driveList(sender: Sender, messages: number, first: number): Promise<Sent> {
  const indices = Array.from({ length: messages }, (_, index) => first + index);
  const tokens = indices.map(tokenAt);
  const alerts = indices.map(alertAt);
  const startedMs = performance.now();
  const accepted = await sender.sendEach!(tokens, alerts);
  memory[0] = performance.now() - startedMs;
  return { ...sentOf(messages, messages - accepted, startedMs), latenciesMs: memory.slice(0, 1) };
}

function sentOf(count: number, failed: number, startedMs: number): Sent {
  return { count, failed, seconds: (performance.now() - startedMs) / 1000, latenciesMs: memory.slice(0, count) };
}
