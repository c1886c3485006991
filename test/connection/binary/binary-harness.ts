/** A pool of binary connections over memory streams, a virtual clock and scripted gateways: one line to set up. */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/log.js';
import type { LinkOptions } from '../../../src/connection/link-options.js';
import { ConnectionPool } from '../../../src/connection/pool/pool.js';
import type { PoolOptions } from '../../../src/connection/pool/pool-options.js';
import type { Backend } from '../../../src/transport/backend.js';
import { createMemoryBackend, type MemoryOptions, type MemoryStream } from '../../../src/transport/memory.js';
import { BinaryGateway, type BinaryScript } from '../../support/binary-gateway.js';
import { type BookOptions, BookSource } from '../../support/book-source.js';
import { linkWith } from '../../support/link-options.js';
import { VirtualClock } from '../../support/virtual-clock.js';

export interface BinaryHarnessOptions extends Partial<BookOptions> {
  /** The script of connection number `n` (from 0), or why it cannot be opened. */
  readonly script?: (n: number) => BinaryScript | PealError;
  readonly pool?: Partial<PoolOptions & LinkOptions>;
  readonly memory?: Partial<MemoryOptions>;
}

export class BinaryHarness {
  readonly clock = new VirtualClock();
  readonly source: BookSource;
  readonly pool: ConnectionPool;
  readonly gateways: BinaryGateway[] = [];
  /** Our ends, in the order of opening. */
  readonly streams: MemoryStream[] = [];
  attempts = 0;

  constructor(options: BinaryHarnessOptions = {}) {
    this.source = new BookSource({ recipients: 100, resends: 100, ...options });
    const memory = createMemoryBackend(
      (stream, { alpnProtocol }) => {
        assert.equal(alpnProtocol, null);
        const script = options.script?.(this.attempts++) ?? {};
        if (script instanceof PealError) return script;
        const gateway = new BinaryGateway(stream, this.clock, script);
        this.gateways.push(gateway);
        return gateway;
      },
      { clock: this.clock, ...options.memory },
    );
    const backend: Backend = {
      ...memory,
      open: (openOptions, listener) => {
        const stream = memory.open(openOptions, listener);
        this.streams.push(stream as MemoryStream);
        return stream;
      },
    };
    this.pool = new ConnectionPool({
      address: { protocol: 'binary', host: 'gateway.example', port: 2195 },
      credential: { kind: 'none', fingerprint: 'none' },
      link: linkWith(options.pool),
      backend,
      source: this.source,
      clock: this.clock,
      log: silentLogger,
      random: () => 0.5,
      loadProbe: () => 0,
      ...options.pool,
    });
  }

  /** Work is announced, and `ms` pass. */
  run(ms = 60_000): void {
    this.pool.workAvailable();
    this.clock.advance(ms);
  }

  /** What gateways delivered, in order of connections. */
  delivered(): number[] {
    return this.gateways.flatMap((gateway) => gateway.delivered);
  }

  /** Lets the pool close; nothing is left then, neither timers nor connections. */
  async close(): Promise<void> {
    const closed = this.pool.close();
    this.clock.advance(60_000);
    await closed;
    assert.equal(this.clock.timerCount, 0);
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
