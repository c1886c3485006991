/** Single pushes over threads that a test ends, or lets stand still. */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { withdrawalTimeMs } from '../../../src/base/limits.js';
import { Dispatcher } from '../../../src/engine/dispatcher/dispatcher.js';
import type { Credential } from '../../../src/push/credentials/credential.js';
import { Message } from '../../../src/session/message/message.js';
import { GoneTokens } from '../../../src/session/send/gone-tokens.js';
import { OpenSends } from '../../../src/session/send/open-sends.js';
import { Lanes } from '../../../src/session/single/lanes.js';
import type { PushOutcome } from '../../../src/session/single/push-outcome.js';
import { rejection, routeConfig } from '../../support/engine-fixtures.js';
import { FakeThreads, until } from '../../support/fake-threads.js';
import { hello, token } from '../../support/push-world.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const closed = new PealError('ERR_PEAL_CLOSED', 'The connection ended.', { origin: 'gateway', retryable: true });
const lost = new PealError('ERR_PEAL_CONNECT', 'No way to the gateway.', { origin: 'connect', retryable: true });

class Bench {
  readonly threads = new FakeThreads();
  readonly clock = new VirtualClock();
  readonly gone = new GoneTokens(this.clock);
  readonly dispatcher: Dispatcher;
  readonly lanes: Lanes;
  /** By the number of the push. */
  readonly outcomes = new Map<number, PushOutcome>();
  readonly #message = Message.forPush(hello);

  constructor(threads: number) {
    this.dispatcher = new Dispatcher({ threads, clock: this.clock, openThreads: () => this.threads });
    const route = this.dispatcher.openRoute(routeConfig, null);
    const target = { engine: this.dispatcher, route, clock: this.clock, protocol: 'http2' as const };
    this.lanes = new Lanes({
      address: { protocol: 'http2', host: 'localhost', port: 443 },
      credential: { kind: 'none' } as unknown as Credential,
      clock: this.clock,
      sends: new OpenSends(),
      gone: this.gone,
      acquire: () => ({ ...target, stopsAtFailure: false, gone: null }),
      release: () => {},
    });
  }

  push(numbers: readonly number[], timeoutMs = 30_000, signal: AbortSignal | null = null): void {
    for (const number of numbers) {
      this.lanes.start(
        this.#message.parts,
        token(number),
        { timeoutMs, budget: null, signal, isStreamed: false },
        (outcome) => {
          assert.ok(!this.outcomes.has(number), `push ${number} has a second outcome`);
          this.outcomes.set(number, outcome);
        },
      );
    }
  }

  async untilTaken(shardId: number, count: number): Promise<number[]> {
    const tags: number[] = [];
    await until(() => {
      const thread = this.threads.started.findLast(({ task }) => task.shardId === shardId);
      if (thread?.pools.length !== 1 || thread.isOver) return false;
      tags.push(...thread.pool.take(count - tags.length));
      return tags.length === count;
    }, `shard ${shardId} has ${count}`);
    return tags;
  }

  /** A thread ends, and another begins in its place. */
  async crash(shardId: number): Promise<void> {
    const { started } = this.threads;
    const before = started.length;
    this.threads.shard(shardId).crash();
    await until(() => {
      if (started.length === before) this.clock.advance(10);
      return started.length > before;
    }, `shard ${shardId} has a new thread`);
  }

  async untilTold(count: number): Promise<void> {
    await until(() => this.outcomes.size === count, `${count} pushes have their outcomes`);
  }

