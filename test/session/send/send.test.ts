import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { AssertionError } from '../../../src/base/assert.js';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { PealError } from '../../../src/base/errors.js';
import { lastPullMs, progressIntervalMs } from '../../../src/base/limits.js';
import type { OutcomeSink, SettledBatch } from '../../../src/engine/batch.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Message } from '../../../src/session/message/message.js';
import { Result } from '../../../src/session/message/result.js';
import type { Recipient } from '../../../src/session/recipients/recipient.js';
import type { Progress } from '../../../src/session/send/progress.js';
import { Send } from '../../../src/session/send/send.js';
import { checkSendOptions, type SendOptions } from '../../../src/session/send/send-options.js';
import { FakeEngine, type Outcome } from '../../support/fake-engine.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const token = (number: number): string => number.toString(16).padStart(64, '0');
const numberOf = (hex: string): number => Number.parseInt(hex, 16);
const tokens = (count: number): string[] => Array.from({ length: count }, (_, i) => token(i));
const rejected = (status: number, reason: string): Outcome => ({ status, reason });

function send(
  engine: FakeEngine,
  message: Message,
  options: SendOptions = {},
  clock: Clock = systemClock,
): Promise<Result> {
  const route = engine.openRoute({} as never);
  const target = { engine, route, clock, protocol: 'http2', stopsAtFailure: false, gone: null } as const;
  return new Send(target, message, checkSendOptions(message, options)).run();
}

/** A message for streamed recipients. */
const streamed = (): Message => new Message([], { alert: 'hi' });

