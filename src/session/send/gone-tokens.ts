/**
 * What HTTP/2 answers have told of tokens that are no longer valid: what a feedback gateway tells elsewhere. One for
 * each app (gateway and credential) of a session; filled by sends, emptied by `feedback()`. Main thread, bounded.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../../base/clock.js';
import { maxGoneTokensKept, maxTokenBytes } from '../../base/limits.js';

/** A device token that is no longer valid. Drop it, unless the app registered it again after `when`. */
export interface FeedbackEntry {
  /** Lower-case hex. */
  readonly token: string;
  readonly when: Date;
}

const firstRoom = 64;
/** A token's length in front of its bytes. */
const slotBytes = 1 + maxTokenBytes;

/**
 * A ring of the latest news, packed: as strings in a map, each would outlive the collector's nursery only to be thrown
 * away a hundred thousand tokens later, which costs time and memory where a list is full of them.
 */
export class GoneTokens {
  readonly #clock: Clock;
  readonly #limit: number;
  /** News number n is in slot n % room. */
  #room = 0;
  #tokens = Buffer.alloc(0);
  /** Milliseconds since the epoch. */
  #since = new Float64Array(0);
  /** News `#first` to `#next - 1` are here. */
  #first = 0;
  #next = 0;

  constructor(clock: Clock, limit: number = maxGoneTokensKept) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** `token`: as hex. `timestampMs`: as the answer says; without one the token is gone as of now. */
  add(token: string, timestampMs: number | null): void {
    if (this.#next - this.#first === this.#limit) this.#first += 1;
    if (this.#next - this.#first === this.#room) this.#grow();
    const slot = this.#next % this.#room;
    const start = slot * slotBytes;
    this.#tokens[start] = this.#tokens.write(token, start + 1, maxTokenBytes, 'hex');
    this.#since[slot] = timestampMs ?? this.#clock.wallMs();
    this.#next += 1;
  }

  /**
   * Yields what there is now, each token once with its latest time, the oldest news first; each is forgotten as it is
   * handed out.
   */
  *take(): Generator<FeedbackEntry, void, undefined> {
    const end = this.#next;
    const latest = new Map<string, number>();
    for (let number = this.#first; number < end; number++) latest.set(this.#tokenOf(number), number);
    for (let number = this.#first; number < end; number = Math.max(number + 1, this.#first)) {
      const token = this.#tokenOf(number);
      const when = new Date(this.#since[number % this.#room]!);
      this.#first = number + 1;
      if (latest.get(token) === number) yield { token, when };
    }
  }

  #tokenOf(number: number): string {
    const start = (number % this.#room) * slotBytes;
    return this.#tokens.toString('hex', start + 1, start + 1 + this.#tokens[start]!);
  }

  #grow(): void {
    const room = Math.min(this.#limit, Math.max(firstRoom, this.#room * 2));
    const [tokens, since] = [Buffer.alloc(room * slotBytes), new Float64Array(room)];
    for (let number = this.#first; number < this.#next; number++) {
      const [from, to] = [number % this.#room, number % room];
      this.#tokens.copy(tokens, to * slotBytes, from * slotBytes, (from + 1) * slotBytes);
      since[to] = this.#since[from]!;
    }
    [this.#room, this.#tokens, this.#since] = [room, tokens, since];
  }
}