  said(number: number): string {
    const { outcome, reason, error } = this.outcomes.get(number) ?? assert.fail(`push ${number} has no outcome`);
    return `${outcome} ${reason ?? error?.code ?? ''}`.trim();
  }
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

describe('pushes over threads', () => {
  let bench: Bench;
  // An engine loads it with its first push, which takes as long as the machine takes.
  before(() => import('../../../src/engine/hosts/supervisor.js'));
  afterEach(async () => {
    bench.clock.advance(100_000);
    await bench.dispatcher.close();
  });

  it('are told one by one, and what a thread that ended had written is unknown, the rest is sent by another', async () => {
    bench = new Bench(1);
    bench.push(range(0, 10));
    const tags = await bench.untilTaken(0, 6);
    const { pool } = bench.threads.shard(0);
    pool.accept([tags[0]!]);
    pool.reject([tags[1]!], rejection(410, 'Unregistered', { timestampMs: 5 }));
    await bench.untilTold(2);
    assert.deepEqual([bench.said(0), bench.said(1)], ['accepted', 'rejected Unregistered']);
    // This is in the ledger and not told: the thread ends with it.
    pool.accept([tags[2]!]);
    pool.reject([tags[3]!], rejection(503, 'ServiceUnavailable'));
    await bench.crash(0);
    await bench.untilTold(6);
    assert.deepEqual(
      range(2, 4).map((number) => bench.said(number)),
      ['accepted', 'rejected ServiceUnavailable', 'unknown ERR_PEAL_SHARD', 'unknown ERR_PEAL_SHARD'],
    );
    const rest = await bench.untilTaken(0, 4);
    bench.threads.shard(0).pool.accept(rest);
    await bench.untilTold(10);
    assert.deepEqual(
      range(6, 4).map((number) => bench.said(number)),
      Array(4).fill('accepted'),
    );
    assert.deepEqual(
      [...bench.gone.take()].map((entry) => entry.token),
      [token(1)],
    );
  });

  it('that were taken back are not sent by the thread that comes after', async () => {
    bench = new Bench(1);
    const aborter = new AbortController();
    bench.push(range(0, 4));
    bench.push(range(4, 2), 30_000, aborter.signal);
    await bench.untilTaken(0, 1);
    // The thread does not hear it any more.
    bench.threads.shard(0).task.data.removeAllListeners('message');
    aborter.abort();
    await bench.crash(0);
    const tags = await bench.untilTaken(0, 3);
    assert.deepEqual(bench.threads.shard(0).pool.take(9), []);
    bench.threads.shard(0).pool.accept(tags);
    await bench.untilTold(6);
    assert.deepEqual([bench.said(4), bench.said(5)], ['unsent ERR_PEAL_ABORTED', 'unsent ERR_PEAL_ABORTED']);
  });

  it('are unsent as soon as a thread has taken them back, and unknown if it stands still', async () => {
    bench = new Bench(1);
    bench.push(range(0, 3), 1_000);
    await bench.untilTaken(0, 1);
    bench.clock.advance(1_005);
    await bench.untilTold(3);
    assert.deepEqual(
      range(0, 3).map((number) => bench.said(number)),
      ['unknown ERR_PEAL_TIMEOUT', 'unsent ERR_PEAL_TIMEOUT', 'unsent ERR_PEAL_TIMEOUT'],
    );
    bench.push(range(10, 3), 1_000);
    await bench.untilTaken(0, 1);
    bench.threads.shard(0).task.data.removeAllListeners('message');
    bench.clock.advance(1_005);
    assert.equal(bench.outcomes.size, 4, 'the one that is written');
    bench.clock.advance(withdrawalTimeMs);
    assert.equal(bench.outcomes.size, 6);
    assert.deepEqual([bench.said(11), bench.said(12)], ['unknown ERR_PEAL_TIMEOUT', 'unknown ERR_PEAL_TIMEOUT']);
  });

  it('say what a late thread does: an answer counts, and what comes back after the time is not sent again', async () => {
    bench = new Bench(1);
    bench.push(range(0, 3), 1_000);
    const tags = await bench.untilTaken(0, 2);
    const { pool } = bench.threads.shard(0);
    pool.accept([tags[0]!]);
    pool.returnUnsent([tags[1]!], closed);
    bench.clock.advance(1_005);
    await bench.untilTold(3);
    const said = range(0, 3).map((number) => bench.said(number));
    assert.ok(said[0] === 'accepted' || said[0] === 'unknown ERR_PEAL_TIMEOUT', said[0]);
    assert.deepEqual(said.slice(1), ['unsent ERR_PEAL_TIMEOUT', 'unsent ERR_PEAL_TIMEOUT']);
    assert.deepEqual(pool.take(9), []);
  });

  it('are told at once where the rest of their batch goes to another thread, whose pool does not give up', async () => {
    bench = new Bench(2);
    // The gateway accepts from shard 1, so that shard 0 is left alone.
    bench.push(range(100, 1));
    let first = -1;
    await until(() => {
      first =
        bench.threads.started.find((thread) => (thread.pools[0]?.source.current() ?? null) !== null)?.task.shardId ??
        -1;
      return first >= 0;
    }, 'a shard has the first push');
    const good = bench.threads.shard(first);
    const held = good.pool.take(1);
    bench.push(range(0, 3));
    const tags = await bench.untilTaken(1 - first, 2);
    good.pool.accept(held);
    await bench.untilTold(1);
    const bad = bench.threads.shard(1 - first).pool;
    bad.returnUnsent([tags[1]!], lost);
    bad.source.onFailed(lost);
    // With this the batch is settled, so that the shard tells nothing.
    bad.accept([tags[0]!]);
    await bench.untilTold(2);
    assert.equal(bench.said(0), 'accepted');
    const rest = await bench.untilTaken(first, 2);
    bench.threads.shard(first).pool.accept(rest);
    await bench.untilTold(4);
  });
});
