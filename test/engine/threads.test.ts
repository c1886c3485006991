/**
 * Shards in real worker threads, against a gateway written by others. Both books are compared: the sender's (what the
 * sink was told of each token) and the gateway's (how often each token came).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Batch, SettledBatch } from '../../src/engine/batch.js';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import type { SendJob } from '../../src/engine/dispatcher/job.js';
import { openPiscina, type ThreadPool } from '../../src/engine/hosts/thread-pool.js';
import type { RouteConfig } from '../../src/engine/messages.js';
import { cases } from '../support/cases.js';
import { BookSink, batchesOf, batchOf, notification, routeConfigFor } from '../support/engine-fixtures.js';
import { Http2Gateway } from '../support/http2-gateway.js';
import { quietPort } from '../support/quiet-port.js';

function routeTo(gateway: Http2Gateway): RouteConfig {
  return routeConfigFor(gateway.address, { connectTimeoutMs: 60_000, ca: gateway.ca });
}

async function dispatchAll(job: SendJob, recipients: number): Promise<void> {
  for (const batch of batchesOf(recipients)) await job.dispatch(batch);
}

/** Each token that was dispatched has an outcome, and no token came to the gateway twice. */
function assertBalanced(book: BookSink, gateway: Http2Gateway, recipients: number): void {
  assert.equal(book.outcomes.size, recipients);
  assert.deepEqual(gateway.repeated, []);
  for (const [token, outcome] of book.outcomes) {
    if (outcome === 'accepted') assert.ok(gateway.seen.has(token), 'an accepted token never came');
    if (outcome === 'unsent') assert.ok(!gateway.seen.has(token), 'an unsent token came');
  }
  for (const token of gateway.seen.keys()) {
    const outcome = book.outcomes.get(token);
    assert.ok(outcome === 'accepted' || outcome === 'unknown', `a token came and is ${outcome}`);
  }
}

/** A book that is told what is certain of batches under way, too: that never changes. */
class GlimpsingBook extends BookSink {
  glimpses = 0;
  readonly #certain = new Map<Batch, Uint8Array>();

  glimpse(batch: Batch, states: Uint8Array): void {
    this.glimpses += 1;
    this.#check(batch, states);
    this.#certain.set(batch, states.slice());
  }

  override settled(settled: SettledBatch): void | Promise<void> {
    this.#check(settled.batch, settled.ledger);
    return super.settled(settled);
  }

  #check(batch: Batch, now: Uint8Array): void {
    this.#certain.get(batch)?.forEach((state, index) => {
      if (state !== 0) assert.equal(now[index], state, 'what was certain has changed');
    });
  }
}

