/**
 * What happens in each case, and when. A fault strikes once, when no further request has come for a while: then as many
 * are in flight as the sender keeps.
 */
import type { Gateway, Request } from './gateway.js';
import { tokenAt } from './tokens.js';
import type { Wire } from './wire.js';

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly count: number;
  /** Makes what answers the requests of one run. */
  script(wire: () => Wire): Script;
}

export interface Script {
  onRequest(request: Request, gateway: Gateway): void;
  /** Requests that were in flight when the fault struck; 0 where none does. */
  readonly inFlight: number;
  close(): void;
}

const quietMs = 400;
const retryAfterSeconds = 2;

/**
 * Holds all answers back until the quiet moment, lets `strike` decide about what is held, and answers at once from then
 * on. The first request of a connection is answered at once, as APNs lets a sender begin.
 */
class Held implements Script {
  inFlight = 0;
  readonly #strike: (held: readonly Request[], gateway: Gateway) => void;
  #held: Request[] | null = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(strike: (held: readonly Request[], gateway: Gateway) => void) {
    this.#strike = strike;
  }

  onRequest(request: Request, gateway: Gateway): void {
    const held = this.#held;
    if (held === null || request.isFirst) {
      gateway.accept(request);
      return;
    }
    held.push(request);
    this.close();
    this.#timer = setTimeout(() => {
      this.#held = null;
      this.inFlight = held.length;
      this.#strike(held, gateway);
    }, quietMs);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

/**
 * The earlier half of each connection's requests, and the rest; of odd numbers now the larger, now the smaller part.
 */
function halves(held: readonly Request[]): { readonly first: Request[]; readonly second: Request[] } {
  const bySession = new Map<object, Request[]>();
  for (const request of held) bySession.set(request.session, [...(bySession.get(request.session) ?? []), request]);
  const first: Request[] = [];
  const second: Request[] = [];
  let isUp = true;
  for (const requests of bySession.values()) {
    const middle = (requests.length + (isUp ? 1 : 0)) >> 1;
    if (requests.length % 2 === 1) isUp = !isUp;
    first.push(...requests.slice(0, middle));
    second.push(...requests.slice(middle));
  }
  return { first, second };
}

function goAway(held: readonly Request[], gateway: Gateway): void {
  const { first } = halves(held);
  const lastOf = new Map(held.map(({ session }) => [session, 1]));
  for (const { session, stream } of first) lastOf.set(session, Math.max(lastOf.get(session)!, stream.id!));
  for (const [session, lastStreamId] of lastOf) session.goaway(0, lastStreamId);
  for (const request of first) gateway.accept(request);
  for (const session of lastOf.keys()) session.close();
}

/** Half of what is in flight was delivered, and no answer gets through. */
function cutOff(cut: 'reset' | 'stall', wire: () => Wire) {
  return (held: readonly Request[], gateway: Gateway): void => {
    for (const request of halves(held).first) gateway.deliver(request);
    wire()[cut]();
  };
}

/** Half are refused with 429, half with 503, until `Retry-After` is over. */
class Busy implements Script {
  readonly inFlight = 0;
  readonly #refusedAt = new Map<string, number>();

  onRequest(request: Request, gateway: Gateway): void {
    const now = performance.now();
    const since = this.#refusedAt.get(request.token);
    if (since !== undefined && now - since >= retryAfterSeconds * 1000) {
      gateway.accept(request);
      return;
    }
    this.#refusedAt.set(request.token, since ?? now);
    const isEven = Number.parseInt(request.token.slice(-1), 16) % 2 === 0;
    const [status, reason] = isEven ? [429, 'TooManyRequests'] : [503, 'ServiceUnavailable'];
    gateway.reject(request, status as number, reason as string, retryAfterSeconds);
  }

  close(): void {}
}

/** One token is delivered and never answered. */
class Silent implements Script {
  readonly inFlight = 0;
  readonly #token: string;

  constructor(index: number) {
    this.#token = tokenAt(index);
  }

  onRequest(request: Request, gateway: Gateway): void {
    if (request.token === this.#token) gateway.deliver(request);
    else gateway.accept(request);
  }

  close(): void {}
}

class Willing implements Script {
  readonly inFlight = 0;

  onRequest(request: Request, gateway: Gateway): void {
    gateway.accept(request);
  }

  close(): void {}
}

const count = 201;

export const cases: readonly Case[] = [
  {
    name: 'goaway',
    title: 'graceful GOAWAY: the first half of what is in flight is answered, the second was not processed',
    count,
    script: () => new Held(goAway),
  },
  {
    name: 'reset',
    title: 'TCP reset: half of what is in flight was delivered, no answer came through',
    count,
    script: (wire) => new Held(cutOff('reset', wire)),
  },
  {
    name: 'black-hole',
    title: 'black hole: the connection stays open and nothing passes; half of what is in flight was delivered',
    count,
    script: (wire) => new Held(cutOff('stall', wire)),
  },
  {
    name: 'busy',
    title: `429 and 503 with Retry-After ${retryAfterSeconds}, then 200`,
    count,
    script: () => new Busy(),
  },
  { name: 'silent', title: 'one request is delivered and never answered', count, script: () => new Silent(100) },
  { name: 'volume', title: '20,000 tokens in one call', count: 20_000, script: () => new Willing() },
];
