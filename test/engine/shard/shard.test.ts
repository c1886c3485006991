import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { maxBatchRecipients, maxResends, stopAfterRefusals } from '../../../src/base/limits.js';
import { silentLogger } from '../../../src/base/log.js';
import { ACCEPTED, Ledger, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import type { FromShard, SettledMessage } from '../../../src/engine/messages.js';
import { Shard } from '../../../src/engine/shard/shard.js';
import { FakePool, notification, numberedTokens, rejection, routeConfig } from '../../support/engine-fixtures.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const closed = new PealError('ERR_PEAL_CLOSED', 'The connection ended.', { origin: 'gateway', retryable: true });

class Bench {
  readonly ledger = new Ledger();
  readonly clock = new VirtualClock();
  readonly sent: FromShard[] = [];
  readonly logged: string[] = [];
  readonly pools: FakePool[] = [];
  readonly shard: Shard;

  constructor() {
    this.shard = new Shard({
      backend: { open: () => assert.fail('a fake pool opens nothing') },
      clock: this.clock,
      log: { ...silentLogger, error: (_, message) => this.logged.push(message) },
      send: (message) => this.sent.push(message),
      openPool: ({ source, clock }) => {
        const pool = new FakePool(source, clock);
        this.pools.push(pool);
        return pool;
      },
    });
    this.openRoute(1);
    this.announce(1);
  }

  get pool(): FakePool {
    return this.pools[0]!;
  }

  openRoute(routeId: number): void {
    this.shard.receive({ kind: 'route', routeId, config: routeConfig });
  }

  announce(notificationId: number, routeId = 1): void {
    this.shard.receive({ kind: 'notification', notificationId, routeId, notification });
  }

  /** As the dispatcher posts a batch: the ledger first. */
  post(slot: number, count: number, options: { notificationId?: number; states?: number[] } = {}): void {
    const { bytes, buffer: ledger } = this.ledger.prepare(slot, count);
    bytes.fill(QUEUED, 0, count);
    if (options.states !== undefined) bytes.set(options.states);
    this.shard.receive({
      kind: 'batch',
      isRetry: false,
      beginWithinMs: null,
      slot,
      ledger,
      notificationId: options.notificationId ?? 1,
      count,
      tokenBytes: 32,
      buffer: numberedTokens(slot * 1000, count).bytes.buffer as ArrayBuffer,
      personal: null,
    });
  }

  states(slot: number, count: number): number[] {
    return [...this.ledger.prepare(slot, count).bytes.subarray(0, count)];
  }

  get settled(): SettledMessage[] {
    return this.sent.filter((message) => message.kind === 'settled');
  }
}

describe('shard', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });

  it('marks the ledger before recipients are written and as their answers come, and settles with the last', () => {
    bench.post(0, 4);
    const tags = bench.pool.take(3);
    assert.deepEqual(bench.states(0, 4), [WRITTEN, WRITTEN, WRITTEN, QUEUED]);
    bench.pool.accept(tags);
    assert.deepEqual(bench.states(0, 4), [ACCEPTED, ACCEPTED, ACCEPTED, QUEUED]);
    assert.equal(bench.settled.length, 0);
    bench.pool.accept(bench.pool.take(10));
    assert.equal(bench.settled.length, 1);
    assert.equal(bench.settled[0]!.slot, 0);
    assert.equal(bench.settled[0]!.cause, null);
    assert.equal(bench.settled[0]!.buffer.byteLength, 4 * 32);
  });

  it('tells the pool once a turn, however many batches came', () => {
    for (let slot = 0; slot < 5; slot++) bench.post(slot, 10);
    assert.equal(bench.pool.wakes, 0);
    bench.clock.settle();
    assert.equal(bench.pool.wakes, 1);
    bench.post(5, 10);
    bench.clock.settle();
    assert.equal(bench.pool.wakes, 2);
  });

  it('sends batches in the order in which they came, across their limits', () => {
    bench.post(2, 3);
    bench.post(0, 3);
    assert.deepEqual(bench.pool.take(4), [
      2 * maxBatchRecipients,
      2 * maxBatchRecipients + 1,
      2 * maxBatchRecipients + 2,
      0,
    ]);
  });

  it('sends only what the ledger says is queued, and leaves the rest as it is', () => {
    bench.post(0, 5, { states: [ACCEPTED, QUEUED, UNKNOWN, QUEUED, REJECTED + 3] });
    assert.deepEqual(bench.pool.take(10), [1, 3]);
    bench.pool.accept([1, 3]);
    assert.deepEqual(bench.states(0, 5), [ACCEPTED, ACCEPTED, UNKNOWN, ACCEPTED, REJECTED + 3]);
    assert.equal(bench.settled.length, 1);
  });

  it('settles a batch in which nothing is left to send', () => {
    bench.post(0, 2, { states: [ACCEPTED, UNKNOWN] });
    assert.equal(bench.settled.length, 1);
  });

  it('describes rejections, with the code of the reason in the ledger', () => {
    bench.post(0, 2);
    const [first, second] = bench.pool.take(2);
    bench.pool.reject([first!], rejection(410, 'Unregistered', { timestampMs: 1_700_000_000_000, apnsId: 'id' }));
    bench.pool.reject([second!], rejection(400, 'NeverHeardOf', { retryAfterSeconds: 5 }));
    assert.deepEqual(bench.states(0, 2), [REJECTED + 26, REJECTED]);
    assert.deepEqual(bench.settled[0]!.details, [
      {
        index: 0,
        status: 410,
        reason: 'Unregistered',
        timestampMs: 1_700_000_000_000,
        apnsId: 'id',
        retryAfterSeconds: null,
      },
      { index: 1, status: 400, reason: 'NeverHeardOf', timestampMs: null, apnsId: null, retryAfterSeconds: 5 },
    ]);
  });

  it('reports what was written and never answered as unknown, with the cause', () => {
    bench.post(0, 2);
    bench.pool.loseAnswers(bench.pool.take(2), closed);
    assert.deepEqual(bench.states(0, 2), [UNKNOWN, UNKNOWN]);
    assert.equal(bench.settled[0]!.cause?.code, 'ERR_PEAL_CLOSED');
  });

  it('sends what comes back unsent again, before everything that waits', () => {
    bench.post(0, 3);
    bench.post(1, 1);
    const tags = bench.pool.take(4);
    bench.post(2, 1);
    bench.pool.returnUnsent([tags[1]!], closed);
    assert.deepEqual(bench.states(0, 3), [WRITTEN, QUEUED, WRITTEN]);
    assert.deepEqual(bench.pool.take(2), [tags[1]!, 2 * maxBatchRecipients]);
  });

  it('goes on elsewhere when it is asked to, with everybody once all the same', () => {
    for (const slot of [0, 1, 2, 3]) bench.post(slot, 10);
    bench.clock.settle();
    bench.pool.take(4);
    bench.pool.source.skip(0.5625);
    const first = bench.pool.source.current()!;
    assert.deepEqual([first.tagBase / maxBatchRecipients, first.order[first.head]], [2, 2]);
    bench.pool.take(36);
    assert.equal(bench.pool.source.current(), null);
    for (const slot of [0, 1, 2, 3]) assert.ok(bench.states(slot, 10).every((state) => state === WRITTEN));
    bench.pool.source.skip(0.9);
  });

  it('gives a recipient up as unsent after so many attempts, and no other', () => {
    bench.post(0, 2);
    const [first, second] = bench.pool.take(2);
    for (let attempt = 0; attempt < maxResends; attempt++) {
      bench.pool.returnUnsent([first!], closed);
      assert.deepEqual(bench.pool.take(1), [first]);
    }
    bench.pool.returnUnsent([first!], closed);
    assert.deepEqual(bench.pool.take(1), []);
    bench.pool.accept([second!]);
    assert.deepEqual(bench.states(0, 2), [UNSENT, ACCEPTED]);
    assert.equal(bench.settled[0]!.cause?.code, 'ERR_PEAL_CLOSED');
  });

  it('begins each batch of a slot with a fresh budget of attempts', () => {
    bench.post(0, 1);
    for (let attempt = 0; attempt <= maxResends; attempt++) bench.pool.returnUnsent(bench.pool.take(1), closed);
    assert.equal(bench.settled.length, 1);
    bench.post(0, 1);
    bench.pool.returnUnsent(bench.pool.take(1), closed);
    assert.deepEqual(bench.states(0, 1), [QUEUED]);
  });

  it('makes everything that waits unsent when the pool gives up, and says so before it settles', () => {
    bench.post(0, 3);
    bench.post(1, 1);
    const tags = bench.pool.take(1);
    bench.pool.source.onFailed(new PealError('ERR_PEAL_CONNECT', 'Refused.', { origin: 'connect' }));
    assert.deepEqual(
      bench.sent.map(({ kind }) => kind),
      ['route-failed', 'settled'],
    );
    assert.deepEqual(bench.states(0, 3), [WRITTEN, UNSENT, UNSENT]);
    bench.pool.accept(tags);
    assert.deepEqual(
      bench.settled.map(({ slot, cause }) => [slot, cause?.code]),
      [
        [1, 'ERR_PEAL_CONNECT'],
        [0, 'ERR_PEAL_CONNECT'],
      ],
    );
    bench.post(2, 1);
    bench.clock.settle();
    assert.equal(bench.pool.take(1).length, 1, 'later work is offered again');
  });

  it('cancels what is not yet written of one notification, and of no other', () => {
    bench.announce(2);
    bench.post(0, 3);
    bench.post(1, 2, { notificationId: 2 });
    bench.post(2, 2);
    const tags = bench.pool.take(1);
    bench.shard.receive({ kind: 'cancel', notificationId: 1 });
    assert.deepEqual(bench.states(0, 3), [WRITTEN, UNSENT, UNSENT]);
    assert.deepEqual(bench.states(2, 2), [UNSENT, UNSENT]);
    assert.deepEqual(bench.pool.take(10), [maxBatchRecipients, maxBatchRecipients + 1]);
    bench.pool.accept(tags);
    bench.post(3, 1);
    assert.deepEqual(bench.states(3, 1), [UNSENT], 'what comes after a cancellation is not sent');
    assert.deepEqual(
      bench.settled.map(({ slot, cause }) => [slot, cause]),
      [
        [2, null],
        [0, null],
        [3, null],
      ],
    );
  });

  it('does not send what comes back unsent after a cancellation', () => {
    bench.post(0, 2);
    const tags = bench.pool.take(2);
    bench.shard.receive({ kind: 'cancel', notificationId: 1 });
    bench.pool.returnUnsent(tags, closed);
    assert.deepEqual(bench.states(0, 2), [UNSENT, UNSENT]);
    assert.equal(bench.settled.length, 1);
  });

  it('uses a slot for another route after a cancellation', () => {
    bench.openRoute(2);
    bench.announce(2, 2);
    bench.post(0, 2);
    bench.shard.receive({ kind: 'cancel', notificationId: 1 });
    bench.post(0, 2, { notificationId: 2 });
    assert.deepEqual(bench.pool.take(10), []);
    assert.deepEqual(bench.pools[1]!.take(10), [0, 1]);
  });

  it('stops a notification that is refused again and again, and says so', () => {
    bench.post(0, stopAfterRefusals + 5);
    bench.post(1, 5);
    const tags = bench.pool.take(stopAfterRefusals + 2);
    bench.pool.reject(tags.slice(0, stopAfterRefusals), rejection(403, 'InvalidProviderToken'));
    assert.deepEqual(
      bench.sent.filter(({ kind }) => kind === 'refused'),
      [{ kind: 'refused', notificationId: 1, status: 403, reason: 'InvalidProviderToken' }],
    );
    assert.deepEqual(bench.pool.take(10), []);
    assert.deepEqual(bench.states(1, 5), new Array(5).fill(UNSENT));
    bench.pool.accept(tags.slice(stopAfterRefusals));
    assert.equal(bench.settled.length, 2);
  });

  it('goes on when something is accepted between refusals', () => {
    bench.post(0, 100);
    for (let n = 0; n < 10; n++) {
      bench.pool.reject(bench.pool.take(stopAfterRefusals - 1), rejection(400, 'BadTopic'));
      bench.pool.accept(bench.pool.take(1));
    }
    assert.ok(!bench.sent.some(({ kind }) => kind === 'refused'));
  });

  it('keeps its books when a pool reports a recipient twice', () => {
    bench.post(0, 2);
    const tags = bench.pool.take(1);
    bench.pool.accept([tags[0]!, tags[0]!]);
    bench.pool.loseAnswers(tags, closed);
    bench.pool.returnUnsent([8 * maxBatchRecipients], closed);
    assert.equal(bench.settled.length, 0);
    assert.equal(bench.logged.length, 3);
    bench.pool.accept(bench.pool.take(1));
    assert.deepEqual(bench.states(0, 2), [ACCEPTED, ACCEPTED]);
  });

  it('settles everything when it is stopped: what waits is unsent, what is in flight as the pool says', async () => {
    bench.post(0, 4);
    bench.post(1, 2);
    const tags = bench.pool.take(3);
    bench.pool.onClose = (pool) => {
      pool.accept([tags[0]!]);
      pool.loseAnswers([tags[1]!], closed);
      pool.returnUnsent([tags[2]!], closed);
    };
    await bench.shard.stop();
    assert.deepEqual(bench.states(0, 4), [ACCEPTED, UNKNOWN, UNSENT, UNSENT]);
    assert.deepEqual(bench.states(1, 2), [UNSENT, UNSENT]);
    assert.equal(bench.settled.length, 2);
    bench.clock.settle();
    assert.equal(bench.pool.wakes, 0);
  });

  it('settles as unknown what a closed pool forgot to report', async () => {
    bench.post(0, 2);
    bench.pool.take(1);
    await bench.shard.stop();
    assert.deepEqual(bench.states(0, 2), [UNKNOWN, UNSENT]);
    assert.equal(bench.settled.length, 1);
  });

  it('hands provider tokens and idle limits to its pools, and counts what they do', () => {
    bench.shard.receive({ kind: 'provider-token', routeId: 1, token: 'jwt' });
    bench.shard.outdate(1_000, null);
    assert.deepEqual(bench.pool.providerTokens, ['jwt']);
    assert.equal(bench.pool.outdatedMs, 1_000);
    bench.shard.outdate(2_000, 2);
    assert.equal(bench.pool.outdatedMs, 1_000, 'a limit for another route');
    bench.shard.outdate(2_000, 1);
    assert.equal(bench.pool.outdatedMs, 2_000);
    bench.post(0, 5);
    bench.pool.take(2);
    assert.deepEqual(bench.shard.stats(), {
      connections: 1,
      connecting: 0,
      connectionsOpened: 1,
      inFlight: 2,
      streamLimit: null,
      waiting: 3,
      batches: 1,
    });
  });
});
