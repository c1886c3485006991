/**
 * The engine of a gateway that `Session.newConnection` made: started with a send, on the calling thread, and closed
 * with its connections once no send runs any more. Main thread.
 */
import { assert, rethrowAssertion } from '../base/assert.js';
import type { GatewayOwner } from './gateway.js';
import type { CheckedOptions } from './options/session-options.js';
import type { OpenSends } from './send/open-sends.js';
import type { Engine } from './send/send.js';

export class OwnEngine implements GatewayOwner {
  readonly threads = 0;
  readonly keepsConnections = false;
  closings = 0;
  readonly #start: () => Promise<Engine>;
  /** Those of the session that run or close, so that its shutdown can wait for them. */
  readonly #running: Set<OwnEngine>;
  #engine: Promise<Engine> | null = null;
  #closing: Promise<void> | null = null;
  #sends = 0;

  constructor(
    readonly options: CheckedOptions,
    readonly sends: OpenSends,
    start: () => Promise<Engine>,
    running: Set<OwnEngine>,
  ) {
    this.#start = start;
    this.#running = running;
  }

  engine(): Promise<Engine> {
    this.#sends += 1;
    this.#engine ??= this.#start();
    this.#running.add(this);
    const opening = this.#engine;
    // Counted for each send that asked, because a send without an engine does not release it.
    opening.catch(() => {
      this.#sends -= 1;
      this.#forget(opening);
    });
    return opening;
  }

  /** One send has ended. Does not wait for the connections: what they carried is settled. */
  release(): void {
    assert(this.#sends > 0, 'each send releases the engine once');
    this.#sends -= 1;
    if (this.#sends === 0) this.close().catch(rethrowAssertion);
  }

  /** Resolves once all connections are closed. */
  async close(): Promise<void> {
    const engine = this.#engine;
    if (engine === null) {
      await this.#closing;
      return;
    }
    this.#engine = null;
    this.closings += 1;
    this.#closing = closeOpening(engine);
    try {
      await this.#closing;
    } finally {
      if (this.#engine === null) this.#running.delete(this);
    }
  }

  #forget(opening: Promise<Engine>): void {
    if (this.#engine !== opening) return;
    this.#engine = null;
    this.#running.delete(this);
  }
}

/**
 * Closes an engine that may still be starting. One that could not be started was told to the sends that asked for it.
 */
export async function closeOpening(engine: Engine | Promise<Engine>): Promise<void> {
  let open: Engine;
  try {
    open = await engine;
  } catch (error) {
    rethrowAssertion(error);
    return;
  }
  await open.close();
}
