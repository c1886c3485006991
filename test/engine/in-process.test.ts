/** The engine without threads, over real TLS to a gateway written by others. */
import assert from 'node:assert/strict';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import { BookSink, batchesOf, notification, routeConfigFor } from '../support/engine-fixtures.js';
import { Http2Gateway } from '../support/http2-gateway.js';

describe('engine in process', () => {
  let dispatcher: Dispatcher | null = null;
  let gateway: Http2Gateway | null = null;

  afterEach(async () => {
    await dispatcher?.close();
    await gateway?.close();
  });

  it('sends a list with mixed answers, and both books agree on every token', async () => {
    const recipients = 10_000;
    const isGone = (token: string): boolean => Number.parseInt(token.slice(0, 8), 16) % 7 === 0;
    const body = JSON.stringify({ reason: 'Unregistered', timestamp: 1_700_000_000_000 });
    gateway = await Http2Gateway.open({
      answer: (token) => (isGone(token) ? { status: 410, body } : { status: 200 }),
    });
    dispatcher = new Dispatcher({ threads: 0 });
    const book = new BookSink();
    const route = dispatcher.openRoute(
      routeConfigFor(gateway.address, { connectTimeoutMs: 60_000, ca: gateway.ca }),
      null,
    );
    const job = dispatcher.send(route, notification, book);
    for (const batch of batchesOf(recipients)) await job.dispatch(batch);
    await job.finish();
    assert.equal(book.outcomes.size, recipients);
    assert.equal(gateway.seen.size, recipients);
    assert.deepEqual(gateway.repeated, []);
    for (const [token, outcome] of book.outcomes) assert.equal(outcome, isGone(token) ? 'rejected' : 'accepted');
    for (const detail of book.details.values()) assert.equal(detail.timestampMs, 1_700_000_000_000);
    assert.deepEqual(book.tally.toJSON().reasons, { Unregistered: book.details.size });
  });
});
