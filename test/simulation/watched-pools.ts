/** How the shards of a simulated world make their pools: real ones, with the books between route and pool. */
import { ConnectionPool } from '../../src/connection/pool/pool.js';
import type { RoutePoolFactory } from '../../src/engine/shard/route.js';
import type { Prng } from '../support/prng.js';
import type { Books } from './books.js';
import type { LedgerWatch } from './ledger-watch.js';
import type { Trace } from './trace.js';
import { WatchedSource } from './watched-source.js';

export interface PoolRoom {
  readonly books: Books;
  readonly trace: Trace;
  readonly random: Prng;
  /** Busy share of the event loop that pools are told. */
  readonly load: number;
}

/** @param made Gets every source that is made. */
export function watchedPools(room: PoolRoom, ledger: () => LedgerWatch, made: WatchedSource[]): RoutePoolFactory {
  const { books, trace, random, load } = room;
  return ({ config, source, ...rest }) => {
    const watched = new WatchedSource(source, ledger(), books, trace);
    const own = random.fork();
    made.push(watched);
    const pool = new ConnectionPool({
      ...{ ...config, ...rest, source: watched },
      ...{ random: () => own.next(), loadProbe: () => load },
    });
    const setProviderToken = pool.setProviderToken.bind(pool);
    pool.setProviderToken = (token) => {
      watched.onProviderToken();
      setProviderToken(token);
    };
    return pool;
  };
}
