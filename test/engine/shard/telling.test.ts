/** A shard whose sink is told each outcome as it comes, and takes single recipients back. */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { maxResends, stopAfterRefusals } from '../../../src/base/limits.js';
import { silentLogger } from '../../../src/base/log.js';
import { ACCEPTED, Ledger, QUEUED, UNKNOWN, UNSENT, WRITTEN } from '../../../src/engine/ledger.js';
import type { FromShard, ToldRecipients } from '../../../src/engine/messages.js';
import { Shard } from '../../../src/engine/shard/shard.js';
import { FakePool, notification, numberedTokens, rejection, routeConfig } from '../../support/engine-fixtures.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const closed = new PealError('ERR_PEAL_CLOSED', 'The connection ended.', { origin: 'gateway', retryable: true });

class Bench {
  readonly ledger = new Ledger();
  readonly sent: FromShard[] = [];
  readonly shard: Shard;
  pool!: FakePool;

  constructor() {
    this.shard = new Shard({
      backend: { open: () => assert.fail('a fake pool opens nothing') },
      clock: new VirtualClock(),
      log: { ...silentLogger, error: (_, message) => assert.fail(message) },
      send: (message) => this.sent.push(message),
      openPool: ({ source, clock }) => {
        this.pool = new FakePool(source, clock);
        return this.pool;
      },
    });
    this.shard.receive({ kind: 'route', routeId: 1, config: routeConfig });
    this.shard.receive({ kind: 'notification', notificationId: 1, routeId: 1, notification, tells: true });
  }

  post(slot: number, count: number): void {
    const { bytes, buffer: ledger } = this.ledger.prepare(slot, count);
    bytes.fill(QUEUED, 0, count);
    const buffer = numberedTokens(slot * 1000, count).bytes.buffer as ArrayBuffer;
    const frame = { isRetry: false, beginWithinMs: null, tokenBytes: 32, personal: null };
    this.shard.receive({ kind: 'batch', slot, ledger, notificationId: 1, count, buffer, ...frame });
  }

  withdraw(slot: number, index: number): void {
    this.shard.receive({ kind: 'withdraw', notificationId: 1, slot, index });
  }

  states(slot: number, count: number): number[] {
    return [...this.ledger.prepare(slot, count).bytes.subarray(0, count)];
  }

  /** What was told since the last call, once the turn is over. */
  async told(): Promise<ToldRecipients[]> {
    await Promise.resolve();
    const told = this.sent.flatMap((message) => (message.kind === 'told' ? message.told : []));
    const rest = this.sent.filter(({ kind }) => kind !== 'told');
    this.sent.splice(0, this.sent.length, ...rest);
    return told;
  }

  get settled(): number {
    return this.sent.filter(({ kind }) => kind === 'settled').length;
  }
}

