/**
 * The control plane: the few calls that a dispatcher makes to a shard in another thread, beside the data plane. They
 * answer with records, because errors lose their class and code between threads. The only module that knows Comlink,
 * which carries the calls. Comlink's types want DOM names and ports of the browser; Node's ports work as well. Used
 * by shard/shard-task (worker) and hosts/thread-shard (dispatcher).
 */
import type { MessagePort } from 'node:worker_threads';
import { type Endpoint, expose, wrap } from 'comlink';
import { rethrowAssertion } from '../base/assert.js';
import { type ErrorRecord, PealError } from '../base/errors.js';

/** The present load of one shard. Counts recipients and batches, not bytes. */
export interface ShardStats {
  /** Connections that are open or being opened. */
  readonly connections: number;
  readonly connecting: number;
  /** Attempts to connect since the shard started. */
  readonly connectionsOpened: number;
  /** Requests that wait for their answers. */
  readonly inFlight: number;
  /** Requests at a time that a gateway allows on an open connection, the lowest; null where none is known. */
  readonly streamLimit: number | null;
  /** Recipients that wait to be written. */
  readonly waiting: number;
  readonly batches: number;
}

export type ControlResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ErrorRecord };

/** Implemented by a shard's task (shard/shard-task), called through Comlink. */
interface ShardControl {
  /** Answers as soon as the shard takes messages. */
  start(): ControlResult<null>;
  stats(): ControlResult<ShardStats>;
  outdate(idleMs: number, routeId: number | null): ControlResult<null>;
  /** Answers once each connection has acknowledged, or has not in time. */
  ping(routeId: number): Promise<ControlResult<boolean[]>>;
  /** Ends the shard properly; answers once every batch is settled. */
  stop(): Promise<ControlResult<null>>;
}

/** The same calls as seen from the other thread. */
export interface RemoteShardControl {
  start(): Promise<ControlResult<null>>;
  stats(): Promise<ControlResult<ShardStats>>;
  outdate(idleMs: number, routeId: number | null): Promise<ControlResult<null>>;
  ping(routeId: number): Promise<ControlResult<boolean[]>>;
  stop(): Promise<ControlResult<null>>;
}

/** Makes a record of a call's result or error, on the shard's side. */
export function controlResult<T>(call: () => T): ControlResult<T> {
  try {
    return { ok: true, value: call() };
  } catch (error) {
    // A broken promise of the code ends the worker. Its record would say no more than that a call has failed.
    queueMicrotask(() => rethrowAssertion(error));
    return { ok: false, error: errorRecord(error) };
  }
}

/** Makes a value or a throw of a record again, on the dispatcher's side. */
export function controlValue<T>(result: ControlResult<T>): T {
  if (result.ok) return result.value;
  throw PealError.fromRecord(result.error);
}

/**
 * Makes a record of any error. Of a foreign error only the name is kept, because its message may quote what it read.
 */
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
 * Makes calls through `port`. A call to a thread that has ended never settles, so race it against a deadline. Keep the
 * returned object as long as calls are expected: Comlink closes the port of a collected one.
 */
export function wrapControl(port: MessagePort): RemoteShardControl {
  return wrap<ShardControl>(port as unknown as Endpoint) as unknown as RemoteShardControl;
}
