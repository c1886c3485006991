/**
 * `peal status --cluster`: shows the campaigns, workers and slices of a cluster once, or again and again until it is
 * interrupted. It only reads. Main thread.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PealError } from '../../base/errors.js';
import { statusPatienceMs } from '../../base/limits.js';
import { QueueServer } from '../../cluster/queue/queue-server.js';
import { SliceQueue } from '../../cluster/queue/slice-queue.js';
import type { ClusterStore, WorkerBeat } from '../../cluster/store/cluster-store.js';
import { openClusterStore } from '../../cluster/store/open-store.js';
import { RateMeter } from '../send/rate-meter.js';
import { type ClusterFlags, clusterUrls } from '../shared/cluster-options.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt, type SignalSource } from '../shared/interrupt.js';
import { LiveBlock } from '../shared/live-block.js';
import { hasColour, printError, type Terminal, usageError } from '../shared/terminal.js';
import { type ClusterView, clusterJson, clusterLines } from './cluster-text.js';

export interface ClusterStatusFlags extends ClusterFlags {
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Where it looks. */
export interface ClusterBooks {
  readonly place: string;
  readonly store: Pick<ClusterStore, 'campaigns' | 'workers'>;
  readonly queue: Pick<SliceQueue, 'counts'>;
  close(): Promise<void>;
}

/** What a test sets. */
export interface ClusterStatusTimes {
  readonly open?: () => Promise<ClusterBooks>;
  /** Between two looks. */
  readonly lookMs?: number;
  /** Between two blocks where the output is no terminal. */
  readonly blockMs?: number;
  /** Where signals come from. Default: the process. */
  readonly signals?: SignalSource;
}

/**
 * Resolves with the exit code: 0, whatever the campaigns do; with `--watch` that of an interrupt.
 *
 * @throws PealError ERR_PEAL_OPTION for options that contradict each other, ERR_PEAL_STORE where Redis cannot be used
 */
export async function statusOfCluster(
  flags: ClusterStatusFlags,
  terminal: Terminal,
  times: ClusterStatusTimes = {},
): Promise<ExitCode> {
  if (flags.watch === true && flags.json === true) {
    throw usageError('--json prints one line, and --watch looks again and again: give one.');
  }
  const books = await (times.open ?? (() => openBooks(flags, terminal)))();
  try {
    const looks = new Looks(books);
    if (flags.watch === true) return await watch(looks, terminal, times);
    const view = await looks.next();
    if (flags.json === true) {
      terminal.stdout.write(`${clusterJson(view)}\n`);
      return exitCodes.accepted;
    }
    if (!view.workers.some(({ slices }) => slices.length > 0)) return print(terminal, view);
    // The rate of now needs a second reading. Workers tell of themselves once a second.
    await sleep(times.lookMs ?? 2000);
    return print(terminal, await looks.next());
  } finally {
    await books.close();
  }
}

async function openBooks(flags: ClusterFlags, terminal: Terminal): Promise<ClusterBooks> {
  const { redis: url, ca } = clusterUrls(flags, terminal.env);
  const trust = ca === undefined ? {} : { ca };
  const { store, close } = await openClusterStore(url, { ...trust, patienceMs: statusPatienceMs });
  try {
    const server = await QueueServer.open({ url, ...trust });
    const queue = new SliceQueue(server);
    const { host, hostname } = new URL(url);
    return {
      place: `Redis at ${host === hostname ? `${host}:6379` : host}`,
      store,
      queue,
      close: async () => {
        await queue.close();
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function print(terminal: Terminal, view: ClusterView): ExitCode {
  const { stdout } = terminal;
  const style = { columns: stdout.columns ?? 80, rows: null, colour: hasColour(terminal, stdout) };
  stdout.write(`${clusterLines(view, style).join('\n')}\n`);
  return exitCodes.accepted;
}

async function watch(looks: Looks, terminal: Terminal, times: ClusterStatusTimes): Promise<ExitCode> {
  const { stdout } = terminal;
  const stopping = new AbortController();
  using interrupt = new Interrupt(
    times.signals ?? process,
    () => stopping.abort(),
    (code) => process.exit(code),
  );
  const colour = hasColour(terminal, stdout);
  const isScreen = stdout.isTTY === true && terminal.env.TERM !== 'dumb';
  const waitMs = isScreen ? (times.lookMs ?? 1000) : (times.blockMs ?? 10_000);
  using block = isScreen ? new LiveBlock(stdout) : null;
  for (;;) {
    try {
      const view = await looks.next();
      if (block !== null) block.draw((columns, rows) => clusterLines(view, { columns, rows, colour }));
      else {
        print(terminal, view);
        stdout.write('\n');
      }
    } catch (error) {
      // A store that is away may be back at the next look.
      if (!(error instanceof PealError && error.retryable)) throw error;
      block?.clear();
      printError(terminal, error);
    }
    await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    if (interrupt.exitCode !== null) return interrupt.exitCode;
  }
}

/** Readings of a cluster, and the rate between them. */
class Looks {
  readonly #books: ClusterBooks;
  readonly #rate = new RateMeter();
  /** Answers of each worker, as it last said. */
  #answers = new Map<string, number>();
  /** Answers since the first look, workers that have ended included. */
  #total = 0;
  #count = 0;

  constructor(books: ClusterBooks) {
    this.#books = books;
  }

  async next(): Promise<ClusterView> {
    const { place, store, queue } = this.#books;
    const [campaigns, workers, counts] = await Promise.all([store.campaigns(), store.workers(), queue.counts()]);
    this.#note(workers);
    const perSecond = this.#count > 1 ? this.#rate.perSecond() : null;
    return { place, campaigns, workers, queue: counts, perSecond, atMs: Date.now() };
  }

  #note(workers: readonly WorkerBeat[]): void {
    const isFirst = this.#count === 0;
    const answers = new Map<string, number>();
    for (const { id, accepted, rejected } of workers) {
      const count = accepted + rejected;
      answers.set(id, count);
      this.#total += isFirst ? 0 : count - (this.#answers.get(id) ?? 0);
    }
    this.#answers = answers;
    this.#rate.note(performance.now(), this.#total);
    this.#count += 1;
  }
}
