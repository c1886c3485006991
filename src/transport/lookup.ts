/**
 * Name look-up for new connections: asked anew each time (Apple: "an uncached DNS query before each connection"). Each
 * look-up of a host rotates its addresses by one, so that the connections of a pool spread over the addresses of a
 * gateway instead of all taking the first one. Rotation is kept for each host: with one counter, two hosts that are
 * used alternately would each see only every second address.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { maxRotatedHosts } from '../base/limits.js';

/** What the look-up asks: `dns.lookup`, which keeps nothing, or a stand-in in tests. */
type ResolveAll = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Far more than any host has addresses. */
const maxFirstTurn = 1 << 16;

/**
 * Makes a look-up for `net.connect` and `tls.connect`. Each call of it for a host begins at the next address.
 * `firstTurn`: where the first one begins; at random unless said otherwise, or every thread and process would take the
 * same address first.
 */
export function createRotatingLookup(
  resolve: ResolveAll = systemLookup,
  firstTurn: number = Math.floor(Math.random() * maxFirstTurn),
): LookupFunction {
  const turns = new HostTurns(firstTurn);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const turned = turnWithinFamilies(addresses, turns.take(hostname));
      if (options.all === true) return callback(null, turned);
      callback(null, turned[0]?.address ?? '', turned[0]?.family);
    });
  };
}

/** Whose turn it is, for each host. */
class HostTurns {
  readonly #firstTurn: number;
  readonly #next = new Map<string, number>();

  constructor(firstTurn: number) {
    this.#firstTurn = firstTurn;
  }

  take(host: string): number {
    const turn = this.#next.get(host) ?? this.#firstTurn;
    this.#next.delete(host); // to stand last: the one that was not asked for longest stands first
    this.#next.set(host, turn + 1);
    if (this.#next.size > maxRotatedHosts) this.#dropFirst();
    return turn;
  }

  #dropFirst(): void {
    const first = this.#next.keys().next();
    if (first.done !== true) this.#next.delete(first.value);
  }
}

/** The family that the system put first stays first: it knows which one works from here. */
function turnWithinFamilies(addresses: readonly LookupAddress[], turn: number): LookupAddress[] {
  const firstFamily = addresses[0]?.family;
  const first = addresses.filter((address) => address.family === firstFamily);
  const rest = addresses.filter((address) => address.family !== firstFamily);
  return [...turned(first, turn), ...turned(rest, turn)];
}

function turned<T>(items: readonly T[], turn: number): T[] {
  const start = items.length === 0 ? 0 : turn % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
