/** However a send ends, and at whatever point of the pulling: each recipient that was pulled is in its books once. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Clock } from '../../../src/base/clock.js';
import { PealError } from '../../../src/base/errors.js';
import { batchLingerMs, lastPullMs } from '../../../src/base/limits.js';
import { Message } from '../../../src/session/message/message.js';
import type { Result } from '../../../src/session/message/result.js';
import type { Recipient } from '../../../src/session/recipients/recipient.js';
import { Send } from '../../../src/session/send/send.js';
import { checkSendOptions, type SendOptions } from '../../../src/session/send/send-options.js';
import { cases } from '../../support/cases.js';
import { afterPoint, CountedSource, type SourcePlan, sourceKinds } from '../../support/counted-source.js';
import { FakeEngine } from '../../support/fake-engine.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');
const stopCause = new PealError('ERR_PEAL_STOPPED', 'Stopped.', { origin: 'usage' });

/** Far longer than any of these sends takes on its clock. */
const hangMs = 60_000;
/** What ends the send: the engine, a shutdown of the session, or the program's signal. */
const causes = ['stop', 'shutdown', 'abort'] as const;

/** One of them, from within the pull at the point, or so many turns of the loop later. */
interface End {
  readonly cause: (typeof causes)[number];
  readonly turns: number;
}

/** None: the source ends it. */
const ends: fc.Arbitrary<End[]> = fc.array(fc.record({ cause: fc.constantFrom(...causes), turns: fc.nat(5) }), {
  maxLength: 3,
});

function newSend(engine: FakeEngine, clock: Clock, options: SendOptions): Send {
  const route = engine.openRoute({} as never);
  const target = { engine, route, clock, protocol: 'http2', stopsAtFailure: false, gone: null } as const;
  const message = new Message([], { alert: 'hi' });
  return new Send(target, message, checkSendOptions(message, options));
}

function start(engine: FakeEngine, clock: Clock, options: SendOptions): Promise<Result> {
  return newSend(engine, clock, options).run();
}

/** At once if `turns` is 0. */
async function after(turns: number, then: () => void): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  then();
}

/** Runs a send to its end, and lets its time pass while nothing else happens. */
async function finished(sending: Promise<Result>, clock: VirtualClock): Promise<Result> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  sending.then(over, over);
  while (!isOver) {
    for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(batchLingerMs);
    assert.ok(clock.now() < hangMs, 'the send does not end');
  }
  return sending;
}

const plans: fc.Arbitrary<SourcePlan> = fc.record({
  kind: fc.constantFrom(...sourceKinds),
  before: fc.oneof(fc.constantFrom(0, 1, 2, 1023, 1024, 1025), fc.nat(2500)),
  after: fc.nat(1100),
  conduct: fc.constantFrom(...afterPoint),
});

