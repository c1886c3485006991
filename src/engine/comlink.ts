/**
 * The one module that knows Comlink, which carries the control plane between threads. Its types want DOM names and its
 * ends are MessagePorts of the browser; Node's do as well. Used by shard-task (worker) and thread-shard (dispatcher).
 */
import type { MessagePort } from 'node:worker_threads';
import { type Endpoint, expose, wrap } from 'comlink';
import type { RemoteShardControl, ShardControl } from './control-api.js';

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
