/** The engine over the binary protocol: what a gateway discards is sent again, or not, as the job says. */
import assert from 'node:assert/strict';
import type { LinkOptions } from '../../src/connection/link-options.js';
import type { Batch } from '../../src/engine/batch.js';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import type { JobOptions, SendJob } from '../../src/engine/dispatcher/job.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { type BinaryGateway, type BinaryScript, openBinaryGateway } from '../support/binary-gateway.js';
import { tokenOf } from '../support/book-source.js';
import { BookSink, notification, routeConfigFor } from '../support/engine-fixtures.js';
import { Gateways } from '../support/gateways.js';

function* batchesOf(recipients: number): Generator<Batch> {
  for (let from = 0; from < recipients; from += 1024) {
    const count = Math.min(1024, recipients - from);
    const bytes = new Uint8Array(count * 32);
    for (let i = 0; i < count; i++) bytes.set(tokenOf(from + i), i * 32);
    yield { tokens: new TokenBlock(bytes, 32, count), personal: null };
  }
}

function tokenText(index: number): string {
  return Buffer.from(tokenOf(index)).toString('hex');
}

describe('engine over the binary protocol', () => {
  let dispatcher: Dispatcher;
  let gateways: BinaryGateway[];
  let book: BookSink;
  afterEach(() => dispatcher.close());

  async function send(
    recipients: number,
    script: (n: number) => BinaryScript,
    options: JobOptions = {},
    link: Partial<LinkOptions> = {},
  ): Promise<SendJob> {
    const { all, backend } = new Gateways(openBinaryGateway, script);
    gateways = all;
    book = new BookSink();
    dispatcher = new Dispatcher({ threads: 0, backend });
    const address = { protocol: 'binary', host: 'gateway.test', port: 2195 } as const;
    const route = dispatcher.openRoute(routeConfigFor(address, link), null);
    const job = dispatcher.send(route, notification, book, options);
    for (const batch of batchesOf(recipients)) await job.dispatch(batch);
    await job.finish();
    return job;
  }

  function delivered(): number[] {
    return gateways.flatMap((gateway) => gateway.delivered);
  }

  it('sends what was discarded again: one bad token at 700 of 5,000, its status 200 ms late', async () => {
    const bad = 700;
    const job = await send(5000, () => ({ statusDelayMs: 200, judge: (index) => (index === bad ? 8 : undefined) }));
    assert.equal(job.stopped, null);
    assert.equal(book.count('accepted'), 4999);
    assert.deepEqual([...book.tokensThatAre('rejected')], [tokenText(bad)]);
    assert.equal(book.details.get(tokenText(bad))?.reason, 'Invalid token');
    const all = delivered();
    assert.equal(all.length, 4999, 'something was delivered twice, or lost');
    assert.equal(new Set(all).size, 4999);
  });

  it('gets through a list with one bad token in fifty', async () => {
    const isBad = (index: number): boolean => index % 50 === 17;
    await send(5000, () => ({ judge: (index) => (isBad(index) ? 8 : undefined) }));
    assert.equal(book.count('accepted'), 4900);
    assert.equal(book.count('rejected'), 100);
    assert.equal(new Set(delivered()).size, 4900);
    assert.equal(delivered().length, 4900);
    assert.deepEqual(book.tally.toJSON().reasons, { 'Invalid token': 100 });
  });

  it('proves more than a window holds', async () => {
    await send(30_000, () => ({}));
    assert.equal(book.count('accepted'), 30_000);
    assert.equal(delivered().length, 30_000);
  });

  it('stops at the first failure where the job says so, and leaves the rest unsent', async () => {
    const script = { judge: (index: number) => (index === 3 ? 8 : undefined) };
    const job = await send(10, () => script, { stopsAtFailure: true });
    assert.deepEqual(book.tokensThatAre('accepted'), new Set([0, 1, 2].map(tokenText)));
    assert.deepEqual(book.tokensThatAre('rejected'), new Set([tokenText(3)]));
    assert.deepEqual(book.tokensThatAre('unsent'), new Set([4, 5, 6, 7, 8, 9].map(tokenText)));
    assert.equal(job.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.equal(job.stopped?.retryable, true);
    assert.equal(gateways.length, 1);
  });

  it('stops at a shutdown where the job says so: what was delivered is accepted', async () => {
    const script: BinaryScript = {
      judge: (index, gateway) => {
        if (index === 4) gateway.refuse(10, 4);
        return undefined;
      },
    };
    const job = await send(10, () => script, { stopsAtFailure: true });
    assert.equal(book.count('accepted'), 4);
    assert.equal(book.count('unsent'), 6);
    assert.equal(book.count('rejected'), 0);
    assert.notEqual(job.stopped, null);
    assert.deepEqual(delivered(), [0, 1, 2, 3]);
  });

  it('does not take the answer to a flush for a failure', async () => {
    const job = await send(3000, () => ({}), { stopsAtFailure: true });
    assert.equal(book.count('accepted'), 3000);
    assert.equal(job.stopped, null);
  });

  it('stops a job that every status refuses for the same reason', async () => {
    const job = await send(3000, () => ({ judge: () => 7 }));
    assert.equal(job.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.equal(book.count('rejected'), 10);
    assert.equal(book.count('unsent'), 2990);
  });

  it('calls unknown what a gateway took and did not speak of', async () => {
    await send(100, () => ({ onFlush: (_, gateway) => gateway.end() }));
    assert.equal(book.count('unknown'), 100);
    assert.ok(book.causes.every(({ code }) => code === 'ERR_PEAL_CLOSED'));
  });

  it('proves by silence where flushing is off', async () => {
    await send(100, () => ({}), {}, { flush: false, readTailTimeoutMs: 20 });
    assert.equal(book.count('accepted'), 100);
    assert.equal(gateways[0]!.flushes, 0);
  });
});
