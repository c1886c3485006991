/**
 * The gateway's process is killed in the middle of a campaign, and another one comes up on its port: the sender goes on
 * by itself, what was certainly not processed goes to the new one, and what was in flight is unknown, not sent again.
 * Both incarnations' ledgers are compared with the sender's book.
 */
import assert from 'node:assert/strict';
import { APNs, Message, type Result, Session, scriptedToken, type TokenRecord } from '../../src/index.js';
import { randomTokens } from '../cli/fixture.js';
import { BookSink } from '../support/engine-fixtures.js';
import { until } from './accounts.js';
import { SimulatorProcess } from './simulator-process.js';

describe('a gateway that is killed and comes back on the same port', () => {
  let simulator: SimulatorProcess;
  let session: Session;

  beforeEach(async () => {
    simulator = await SimulatorProcess.start(['--round-trip', '5']);
  });

  afterEach(async () => {
    await session.shutdown();
    await simulator[Symbol.asyncDispose]();
  });

  function send(threads: number, recipients: AsyncIterable<string>, book: BookSink): Promise<Result> {
    session = new Session({ ca: simulator.caCertificate, threads });
    const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
    const apns = new APNs(session.getConnection(simulator.url, null));
    return apns.send(message, { recipients, outcomes: book });
  }

  /** What must hold between the book and two ledgers, of which the first may lack what came after it was read. */
  function compare(
    book: BookSink,
    tokens: readonly string[],
    before: ReadonlyMap<string, TokenRecord>,
    after: ReadonlyMap<string, TokenRecord>,
  ): void {
    assert.equal(book.outcomes.size, tokens.length);
    for (const token of tokens) {
      const outcome = book.outcomes.get(token);
      assert.ok(outcome === 'accepted' || outcome === 'unknown', `${token.slice(0, 8)} is ${outcome}`);
      const requests = (before.get(token)?.requests ?? 0) + (after.get(token)?.requests ?? 0);
      assert.ok(requests <= 1, `${token.slice(0, 8)} came ${requests} times`);
      if (outcome === 'unknown') assert.ok(!after.has(token), 'an unknown token was sent again');
    }
  }

  for (const threads of [0, 2]) {
    it(`finds exactly what was in flight unknown, threads: ${threads}`, async () => {
      // Some stay in flight for ever; the simulator answers the others before it is killed.
      const silent = Array.from({ length: 200 }, (_, index) => scriptedToken('no answer, ever', index));
      const first = [...randomTokens(1_500), ...silent, ...randomTokens(1_500)];
      const rest = randomTokens(5_000);
      const book = new BookSink();
      let before: ReadonlyMap<string, TokenRecord> = new Map();
      async function* recipients(): AsyncGenerator<string, void, void> {
        yield* first;
        await until(async () => (await simulator.summary()).requests === first.length, 'all requests have come');
        await until(async () => (await session.stats()).inFlight === silent.length, 'all answers are here');
        before = await simulator.ledger();
        await simulator.kill();
        await until(async () => (await session.stats()).connections === 0, 'its end was noticed');
        yield* rest.slice(0, 2_500);
        await simulator.restart();
        yield* rest.slice(2_500);
      }
      const result = await send(threads, recipients(), book);
      assert.equal(result.stopped, null);
      const after = await simulator.ledger();
      compare(book, [...first, ...rest], before, after);
      assert.deepEqual(book.tokensThatAre('unknown'), new Set(silent));
      assert.equal(before.size, first.length);
      assert.equal(after.size, rest.length);
      for (const token of rest) assert.equal(after.get(token)?.answer, 'accepted');
    });
  }

  it('at full speed: nothing lost, nothing twice, and little unknown', async () => {
    const tokens = randomTokens(40_000);
    const book = new BookSink();
    let before: ReadonlyMap<string, TokenRecord> = new Map();
    async function* recipients(): AsyncGenerator<string, void, void> {
      yield* tokens.slice(0, 30_000);
      await until(() => book.outcomes.size > 3_000, 'the first outcomes are here');
      before = await simulator.ledger();
      await simulator.kill();
      await simulator.restart();
      yield* tokens.slice(30_000);
    }
    const result = await send(2, recipients(), book);
    assert.equal(result.stopped, null);
    const after = await simulator.ledger();
    compare(book, tokens, before, after);
    const unknown = book.count('unknown');
    console.log(`      killed at full speed: ${tokens.length} tokens, ${unknown} unknown, all others accepted once`);
    assert.ok(unknown <= 16_000, `${unknown} are unknown`);
    for (const [token, record] of after) {
      assert.deepEqual([record.answer, book.outcomes.get(token)], ['accepted', 'accepted']);
    }
  });

  it('that stops in good order instead: nothing is unknown', async () => {
    const tokens = randomTokens(20_000);
    const book = new BookSink();
    async function* recipients(): AsyncGenerator<string, void, void> {
      yield* tokens.slice(0, 15_000);
      await until(() => book.outcomes.size > 3_000, 'the first outcomes are here');
      await simulator.kill('SIGTERM');
      await simulator.restart();
      yield* tokens.slice(15_000);
    }
    const result = await send(2, recipients(), book);
    assert.deepEqual([result.stopped, book.count('accepted')], [null, tokens.length]);
    for (const [, record] of await simulator.ledger()) assert.equal(record.requests, 1);
  });
});
