/** A stream of items in, a stream of outcomes out: the rules of sendEach, against the simulator's memory gateway. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createMemoryBackend } from '../../../src/backend.js';
import { itemsInFlight, lastPullMs } from '../../../src/base/limits.js';
import {
  APNs,
  type BatchSettledEvent,
  createMemoryGateway,
  type ItemOutcome,
  type MemoryGateway,
  Message,
  type PealError,
  type PushItem,
  type SendEachOptions,
  Session,
  type SimulatorOptions,
  scriptedToken,
  systemClock,
} from '../../../src/index.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';

interface Job extends PushItem {
  readonly id: number;
}

const token = (number: number): string => number.toString(16).padStart(64, '0');
const hello = new Message([], { topic: 'com.example.app', alert: 'Hello' });
const job = (id: number): Job => ({ id, message: hello, token: token(id) });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = (): Promise<never> => new Promise(() => {});

/** Jobs from a queue that delivers one for each await, and what was asked of it. */
class Queue {
  pulled = 0;
  isClosed = false;

  constructor(
    readonly count: number,
    readonly jobOf: (id: number) => unknown = job,
    /** What it does behind the last one. */
    readonly atEnd: () => unknown = () => {},
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Job> {
    try {
      while (this.pulled < this.count) yield this.jobOf(this.pulled++) as Job;
      await this.atEnd();
    } finally {
      this.isClosed = true;
    }
  }
}

describe('sendEach', () => {
  let gateway: MemoryGateway;
  let session: Session;
  let apns: APNs;

  async function connect(options: SimulatorOptions = {}): Promise<void> {
    gateway = await createMemoryGateway(options);
    session = new Session({ threads: 0, backend: createMemoryBackend(gateway.accept, { clock: systemClock }) });
    apns = new APNs(session.getConnection('https://gateway.example', null));
  }

  beforeEach(() => connect());

  afterEach(async () => {
    await session.close();
    gateway.close();
  });

  async function outcomesOf(
    source: Iterable<Job> | AsyncIterable<Job>,
    options?: SendEachOptions,
  ): Promise<ItemOutcome<Job>[]> {
    const outcomes: ItemOutcome<Job>[] = [];
    for await (const outcome of apns.sendEach(source, options)) outcomes.push(outcome);
    return outcomes;
  }

  for (const [kind, sourceOf] of [
    ['an iterable', (items: Job[]) => items],
    ['an async iterable', (items: Job[]) => new Queue(items.length, (at) => items[at])],
  ] as const) {
    it(`yields one outcome for each item of ${kind}, with the item itself`, async () => {
      const items = Array.from({ length: 3_000 }, (_, id) => job(id));
      items[7] = { ...items[7]!, token: scriptedToken('Unregistered') };
      const outcomes = await outcomesOf(sourceOf(items));
      assert.deepEqual(new Set(outcomes.map(({ item }) => item)), new Set(items));
      assert.equal(outcomes.length, 3_000);
      assert.equal(outcomes.filter(({ outcome, status }) => outcome === 'accepted' && status === 200).length, 2_999);
      const gone = outcomes.find(({ item }) => item === items[7])!;
      assert.deepEqual([gone.outcome, gone.status, gone.reason], ['rejected', 410, 'Unregistered']);
      const { accepted, rejected } = gateway.ledger.summary();
      assert.deepEqual({ accepted, rejected }, { accepted: 2_999, rejected: 1 });
    });
  }

  it('never holds more than maxInFlight items, and pulls nothing while the consumer takes nothing', async () => {
    for (const maxInFlight of [1, 7, undefined]) {
      const most = maxInFlight ?? itemsInFlight;
      const queue = new Queue(2 * most + 20);
      let taken = 0;
      for await (const _ of apns.sendEach(queue, maxInFlight === undefined ? {} : { maxInFlight })) {
        taken += 1;
        assert.ok(queue.pulled - taken <= most, `${queue.pulled} pulled, ${taken} taken`);
        if (taken % 50 !== 0 && taken !== 3) continue;
        for (let waited = 0; waited < 20; waited++) await turn();
        assert.ok(queue.pulled - taken <= most, `${queue.pulled} pulled, ${taken} taken, while the consumer is busy`);
      }
      assert.equal(taken, queue.count);
    }
  });

  it('serves several consumers at once', async () => {
    const outcomes = apns.sendEach(new Queue(20), { maxInFlight: 2 });
    const steps = await Promise.all(Array.from({ length: 23 }, () => outcomes.next()));
    assert.equal(steps.filter(({ done }) => done === true).length, 3);
    assert.equal(new Set(steps.map(({ value }) => value?.item.id)).size, 21);
  });

  it('has items that come one by one share batches', async () => {
    let batches = 0;
    const count = (event: unknown): void => {
      batches += (event as BatchSettledEvent).recipients > 0 ? 1 : 0;
    };
    subscribe('peal:batch:settled', count);
    try {
      await outcomesOf(new Queue(10_000));
    } finally {
      unsubscribe('peal:batch:settled', count);
    }
    assert.ok(batches > 0 && batches <= 200, `${batches} batches for 10,000 items`);
  });

  it('calls an item that is not valid so, with its error, and goes on', async () => {
    const wrong: [unknown, string][] = [
      [{ token: token(1) }, 'ERR_PEAL_OPTION'],
      [{ message: hello, token: 'x' }, 'ERR_PEAL_TOKEN'],
      [{ message: hello }, 'ERR_PEAL_TOKEN'],
      [{ message: new Message(token(1), { alert: 'Hello' }), token: token(1) }, 'ERR_PEAL_OPTION'],
      [{ message: new Message([], { topic: 'com.example.app' }), token: token(1) }, 'ERR_PEAL_PAYLOAD'],
      [{ message: { topic: 'com.example.app', alert: 'x'.repeat(5_000) }, token: token(1) }, 'ERR_PEAL_PAYLOAD'],
      [{ message: { topic: 'com.example.app', alerts: 'x' }, token: token(1) }, 'ERR_PEAL_OPTION'],
      [{ ...job(1), timeoutMs: 0 }, 'ERR_PEAL_OPTION'],
      [{ ...job(1), retry: { attempts: 0 } }, 'ERR_PEAL_OPTION'],
      [null, 'ERR_PEAL_OPTION'],
      [undefined, 'ERR_PEAL_OPTION'],
      [{ ...job(1), get token() { throw new RangeError('no token'); } }, 'ERR_PEAL_INPUT'], // biome-ignore format: one case
    ];
    const items = [...wrong.map(([item]) => item), job(2)];
    const outcomes = await outcomesOf(new Queue(items.length, (at) => items[at]));
    assert.equal(outcomes.length, items.length);
    for (const [item, code] of wrong) {
      const found = outcomes.find((outcome) => outcome.item === item)!;
      assert.equal(found.outcome, 'invalid');
      assert.equal(found.error?.code, code, found.error?.message);
      assert.deepEqual([found.status, found.apnsId, found.attempts], [null, null, 0]);
    }
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'accepted').length, 1);
    assert.equal(gateway.ledger.summary().requests, 1);
  });

