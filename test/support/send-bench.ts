/**
 * A whole send on virtual time: dispatcher, shards (in as many fake threads as wanted), real pools and connections,
 * over memory streams, against scripted gateways; and the books of both sides.
 */
import type { PealError } from '../../src/base/errors.js';
import { maxBatchRecipients } from '../../src/base/limits.js';
import { ConnectionPool } from '../../src/connection/pool/pool.js';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import type { JobOptions, SendJob } from '../../src/engine/dispatcher/job.js';
import type { RoutePoolFactory } from '../../src/engine/shard/route.js';
import type { RequestRate } from '../../src/push/request-rate.js';
import { TokenBlock } from '../../src/push/token-block.js';
import type { MemoryOptions } from '../../src/transport/memory.js';
import { tokenOf } from './book-source.js';
import { BookSink, notification, routeConfig, routeConfigFor, turn } from './engine-fixtures.js';
import { FakeThreads } from './fake-threads.js';
import { Gateways } from './gateways.js';
import { Prng } from './prng.js';
import { type GatewayScript, openScriptedGateway } from './scripted-gateway.js';
import { VirtualClock } from './virtual-clock.js';

export interface SendBenchOptions {
  readonly threads?: number;
  readonly maxConnections?: number;
  readonly rate?: RequestRate;
  /** The threads have time for more connections, however long their virtual time takes. Default: as measured. */
  readonly isIdle?: boolean;
  /** The script of connection number `n` (from 0) at that time, or why it cannot be opened. */
  readonly script: (n: number, nowMs: number, clock: VirtualClock) => GatewayScript | PealError;
  readonly memory?: Partial<MemoryOptions>;
  /** Recipients that are dispatched so much later. */
  readonly late?: { readonly afterMs: number; readonly recipients: number };
}

/** How a send ended. */
export interface SendEnd {
  readonly book: BookSink;
  readonly stopped: PealError | null;
  /** Virtual time that it took. */
  readonly ms: number;
  /** When each attempt to connect began. */
  readonly attemptsAtMs: readonly number[];
  readonly requests: number;
}

/**
 * Steps of virtual time between which messages of threads travel, in milliseconds: longer ones where nothing is due.
 */
const stepMs = 50;
const longestStepMs = 500;
/** Turns of the real loop after each. */
const turnsOfPorts = 3;
/** A send that is not over after so long is not over at all. */
const maxMs = 3_600_000;

/** Sends to that many recipients and waits, virtually, for the end. Checks that nothing is left behind. */
export async function sendAll(
  recipients: number,
  options: SendBenchOptions,
  jobOptions: JobOptions = {},
): Promise<SendEnd> {
  const { threads = 0, maxConnections = 4, rate = null, isIdle = false, script, memory, late } = options;
  const clock = new VirtualClock();
  const prng = new Prng(7);
  const random = (): number => prng.next();
  const { all, attemptsAtMs, backend } = new Gateways(
    openScriptedGateway,
    (attempt) => script(attempt, clock.now(), clock),
    { ...memory, clock },
  );
  const openPool: RoutePoolFactory = ({ config, ...rest }) =>
    new ConnectionPool({ ...config, ...rest, loadProbe: () => 0 });
  const pools = isIdle ? { openPool } : {};
  const openThreads = (): FakeThreads => new FakeThreads({ clock, backend, random, ...pools });
  const shared = { threads, clock, backend, random, ...pools };
  const dispatcher = new Dispatcher({ ...shared, ...(threads > 0 && { openThreads }) });
  const route = dispatcher.openRoute({ ...routeConfigFor(routeConfig.address, { maxConnections }), rate }, null);
  const book = new BookSink();
  const job = dispatcher.send(route, notification, book, jobOptions);
  await dispatcher.stats();
  let endMs: number | null = null;
  const done = dispatchAll(job, 0, recipients)
    .then(async () => {
      if (late === undefined) return;
      await new Promise<void>((resolve) => clock.setTimer(resolve, late.afterMs));
      await dispatchAll(job, recipients, recipients + late.recipients);
    })
    .then(() => job.finish())
    .then(() => {
      endMs = clock.now();
    });
  const turns = threads === 0 ? 2 : turnsOfPorts;
  while (endMs === null && clock.now() < maxMs) {
    for (let done = 0; done < turns; done++) await turn();
    const dueMs = (clock.nextTimerMs ?? 0) - clock.now();
    if (endMs === null) clock.advance(Math.min(longestStepMs, Math.max(stepMs, dueMs)));
  }
  if (endMs === null) throw new Error(`the send is not over after ${maxMs} ms`);
  await done;
  const requests = all.reduce((sum, gateway) => sum + gateway.requests.length, 0);
  await closeOf(dispatcher, clock);
  return { book, stopped: job.stopped, ms: endMs, attemptsAtMs: [...attemptsAtMs], requests };
}

async function dispatchAll(job: SendJob, first: number, end: number): Promise<void> {
  for (let from = first; from < end; from += maxBatchRecipients) {
    const count = Math.min(maxBatchRecipients, end - from);
    const bytes = Buffer.concat(Array.from({ length: count }, (_, index) => tokenOf(from + index)));
    await job.dispatch({ tokens: new TokenBlock(bytes, 32, count), personal: null });
  }
}

async function closeOf(dispatcher: Dispatcher, clock: VirtualClock): Promise<void> {
  let isClosed = false;
  const closed = dispatcher.close().then(() => {
    isClosed = true;
  });
  while (!isClosed) {
    for (let turns = 0; turns < turnsOfPorts; turns++) await turn();
    clock.advance(stepMs);
  }
  await closed;
}
