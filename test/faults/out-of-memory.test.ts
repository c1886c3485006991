/**
 * Shards whose threads run out of memory (ERR_WORKER_OUT_OF_MEMORY), in real threads against the simulator: once, and
 * the campaign goes on; each time, and it ends with an error that says so. The books balance both times.
 */
import assert from 'node:assert/strict';
import { Piscina } from 'piscina';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import type { SendJob } from '../../src/engine/dispatcher/job.js';
import type { OpenThreads } from '../../src/engine/hosts/thread-pool.js';
import { type Simulator, startSimulator } from '../../src/index.js';
import { drawsAll } from '../support/cases.js';
import { BookSink, batchesOf, notification, numberedTokens, routeConfigFor } from '../support/engine-fixtures.js';
import { assertAccounted, type Counts, until } from './accounts.js';
import { type FaultyOptions, faultyBackendUrl } from './faulty-backend.js';

/** More than the shards hold at a time, three times over: a batch that took three shards down is not tried again. */
const manyRecipients = 400_000;

/** Threads with little memory, so that it does not take long until there is none left. */
const openSmallThreads: OpenThreads = (_threads, workerUrl) => {
  const pools: Piscina[] = [];
  return {
    get threads() {
      return pools.flatMap((pool) => pool.threads);
    },
    async run(task, options) {
      const pool = new Piscina({
        filename: workerUrl.href,
        ...{ minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: 1, idleTimeout: Number.POSITIVE_INFINITY },
        atomics: 'disabled',
        resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
      });
      pool.on('error', () => {});
      pools.push(pool);
      return await pool.run(task, options);
    },
    async destroy() {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
};

describe('a worker thread that runs out of memory', () => {
  let simulator: Simulator;
  let dispatcher: Dispatcher | null = null;

  beforeEach(async () => {
    // Long enough that something is in flight whenever a thread comes to harm.
    simulator = await startSimulator({ controlPort: null, roundTripMs: 20 });
  });

  afterEach(async () => {
    await dispatcher?.close();
    await simulator.close();
  });

  async function send(
    recipients: number,
    options: Omit<FaultyOptions, 'counter' | 'harm'>,
  ): Promise<{ readonly book: BookSink; readonly job: SendJob }> {
    const harm: FaultyOptions = { harm: 'memory', counter: new SharedArrayBuffer(4), ...options };
    const backendSpec = { specifier: faultyBackendUrl, options: harm };
    dispatcher = new Dispatcher({ threads: 2, backendSpec, openThreads: openSmallThreads });
    const address = { protocol: 'http2', host: '127.0.0.1', port: simulator.port } as const;
    const route = dispatcher.openRoute(
      routeConfigFor(address, { connectTimeoutMs: 60_000, ca: simulator.caCertificate }),
      null,
    );
    const book = new BookSink();
    const job = dispatcher.send(route, notification, book);
    for (const batch of batchesOf(recipients)) await job.dispatch(batch);
    await job.finish();
    return { book, job };
  }

  function compare(book: BookSink, recipients: number): Counts {
    const tokens = numberedTokens(0, recipients);
    const hex = Array.from({ length: recipients }, (_, index) => tokens.textAt(index));
    return assertAccounted(book, hex, (token) => simulator.ledger.recordOf(token));
  }

  it('is replaced, and the campaign goes on', async () => {
    const { book, job } = await send(20_000, { at: 40, onceWritten: true });
    assert.equal(job.stopped, null);
    const counts = compare(book, 20_000);
    assert.equal(counts.accepted + counts.unknown, 20_000);
    assert.ok(counts.unknown > 0, 'nothing was in flight');
    for (const { message } of book.causes) assert.match(message, /ERR_WORKER_OUT_OF_MEMORY/);
    const epochs = async (): Promise<number[]> => (await dispatcher!.stats()).shards.map(({ epoch }) => epoch);
    await until(async () => (await epochs()).sort().join() === '1,2', 'another shard came up');
  });

  (drawsAll ? it : it.skip)(
    'again and again, ends the campaign with an error that names it, and what was not written is unsent',
    async () => {
      const { book, job } = await send(manyRecipients, { at: 40, always: true });
      assert.equal(job.stopped?.code, 'ERR_PEAL_SHARD');
      for (const { message } of [job.stopped!, ...book.causes]) {
        assert.match(message, /The worker thread of shard \d ended with Error \(ERR_WORKER_OUT_OF_MEMORY\)\.$/);
      }
      const counts = compare(book, manyRecipients);
      assert.equal(counts.accepted + counts.unknown + counts.unsent, manyRecipients);
      assert.ok(counts.unsent > manyRecipients / 2, `${counts.unsent} are unsent`);
    },
  );
});