/** Lets everything that is ready run, several turns of the loop. */
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('Send', () => {
  it('rejects with a promise that peal broke while it dispatched, and blames no recipients for it', async () => {
    const engine = new FakeEngine();
    const broken = new AssertionError('a batch is dispatched once');
    const begin = engine.send.bind(engine);
    engine.send = (...args) => {
      const dispatch = (): Promise<void> => Promise.reject(broken);
      // What was dispatched is never settled, so that waiting for the end would be waiting for good.
      return Object.assign(Object.create(begin(...args)), { dispatch, finish: () => new Promise(() => {}) });
    };
    for (const recipients of [tokens(3000), Readable.from(tokens(3000))]) {
      await assert.rejects(send(engine, streamed(), { recipients }), broken);
    }
  });

  it('puts every recipient into exactly one outcome, duplicates counted each', async () => {
    const engine = new FakeEngine();
    const judgements: Outcome[] = [
      'accepted',
      'unsent',
      'unknown',
      rejected(400, 'BadDeviceToken'),
      rejected(503, 'Shutdown'),
    ];
    engine.judge = (hex) => judgements[numberOf(hex) % 5]!;
    const given = [...tokens(5000), ...tokens(10), 'nonsense'];
    const result = await send(engine, new Message(given, { alert: 'hi' }));
    assert.deepEqual(result.counts, {
      recipients: 5011,
      accepted: 1002,
      rejected: 2004,
      unsent: 1002,
      unknown: 1002,
      invalid: 1,
    });
    assert.equal(result.failed.size, 2000);
    assert.equal(result.failed.get(token(3))!.reason, 'BadDeviceToken');
    assert.deepEqual(
      [...result.unsent].sort(),
      [...tokens(5000), ...tokens(10)].filter((hex) => numberOf(hex) % 5 === 1).sort(),
    );
    assert.equal(result.unknown.length, 1002);
    assert.deepEqual(
      result.invalid.map(({ index }) => index),
      [5010],
    );
    assert.deepEqual(Object.fromEntries(result.reasons), { BadDeviceToken: 1002, Shutdown: 1002 });
    assert.ok(engine.jobs[0]!.isFinished);
  });

  it('agrees with an independent count for any judgement and any mixture of recipients', async () => {
    const outcome = fc.constantFrom<Outcome>(
      'accepted',
      'unsent',
      'unknown',
      rejected(410, 'Unregistered'),
      rejected(429, 'TooManyRequests'),
    );
    const recipient = fc.oneof(
      fc.nat(5000).map(token),
      fc.nat(5000).map((n) => ({ token: token(n), payload: { aps: { badge: n } } })),
      fc.constant('x'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcome, { minLength: 1, maxLength: 40 }),
        fc.array(recipient, { maxLength: 300 }),
        async (outcomes, given) => {
          const engine = new FakeEngine();
          const judge = (hex: string): Outcome => outcomes[numberOf(hex) % outcomes.length]!;
          engine.judge = judge;
          const result = await send(engine, streamed(), { recipients: given });
          const valid = given.filter((one) => one !== 'x').map((one) => (typeof one === 'string' ? one : one.token));
          const expect = (wanted: string): number =>
            valid.filter((hex) => (typeof judge(hex) === 'string' ? judge(hex) : 'rejected') === wanted).length;
          const [accepted, unsent, unknown] = [expect('accepted'), expect('unsent'), expect('unknown')];
          const invalid = given.length - valid.length;
          assert.deepEqual(result.counts, {
            recipients: given.length,
            accepted,
            rejected: expect('rejected'),
            unsent,
            unknown,
            invalid,
          });
          assert.deepEqual([...result.unsent].sort(), valid.filter((hex) => judge(hex) === 'unsent').sort());
        },
      ),
      { numRuns: 50 },
    );
  });

  it('pulls a generator no further than the credit of the engine', async () => {
    const engine = new FakeEngine();
    engine.isAutomatic = false;
    engine.credit = 3;
    let pulled = 0;
    const stream = async function* (): AsyncGenerator<string> {
      for (; pulled < 100_000; pulled++) yield token(pulled);
    };
    const sending = send(engine, streamed(), { recipients: stream() });
    await turns(20);
    assert.ok(pulled <= 4 * 1024, `${pulled} were pulled`);
    engine.jobs[0]!.settleOne();
    await turns(20);
    assert.ok(pulled > 4 * 1024 && pulled <= 5 * 1024, `${pulled} were pulled`);
    engine.isAutomatic = true;
    for (let i = 0; i < 5; i++) engine.jobs[0]!.settleOne();
    assert.equal((await sending).accepted, 100_000);
  });

  it('holds the input back while a sink of its own is busy', async () => {
    const engine = new FakeEngine();
    engine.credit = 2;
    let pulled = 0;
    const held: (() => void)[] = [];
    const recipients = (function* () {
      for (; pulled < 20_000; pulled++) yield token(pulled);
    })();
    const outcomes = { settled: () => new Promise<void>((resolve) => held.push(resolve)) };
    const sending = send(engine, streamed(), { recipients, outcomes });
    const releasing = setInterval(() => held.shift()?.(), 1);
    await turns(3);
    assert.ok(pulled < 20_000);
    const result = await sending;
    clearInterval(releasing);
    assert.equal(result.accepted, 20_000);
  });

  it('sends what a slow stream gave after a short wait for company', async () => {
    const engine = new FakeEngine();
    const clock = new VirtualClock();
    let release = (): void => {};
    const stream = async function* (): AsyncGenerator<string> {
      yield token(1);
      yield token(2);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      yield token(3);
    };
    const sending = send(engine, streamed(), { recipients: stream() }, clock);
    await turns();
    assert.equal(engine.jobs[0]!.batches.length, 0);
    clock.advance(20);
    await turns();
    assert.deepEqual(
      engine.jobs[0]!.batches.map(({ tokens: { count } }) => count),
      [2],
    );
    release();
    assert.equal((await sending).accepted, 3);
    assert.equal(clock.timerCount, 0);
  });

  it('reports progress at most ten times a second, and once at the end', async () => {
    const engine = new FakeEngine();
    const clock = new VirtualClock();
    const reports: Progress[] = [];
    engine.judge = () => {
      clock.advance(0.01);
      return 'accepted';
    };
    await send(
      engine,
      new Message(tokens(102_400), { alert: 'hi' }),
      { onProgress: (progress) => reports.push(progress) },
      clock,
    );
    assert.ok(reports.length >= 10 && reports.length <= 12, `${reports.length} reports in 1,024 ms`);
    assert.deepEqual(reports.at(-1), {
      done: 102_400,
      accepted: 102_400,
      rejected: 0,
      unsent: 0,
      unknown: 0,
      invalid: 0,
      total: 102_400,
      queued: 0,
    });
    assert.ok(reports.every(({ done }, i) => i === 0 || done > reports[i - 1]!.done || done === 102_400));
  });

  it('reports what is under way while no batch is settled, and counts it once', async () => {
    const engine = new FakeEngine();
    engine.isAutomatic = false;
    const clock = new VirtualClock();
    const reports: Progress[] = [];
    const onProgress = (progress: Progress): unknown => reports.push(progress);
    const sending = send(engine, new Message(tokens(1000), { alert: 'hi' }), { onProgress }, clock);
    await turns();
    for (const [accepted, rejected] of [
      [300, 0],
      [300, 0],
      [600, 4],
    ] as const) {
      engine.interim = { accepted, rejected, queued: 0 };
      clock.advance(progressIntervalMs);
    }
    assert.deepEqual(
      reports.map(({ done, accepted, rejected, total }) => [done, accepted, rejected, total]),
      [
        [300, 300, 0, 1000],
        [604, 600, 4, 1000],
      ],
    );
    engine.interim = { accepted: 0, rejected: 0, queued: 0 };
    engine.jobs[0]!.settleOne();
    await sending;
    assert.deepEqual([reports.length, reports.at(-1)!.done, reports.at(-1)!.accepted], [3, 1000, 1000]);
    clock.advance(10 * progressIntervalMs);
    assert.equal(reports.length, 3);
  });

  it('reports how many wait for a connection, also where no outcome comes', async () => {
    const engine = new FakeEngine();
    engine.isAutomatic = false;
    const clock = new VirtualClock();
    const reports: Progress[] = [];
    const onProgress = (progress: Progress): unknown => reports.push(progress);
    const sending = send(engine, new Message(tokens(1000), { alert: 'hi' }), { onProgress }, clock);
    await turns();
    for (const queued of [1000, 1000, 300, 0, 0]) {
      engine.interim = { accepted: 0, rejected: 0, queued };
      clock.advance(progressIntervalMs);
    }
    engine.jobs[0]!.settleOne();
    await sending;
    assert.deepEqual(
      reports.map(({ done, queued }) => [done, queued]),
      [
        [0, 1000],
        [0, 300],
        [0, 0],
        [1000, 0],
        [1000, 0],
      ],
    );
  });

  describe('when it is aborted', () => {
    it('takes no more input, counts the rest of the message as unsent, and resolves', async () => {
      const engine = new FakeEngine();
      const abort = new AbortController();
      engine.judge = (hex) => {
        if (numberOf(hex) === 2000) abort.abort();
        return 'accepted';
      };
      const result = await send(engine, new Message(tokens(50_000), { alert: 'hi' }), { signal: abort.signal });
      assert.equal(result.stopped?.code, 'ERR_PEAL_ABORTED');
      assert.equal(result.recipients, 50_000);
      assert.ok(result.accepted >= 2000 && result.accepted < 10_000);
      assert.equal(result.counts.unsent, 50_000 - result.accepted);
      assert.ok(result.needsRetry());
      assert.equal(result.retry()!.tokens.length, 1);
    });

    it('waits for a stream that has nothing to give no longer than lastPullMs, closes it, and says so', async () => {
      const engine = new FakeEngine();
      const clock = new VirtualClock();
      const abort = new AbortController();
      let isClosed = false;
      const stream: AsyncIterable<string> = {
        [Symbol.asyncIterator]: () => {
          let given = 0;
          return {
            next: () => (given++ < 3 ? Promise.resolve({ value: token(given), done: false }) : new Promise(() => {})),
            return: async () => {
              isClosed = true;
              return { value: undefined, done: true };
            },
          };
        },
      };
      const sending = send(engine, streamed(), { recipients: stream, signal: abort.signal }, clock);
      await turns();
      abort.abort();
      for (let turn = 0; turn < 5; turn++, await turns()) clock.settle();
      assert.ok(isClosed);
      clock.advance(lastPullMs);
      const result = await sending;
      assert.equal(result.counts.unsent + result.accepted, 3);
      assert.equal(result.stopped?.code, 'ERR_PEAL_ABORTED');
      assert.match(result.errors.at(-1)!.explanation, /gave none within 5 seconds/);
    });

    it('leaves what a generator had not given, unless afterStop asks for it', async () => {
      for (const [afterStop, recipients] of [
        ['leave', 0],
        ['unsent', 3000],
      ] as const) {
        const engine = new FakeEngine();
        const stream = async function* (): AsyncGenerator<string> {
          yield* tokens(3000);
        };
        const result = await send(engine, streamed(), { recipients: stream(), signal: AbortSignal.abort(), afterStop });
        assert.deepEqual([result.recipients, result.counts.unsent], [recipients, recipients]);
      }
    });

    it('leaves no listener on the signal', async () => {
      const abort = new AbortController();
      let listeners = 0;
      const { addEventListener, removeEventListener } = abort.signal;
      abort.signal.addEventListener = (...rest: Parameters<typeof addEventListener>) => {
        listeners++;
        addEventListener.apply(abort.signal, rest);
      };
      abort.signal.removeEventListener = (...rest: Parameters<typeof removeEventListener>) => {
        listeners--;
        removeEventListener.apply(abort.signal, rest);
      };
      await send(new FakeEngine(), new Message(token(1), { alert: 'hi' }), { signal: abort.signal });
      assert.equal(listeners, 0);
    });
  });

  it('stops when the engine does, and leaves what was not pulled', async () => {
    const engine = new FakeEngine();
    const cause = new PealError('ERR_PEAL_STOPPED', 'Stopped after 10 answers "403 InvalidProviderToken".', {
      origin: 'credential',
    });
    engine.judge = (hex) => {
      if (numberOf(hex) === 5000) engine.jobs[0]!.cancel(cause);
      return rejected(403, 'InvalidProviderToken');
    };
    let pulled = 0;
    const stream = (function* () {
      for (; pulled < 100_000; pulled++) yield token(pulled);
    })();
    const result = await send(engine, streamed(), { recipients: stream });
    assert.equal(result.stopped, cause);
    assert.ok(pulled < 20_000);
    assert.equal(result.recipients, result.counts.rejected + result.counts.unsent);
    assert.equal(result.needsRetry(), false);
    assert.deepEqual(result.errors.map(({ reason }) => reason).sort(), ['ERR_PEAL_STOPPED', 'InvalidProviderToken']);
  });

  it('sends what was read before a stream failed, and says so', async () => {
    const broken = new Error('the database went away');
    const stream = async function* (): AsyncGenerator<string> {
      yield* tokens(1500);
      throw broken;
    };
    const result = await send(new FakeEngine(), streamed(), { recipients: stream() });
    assert.equal(result.accepted, 1500);
    assert.equal(result.stopped?.code, 'ERR_PEAL_INPUT');
    assert.equal(result.stopped?.cause, broken);
  });

  it('stops, with the books in order, when a sink or callback throws', async () => {
    const failing = (): never => {
      throw new Error('disk full');
    };
    for (const options of [
      { outcomes: { settled: failing } },
      { outcomes: { settled: async () => failing() } },
      { onProgress: failing },
      { onInvalid: failing },
    ]) {
      const result = await send(new FakeEngine(), new Message(['bad', ...tokens(9000)], { alert: 'hi' }), options);
      const { recipients, accepted, unsent, invalid } = result.counts;
      assert.equal(result.stopped?.code, 'ERR_PEAL_INPUT', Object.keys(options)[0]);
      assert.deepEqual([recipients, accepted + unsent, invalid], [9001, 9000, 1]);
    }
  });

  it('keeps a failure to take outcomes out of its message, and in its cause', async () => {
    const outcomes = {
      settled: (): never => {
        throw new Error(`cannot write ${token(1)}`);
      },
    };
    const { stopped } = await send(new FakeEngine(), new Message(token(1), { alert: 'hi' }), { outcomes });
    assert.ok(!stopped!.message.includes(token(1)));
    assert.match((stopped!.cause as Error).message, /cannot write/);
  });

  it('gives outcomes to a sink of its own, counts them, and keeps no details', async () => {
    const engine = new FakeEngine();
    engine.judge = (hex) => (numberOf(hex) % 2 === 0 ? 'unsent' : rejected(410, 'Unregistered'));
    const batches: SettledBatch[] = [];
    const invalid: number[] = [];
    const result = await send(engine, new Message([...tokens(2000), '?'], { alert: 'hi' }), {
      outcomes: { settled: (batch) => void batches.push(batch) },
      onInvalid: ({ index }) => invalid.push(index),
    });
    assert.equal(
      batches.reduce((sum, { ledger }) => sum + ledger.length, 0),
      2000,
    );
    assert.deepEqual([result.counts.unsent, result.counts.rejected, result.counts.invalid], [1000, 1000, 1]);
    assert.deepEqual([result.unsent.length, result.failed.size, result.invalid.length], [0, 0, 0]);
    assert.deepEqual(invalid, [2000]);
  });

  it('passes on what is certain in batches under way to a sink that asks for it, and stops when that throws', async () => {
    for (const fault of [null, new Error('disk full')]) {
      const engine = new FakeEngine();
      engine.isAutomatic = false;
      const glimpses: number[][] = [];
      const outcomes: OutcomeSink = {
        settled: () => {},
        glimpse: (_, states) => {
          glimpses.push([...states]);
          if (fault !== null) throw fault;
        },
      };
      const sending = send(engine, new Message(tokens(3), { alert: 'hi' }), { outcomes });
      await new Promise((resolve) => setImmediate(resolve));
      const [job] = engine.jobs;
      job!.sink.glimpse!(job!.batches[0]!, Uint8Array.of(0, 2, 0));
      job!.settleOne();
      const { stopped } = await sending;
      assert.deepEqual(glimpses, [[0, 2, 0]]);
      assert.equal(stopped?.cause ?? null, fault);
    }
    const engine = new FakeEngine();
    await send(engine, new Message(tokens(3), { alert: 'hi' }), { outcomes: { settled: () => {} } });
    assert.equal(engine.jobs[0]!.sink.glimpse, undefined);
  });

  it('sends personal payloads again as they were', async () => {
    const engine = new FakeEngine();
    engine.judge = (_, number) =>
      number % 3 === 0 ? 'accepted' : number % 3 === 1 ? 'unsent' : rejected(503, 'ServiceUnavailable');
    const given = Array.from(
      { length: 30 },
      (_, n): Recipient => ({ token: token(n), payload: { aps: { alert: `no ${n}` } } }),
    );
    const result = await send(engine, new Message(given, { alert: 'hi' }));
    const retry = result.retry()!;
    engine.judge = () => 'accepted';
    await send(engine, retry);
    const again = engine.jobs[1]!.batches.flatMap(({ tokens: { count, ...block }, personal }) =>
      Array.from({ length: count }, (_, i) => {
        const [start, end] = [personal!.payloadOffsets![i]!, personal!.payloadOffsets![i + 1]!];
        const { aps } = JSON.parse(Buffer.from(personal!.payloads!.subarray(start, end)).toString());
        return [numberOf(new TokenBlock(block.bytes, 32, count).textAt(i)), aps.alert];
      }),
    );
    const expected = Array.from({ length: 30 }, (_, n) => [n, `no ${n}`]).filter(([n]) => (n as number) % 3 !== 0);
    assert.deepEqual(
      again.sort((a, b) => (a[0] as number) - (b[0] as number)),
      expected,
    );
    assert.equal(retry.attempt, 2);
  });

  it('names every recipient where unknown ones are sent to again, so that each request has the same apns-id', async () => {
    const engine = new FakeEngine();
    await send(engine, new Message(tokens(3), { alert: 'hi' }), { onUnknown: 'resend' });
    await send(engine, new Message(token(1), { alert: 'hi', apnsId: randomUUID() }), { onUnknown: 'resend' });
    await send(engine, new Message(tokens(3), { alert: 'hi' }));
    const personal = engine.jobs.map(({ batches }) => batches[0]!.personal?.apnsIds?.length ?? null);
    assert.deepEqual(personal, [3 * 16, null, null], 'the second has its own, the third needs none');
  });

  it('keeps header fields of recipients with them through a retry, and through JSON', async () => {
    const engine = new FakeEngine();
    engine.judge = (_, number) => (number % 3 === 0 ? 'accepted' : number % 3 === 1 ? 'unsent' : 'unknown');
    const given = Array.from({ length: 30 }, (_, n) => ({
      token: token(n),
      collapseId: `id-${n}`,
      expiration: 1_900_000_000 + n,
    }));
    const result = await send(engine, new Message(given, { alert: 'hi' }));
    const kept = result.retry({ unknown: true })!;
    const expected = given.filter((_, n) => n % 3 !== 0).sort((a, b) => (a.token < b.token ? -1 : 1));
    const byToken = (data: Message) =>
      [...(data.toJSON().tokens as typeof given)].sort((a, b) => (a.token < b.token ? -1 : 1));
    assert.deepEqual(byToken(kept), expected);
    assert.deepEqual(byToken(Message.fromJSON(JSON.parse(JSON.stringify(kept)))), expected);
  });

  it('tells how many requests were sent again', async () => {
    const engine = new FakeEngine();
    engine.resent = 2;
    const [first, second] = [
      await send(engine, new Message(tokens(3), { alert: 'hi' })),
      await send(engine, new Message(tokens(2), { alert: 'hi' })),
    ];
    assert.deepEqual([first.resent, Result.merge(first, second).resent, new Result().resent], [2, 4, 0]);
    assert.equal(first.toJSON().resent, 2);
  });

  it('refuses recipients named twice, and what is no iterable of recipients', () => {
    const check = (message: Message, options: object) => () => checkSendOptions(message, options as SendOptions);
    assert.throws(check(new Message(token(1), { alert: 'hi' }), { recipients: [token(2)] }), {
      code: 'ERR_PEAL_OPTION',
    });
    for (const recipients of [token(1), new Uint8Array(32), 5, null, {}]) {
      assert.throws(check(streamed(), { recipients }), { code: 'ERR_PEAL_OPTION', message: /recipients/ });
    }
    for (const options of [
      { signal: {} },
      { onProgress: 1 },
      { outcomes: {} },
      { outcomes: { settled: () => {}, glimpse: 1 } },
      { latencies: {} },
      { afterStop: 'x' },
      { total: -1 },
      { recipient: [] },
    ]) {
      assert.throws(check(streamed(), options), { code: 'ERR_PEAL_OPTION' });
    }
  });
});
