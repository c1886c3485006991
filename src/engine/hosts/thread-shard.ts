/**
 * One incarnation of a shard in a worker thread: its task, its two ports, and its end. Made by the supervisor, on the
 * dispatcher's thread.
 *
 *   task runs ──▶ task resolves (stopped) or rejects (crashed, aborted) ──▶ data port closes ──▶ `ended` resolves
 *
 * The end of the task is reported over another port than its results, and may arrive before results that were posted
 * earlier. Only the `close` of the data port says that all of them have arrived.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { brokenPromise } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  controlCallTimeoutMs,
  pingTimeoutMs,
  shardDrainTimeoutMs,
  shardStartTimeoutMs,
  shardStopTimeoutMs,
} from '../../base/limits.js';
import type { LogLevel } from '../../base/log.js';
import type { BackendSpec } from '../../transport/backend.js';
import {
  type ControlResult,
  controlValue,
  type RemoteShardControl,
  type ShardStats,
  wrapControl,
} from '../control-plane.js';
import type { FromShard, ToShard } from '../messages.js';
import type { ShardTask } from '../shard/shard-task.js';
import type { ShardLink } from './shard-host.js';
import type { ThreadPool } from './thread-pool.js';

interface ThreadShardOptions {
  readonly pool: ThreadPool;
  readonly shardId: number;
  readonly epoch: number;
  readonly clock: Clock;
  readonly backend: BackendSpec;
  readonly logLevel: LogLevel | null;
  readonly onMessage: (message: FromShard) => void;
}

export class ThreadShard implements ShardLink {
  /** Resolves once the incarnation is over and everything that it posted was delivered; with null if it was stopped. */
  readonly ended: Promise<PealError | null>;
  readonly #options: ThreadShardOptions;
  readonly #data: MessagePort;
  readonly #controlPort: MessagePort;
  /** Referenced as long as the shard lives, because Comlink closes the port of a collected object. */
  readonly #control: RemoteShardControl;
  readonly #abort = new AbortController();
  /** Rejects the calls that still wait for an answer. */
  readonly #unanswered = new Set<(error: PealError) => void>();
  #isOver = false;

  constructor(options: ThreadShardOptions) {
    const { pool, shardId, epoch, backend, logLevel, onMessage } = options;
    const control = new MessageChannel();
    const data = new MessageChannel();
    this.#options = options;
    this.#data = data.port1;
    this.#controlPort = control.port1;
    this.#control = wrapControl(control.port1);
    const drained = new Promise<void>((resolve) => {
      data.port1.once('close', resolve);
    });
    data.port1.on('message', onMessage);
    // An idle shard does not keep the process alive. The dispatcher holds the process while anything is under way.
    data.port1.unref();
    control.port1.unref();
    const ports = { control: control.port2, data: data.port2 };
    const task: ShardTask = { shardId, epoch, ...ports, backend, logLevel };
    const lifetime = pool.run(task, { transferList: [control.port2, data.port2], signal: this.#abort.signal }).then(
      () => null,
      (error: unknown) => crashError(shardId, error),
    );
    this.ended = lifetime.then(async (cause) => {
      this.#isOver = true;
      for (const reject of this.#unanswered) reject(cause ?? crashError(shardId, null));
      // Has no effect if the ports were transferred. If the task never reached a worker, this closes our ends.
      control.port2.close();
      data.port2.close();
      await this.#orTimeout(drained, shardDrainTimeoutMs).catch(() => {});
      this.#data.close();
      this.#controlPort.close();
      return cause;
    });
  }

  post(message: ToShard, transfer: readonly ArrayBuffer[]): void {
    this.#data.postMessage(message, transfer);
  }

  /** Resolves once the worker accepts messages. Rejects, and ends the worker, if it does not in time. */
  async start(): Promise<void> {
    try {
      await this.#call(this.#control.start(), shardStartTimeoutMs);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  stats(): Promise<ShardStats> {
    return this.#call(this.#control.stats(), controlCallTimeoutMs);
  }

  async outdate(idleMs: number, routeId: number | null): Promise<void> {
    await this.#call(this.#control.outdate(idleMs, routeId), controlCallTimeoutMs);
  }

  ping(routeId: number): Promise<boolean[]> {
    return this.#call(this.#control.ping(routeId), pingTimeoutMs + controlCallTimeoutMs);
  }

  /** Asks the shard to end properly, and ends its worker if it does not. */
  async stop(): Promise<void> {
    try {
      await this.#call(this.#control.stop(), shardStopTimeoutMs);
    } catch {
      this.abort();
    }
    await this.ended;
  }

  /** Ends the worker at once. */
  abort(): void {
    this.#abort.abort();
  }

  /**
   * A call to an ended thread never settles, so each call also ends with the thread or at a deadline. It is not raced
   * against a promise of the thread's end, because every call would leave a reaction on that promise for as long as
   * the thread lives.
   */
  async #call<T>(answer: Promise<ControlResult<T>>, timeoutMs: number): Promise<T> {
    if (this.#isOver) throw crashError(this.#options.shardId, null);
    return controlValue(await this.#orTimeout(answer, timeoutMs));
  }

  #orTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
    const { clock, shardId } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(() => end(() => reject(timeoutError(shardId, timeoutMs))), timeoutMs);
      const end = (settle: () => void): void => {
        clock.clearTimer(timer);
        this.#unanswered.delete(onOver);
        settle();
      };
      const onOver = (error: PealError): void => end(() => reject(error));
      if (!this.#isOver) this.#unanswered.add(onOver);
      promise.then(
        (value) => end(() => resolve(value)),
        (error: unknown) => end(() => reject(error)),
      );
    });
  }
}

function timeoutError(shardId: number, timeoutMs: number): PealError {
  const message = `The worker thread of shard ${shardId} did not answer within ${timeoutMs} ms.`;
  return new PealError('ERR_PEAL_SHARD', message, { origin: 'engine', retryable: true });
}

/**
 * Says why a worker ended, by the name and code of the error, because the message may quote what it was reading. The
 * message of a broken promise is a constant text, and is passed on.
 */
function crashError(shardId: number, error: unknown): PealError {
  if ((error as { permission?: unknown } | null)?.permission === 'WorkerThreads') return deniedError(shardId, error);
  const broken = brokenPromise(error);
  const name = error instanceof Error ? error.name : '';
  const code = (error as { code?: unknown } | null)?.code;
  const what = [name, typeof code === 'string' ? `(${code})` : ''].filter((part) => part !== '').join(' ');
  const why = broken === null ? `${what === '' ? '' : ` with ${what}`}.` : `: ${broken}`;
  const message = `The worker thread of shard ${shardId} ended${why}`;
  return new PealError('ERR_PEAL_SHARD', message, { origin: 'engine', retryable: true, cause: error });
}

function deniedError(shardId: number, cause: unknown): PealError {
  const why = 'Node runs with --permission and without --allow-worker';
  const message = `The worker thread of shard ${shardId} may not start: ${why}.`;
  return new PealError('ERR_PEAL_SHARD', message, { origin: 'engine', retryable: true, cause });
}
