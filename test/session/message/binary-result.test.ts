/** What results say of sends through a binary gateway, by the table that the original library's users know. */
import assert from 'node:assert/strict';
import { binaryReasonOf } from '../../../src/apns/reason.js';
import { systemClock } from '../../../src/base/clock.js';
import { PealError } from '../../../src/base/errors.js';
import { maxFruitlessSends } from '../../../src/base/limits.js';
import { Message } from '../../../src/session/message/message.js';
import { Result } from '../../../src/session/message/result.js';
import { Send } from '../../../src/session/send/send.js';
import { checkSendOptions } from '../../../src/session/send/send-options.js';
import { FakeEngine, type FakeJob, type Outcome } from '../../support/fake-engine.js';

const [a, bad, b, c] = ['aa', 'bd', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [string, string, string, string];

/** Sends as a binary gateway lets it be: the first `status` stops the send, and what comes after it is unsent. */
async function send(message: Message, statusOf: (token: string) => number): Promise<Result> {
  const engine = new FakeEngine();
  let isOver = false;
  engine.judge = (token): Outcome => {
    if (isOver) return 'unsent';
    const status = statusOf(token);
    if (status === 0) return 'accepted';
    isOver = true;
    (engine.jobs[0] as FakeJob).stopped = discarded;
    const reason = binaryReasonOf(status);
    return reason === null ? 'accepted' : { status, reason: reason.reason };
  };
  const route = engine.openRoute({} as never);
  const target = { engine, route, clock: systemClock, protocol: 'binary', stopsAtFailure: true, gone: null } as const;
  return new Send(target, message, checkSendOptions(message)).run();
}

const discarded = new PealError('ERR_PEAL_DISCARDED', 'Discarded.', { origin: 'gateway', retryable: true });

const message = new Message([a, bad, b, c], { alert: 'hi' });

describe('Result of a binary gateway', () => {
  const table: readonly [statuses: number[], failed: string[], hasError: boolean, retried: string[]][] = [
    [[2, 5, 8], [bad], false, [b, c]],
    [[1], [], true, [b, c, bad]],
    [[3, 4, 6, 7], [], true, []],
    [[10], [], false, [b, c]],
    [[9, 77, 128, 255], [], true, [b, c, bad]],
  ];
  for (const [statuses, failed, hasError, retried] of table) {
    for (const status of statuses) {
      it(`has for the status ${status} what the original had`, async () => {
        const result = await send(message, (token) => (token === bad ? status : 0));
        assert.deepEqual([...result.failed.keys()], failed);
        const error = { reason: binaryReasonOf(status)?.reason, status, count: 1 };
        assert.deepEqual(
          result.errors.map(({ reason, status: code, count }) => ({ reason, status: code, count })),
          hasError ? [error] : [],
        );
        assert.deepEqual(
          [...(result.retry()?.tokens ?? [])].flatMap((list) => [...(list as Iterable<string>)]),
          retried,
        );
        assert.equal(result.needsRetry(), retried.length > 0);
        assert.equal(result.rejections.size, status === 10 ? 0 : 1);
        assert.equal(result.recipients, 4);
      });
    }
  }

  it('keeps the number of a status that nobody knows', async () => {
    const result = await send(message, (token) => (token === bad ? 77 : 0));
    assert.equal(result.rejections.get(bad)?.reason, 'Unknown status 77');
    assert.equal(result.errors[0]?.status, 77);
  });

  it('says why what the gateway would refuse again is not retried', async () => {
    const { stopped, unsent } = await send(message, (token) => (token === bad ? 7 : 0));
    assert.deepEqual([stopped?.code, stopped?.retryable], ['ERR_PEAL_STOPPED', false]);
    assert.match(stopped!.message, /Invalid payload size/);
    assert.deepEqual(unsent.toArray(), [b, c]);
  });

  it('does not wait before it goes on behind a bad token, however many there were', async () => {
    const isBad = (token: string): boolean => Number.parseInt(token.slice(0, 2), 16) % 2 === 1;
    const tokens = Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(2, '0').repeat(32));
    let rejected = 0;
    let next: Message | null = new Message(tokens, { alert: 'hi' });
    while (next !== null) {
      const result: Result = await send(next, (token) => (isBad(token) ? 8 : 0));
      assert.equal(
        result.delay(() => 0.999),
        0,
      );
      rejected += result.failed.size;
      next = result.retry();
    }
    assert.equal(rejected, 20);
  });

  it('ends its retries where the gateway calls one fault passing for ever', async () => {
    let sends = 0;
    let result: Result;
    let next: Message | null = message;
    do {
      result = await send(next, () => 1);
      sends += 1;
      next = result.retry();
      assert.ok(sends <= maxFruitlessSends, 'retries without end');
    } while (next !== null);
    assert.equal(sends, maxFruitlessSends);
    assert.equal(result.needsRetry(), false);
    assert.equal(result.counts.unsent, 3);
  });

  it("lets one token with a passing fault stand in nobody's way", async () => {
    const first = await send(message, (token) => (token === bad ? 1 : 0));
    const second = await send(first.retry()!, (token) => (token === bad ? 1 : 0));
    assert.deepEqual([second.accepted, [...second.rejections.keys()]], [2, [bad]]);
  });

  it('knows which tokens are none before the first is handed over', async () => {
    const mixed = new Message([a, 'nonsense', ...Array<string>(3000).fill(b)], { alert: 'hi' });
    const engine = new FakeEngine();
    const route = engine.openRoute({} as never);
    const target = { engine, route, clock: systemClock, protocol: 'binary', stopsAtFailure: true, gone: null } as const;
    const handedOver: number[] = [];
    const onInvalid = (): void => {
      handedOver.push(engine.jobs[0]?.batches.length ?? 0);
    };
    const tokens = [...mixed.tokens, 'zz'];
    const all = mixed.withTokens(tokens);
    const result = await new Send(target, all, checkSendOptions(all, { onInvalid })).run();
    assert.deepEqual(handedOver, [0, 0]);
    assert.deepEqual([result.counts.invalid, result.accepted], [2, 3001]);
  });
});

describe('Result of several messages', () => {
  it('is retried message by message', async () => {
    const other = new Message([bad, c], { alert: 'ho' });
    const merged = [
      await send(message, (token) => (token === bad ? 1 : 0)),
      await send(other, (token) => (token === bad ? 8 : 0)),
      await send(new Message([a], { badge: 1 }), () => 0),
    ].reduce(Result.merge);
    assert.throws(() => merged.retry(), { code: 'ERR_PEAL_OPTION', message: /retryAll/ });
    const retries = merged.retryAll().map((retry) => [retry.payload, retry.toJSON().tokens]);
    assert.deepEqual(retries, [
      ['{"aps":{"alert":"hi"}}', [b, c, bad]],
      ['{"aps":{"alert":"ho"}}', [c]],
    ]);
    assert.equal(merged.recipients, 7);
  });
});
