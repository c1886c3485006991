/**
 * A shard as the only, never-ending task of a worker thread: connects a Shard to the two ports of its incarnation. The
 * task lives as long as the shard: it resolves after `stop` and rejects when something throws. Called by
 * workers/shard.ts.
 */
import type { MessagePort } from 'node:worker_threads';
import { rethrowAssertion } from '../../base/assert.js';
import { systemClock } from '../../base/clock.js';
import { atLevel, type Logger, type LogLevel, silentLogger } from '../../base/log.js';
import type { BackendSpec } from '../../transport/backend.js';
import { resolveBackend } from '../../transport/resolve-backend.js';
import { controlResult, exposeControl } from '../control-plane.js';
import type { FromShard, LogMessage, ToShard } from '../messages.js';
import { Shard } from './shard.js';

/** The data that a worker gets. Both ports belong to this incarnation alone. */
export interface ShardTask {
  readonly shardId: number;
  readonly epoch: number;
  readonly control: MessagePort;
  readonly data: MessagePort;
  /** From which each shard makes its own back-end. */
  readonly backend: BackendSpec;
  /** The finest level of the program's logger; null: no lines. */
  readonly logLevel: LogLevel | null;
}

export async function runShardTask(task: ShardTask): Promise<void> {
  const { control, data, backend, logLevel } = task;
  const shard = new Shard({
    backend: await resolveBackend(backend.specifier, backend.options),
    clock: systemClock,
    log: logLevel === null ? silentLogger : atLevel(logLevel, portLogger(data)),
    send: (message: FromShard, transfer: readonly ArrayBuffer[]) => data.postMessage(message, transfer),
  });
  const stopped = new Promise<void>((resolve) => {
    exposeControl(
      {
        start: () => controlResult(() => null),
        stats: () => controlResult(() => shard.stats()),
        outdate: (idleMs, routeId) =>
          controlResult(() => {
            shard.outdate(idleMs, routeId);
            return null;
          }),
        ping: async (routeId) => ({ ok: true, value: await shard.ping(routeId) }),
        stop: async () => {
          await shard.stop().catch(endThread);
          // The answer is posted when this function returns, and a closed port would drop it.
          setImmediate(resolve);
          return { ok: true, value: null };
        },
      },
      control,
    );
    data.on('message', (message: ToShard) => shard.receive(message));
    // The dispatcher no longer listens: it has given this incarnation up.
    data.once('close', resolve);
  });
  await stopped;
  // Messages posted before are delivered before the other side sees the port close.
  data.close();
  control.close();
}

/** The other side, which ends this thread in any case, would take a broken promise for any other failure to stop. */
function endThread(error: unknown): never {
  queueMicrotask(() => rethrowAssertion(error));
  throw error;
}

/** A logger that sends its lines to the program's logger, through the data port. */
function portLogger(data: MessagePort): Logger {
  const method =
    (level: LogMessage['level']) =>
    (fields: object, message: string): void => {
      const line: LogMessage = { kind: 'log', level, fields: plainFields(fields), message };
      data.postMessage(line);
    };
  return {
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
  };
}

/** Fields as data that structured clone accepts. Errors keep what their toJSON shows. */
function plainFields(fields: object): object {
  try {
    return JSON.parse(JSON.stringify(fields)) as object;
  } catch {
    return {};
  }
}
