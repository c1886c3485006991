/**
 * Shards in real threads that die at many different points, against the simulator. Two ways: the dispatcher ends a
 * thread at the k-th message between them, and a thread ends itself in the middle of the k-th call of its back-end.
 * Whatever k is: nothing is lost, nothing is sent twice, and nothing but what was written may be unknown.
 */
import assert from 'node:assert/strict';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import type { SendJob } from '../../src/engine/dispatcher/job.js';
import { openPiscina, type ThreadPool } from '../../src/engine/hosts/thread-pool.js';
import { type Simulator, startSimulator } from '../../src/index.js';
import { cases } from '../support/cases.js';
import { BookSink, batchOf, notification, numberedTokens, routeConfigFor } from '../support/engine-fixtures.js';
import { assertAccounted, type Counts, seeded, until } from './accounts.js';
import { type FaultyOptions, faultyBackendUrl } from './faulty-backend.js';

const seed = Number(process.env.PEAL_SEED ?? 1);
const batchRecipients = 64;
/** So many batches go to the shards, and as many come back: twice that is the number of messages. */
const batches = 40;
const recipients = batches * batchRecipients;
const kills = cases(36, 6);
/** What one shard may have in flight is what a kill may make unknown. */
const maxStreams = 200;
const maxConnections = 2;
const calls = 24;
const callStep = cases(1, 4);

/** Calls `onMessage` with each batch that goes out and each that comes back. */
class WatchedBook extends BookSink {
  messages = 0;
  constructor(readonly onMessage: (number: number) => void) {
    super();
  }

  message(): void {
    this.messages += 1;
    this.onMessage(this.messages);
  }

  override settled(batch: Parameters<BookSink['settled']>[0]): void | Promise<void> {
    this.message();
    return super.settled(batch);
  }
}

describe('a worker thread that dies', () => {
  let simulator: Simulator;
  before(async () => {
    // Slow enough that something is in flight on each shard until nearly the end.
    simulator = await startSimulator({ controlPort: null, maxStreams, roundTripMs: 10 });
  });
  after(() => simulator.close());

  function routeTo(dispatcher: Dispatcher): ReturnType<Dispatcher['openRoute']> {
    const address = { protocol: 'http2', host: '127.0.0.1', port: simulator.port } as const;
    return dispatcher.openRoute(
      routeConfigFor(address, { connectTimeoutMs: 60_000, ca: simulator.caCertificate, maxConnections }),
      null,
    );
  }

  const untilAllRun = (dispatcher: Dispatcher): Promise<void> =>
    until(async () => (await dispatcher.stats()).shards.every(({ state }) => state === 'running'), 'both shards run');

  /** Tokens of campaign `number`, none of which another campaign has. */
  const firstToken = (number: number): number => number * recipients;

  async function dispatchAll(job: SendJob, number: number, onDispatched: () => void): Promise<void> {
    for (let batch = 0; batch < batches; batch++) {
      await job.dispatch(batchOf(firstToken(number) + batch * batchRecipients, batchRecipients));
      onDispatched();
    }
  }

  function compare(book: BookSink, number: number): Counts {
    const tokens = numberedTokens(firstToken(number), recipients);
    const hex = Array.from({ length: recipients }, (_, index) => tokens.textAt(index));
    const counts = assertAccounted(book, hex, (token) => simulator.ledger.recordOf(token));
    assert.deepEqual([counts.unsent, counts.rejected], [0, 0]);
    for (const cause of book.causes) assert.equal(cause.code, 'ERR_PEAL_SHARD');
    return counts;
  }

  it(`is replaced at the k-th message, for ${kills} k: each token has one outcome, none comes twice`, async () => {
    const random = seeded(seed);
    let threads: ThreadPool | null = null;
    const openThreads = (count: number, url: URL): ThreadPool => {
      threads = openPiscina(count, url);
      return threads;
    };
    const dispatcher = new Dispatcher({ threads: 2, openThreads });
    let unknown = 0;
    let incarnations = 2;
    try {
      const route = routeTo(dispatcher);
      for (let number = 0; number < kills; number++) {
        // Every stretch of a campaign is hit, at a random point of it.
        const at = 1 + Math.floor((number * 2 * batches) / kills) + random(2);
        const which = random(2);
        const book = new WatchedBook((message) => {
          if (message === at) void threads!.threads[which]!.terminate();
        });
        const job = dispatcher.send(route, notification, book);
        await dispatchAll(job, number, () => book.message());
        await job.finish();
        assert.equal(job.stopped, null);
        try {
          unknown += compare(book, number).unknown;
        } catch (error) {
          (error as Error).message += ` (PEAL_SEED=${seed}, kill ${number} at message ${at}, thread ${which})`;
          throw error;
        }
        await until(async () => {
          const { shards } = await dispatcher.stats();
          return shards.reduce((sum, { epoch }) => sum + epoch, 0) === incarnations + 1;
        }, 'another incarnation came up');
        incarnations += 1;
        await untilAllRun(dispatcher);
      }
    } finally {
      await dispatcher.close();
    }
    console.log(`      ${kills} kills, ${kills * recipients} tokens: ${unknown} unknown, all others accepted once`);
    assert.ok(unknown > 0, 'no thread was killed with anything in flight');
    assert.ok(unknown <= kills * maxStreams * maxConnections, `${unknown} of ${kills * recipients} are unknown`);
  });

  it(`is replaced at the k-th call of its back-end, for ${calls / callStep} k: each token has one outcome, none comes twice`, async () => {
    let unknown = 0;
    let campaign = kills;
    for (let number = callStep - 1; number < calls; number += callStep) {
      // The first calls are the connection's own; then writes, their ends, and reads take turns.
      const at = number < 16 ? number + 1 : 16 + (number - 15) * 5;
      const counter = new SharedArrayBuffer(4);
      const options: FaultyOptions = { harm: 'exit', at, counter };
      const dispatcher = new Dispatcher({ threads: 2, backendSpec: { specifier: faultyBackendUrl, options } });
      try {
        const route = routeTo(dispatcher);
        // How many calls a campaign takes is a matter of how much comes in one read.
        while (new Int32Array(counter)[0]! < at) {
          const book = new BookSink();
          const job = dispatcher.send(route, notification, book);
          await dispatchAll(job, campaign, () => {});
          await job.finish();
          assert.equal(job.stopped, null);
          unknown += compare(book, campaign).unknown;
          campaign += 1;
        }
      } catch (error) {
        (error as Error).message += ` (call ${at})`;
        throw error;
      } finally {
        await dispatcher.close();
      }
    }
    console.log(
      `      ${calls / callStep} ends, ${(campaign - kills) * recipients} tokens: ${unknown} unknown, all others accepted once`,
    );
    assert.ok(unknown > 0, 'no thread ended with anything in flight');
  });
});
