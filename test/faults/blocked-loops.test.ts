/**
 * Event loops that stand still for seconds in the middle of a campaign: the dispatcher's, a shard's, and the one that
 * both share without threads. The gateway, in a thread of its own, answers all the while. No connection may be taken
 * for dead because this side was busy, and the books must be right.
 */
import assert from 'node:assert/strict';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import { openPiscina, type ThreadPool } from '../../src/engine/hosts/thread-pool.js';
import {
  APNs,
  type Logger,
  Message,
  Session,
  type SessionOptions,
  type SimulatorThread,
  silentLogger,
  startSimulatorThread,
} from '../../src/index.js';
import { randomTokens } from '../cli/fixture.js';
import { cases, drawsAll } from '../support/cases.js';
import { BookSink, batchesOf, notification, numberedTokens, routeConfigFor } from '../support/engine-fixtures.js';
import { assertAccounted, block, ledgerAt } from './accounts.js';
import { faultyBackendUrl } from './faulty-backend.js';

const recipients = 60_000;

/** Keeps what is said at `info` or above: of connections that end, of shards that are replaced, of faults. */
function loudLogger(): { readonly logger: Logger; readonly said: string[] } {
  const said: string[] = [];
  const keep = (_fields: object, message: string): void => void said.push(message);
  return { said, logger: { ...silentLogger, info: keep, warn: keep, error: keep } };
}

/** Stands still for `durationMs` once the batch comes that is number `at`. */
class BlockingBook extends BookSink {
  constructor(
    readonly at: number,
    readonly onReached: () => void,
  ) {
    super();
  }

  override settled(batch: Parameters<BookSink['settled']>[0]): void | Promise<void> {
    if (this.batches.length + 1 === this.at) this.onReached();
    return super.settled(batch);
  }
}

describe('an event loop that stands still', () => {
  let simulator: SimulatorThread;
  beforeEach(async () => {
    simulator = await startSimulatorThread({ roundTripMs: 20 });
  });
  afterEach(() => simulator.close());

  /** Sends with a book that blocks; every token has to be accepted, over connections that all live to the end. */
  async function sendsUndisturbed(options: SessionOptions, book: BookSink): Promise<void> {
    const { logger, said } = loudLogger();
    const tokens = randomTokens(recipients);
    await using session = new Session({ ca: simulator.caCertificate!, logger, maxConnections: 3, ...options });
    const apns = new APNs(session.getConnection(simulator.url, null));
    const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
    const result = await apns.send(message, { recipients: tokens, outcomes: book });
    assert.equal(result.stopped, null);
    const { connections, connectionsOpened } = await session.stats();
    const ledger = await ledgerAt(simulator.controlUrl!);
    const counts = assertAccounted(book, tokens, (token) => ledger.get(token) ?? null);
    assert.deepEqual([counts.accepted, counts.unknown], [recipients, 0]);
    assert.equal(connectionsOpened, connections, 'a connection was given up');
    assert.deepEqual(said, []);
  }

  it("of the dispatcher's thread, for seconds, costs nothing but time", async () => {
    await sendsUndisturbed({ threads: 2 }, new BlockingBook(5, () => block(cases(4_000, 2_000))));
  });

  it('of the only thread, for seconds, costs nothing but time', async () => {
    await sendsUndisturbed({ threads: 0 }, new BlockingBook(5, () => block(cases(6_000, 3_000))));
  });

  (drawsAll ? it : it.skip)(
    "of a shard's thread, for longer than silence and PING may take, costs nothing but time",
    async () => {
      const counter = new SharedArrayBuffer(4);
      const backendOptions = { harm: 'block', at: 30, counter, blockMs: 16_500 };
      await sendsUndisturbed({ threads: 2, backend: faultyBackendUrl, backendOptions }, new BookSink());
      assert.ok(new Int32Array(counter)[0]! > 30, 'no shard was blocked');
    },
  );

  it('while a connection opens, for longer than that may take, loses nothing', async () => {
    const tokens = randomTokens(100);
    await using session = new Session({ ca: simulator.caCertificate!, connectTimeoutMs: 3_000 });
    const apns = new APNs(session.getConnection(simulator.url, null));
    const sending = apns.send(new Message(tokens, { alert: 'Hello', topic: 'com.example.app' }));
    while ((await session.stats()).connecting === 0) await new Promise((resolve) => setImmediate(resolve));
    block(4_000);
    const result = await sending;
    assert.deepEqual([result.accepted, result.stopped], [tokens.length, null]);
    assert.equal((await simulator.ledger.summary()).duplicates, 0);
  });

  it("of the dispatcher's thread, while a shard dies, leaves the books right", async () => {
    let threads: ThreadPool | null = null;
    const openThreads = (count: number, url: URL): ThreadPool => {
      threads = openPiscina(count, url);
      return threads;
    };
    const dispatcher = new Dispatcher({ threads: 2, openThreads });
    try {
      const address = { protocol: 'http2', host: '127.0.0.1', port: simulator.port } as const;
      const route = dispatcher.openRoute(
        routeConfigFor(address, { connectTimeoutMs: 60_000, ca: simulator.caCertificate }),
        null,
      );
      const book = new BlockingBook(5, () => {
        void threads!.threads[0]!.terminate();
        block(5_500);
      });
      const job = dispatcher.send(route, notification, book);
      for (const batch of batchesOf(recipients)) await job.dispatch(batch);
      await job.finish();
      assert.equal(job.stopped, null);
      const ledger = await ledgerAt(simulator.controlUrl!);
      const tokens = numberedTokens(0, recipients);
      const hex = Array.from({ length: recipients }, (_, index) => tokens.textAt(index));
      const counts = assertAccounted(book, hex, (token) => ledger.get(token) ?? null);
      assert.equal(counts.accepted + counts.unknown, recipients);
      assert.ok(counts.unknown <= 8_000, `${counts.unknown} are unknown`);
    } finally {
      await dispatcher.close();
    }
  });
});
