/**
 * A shard as the one, never-ending task of a worker thread: ties a Shard to the two ports of its incarnation. The task
 * is the shard's lifetime: it resolves after `stop` and rejects when something throws. Called by workers/shard.ts.
 */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../../base/clock.js';
import { atLevel, type Logger, type LogLevel, silentLogger } from '../../base/log.js';
import type { BackendSpec } from '../../transport/backend.js';
import { resolveBackend } from '../../transport/resolve-backend.js';
import { controlResult, exposeControl } from '../control-plane.js';
import type { FromShard, LogMessage, ToShard } from '../messages.js';
import { Shard } from './shard.js';

/** What a worker is given. Both ports belong to this incarnation alone. */
export interface ShardTask {
  readonly shardId: number;
  readonly epoch: number;
  readonly control: MessagePort;
  readonly data: MessagePort;
  /** Each shard makes a back-end of its own of this. */
  readonly backend: BackendSpec;
  /** The finest lines that the program's logger wants; null: none. */
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
        outdate: (idleMs) =>
          controlResult(() => {
            shard.outdate(idleMs);
            return null;
          }),
        stop: async () => {
          await shard.stop();
          // The answer is posted when this returns, and a closed port would swallow it.
          setImmediate(resolve);
          return { ok: true, value: null };
        },
      },
      control,
    );
    data.on('message', (message: ToShard) => shard.receive(message));
    // No one listens any more: the dispatcher has given this incarnation up.
    data.once('close', resolve);
  });
  await stopped;
  // What was posted before is delivered before the other side sees the port close.
  data.close();
  control.close();
}

/** A logger whose lines go to the program's own, through the data port. */
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

/** Fields as data that structured clone takes: errors keep what their toJSON shows. */
function plainFields(fields: object): object {
  try {
    return JSON.parse(JSON.stringify(fields)) as object;
  } catch {
    return {};
  }
}
