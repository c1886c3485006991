import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { type ErrorOrigin, PealError } from '../../../src/base/errors.js';
import type { OutcomeDetail } from '../../../src/engine/batch.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../../src/engine/ledger.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Message } from '../../../src/session/message/message.js';
import { Result } from '../../../src/session/message/result.js';
import { RecipientList } from '../../../src/session/recipients/recipient-list.js';
import { Books } from '../../../src/session/send/books.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** One recipient of a made-up send: its token's first byte, and what became of it. */
type Line = readonly [token: number, outcome: 'accepted' | 'unsent' | 'unknown' | 'invalid' | Partial<OutcomeDetail>];

const hex = (first: number): string => first.toString(16).padStart(2, '0').padEnd(64, '0');
const message = new Message([], { alert: 'hi' });
const error = (retryable: boolean, origin: ErrorOrigin = 'gateway'): PealError =>
  new PealError(retryable ? 'ERR_PEAL_CONNECT' : 'ERR_PEAL_TLS', 'no way', { origin, retryable });

/** The result of a send in which each line was a batch of its own. */
function resultOf(lines: readonly Line[], stopped: PealError | null = null, sent = message): Result {
  const none = { outcomes: null, onInvalid: null, onProgress: null, onFault: assert.fail };
  const books = new Books({ message: sent, clock: new VirtualClock(), protocol: 'http2', total: null, ...none });
  lines.forEach(([token, outcome], index) => {
    if (outcome === 'invalid') {
      books.addInvalid({ index, text: `${token}`, why: 'is none' });
      return;
    }
    const tokens = new TokenBlock(Buffer.from(hex(token), 'hex'), 32, 1);
    const batch = { tokens, personal: null };
    const isAnswer = typeof outcome === 'object';
    const byte = isAnswer ? REJECTED : { accepted: ACCEPTED, unsent: UNSENT, unknown: UNKNOWN }[outcome];
    const detail = {
      index: 0,
      status: 400,
      reason: 'BadDeviceToken',
      timestampMs: null,
      apnsId: null,
      retryAfterSeconds: null,
    };
    const details = isAnswer ? [{ ...detail, ...outcome }] : [];
    const cause = outcome === 'unsent' || outcome === 'unknown' ? error(true) : null;
    void books.settled({ batch, ...batch, ledger: Uint8Array.of(byte), details, cause, resent: 0 });
  });
  return books.close(stopped);
}

const gone = (timestampMs: number | null): Partial<OutcomeDetail> => ({
  status: 410,
  reason: 'Unregistered',
  timestampMs,
});

