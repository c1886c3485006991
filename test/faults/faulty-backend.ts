/**
 * A back-end for shards in threads whose own thread comes to harm at a chosen point: TLS as usual, until the k-th thing
 * that happens on its streams. Loaded by the shards as a module, on their threads; the counter is shared by all of them
 * and outlives them, so that exactly one is hit, once.
 */
import type { Backend, BackendStream, ByteStreamListener, OpenOptions } from '../../src/backend.js';
import { createTlsBackend } from '../../src/transport/tls.js';

/**
 * `exit`: the thread ends there and then, in the middle of the call. `memory`: it asks for memory until it is denied.
 * `block`: its event loop stands still for `blockMs`.
 */
export type Harm = 'exit' | 'memory' | 'block';

export interface FaultyOptions {
  readonly harm: Harm;
  /** Which event on a stream it is: 1 is the first. */
  readonly at: number;
  /** Events so far, one Int32. */
  readonly counter: SharedArrayBuffer;
  /** Only events of streams that have written something count. */
  readonly onceWritten?: boolean;
  /** Every event from then on, in every thread that comes. Default: that one. */
  readonly always?: boolean;
  readonly blockMs?: number;
}

export const faultyBackendUrl = new URL('./faulty-backend.js', import.meta.url).href;

export default class FaultyBackend implements Backend {
  readonly #options: FaultyOptions;
  readonly #events: Int32Array;
  readonly #tls = createTlsBackend();

  constructor(options: FaultyOptions) {
    this.#options = options;
    this.#events = new Int32Array(options.counter);
  }

  open(options: OpenOptions, listener: ByteStreamListener): BackendStream {
    let counts = this.#options.onceWritten !== true;
    /** Before and after are different points: of a write, of a read, of whatever the connection makes of them. */
    const around = (act: () => void): void => {
      if (counts) this.#event();
      act();
      if (counts) this.#event();
    };
    if (counts) this.#event();
    const stream = this.#tls.open(options, {
      onOpen: () => around(() => listener.onOpen()),
      onBytes: (buffer, length) => around(() => listener.onBytes(buffer, length)),
      onClosed: (error) => around(() => listener.onClosed(error)),
    });
    const write = stream.write.bind(stream);
    stream.write = (bytes, onWritten) => {
      around(() => write(bytes, () => around(onWritten)));
      counts = true;
    };
    return stream;
  }

  #event(): void {
    const { at, always = false } = this.#options;
    const number = Atomics.add(this.#events, 0, 1) + 1;
    if (number === at || (always && number > at)) this.#suffer();
  }

  #suffer(): void {
    const { harm, blockMs = 0 } = this.#options;
    if (harm === 'exit') process.exit();
    // Nothing is ever stored here: the time passes, and the thread does nothing meanwhile.
    if (harm === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
    const held: number[][] = [];
    while (harm === 'memory') held.push(new Array<number>(10_000).fill(held.length));
  }
}
