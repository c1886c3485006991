/**
 * The rate of one gateway (push/request-rate), kept by all threads of a process together: a timetable of pieces in
 * shared memory. Who wants to send takes the next piece of it, also one that begins only in a moment. So one shard that
 * is busy has all of the rate, shards that are busy take turns, one that starts late finds the same timetable, and the
 * death of one changes nothing. Time is handed in. Kept by a shard's request-pace, on its thread; the memory is made by
 * the dispatcher.
 *
 *   taken by    │ shard 0 │ shard 1 │ shard 0 │ shard 0 │
 *           ────┴─────────┴─────────┴─────────┴─────────┴───▶ time
 *                        ▲ now                          ▲ free from here on
 */
import type { Clock } from '../base/clock.js';
import { allowanceCatchUpMs } from '../base/limits.js';
import { type Address, addressUrl } from '../push/address.js';
import { PacedRate, type RequestRate } from '../push/request-rate.js';

const nanosecondsPerMs = 1e6;
/** Cells of the memory, in nanoseconds: from when on the timetable is free, and when the ramp began. */
const freeFrom = 0;
const rampFrom = 1;
const memoryBytes = 2 * BigInt64Array.BYTES_PER_ELEMENT;

export class Allowance {
  readonly #rate: PacedRate;
  readonly #cells: BigInt64Array<SharedArrayBuffer>;
  /** When the piece that was taken last begins, and when it is gone. */
  fromMs = 0;
  untilMs = 0;

  constructor(rate: RequestRate, memory: SharedArrayBuffer) {
    this.#rate = new PacedRate(rate);
    this.#cells = new BigInt64Array(memory);
  }

  /**
   * Takes the next piece of the timetable, of up to `wanted` requests, and returns how many. They may begin from
   * `fromMs`, which may be to come, until `untilMs`.
   *
   * @param nowMs as all threads have it
   */
  take(wanted: number, nowMs: number): number {
    for (;;) {
      const free = Atomics.load(this.#cells, freeFrom);
      const freeMs = Number(free) / nanosecondsPerMs;
      // What was free for longer is lost, but for a moment in which this thread may have been busy.
      const fromMs = Math.max(freeMs, nowMs - allowanceCatchUpMs);
      const unusedMs = fromMs - freeMs;
      const usedMs = Math.min(this.#rate.rampMs, freeMs - this.#rampFromMs);
      const rampedMs = Math.max(0, usedMs - unusedMs);
      const count = Math.min(wanted, this.#rate.pieceAt(rampedMs));
      const endMs = fromMs + this.#rate.spanMs(rampedMs, count);
      if (Atomics.compareExchange(this.#cells, freeFrom, free, inMemory(endMs)) !== free) continue;
      // A thread that takes the next piece before this is stored uses the older ramp for it: never more than the full
      // rate.
      if (unusedMs > 0) Atomics.store(this.#cells, rampFrom, inMemory(fromMs - rampedMs));
      this.fromMs = fromMs;
      this.untilMs = fromMs + this.#rate.keptMs;
      return count;
    }
  }

  get #rampFromMs(): number {
    return Number(Atomics.load(this.#cells, rampFrom)) / nanosecondsPerMs;
  }
}

/** Rounded up, so that rounding never adds to a rate. */
function inMemory(ms: number): bigint {
  return BigInt(Math.ceil(ms * nanosecondsPerMs));
}

/** The memory of each gateway by its URL, on one clock: of a process. Sessions and credentials share it. */
const byClock = new WeakMap<Clock, Map<string, SharedArrayBuffer>>();

/** The memory of the one timetable of the gateway at `address`. */
export function allowanceMemory(clock: Clock, address: Address): SharedArrayBuffer {
  const byUrl = byClock.get(clock) ?? new Map<string, SharedArrayBuffer>();
  byClock.set(clock, byUrl);
  const url = addressUrl(address);
  const memory = byUrl.get(url) ?? new SharedArrayBuffer(memoryBytes);
  byUrl.set(url, memory);
  return memory;
}