describe('Send, however it ends', () => {
  it('counts each recipient that was pulled once, and closes its source', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans,
        ends,
        fc.constantFrom('leave', 'unsent'),
        fc.integer({ min: 1, max: 3 }),
        async (plan, itsEnds, afterStop, credit) => {
          // Nothing stops a send whose source alone is to end it, and never does.
          const isEndless = plan.conduct === 'never' && plan.kind !== 'generator';
          if (isEndless && itsEnds.length === 0) return;
          const engine = new FakeEngine();
          engine.credit = credit;
          const clock = new VirtualClock();
          const abort = new AbortController();
          const source = new CountedSource(
            { ...plan, before: plan.kind === 'blocks' ? plan.before % 8 : plan.before },
            () => {
              for (const { cause, turns } of itsEnds) void after(turns, () => begin[cause]());
            },
            token,
          );
          const options = { recipients: source.recipients(), signal: abort.signal, afterStop } as const;
          const send = newSend(engine, clock, options);
          const begin = {
            stop: () => engine.jobs[0]!.stop(stopCause),
            shutdown: () => send.stop(stopCause),
            abort: () => abort.abort(),
          };
          const { counts, unsent } = await finished(send.run(), clock);
          assert.equal(counts.recipients, source.pulled, `${counts.recipients} of ${source.pulled} are in the books`);
          assert.equal(counts.accepted + counts.unsent, source.pulled);
          assert.equal(new Set(unsent).size, counts.unsent);
          // A generator whose pull is still open cannot be closed, nor can an iterator that has no way to.
          if (!isEndless && plan.kind !== 'bare iterator') assert.ok(source.isClosed);
        },
      ),
      {
        numRuns: cases(150, 30),
        examples: [
          [
            { kind: 'async generator', before: 1500, after: 1, conduct: 'at once' },
            [{ cause: 'abort', turns: 0 }],
            'leave',
            2,
          ],
          [{ kind: 'blocks', before: 2, after: 2, conduct: 'late' }, [{ cause: 'abort', turns: 0 }], 'leave', 2],
          [
            { kind: 'bare iterator', before: 1500, after: 2, conduct: 'late' },
            [{ cause: 'stop', turns: 0 }],
            'leave',
            2,
          ],
          [
            { kind: 'async generator', before: 3, after: 2, conduct: 'never' },
            [{ cause: 'stop', turns: 0 }],
            'leave',
            2,
          ],
          [
            { kind: 'async generator', before: 3, after: 2, conduct: 'never' },
            [{ cause: 'abort', turns: 0 }],
            'unsent',
            2,
          ],
          [
            { kind: 'bare iterator', before: 1500, after: 2, conduct: 'never' },
            [{ cause: 'stop', turns: 0 }],
            'unsent',
            2,
          ],
        ],
      },
    );
  });

  it('ends when the engine stops it while the source has nothing to give, and says that a pull was open', async () => {
    const engine = new FakeEngine();
    const clock = new VirtualClock();
    const plan = { kind: 'async generator', before: 3, after: 1, conduct: 'never' } as const;
    const stop = (): void => engine.jobs[0]!.stop(stopCause);
    const source = new CountedSource(plan, () => setImmediate(stop), token);
    const result = await finished(start(engine, clock, { recipients: source.recipients() }), clock);
    assert.equal(result.stopped, stopCause);
    assert.equal(result.recipients, 3);
    assert.deepEqual(
      result.errors.filter(({ reason }) => reason === 'ERR_PEAL_INPUT').map(({ count }) => count),
      [0],
    );
    assert.ok(clock.now() >= lastPullMs && clock.now() < 2 * lastPullMs, `it took ${clock.now()} ms`);
  });

  it('counts what a source gives after a second cause of the stop, such as a shutdown that follows an abort', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const plan = { kind: 'blocks', before: 1, after: 2, conduct: 'late' } as const;
    const source = new CountedSource(
      plan,
      () => {
        abort.abort();
        queueMicrotask(() => void setImmediate(() => send.stop(stopCause)));
      },
      token,
    );
    const send = newSend(new FakeEngine(), clock, { recipients: source.recipients(), signal: abort.signal });
    const result = await finished(send.run(), clock);
    assert.equal(result.stopped?.code, 'ERR_PEAL_ABORTED');
    assert.deepEqual([result.recipients, result.errors.length], [source.pulled, 1]);
  });

  for (const afterStop of ['leave', 'unsent'] as const) {
    it(`gives a source five seconds for each recipient after the stop, afterStop: '${afterStop}'`, async () => {
      const clock = new VirtualClock();
      const abort = new AbortController();
      const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms));
      const recipients = (async function* () {
        yield token(0);
        abort.abort();
        for (let number = 1; number < 4; number++) {
          await wait(lastPullMs - batchLingerMs);
          yield token(number);
        }
        await wait(hangMs);
        yield token(4);
      })();
      const options = { recipients, signal: abort.signal, afterStop };
      const result = await finished(start(new FakeEngine(), clock, options), clock);
      assert.equal(result.recipients, afterStop === 'leave' ? 2 : 4);
      assert.equal(result.accepted + result.counts.unsent, result.recipients);
      assert.equal(
        result.errors.some(({ reason }) => reason === 'ERR_PEAL_INPUT'),
        afterStop === 'unsent',
      );
    });
  }

  it("waits for a source as long as it takes, afterStop: 'drain'", async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const recipients = (async function* () {
      yield token(0);
      abort.abort();
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 4 * lastPullMs));
      yield token(1);
    })();
    const options = { recipients, signal: abort.signal, afterStop: 'drain' } as const;
    const result = await finished(start(new FakeEngine(), clock, options), clock);
    assert.deepEqual([result.recipients, result.errors.length], [2, 1]);
  });

  for (const kind of ['array', 'generator', 'stream'] as const) {
    it(`takes a revoked proxy as an invalid recipient, in the form of: ${kind}`, async () => {
      const { proxy, revoke } = Proxy.revocable({ token: token(1) }, {});
      revoke();
      const given = [token(0), proxy, token(2)];
      const forms = {
        array: given,
        generator: given.values(),
        // An async generator cannot give it: it looks for a then.
        stream: {
          [Symbol.asyncIterator]: () => {
            const values = given.values();
            return { next: async () => values.next() };
          },
        },
      };
      const clock = new VirtualClock();
      const result = await finished(start(new FakeEngine(), clock, { recipients: forms[kind] }), clock);
      assert.deepEqual([result.counts.invalid, result.counts.accepted], [1, 1]);
      assert.deepEqual(result.invalid, [{ index: 1, text: 'of type object', why: 'cannot be read' }]);
      assert.equal(result.stopped?.code, 'ERR_PEAL_INPUT');
    });
  }

  it('counts a recipient that throws while it is read as invalid, and one behind it not at all', async () => {
    const given: Recipient[] = [
      token(0),
      {
        get token(): string {
          throw new Error('lazy field');
        },
      },
      token(1),
    ];
    let isClosed = false;
    const recipients = (async function* () {
      try {
        yield* given;
      } finally {
        isClosed = true;
      }
    })();
    const clock = new VirtualClock();
    const result = await finished(start(new FakeEngine(), clock, { recipients }), clock);
    const { accepted, invalid } = result.counts;
    assert.deepEqual([result.recipients, accepted, invalid, isClosed], [2, 1, 1, true]);
    assert.deepEqual(result.invalid, [{ index: 1, text: 'of type object', why: 'cannot be read' }]);
    assert.equal(result.stopped?.code, 'ERR_PEAL_INPUT');
  });
});