describe('engine with threads', () => {
  let dispatcher: Dispatcher | null = null;
  let gateway: Http2Gateway | null = null;

  afterEach(async () => {
    await dispatcher?.close();
    await gateway?.close();
    dispatcher = null;
    gateway = null;
  });

  it('sends a list over two threads, each token once', async () => {
    const recipients = 20_000;
    gateway = await Http2Gateway.open();
    dispatcher = new Dispatcher({ threads: 2 });
    const book = new BookSink();
    const job = dispatcher.send(dispatcher.openRoute(routeTo(gateway), null), notification, book);
    await dispatchAll(job, recipients);
    await job.finish();
    assert.equal(book.count('accepted'), recipients);
    assertBalanced(book, gateway, recipients);
    assert.equal(gateway.connections, 2);
  });

  it('keeps to a rate over two threads together', async () => {
    const recipients = 1_500;
    let [firstMs, lastMs] = [0, 0];
    gateway = await Http2Gateway.open({
      onRequest: () => {
        lastMs = performance.now();
        if (gateway!.requests === 1) firstMs = lastMs;
      },
    });
    dispatcher = new Dispatcher({ threads: 2 });
    const book = new BookSink();
    const route = dispatcher.openRoute({ ...routeTo(gateway), rate: { perMinute: 60_000, rampMs: 0 } }, null);
    const job = dispatcher.send(route, notification, book);
    for (const batch of batchesOf(recipients, recipients / 10)) await job.dispatch(batch);
    await job.finish();
    assert.equal(book.count('accepted'), recipients);
    assertBalanced(book, gateway, recipients);
    assert.equal(gateway.connections, 2);
    // A thousand a second, and a tenth of a second at once. Each thread by itself would take half of the time.
    assert.ok(lastMs - firstMs > 1_200, `${lastMs - firstMs} ms`);
  });

  it('ends at once when it is closed while a rate lets nothing begin', async () => {
    gateway = await Http2Gateway.open();
    dispatcher = new Dispatcher({ threads: 0 });
    const book = new BookSink();
    const route = dispatcher.openRoute({ ...routeTo(gateway), rate: { perMinute: 1, rampMs: 60_000 } }, null);
    const job = dispatcher.send(route, notification, book);
    await job.dispatch(batchOf(0, 10));
    while (gateway.requests === 0) await setImmediate();
    const fromMs = performance.now();
    await dispatcher.close();
    await job.finish();
    assert.ok(performance.now() - fromMs < 5_000);
    assert.deepEqual([book.count('accepted'), book.count('unsent')], [1, 9]);
  });

  for (const threads of [0, 2]) {
    it(`tells what is certain of batches under way, threads: ${threads}`, async () => {
      const recipients = 5_000;
      gateway = await Http2Gateway.open({ delayMs: 100, settings: { maxConcurrentStreams: 50 } });
      dispatcher = new Dispatcher({ threads });
      const book = new GlimpsingBook();
      const job = dispatcher.send(dispatcher.openRoute(routeTo(gateway), null), notification, book);
      await dispatchAll(job, recipients);
      await job.finish();
      assertBalanced(book, gateway, recipients);
      assert.ok(book.glimpses > 0, 'nothing was certain before its batch was settled');
    });
  }

  it('completes a list when a thread is killed in the middle, losing none and repeating none', async () => {
    const recipients = cases(100_000, 20_000);
    let threads: ThreadPool | null = null;
    let isKilled = false;
    gateway = await Http2Gateway.open({
      // Either thread may be ahead of the other: what dies has something in flight where both have.
      delayMs: 5,
      onRequest: () => {
        if (isKilled || gateway!.requests < recipients / 4 || gateway!.busyConnections < 2) return;
        isKilled = true;
        void threads!.threads[0]!.terminate();
      },
    });
    dispatcher = new Dispatcher({
      threads: 2,
      openThreads: (count, url) => {
        threads = openPiscina(count, url);
        return threads;
      },
    });
    const book = new GlimpsingBook();
    const job = dispatcher.send(dispatcher.openRoute(routeTo(gateway), null), notification, book);
    await dispatchAll(job, recipients);
    await job.finish();
    assert.ok(isKilled);
    assertBalanced(book, gateway, recipients);
    assert.equal(book.count('unsent'), 0);
    assert.equal(job.stopped, null);
    assert.equal(book.count('accepted') + book.count('unknown'), recipients);
    // At most what one connection had in flight, and what was about to be written.
    assert.ok(book.count('unknown') <= 4_000, `${book.count('unknown')} unknown`);
    assert.ok(book.count('unknown') > 0, 'the thread was killed with nothing in flight');
    for (const cause of book.causes) assert.equal(cause.code, 'ERR_PEAL_SHARD');
    const { shards } = await dispatcher.stats();
    assert.deepEqual(shards.map(({ epoch }) => epoch).sort(), [1, 2]);
  });

  it('replaces threads that die while they start', async () => {
    gateway = await Http2Gateway.open();
    let threads: ThreadPool | null = null;
    const engine = new Dispatcher({
      threads: 1,
      openThreads: (count, url) => {
        threads = openPiscina(count, url);
        return threads;
      },
    });
    dispatcher = engine;
    const route = engine.openRoute(routeTo(gateway), null);
    const send = async (): Promise<number> => {
      const book = new BookSink();
      const job = engine.send(route, notification, book);
      await dispatchAll(job, 1_000);
      await job.finish();
      return book.count('accepted');
    };
    assert.equal(await send(), 1_000);
    // The one that works, and whatever comes in its place.
    for (let killed = 0; killed < 3; killed++) {
      while (threads!.threads.length === 0) await setImmediate();
      await threads!.threads[0]!.terminate();
    }
    assert.equal(await send(), 1_000);
  });

  it('sends several notifications at once over the same connections', async () => {
    gateway = await Http2Gateway.open();
    dispatcher = new Dispatcher({ threads: 2 });
    const route = dispatcher.openRoute(routeTo(gateway), null);
    const books = await Promise.all(
      Array.from({ length: 300 }, async (_, number) => {
        const book = new BookSink();
        const job = dispatcher!.send(route, notification, book);
        await job.dispatch(batchOf(number * 10, 1 + (number % 3)));
        await job.finish();
        return book;
      }),
    );
    for (const [number, book] of books.entries()) assert.equal(book.count('accepted'), 1 + (number % 3));
    assert.deepEqual(gateway.repeated, []);
    assert.equal(gateway.connections, 2);
  });

  it('reports an unreachable gateway once no thread gets through', async () => {
    const config = routeConfigFor({ protocol: 'http2', host: '127.0.0.1', port: await quietPort() });
    dispatcher = new Dispatcher({ threads: 2 });
    const book = new BookSink();
    const job = dispatcher.send(dispatcher.openRoute(config, null), notification, book);
    await dispatchAll(job, 5_000);
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_CONNECT');
    assert.equal(book.count('unsent'), 5_000);
  });

  it('closes with sends under way: what is not written is unsent, and every token has its outcome', async () => {
    const recipients = 30_000;
    gateway = await Http2Gateway.open();
    dispatcher = new Dispatcher({ threads: 2 });
    const book = new BookSink();
    const job = dispatcher.send(dispatcher.openRoute(routeTo(gateway), null), notification, book);
    await dispatchAll(job, recipients);
    await dispatcher.close();
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_ABORTED');
    assertBalanced(book, gateway, recipients);
    assert.equal(book.count('unknown'), 0);
  });

  it('leaves nothing behind, once closed, that keeps the process alive', async () => {
    gateway = await Http2Gateway.open();
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const program = `
      import { Dispatcher } from ${url('../../src/engine/dispatcher/dispatcher.js')};
      import { batchOf, BookSink, notification } from ${url('../support/engine-fixtures.js')};
      const book = new BookSink();
      const dispatcher = new Dispatcher({ threads: 2 });
      const job = dispatcher.send(dispatcher.openRoute(${JSON.stringify(routeTo(gateway))}, null), notification, book);
      await job.dispatch(batchOf(0, 100));
      await job.finish();
      await dispatcher.close();
      console.log(book.count('accepted'));`;
    const options = { timeout: 300_000 };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], options);
    assert.equal(stdout.trim(), '100');
  });
});
