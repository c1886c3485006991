/**
 * However a send ends, over a real engine (in this thread and in one of its own) and a simulator: each recipient that
 * was pulled is in its books once, and in the simulator's ledger where the books say that it was answered.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { setImmediate, setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import {
  APNs,
  Message,
  type Result,
  type SendOptions,
  Session,
  type Simulator,
  scriptedToken,
  startSimulator,
} from '../../src/index.js';
import { afterPoint, CountedSource, type SourcePlan, sourceKinds } from '../support/counted-source.js';

const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const credential = { key: signer.privateKey, keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST' };
const providerKeys = [{ keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST', publicKey: signer.publicKey }];
const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });

/** What ends the send, begun from within the pull at the point, or a little later, or twice. */
const ends = [
  'abort',
  'abort later',
  'shutdown',
  'shutdown later',
  'abort and shutdown',
  'stop by policy',
  'source',
] as const;
type End = (typeof ends)[number];

const plans: fc.Arbitrary<SourcePlan> = fc.record({
  kind: fc.constantFrom(...sourceKinds),
  before: fc.oneof(fc.constantFrom(0, 1, 1023, 1024, 1025), fc.nat(3000)),
  after: fc.nat(1500),
  conduct: fc.constantFrom(...afterPoint),
});

for (const threads of [0, 1]) {
  describe(`a send that ends, threads: ${threads}`, () => {
    let simulator: Simulator;
    let session: Session;

    beforeEach(async () => {
      simulator = await startSimulator({ auth: 'token', providerKeys, controlPort: null });
      session = new Session({ ca: simulator.caCertificate!, threads });
    });

    afterEach(async () => {
      await session.shutdown();
      await simulator.close();
    });

    async function run(
      plan: SourcePlan,
      end: End,
      options: SendOptions = {},
    ): Promise<{ result: Result; source: CountedSource }> {
      const abort = new AbortController();
      const begin = { abort: () => abort.abort(), shutdown: () => void session.shutdown() };
      let later = Promise.resolve();
      const source = new CountedSource(
        plan,
        () => {
          if (end === 'abort' || end === 'abort and shutdown') begin.abort();
          if (end === 'shutdown') begin.shutdown();
          if (end === 'abort later') later = setTimeout(5).then(begin.abort);
          if (end === 'shutdown later') later = setTimeout(5).then(begin.shutdown);
          if (end === 'abort and shutdown') later = setImmediate().then(begin.shutdown);
        },
        // Ten refusals in a row are the end of a send.
        (number) => scriptedToken(end === 'stop by policy' ? 'BadTopic' : 'accepted', number),
      );
      const apns = new APNs(session.getConnection(simulator.url, credential));
      const result = await apns.send(message, {
        ...options,
        recipients: source.recipients(),
        signal: abort.signal,
      });
      await later;
      return { result, source };
    }

    it('counts each recipient that was pulled once', async () => {
      // Of all sends so far: what is unknown in one may reach the simulator while the next one goes on.
      const sum = { answered: 0, unknown: 0 };
      const check = ({ result, source }: { result: Result; source: CountedSource }): void => {
        const { recipients, accepted, rejected, unsent, unknown, invalid } = result.counts;
        assert.equal(recipients, source.pulled, `${recipients} of ${source.pulled} are in the books`);
        assert.equal(accepted + rejected + unsent + unknown, source.pulled);
        assert.equal(invalid, 0);
        sum.answered += accepted + rejected;
        sum.unknown += unknown;
        const { requests } = simulator.ledger.summary();
        assert.ok(sum.answered <= requests, `${sum.answered} answers to ${requests} requests`);
        assert.ok(
          requests <= sum.answered + sum.unknown,
          `${requests} requests to ${sum.answered}, ${sum.unknown} unknown`,
        );
      };
      await fc.assert(
        fc.asyncProperty(plans, fc.constantFrom(...ends), async (plan, end) => {
          // Each of those that never give anything takes five seconds: they have a test of their own.
          if (plan.conduct === 'never') return;
          const isOfBlocks = plan.kind === 'blocks';
          check(await run(isOfBlocks ? { ...plan, before: plan.before % 6, after: plan.after % 6 } : plan, end));
        }),
        {
          numRuns: 30,
          examples: [
            [{ kind: 'async generator', before: 1500, after: 1, conduct: 'late' }, 'abort'],
            [{ kind: 'bare iterator', before: 0, after: 1, conduct: 'late' }, 'shutdown'],
            [{ kind: 'blocks', before: 3, after: 2, conduct: 'late' }, 'shutdown'],
            [{ kind: 'async generator', before: 40, after: 900, conduct: 'late' }, 'stop by policy'],
            [{ kind: 'blocks', before: 1, after: 2, conduct: 'late' }, 'abort and shutdown'],
          ],
        },
      );
    });

    it('has its result before the shutdown that ended it is over', async () => {
      for (const afterStop of ['leave', 'unsent'] as const) {
        const plan = { kind: 'async generator', before: 30, after: 900, conduct: 'at once' } as const;
        const source = new CountedSource(
          plan,
          () => {},
          (number) => scriptedToken('accepted', number),
        );
        const over: string[] = [];
        const apns = new APNs(session.getConnection(simulator.url, credential));
        const slow = (async function* () {
          for await (const recipient of source.recipients()) {
            yield recipient;
            await setTimeout(1);
          }
        })();
        const sending = apns.send(message, { recipients: slow, afterStop }).then(() => over.push('send'));
        await setTimeout(50);
        await session.shutdown();
        over.push('shutdown');
        await sending;
        assert.deepEqual(over, ['send', 'shutdown'], afterStop);
      }
    });

    it('is over, with all connections, when a second shutdown during the first one is', async () => {
      const apns = new APNs(session.getConnection(simulator.url, credential));
      await apns.push(message, scriptedToken('accepted', 1));
      const over: string[] = [];
      const first = session.shutdown().then(() => over.push('first'));
      await session.shutdown();
      await setImmediate();
      over.push('second');
      await first;
      assert.deepEqual(over, ['first', 'second']);
    });

    it('ends within some seconds though the rest of a source that gives nothing is to count as unsent', async () => {
      const plan = { kind: 'async generator', before: 70, after: 1, conduct: 'never' } as const;
      const afterStop = 'unsent';
      const ended = await Promise.all([
        run(plan, 'abort', { afterStop }),
        run({ ...plan, kind: 'bare iterator', before: 1300 }, 'abort', { afterStop }),
        run({ ...plan, before: 40 }, 'stop by policy', { afterStop }),
        run({ ...plan, before: 700 }, 'shutdown later', { afterStop }),
      ]);
      for (const { result, source } of ended) {
        assert.equal(result.recipients, source.pulled);
        assert.ok(result.errors.some(({ explanation }) => explanation.includes('gave none within 5 seconds')));
      }
    });

    it('ends within some seconds though the source never gives anything again', async () => {
      const plan = { kind: 'async generator', before: 1500, after: 1, conduct: 'never' } as const;
      // The session is shut down by the last of them, which ends all.
      const ended = await Promise.all([
        run(plan, 'abort'),
        run({ ...plan, before: 3 }, 'abort later'),
        run({ ...plan, kind: 'bare iterator', before: 40 }, 'stop by policy'),
        run({ ...plan, before: 2 }, 'shutdown later'),
      ]);
      for (const { result, source } of ended) {
        assert.equal(result.recipients, source.pulled);
        assert.ok(result.errors.some(({ explanation }) => explanation.includes('gave none within 5 seconds')));
      }
    });
  });
}
