/**
 * Lines of a log about the connections of this process: opened, ended, and attempts that failed. Told over
 * node:diagnostics_channel, a few times for each connection. Made by the commands that send; main thread.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import type {
  ConnectionCloseEvent,
  ConnectionFailedEvent,
  ConnectionOpenEvent,
  WatchedConnection,
} from '../../engine/dispatcher/diagnostics.js';

/** A gateway that cannot be reached fails attempts of all threads: one line tells of so long. */
const failureIntervalMs = 1000;

export class ConnectionLog implements Disposable {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** Attempts that failed since the latest line about one, and are in none. */
  #untold = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  readonly #onOpen = (event: unknown): void => {
    this.#logger.info(fieldsOf((event as ConnectionOpenEvent).connection), 'connection open');
  };
  readonly #onClose = (event: unknown): void => {
    const { connection, answers, error } = event as ConnectionCloseEvent;
    const fields = { ...fieldsOf(connection), answers };
    if (error === null) this.#logger.info(fields, 'connection closed');
    else this.#logger.warn({ ...fields, code: error.code }, `connection lost: ${error.message}`);
  };
  readonly #onFailed = (event: unknown): void => {
    const { connection, error } = event as ConnectionFailedEvent;
    const now = this.#clock.now();
    this.#untold += 1;
    if (now - this.#toldMs < failureIntervalMs) return;
    const fields = { ...fieldsOf(connection), code: error.code, attempts: this.#untold };
    this.#logger.warn(fields, `connection failed: ${error.message}`);
    this.#toldMs = now;
    this.#untold = 0;
  };

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
    subscribe('peal:connection:open', this.#onOpen);
    subscribe('peal:connection:close', this.#onClose);
    subscribe('peal:connection:failed', this.#onFailed);
  }

  [Symbol.dispose](): void {
    unsubscribe('peal:connection:open', this.#onOpen);
    unsubscribe('peal:connection:close', this.#onClose);
    unsubscribe('peal:connection:failed', this.#onFailed);
  }
}

function fieldsOf({ gateway, shardId, number }: WatchedConnection): object {
  return { gateway, shardId, connection: number };
}