  it('calls a message invalid that the credential cannot send', async () => {
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const withKey = new APNs(session.getConnection('https://gateway.example', { key: p8, keyId, teamId }));
    const items = [{ message: new Message([], { alert: 'Hello' }), token: token(1) }];
    for await (const { outcome, error } of withKey.sendEach(items)) {
      assert.equal(outcome, 'invalid');
      assert.equal(error?.code, 'ERR_PEAL_HEADER');
    }
  });

  it('lets other work run while an endless source has items that are not valid', async () => {
    function* wrong(): Generator<Job> {
      for (;;) yield { id: 0, message: hello, token: 'x' };
    }
    const stop = new AbortController();
    setImmediate(() => setImmediate(() => stop.abort()));
    const outcomes = await outcomesOf(wrong(), { signal: stop.signal, maxInFlight: 10 });
    assert.ok(outcomes.length > 0 && outcomes.every(({ outcome }) => outcome === 'invalid'));
  });

  it('tells the outcomes of what was pulled before it throws what the source threw', async () => {
    const cause = new Error('the queue is gone');
    const throwing = (): never => {
      throw cause;
    };
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { outcome } of apns.sendEach(new Queue(100, job, throwing))) seen.push(outcome);
      },
      (error: PealError) => {
        assert.equal(error.code, 'ERR_PEAL_INPUT');
        assert.equal(error.cause, cause);
        return true;
      },
    );
    assert.deepEqual(
      seen,
      Array.from({ length: 100 }, () => 'accepted'),
    );
    for (const source of [{ [Symbol.iterator]: throwing }, { [Symbol.asyncIterator]: throwing }]) {
      const outcomes = apns.sendEach<Job>(source as never);
      await assert.rejects(outcomes.next(), { code: 'ERR_PEAL_INPUT' });
      assert.deepEqual(await outcomes.next(), { value: undefined, done: true });
    }
  });

  it('ends where a source gives a step that is not one, as a loop over it would', async () => {
    for (const symbol of [Symbol.iterator, Symbol.asyncIterator]) {
      const source = { [symbol]: () => ({ next: () => 5 }) };
      const outcomes = apns.sendEach<Job>(source as never);
      await assert.rejects(outcomes.next(), { code: 'ERR_PEAL_INPUT' });
      assert.deepEqual(await outcomes.next(), { value: undefined, done: true });
    }
  });

  it('pulls nothing more once the consumer has left, closes the source, and finishes what is under way', async () => {
    const queue = new Queue(1_000);
    let taken = 0;
    for await (const _ of apns.sendEach(queue, { maxInFlight: 20 })) {
      taken += 1;
      if (taken === 5) break;
    }
    const { pulled } = queue;
    await turn();
    assert.ok(queue.isClosed && pulled <= 25, `${pulled} pulled`);
    await session.close();
    assert.equal(queue.pulled, pulled);
    const { accepted } = gateway.ledger.summary();
    assert.ok(accepted >= taken && accepted <= pulled, `${accepted} accepted, ${taken} taken, ${pulled} pulled`);
  });

  it('closes an iterable, too, and pulls nothing before it is asked', async () => {
    const steps: string[] = [];
    function* items(): Generator<Job> {
      try {
        for (let id = 0; ; id++) {
          steps.push(`item ${id}`);
          yield job(id);
        }
      } finally {
        steps.push('closed');
      }
    }
    const outcomes = apns.sendEach(items(), { maxInFlight: 2 });
    await turn();
    assert.deepEqual(steps, []);
    assert.equal((await outcomes.next()).done, false);
    assert.deepEqual(await outcomes.return(), { value: undefined, done: true });
    assert.deepEqual(steps, ['item 0', 'item 1', 'closed']);
    assert.deepEqual(await outcomes.next(), { value: undefined, done: true });
    await assert.rejects(apns.sendEach(items()).throw(new Error('mine')), /mine/);
  });

  it('stops at its signal: an endless source is not pulled on, and each item has its outcome', async () => {
    const stop = new AbortController();
    const queue = new Queue(Number.POSITIVE_INFINITY);
    const counts = { accepted: 0, unsent: 0 };
    for await (const { outcome, error } of apns.sendEach(queue, { signal: stop.signal, maxInFlight: 100 })) {
      counts[outcome as 'accepted' | 'unsent'] += 1;
      if (outcome === 'unsent') assert.equal(error?.code, 'ERR_PEAL_ABORTED');
      if (counts.accepted === 150) stop.abort();
    }
    assert.equal(counts.accepted + counts.unsent, queue.pulled);
    assert.equal(gateway.ledger.summary().accepted, counts.accepted);
    assert.ok(queue.isClosed && queue.pulled <= 351, `${queue.pulled} pulled`);
  });

  it('listens to its signal once, until the last outcome, also behind the end of the source', async () => {
    const stop = new AbortController();
    let listeners = 0;
    const { signal } = stop;
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove.apply(signal, args);
    };
    await outcomesOf(new Queue(10), { signal });
    assert.equal(listeners, 0);
    const queue = new Queue(10);
    const outcomes = apns.sendEach(queue, { signal, maxInFlight: 20 });
    const first = outcomes.next();
    while (!queue.isClosed) await Promise.resolve();
    assert.equal(listeners, 1);
    stop.abort();
    assert.equal((await first).value?.outcome, 'unsent');
    for (let taken = 1; taken < 10; taken++) assert.equal((await outcomes.next()).value?.outcome, 'unsent');
    assert.equal((await outcomes.next()).done, true);
    assert.equal(gateway.ledger.summary().requests, 10);
  });

  it('pulls nothing at all for a signal that was aborted before', async () => {
    const queue = new Queue(10);
    assert.deepEqual(await outcomesOf(queue, { signal: AbortSignal.abort() }), []);
    assert.equal(queue.pulled, 0);
  });

  for (const [how, end] of [
    ['an abort', (stop: AbortController) => stop.abort()],
    ['the shutdown of its session', () => session.close()],
  ] as const) {
    it(`calls the item unsent that was asked for before ${how} and comes after it, and begins nothing for it`, async () => {
      const stop = new AbortController();
      let give: (item: Job) => void = () => {};
      const late = {
        next: () => new Promise<IteratorResult<Job>>((resolve) => (give = (value) => resolve({ value }))),
      };
      const outcomes = outcomesOf({ [Symbol.asyncIterator]: () => late }, { signal: stop.signal });
      await turn();
      await end(stop);
      await turn();
      give(job(1));
      const [only, ...others] = await outcomes;
      assert.deepEqual([only?.outcome, only?.error?.code, others.length], ['unsent', 'ERR_PEAL_ABORTED', 0]);
      assert.equal(gateway.ledger.summary().requests, 0);
      assert.equal((await session.stats()).connections, 0);
    });
  }

  it('waits no longer than lastPullMs after an abort for a source that hangs', async () => {
    const clock = new VirtualClock();
    await using still = new Session({ threads: 0, clock, backend: { open: () => assert.fail('connected') } });
    const stop = new AbortController();
    const hanging = new APNs(still.getConnection('https://gateway.example', null));
    const next = hanging.sendEach(new Queue(0, job, never), { signal: stop.signal }).next();
    await turn();
    stop.abort();
    clock.advance(lastPullMs - 1);
    let isOver = false;
    void next.then(() => (isOver = true));
    await turn();
    assert.equal(isOver, false);
    clock.advance(1);
    assert.deepEqual(await next, { value: undefined, done: true });
    assert.equal(clock.timerCount, 0);
  });

  it('ends when its session is closed', async () => {
    const queue = new Queue(Number.POSITIVE_INFINITY);
    let taken = 0;
    let closing = Promise.resolve();
    for await (const _ of apns.sendEach(queue, { maxInFlight: 10 })) {
      taken += 1;
      if (taken === 30) closing = session.close();
    }
    await closing;
    assert.equal(taken, queue.pulled);
    assert.ok(queue.isClosed);
  });

  it('sends if it was made before its session was closed, and begins while pushes of before are being finished', async () => {
    await session.close();
    gateway.close();
    await connect({ scenario: { faults: [{ when: { connection: 1 }, do: 'noAnswer', processed: 1 }] } });
    const written = apns.push(hello, token(1_000), { timeoutMs: 1_000 });
    const outcomes = apns.sendEach([job(0), job(1)]);
    while (gateway.ledger.summary().requests === 0) await turn();
    const closing = session.close();
    await turn();
    for await (const { outcome } of outcomes) assert.equal(outcome, 'accepted');
    gateway.close();
    await Promise.all([written, closing]);
  });

  it('gives each item its own time and retries', async () => {
    await session.close();
    gateway.close();
    await connect({ roundTripMs: 200 });
    const busy = scriptedToken('TooManyRequests');
    const items = [
      { ...job(1), timeoutMs: 20 },
      { ...job(2), timeoutMs: 5_000 },
      { ...job(3), token: busy, retry: false as const },
    ];
    const outcomes = await outcomesOf(items, { timeoutMs: 4_000, retry: { attempts: 2 } });
    const byId = outcomes.toSorted((one, other) => one.item.id - other.item.id);
    assert.notEqual(byId[0]!.outcome, 'accepted');
    assert.equal(byId[0]!.error?.code, 'ERR_PEAL_TIMEOUT');
    assert.equal(byId[1]!.outcome, 'accepted');
    assert.deepEqual([byId[2]!.reason, byId[2]!.attempts], ['TooManyRequests', 1]);
  });

  it('refuses a source, an option and a gateway that do not fit, at once', () => {
    const code = 'ERR_PEAL_OPTION';
    for (const source of [undefined, null, 'ab', 1, {}, () => []]) {
      assert.throws(() => apns.sendEach(source as never), { code, message: /^sendEach takes an iterable/ });
    }
    assert.throws(() => apns.sendEach([], { maxInFlight: 0 }), { code, message: /maxInFlight/ });
    assert.throws(() => apns.sendEach([], { timeoutMs: 0 }), { code, message: /timeoutMs/ });
    const binary = new APNs(session.getConnection('binary://gateway.example', null));
    assert.throws(() => binary.sendEach([]), {
      code: 'ERR_PEAL_ADDRESS',
      message: /does not answer each notification/,
    });
  });

  it('costs twice as much for twice as many', async () => {
    const costOf = async (count: number): Promise<number> => {
      const started = process.cpuUsage();
      let taken = 0;
      for await (const _ of apns.sendEach(new Queue(count))) taken += 1;
      assert.equal(taken, count);
      const { user, system } = process.cpuUsage(started);
      return user + system;
    };
    await costOf(10_000);
    const ratios: number[] = [];
    for (let round = 0; round < 5; round++) ratios.push((await costOf(20_000)) / (await costOf(10_000)));
    // 2, and room for a machine that is busy with something else. The square would be 4.
    assert.ok(Math.min(...ratios) < 3, `ratios ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')}`);
  });
});
