/**
 * The cost that the engine adds to each recipient, in one thread: packing tokens into a batch, the shard's books, the
 * tally, and all of it together over a pool that answers at once.
 */

import { systemClock } from '../../src/base/clock.js';
import { maxBatchRecipients } from '../../src/base/limits.js';
import { silentLogger } from '../../src/base/log.js';
import type { RequestSource } from '../../src/connection/request-source.js';
import { BatchBuffers } from '../../src/engine/dispatcher/buffers.js';
import { ACCEPTED, LedgerSheet, REJECTED } from '../../src/engine/ledger.js';
import type { FromShard, RouteConfig } from '../../src/engine/messages.js';
import type { RoutePool } from '../../src/engine/shard/route.js';
import { Shard } from '../../src/engine/shard/shard.js';
import { Tally } from '../../src/engine/tally.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { checkSessionOptions } from '../../src/session/options/session-options.js';
import type { MicroItem, Register } from './suite.js';

const tokenBytes = 32;
const tokens = new TokenBlock(
  new Uint8Array(maxBatchRecipients * tokenBytes).fill(0xa5),
  tokenBytes,
  maxBatchRecipients,
);
/** No connection is ever opened. */
const nowhere: RouteConfig = {
  address: { protocol: 'http2', host: 'gateway.invalid', port: 443 },
  credential: { kind: 'none', fingerprint: 'none' },
  link: checkSessionOptions({}).link,
};
const perBatch = { bytesPerItem: tokenBytes, itemsPerRun: maxBatchRecipients };

export const register: Register = () => {
  const buffers = new BatchBuffers(4);
  return [
    {
      name: 'batch: copy tokens into a transferable buffer',
      ...perBatch,
      run: () => buffers.giveBack(buffers.copyOf({ tokens, personal: null }).buffer),
    },
    booksItem(buffers),
    tallyItem('batch: tally, all accepted', () => ACCEPTED),
    tallyItem('batch: tally, one in ten rejected', (index) => (index % 10 === 0 ? REJECTED + 26 : ACCEPTED)),
  ];
};

/** From packed tokens to counted outcomes: copy, shard, ledger, settlement, tally; no codec and no port. */
function booksItem(buffers: BatchBuffers): MicroItem {
  const ledger = LedgerSheet.withRoomFor(maxBatchRecipients);
  const pools: InstantPool[] = [];
  const settled: FromShard[] = [];
  const tally = new Tally();
  const shard = new Shard({
    backend: { open: () => unreachable() },
    clock: { ...systemClock, defer: () => {} },
    log: silentLogger,
    send: (message) => settled.push(message),
    openPool: ({ source }) => {
      const pool = new InstantPool(source);
      pools.push(pool);
      return pool;
    },
  });
  const queued = new Uint8Array(maxBatchRecipients);
  return {
    name: 'batch: all books of the engine, copy to tally',
    ...perBatch,
    setUp: () => {
      shard.receive({ kind: 'route', routeId: 1, config: nowhere });
      const notification = { headers: [], payload: new Uint8Array(2), expiration: null, priority: null };
      shard.receive({ kind: 'notification', notificationId: 1, routeId: 1, notification });
    },
    run: () => {
      ledger.bytes.set(queued);
      const { buffer } = buffers.copyOf({ tokens, personal: null });
      const { count } = tokens;
      const batch = {
        slot: 0,
        ledger: ledger.buffer,
        notificationId: 1,
        count,
        tokenBytes,
        buffer,
        personal: null,
        isRetry: false,
        beginWithinMs: null,
      };
      shard.receive({ kind: 'batch', ...batch });
      pools[0]!.answerAll();
      const message = settled.pop()!;
      if (message.kind !== 'settled') unreachable();
      tally.add({ ledger: ledger.bytes.slice(), details: message.details });
      buffers.giveBack(message.buffer);
    },
  };
}

function tallyItem(name: string, outcomeAt: (index: number) => number): MicroItem {
  const tally = new Tally();
  const ledger = Uint8Array.from({ length: maxBatchRecipients }, (_, index) => outcomeAt(index));
  return { name, bytesPerItem: 1, itemsPerRun: maxBatchRecipients, run: () => tally.add({ ledger, details: [] }) };
}

/** Takes as many recipients as one connection would at a time, and accepts them. */
class InstantPool implements RoutePool {
  constructor(readonly source: RequestSource) {}

  answerAll(): void {
    for (let run = this.source.current(); run !== null; run = this.source.current()) {
      const from = run.head;
      const count = Math.min(256, run.order.length - from);
      this.source.taken(run, count);
      for (let at = from; at < from + count; at++) this.source.onAccepted(run.tagBase + run.order[at]!);
    }
  }

  workAvailable(): void {}
  setProviderToken(): void {}
  outdate(): void {}
  async ping(): Promise<boolean[]> {
    return [];
  }
  async close(): Promise<void> {}
  stats(): ReturnType<RoutePool['stats']> {
    return { opening: 0, ready: 1, draining: 0, opened: 1, inFlight: 0, streamLimit: null };
  }
}

function unreachable(): never {
  throw new Error('the benchmark came where it never should');
}