describe('Result', () => {
  it('says by both names how long to wait, and who has to act', () => {
    const result = resultOf([
      [1, { status: 503, reason: 'ServiceUnavailable', retryAfterSeconds: 7 }],
      [2, gone(null)],
    ]);
    assert.equal(
      result.retryDelayMs(() => 0),
      7_000,
    );
    assert.equal(
      result.delay(() => 0.5),
      result.retryDelayMs(() => 0.5),
    );
    assert.equal(
      result.delay(() => 0),
      7_000,
    );
    const kinds = [...result.failed.values()].map((failure) => [failure.kind, failure.class, failure.toJSON().class]);
    assert.deepEqual(kinds, [
      ['transient', 'transient', 'transient'],
      ['gone', 'gone', 'gone'],
    ]);
  });

  it('tells failed tokens from faults that are not one token’s', () => {
    const result = resultOf([
      [1, {}],
      [2, gone(1_700_000_000_000)],
      [3, { status: 400, reason: 'BadTopic' }],
      [4, { status: 502, reason: '' }],
      [5, 'unknown'],
    ]);
    assert.deepEqual([...result.failed.keys()], [1, 2, 3, 4].map(hex));
    assert.match(result.failed.get(hex(1))!.explanation, /token/);
    assert.deepEqual(
      result.errors.map(({ reason, count }) => [reason, count]),
      [
        ['BadTopic', 1],
        ['HTTP 502', 1],
        ['ERR_PEAL_CONNECT', 1],
      ],
    );
    assert.deepEqual(result.gone, new Map([[hex(2), new Date(1_700_000_000_000)]]));
  });

  it('retries what is unsent or passes, never what is final or unknown', () => {
    const result = resultOf([
      [1, 'accepted'],
      [2, 'unsent'],
      [3, 'unknown'],
      [4, 'invalid'],
      [5, {}],
      [6, gone(null)],
      [7, { status: 429, reason: 'TooManyRequests' }],
      [8, { status: 400, reason: 'IdleTimeout' }],
      [9, { status: 403, reason: 'ExpiredProviderToken' }],
      [10, { status: 429, reason: 'TooManyProviderTokenUpdates' }],
      [11, { status: 403, reason: 'InvalidProviderToken' }],
    ]);
    const tokensOf = (retry: Message | null): string[] =>
      (retry?.tokens ?? []).flatMap((list) => [...(list as Iterable<string>)]);
    assert.deepEqual(tokensOf(result.retry()), [2, 7, 8, 9, 10].map(hex));
    assert.deepEqual(tokensOf(result.retry({ unknown: true })), [2, 7, 8, 9, 10, 3].map(hex));
    assert.equal(result.retry()!.notification, message.notification);
    assert.equal(result.retry()!.attempt, 2);
  });

  describe('once the cause of a stop is mended', () => {
    const listed = (retry: Message | null): string[] =>
      (retry?.tokens ?? []).flatMap((list) => [...(list as Iterable<string>)]);
    const lines: readonly Line[] = [
      [1, { status: 403, reason: 'InvalidProviderToken' }],
      [2, 'accepted'],
      [3, { status: 400, reason: 'TopicDisallowed' }],
      [4, {}],
      [5, gone(null)],
      [6, { status: 403, reason: '' }],
      [7, { status: 400, reason: 'DeviceTokenNotForTopic' }],
      [8, 'unknown'],
      [9, { status: 403, reason: 'ExpiredProviderToken' }],
      [10, 'unsent'],
    ];

    it('goes on with those who were refused for it, too', () => {
      const result = resultOf(lines, new PealError('ERR_PEAL_CREDENTIAL', 'expired', { origin: 'credential' }));
      assert.equal(result.retry(), null);
      assert.deepEqual(listed(result.retry({ mended: true })), [10, 9, 1, 3, 6].map(hex));
      assert.deepEqual(listed(result.retry({ mended: true, unknown: true })), [10, 9, 1, 3, 6, 8].map(hex));
      assert.deepEqual([...result.unsent], [hex(10)]);
    });

    it('takes bad tokens in where so many of them stopped the send', () => {
      const result = resultOf(lines, new PealError('ERR_PEAL_STOPPED', 'all bad', { origin: 'usage' }));
      assert.deepEqual(listed(result.retry({ mended: true })), [10, 9, 1, 3, 6, 4, 7].map(hex));
    });

    it('is for everybody who was refused also where nothing stopped, and in a merger', () => {
      const all = Result.merge(
        resultOf([[1, { status: 400, reason: 'BadTopic' }]]),
        resultOf([
          [2, 'accepted'],
          [3, {}],
        ]),
      );
      assert.equal(all.retry(), null);
      assert.deepEqual(listed(all.retry({ mended: true })), [hex(1)]);
      assert.equal(
        resultOf([
          [3, {}],
          [5, gone(null)],
        ]).retry({ mended: true }),
        null,
      );
      assert.throws(() => all.retry({ menedd: true } as never), { code: 'ERR_PEAL_OPTION', message: /mended/ });
    });
  });

  it('needs no retry when all is final', () => {
    const result = resultOf([
      [1, 'accepted'],
      [2, {}],
      [3, 'unknown'],
    ]);
    assert.deepEqual([result.needsRetry(), result.retry(), result.delay()], [false, null, 0]);
  });

  it('does not retry what the same message would meet again, unless it is asked to', () => {
    const result = resultOf([[1, 'unsent']], error(false));
    assert.deepEqual([result.needsRetry(), result.retry()], [false, null]);
    assert.equal([...result.unsent].length, 1);
    assert.ok(resultOf([[1, 'unsent']], error(true)).needsRetry());
  });

  it('waits before a retry only where waiting helps, and longer with each attempt', () => {
    const almost = (): number => 0.999;
    const busy: Line = [1, { status: 503, reason: 'ServiceUnavailable' }];
    const attempt = (number: number): Message =>
      number === 1 ? message : attempt(number - 1).nextAttempt(resultOf([busy]).unsent, true);
    assert.equal(resultOf([[1, 'unsent']]).delay(almost), 0);
    assert.ok(resultOf([[1, 'unsent']], error(true, 'connect')).delay(almost) > 0);
    const delays = [1, 2, 3, 40].map((number) => resultOf([busy], null, attempt(number)).delay(almost));
    assert.deepEqual(delays, [999, 1998, 3996, 899_100]);
    assert.equal(
      resultOf([busy]).delay(() => 0),
      0,
    );
  });

  it('waits as long as the gateway asks, within reason', () => {
    const asked = (retryAfterSeconds: number): number =>
      resultOf([[1, { status: 429, reason: 'TooManyRequests', retryAfterSeconds }]]).delay(() => 0);
    assert.equal(asked(7), 7000);
    assert.equal(asked(1e9), 15 * 60_000);
  });

  const outcome = fc.oneof(
    fc.constantFrom('accepted' as const, 'unsent' as const, 'unknown' as const, 'invalid' as const),
    fc.constantFrom({}, gone(5), { status: 429, reason: 'TooManyRequests' }, { status: 500, reason: '' }),
  );
  const lines = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), outcome), { maxLength: 12 });
  const stop = fc.constantFrom(null, error(true), error(false));

  it('merges associatively, with the empty result as neutral element', () => {
    const result = fc.tuple(lines, stop).map(([given, stopped]) => resultOf(given, stopped));
    const { merge } = Result;
    fc.assert(
      fc.property(result, result, result, (a, b, c) => {
        const [left, right] = [merge(merge(a, b), c), merge(a, merge(b, c))];
        assert.deepEqual(left.toJSON(), right.toJSON());
        assert.deepEqual(left.retry()?.toJSON(), right.retry()?.toJSON());
        assert.equal(left.recipients, a.recipients + b.recipients + c.recipients);
        assert.deepEqual(merge(new Result(), a).toJSON(), a.toJSON());
        assert.deepEqual(merge(a, new Result()).toJSON(), a.toJSON());
      }),
      { numRuns: 200 },
    );
  });

  it('merges many as one after the other, also of several messages in several attempts', () => {
    const other = new Message([], { alert: 'other' });
    const list = new RecipientList([]);
    const sent = [message, other, message.nextAttempt(list, true), other.nextAttempt(list, false)];
    const result = fc
      .tuple(lines, stop, fc.constantFrom(...sent))
      .map(([given, stopped, which]) => resultOf(given, stopped, which));
    const shownOf = (all: Result) => ({
      ...all.toJSON(),
      rejections: [...all.rejections],
      gone: [...all.gone],
      retries: all.retryAll({ mended: true, unknown: true }).map((retry) => retry.toJSON()),
      unfinished: all.retryAll().map((retry) => retry.toJSON()),
      needs: all.needsRetry(),
      delay: all.retryDelayMs(() => 0.5),
    });
    fc.assert(
      fc.property(fc.array(result, { maxLength: 8 }), fc.nat(8), (results, cut) => {
        const all = Result.mergeAll(results);
        assert.deepEqual(shownOf(all), shownOf(results.reduce(Result.merge, new Result())));
        const halves = [results.slice(0, cut), results.slice(cut)].map((half) => Result.mergeAll(half));
        assert.deepEqual(shownOf(Result.mergeAll(halves.values())), shownOf(all));
        const sum = (name: 'recipients' | 'unsent'): number =>
          results.reduce((count, one) => count + one.counts[name], 0);
        assert.deepEqual([all.counts.recipients, all.unsent.length], [sum('recipients'), sum('unsent')]);
        const indexes = results.flatMap((one, at) => {
          const before = results.slice(0, at).reduce((count, { recipients }) => count + recipients, 0);
          return one.invalid.map(({ index }) => index + before);
        });
        assert.deepEqual(
          all.invalid.map(({ index }) => index),
          indexes,
        );
        for (const [reason, count] of all.reasons) {
          assert.equal(
            results.reduce((found, one) => found + (one.reasons.get(reason) ?? 0), 0),
            count,
          );
        }
        const last = new Map(results.flatMap((one) => [...one.rejections]));
        assert.deepEqual([...all.rejections], [...last]);
      }),
      { numRuns: 200 },
    );
  });

  it('merges the results of more messages than a call may have arguments, and is read', () => {
    const { unsent } = resultOf([[1, 'unsent']]);
    const { empty } = RecipientList;
    const lists = { unsent, unknown: unsent, transient: empty, refused: empty };
    const counts = { recipients: 2, accepted: 0, rejected: 0, unsent: 1, unknown: 1, invalid: 0 };
    const results = Array.from({ length: 150_000 }, () => {
      const state = { ...lists, message: new Message([], { alert: 'hi' }), stopped: null, isFruitful: true };
      return new Result({
        ...{ counts, reasons: new Map(), rejections: new Map(), errors: [], invalid: [] },
        retryStates: [state],
      });
    });
    const all = Result.mergeAll(results);
    assert.deepEqual([all.recipients, all.unsent.length, all.unknown.length], [300_000, 150_000, 150_000]);
    assert.equal(all.retryAll().length, 150_000);
    assert.equal(
      all.retryDelayMs(() => 0),
      0,
    );
  });

  it('does not retry a merger of different messages', () => {
    const other = new Message([], { alert: 'other' });
    const merged = Result.merge(resultOf([[1, 'unsent']]), resultOf([[2, 'unsent']], null, other));
    assert.throws(() => merged.retry(), { code: 'ERR_PEAL_OPTION' });
  });

  it('becomes plain JSON data that survives a round trip', () => {
    const result = resultOf(
      [
        [1, 'accepted'],
        [2, gone(5)],
        [3, 'unsent'],
        [4, 'unknown'],
        [5, 'invalid'],
      ],
      error(true),
    );
    const data = JSON.parse(JSON.stringify(result));
    assert.deepEqual(data, result.toJSON());
    assert.deepEqual([data.recipients, data.accepted, data.unsentTokens], [5, 1, [hex(3)]]);
    assert.equal(data.stopped?.code, 'ERR_PEAL_CONNECT');
  });

  it('shows counts and reasons to inspect, and no token', () => {
    const shown = inspect([
      resultOf([
        [0xab, {}],
        [0xcd, 'unsent'],
      ]),
      resultOf([[0xab, 'unsent']]).unsent,
    ]);
    assert.ok(!shown.includes('ab000') && !shown.includes('cd000'));
    assert.match(shown, /BadDeviceToken: 1/);
  });

  it('takes an empty result for the result of sending to nobody', () => {
    const { recipients, accepted, unsent } = new Result();
    assert.deepEqual([recipients, accepted, unsent.length, new Result().needsRetry()], [0, 0, 0, false]);
  });
});
