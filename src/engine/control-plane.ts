/**
 * The control plane: the few calls that a dispatcher makes of a shard in another thread, beside the data plane. They
 * answer with records, because errors lose their class and code on the way between threads. The one module that knows
 * Comlink, which carries the calls; its types want DOM names and ports of the browser, and Node's ports do as well. Used by
 * shard/shard-task (worker) and hosts/thread-shard (dispatcher).
 */
import type { MessagePort } from 'node:worker_threads';
import { type Endpoint, expose, wrap } from 'comlink';
import { rethrowAssertion } from '../base/assert.js';
import { type ErrorRecord, PealError } from '../base/errors.js';

/** What one shard is doing now. Recipients and batches, not bytes. */
export interface ShardStats {
  /** Connections that are open, and those that are being opened. */
  readonly connections: number;
  readonly connecting: number;
  /** Attempts to connect since the shard came up. */
  readonly connectionsOpened: number;
  /** Requests that wait for their answers. */
  readonly inFlight: number;
  /** Recipients that wait to be written. */
  readonly waiting: number;
  readonly batches: number;
}

export type ControlResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ErrorRecord };

/** Implemented by a shard's task (shard/shard-task), called through Comlink (comlink.ts). */
interface ShardControl {
  /** Answers once the shard takes messages. */
  start(): ControlResult<null>;
  stats(): ControlResult<ShardStats>;
  outdate(idleMs: number): ControlResult<null>;
  /** Ends the shard in good order; answers once every batch is settled. */
  stop(): Promise<ControlResult<null>>;
}

/** The same calls as they look from the other thread. */
export interface RemoteShardControl {
  start(): Promise<ControlResult<null>>;
  stats(): Promise<ControlResult<ShardStats>>;
  outdate(idleMs: number): Promise<ControlResult<null>>;
  stop(): Promise<ControlResult<null>>;
}

/** Makes a call's outcome a record: for the shard's side. */
export function controlResult<T>(call: () => T): ControlResult<T> {
  try {
    return { ok: true, value: call() };
  } catch (error) {
    // A broken promise ends the worker: its record would say no more than that a call has failed.
    queueMicrotask(() => rethrowAssertion(error));
    return { ok: false, error: errorRecord(error) };
  }
}

/** Makes a record a value or a throw again: for the dispatcher's side. */
export function controlValue<T>(result: ControlResult<T>): T {
  if (result.ok) return result.value;
  throw PealError.fromRecord(result.error);
}

/** Any error as a record; of one that is not ours only the name, because its message may quote what it read. */
function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof PealError) return error.toRecord();
  const name = error instanceof Error ? error.name : typeof error;
  return { code: 'ERR_PEAL_SHARD', message: `A shard failed with ${name}.`, origin: 'engine', retryable: true };
}

/** Answers calls that come through `port`, until it is closed. */
export function exposeControl(control: ShardControl, port: MessagePort): void {
  expose(control, port as unknown as Endpoint);
}

/**
 * Calls through `port`. A call to a thread that has ended never settles: race it. Keep the returned object as long as
 * calls are to be answered; Comlink closes the port of one that was collected.
 */
export function wrapControl(port: MessagePort): RemoteShardControl {
  return wrap<ShardControl>(port as unknown as Endpoint) as unknown as RemoteShardControl;
}