describe('shard that tells', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });

  it('tells the outcomes of one read in one message, with details in their order, and not what is settled with it', async () => {
    bench.post(0, 4);
    bench.post(1, 2);
    const tags = bench.pool.take(6);
    bench.pool.reject([tags[2]!], rejection(410, 'Unregistered'));
    bench.pool.accept([tags[0]!]);
    bench.pool.loseAnswers([tags[4]!], closed);
    bench.pool.reject([tags[1]!], rejection(400, 'BadDeviceToken'));
    bench.pool.reject([tags[5]!], rejection(503, 'ServiceUnavailable'));
    const told = await bench.told();
    assert.deepEqual(
      told.map(({ slot, indexes, details }) => [slot, indexes, details.map(({ index, reason }) => [index, reason])]),
      [
        [
          0,
          [2, 0, 1],
          [
            [2, 'Unregistered'],
            [1, 'BadDeviceToken'],
          ],
        ],
      ],
    );
    assert.equal(bench.settled, 1, 'both of slot 1 came with its settlement');
    bench.pool.accept([tags[3]!]);
    assert.deepEqual(await bench.told(), [], 'the last one comes with its batch');
    assert.equal(bench.settled, 2);
  });

  it('never tells of one batch what an answer said of the batch before it in its slot', async () => {
    bench.post(0, 2);
    const first = bench.pool.take(2);
    bench.pool.accept([first[1]!]);
    await bench.told();
    bench.pool.reject([first[0]!], rejection(410, 'Unregistered'));
    assert.equal(bench.settled, 1);
    bench.post(0, 2);
    bench.pool.reject([bench.pool.take(2)[0]!], rejection(503, 'ServiceUnavailable'));
    const [{ indexes, details } = assert.fail()] = await bench.told();
    assert.deepEqual([indexes, details.map(({ reason }) => reason)], [[0], ['ServiceUnavailable']]);
  });

  it('tells nothing of a batch that was settled in the turn of its first outcomes, nor of the next in its slot', async () => {
    bench.post(0, 3);
    const tags = bench.pool.take(3);
    bench.pool.reject(tags.slice(0, 2), rejection(400, 'BadDeviceToken'));
    bench.pool.accept([tags[2]!]);
    bench.post(0, 3);
    assert.deepEqual(await bench.told(), []);
    bench.pool.accept([bench.pool.take(1)[0]!]);
    assert.deepEqual(
      (await bench.told()).map(({ indexes, details }) => [indexes, details]),
      [[[0], []]],
    );
  });

  it('takes a waiting recipient back, and one that is out not before it comes back', async () => {
    bench.post(0, 5);
    bench.pool.take(2);
    bench.withdraw(0, 3);
    bench.withdraw(0, 1);
    assert.deepEqual(bench.states(0, 5), [WRITTEN, WRITTEN, QUEUED, UNSENT, QUEUED]);
    assert.deepEqual(
      (await bench.told()).map(({ indexes }) => indexes),
      [[3, 1]],
    );
    bench.pool.returnUnsent([1], closed);
    assert.deepEqual(bench.states(0, 5), [WRITTEN, UNSENT, QUEUED, UNSENT, QUEUED]);
    bench.pool.returnUnsent([0], closed);
    assert.deepEqual(bench.pool.take(9), [0, 2, 4], 'the others are sent, those two never again');
    assert.deepEqual(
      (await bench.told()).map(({ indexes }) => indexes),
      [[1]],
    );
    bench.pool.accept([0, 2, 4]);
    assert.equal(bench.settled, 1);
    assert.deepEqual(bench.states(0, 5), [ACCEPTED, UNSENT, ACCEPTED, UNSENT, ACCEPTED]);
  });

  it('settles a batch whose last recipient is taken back, and does nothing for one that is settled', async () => {
    bench.post(0, 2);
    bench.post(1, 1);
    bench.withdraw(0, 0);
    bench.withdraw(0, 1);
    assert.equal(bench.settled, 1);
    bench.withdraw(0, 1);
    assert.deepEqual(bench.pool.take(9), [1024]);
    bench.pool.accept([1024]);
    bench.post(0, 1);
    assert.deepEqual(bench.pool.take(9), [0], 'nobody of the next batch in the slot is taken back');
  });

  it('does not take back one that has its outcome, and tells it only once more in the same turn', async () => {
    bench.post(0, 3);
    const tags = bench.pool.take(3);
    bench.withdraw(0, 0);
    bench.pool.accept([tags[0]!]);
    bench.pool.loseAnswers([tags[1]!], closed);
    bench.withdraw(0, 1);
    assert.deepEqual(bench.states(0, 3), [ACCEPTED, UNKNOWN, WRITTEN]);
    assert.deepEqual(
      (await bench.told()).map(({ indexes, cause }) => [indexes, cause?.code]),
      [[[0, 0, 1], 'ERR_PEAL_CLOSED']],
    );
  });

  it('keeps one back that another shard may send to, and tells of refusals without end', async () => {
    bench.post(0, 40);
    for (let resends = 0; resends <= maxResends; resends++) bench.pool.returnUnsent(bench.pool.take(1), closed);
    assert.equal(bench.states(0, 1)[0], UNSENT);
    assert.deepEqual(await bench.told(), []);
    const tags = bench.pool.take(2 * stopAfterRefusals);
    bench.pool.reject(tags, rejection(403, 'InvalidProviderToken'));
    assert.equal((await bench.told())[0]!.details.length, 2 * stopAfterRefusals);
    assert.equal(bench.sent.length, 0, 'nothing is stopped');
  });
});
