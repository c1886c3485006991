/** A pool over memory streams, a virtual clock, a book-keeping source and scripted gateways: one line to set up. */
import { PealError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/log.js';
import type { LinkOptions } from '../../../src/connection/link-options.js';
import { ConnectionPool } from '../../../src/connection/pool/pool.js';
import type { PoolOptions } from '../../../src/connection/pool/pool-options.js';
import { createMemoryBackend, type MemoryOptions } from '../../../src/transport/memory.js';
import { type BookOptions, BookSource } from '../../support/book-source.js';
import { linkWith } from '../../support/link-options.js';
import { type GatewayScript, ScriptedGateway } from '../../support/scripted-gateway.js';
import { VirtualClock } from '../../support/virtual-clock.js';

export interface HarnessOptions extends Omit<BookOptions, 'recipients'> {
  readonly recipients?: number;
  /** The script of connection number `n` (from 0), or why it cannot be opened. */
  readonly script?: (n: number) => GatewayScript | PealError;
  readonly pool?: Partial<PoolOptions & LinkOptions>;
  readonly memory?: Partial<MemoryOptions>;
  /** Default: a clock of its own. */
  readonly clock?: VirtualClock;
}

export class Harness {
  readonly clock: VirtualClock;
  readonly source: BookSource;
  readonly pool: ConnectionPool;
  readonly gateways: ScriptedGateway[] = [];
  /** When each attempt to connect began. */
  readonly attemptsAtMs: number[] = [];
  load = 0;

  constructor(options: HarnessOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.source = new BookSource({ ...options, recipients: options.recipients ?? 100 });
    const backend = createMemoryBackend(
      (stream, openOptions) => {
        const script = options.script?.(this.attemptsAtMs.length) ?? {};
        this.attemptsAtMs.push(this.clock.now());
        if (script instanceof PealError) return script;
        const gateway = new ScriptedGateway(stream, openOptions, script);
        this.gateways.push(gateway);
        return gateway;
      },
      { clock: this.clock, ...options.memory },
    );
    this.pool = new ConnectionPool({
      address: { protocol: 'http2', host: 'gateway.example', port: 443 },
      credential: { kind: 'none', fingerprint: 'none' },
      link: linkWith({ maxConnections: 4, ...options.pool }),
      backend,
      source: this.source,
      clock: this.clock,
      log: silentLogger,
      random: () => 0.5,
      loadProbe: () => this.load,
      ...options.pool,
    });
  }

  /** Work is announced, and everything happens that takes no longer than pauses of reading do. */
  start(): void {
    this.pool.workAvailable();
    this.clock.advance(100);
  }

  /** All requests that gateways received, in order of connections. */
  received(): number[] {
    return this.gateways.flatMap((gateway) => gateway.requests);
  }

  /** Lets the pool close; every timer must be gone then. */
  async close(): Promise<void> {
    const closed = this.pool.close();
    this.clock.advance(20_000);
    await closed;
  }
}

export function connectError(code: PealError['code'] = 'ERR_PEAL_CONNECT', retryable = true): PealError {
  return new PealError(code, 'scripted.', { origin: 'connect', retryable });
}
