/**
 * Clients that others wrote for the binary protocol against the simulator: what they send is all in the ledger, what
 * they are told is what the ledger has, and they read its feedback. Skipped by name where `npm ci` was not run in
 * test/interop.
 */
import assert from 'node:assert/strict';
import {
  LedgerDigest,
  type Simulator,
  type SimulatorOptions,
  scriptedBinaryToken,
  startSimulator,
  ThrowAwayAuthority,
} from '../../src/simulator/index.js';
import { randomTokens } from '../cli/fixture.js';
import type { ClientTask } from './other-client.js';
import { isInstalled, OtherClient } from './other-clients.js';

const authority = new ThrowAwayAuthority();
const identity = authority.issueClient('com.example.app');

type What = Pick<ClientTask, 'client'> & Partial<ClientTask>;

function clientOf({ binaryUrl, feedbackUrl, caCertificate }: Simulator, what: What): OtherClient {
  const role = what.role ?? 'send';
  const { port } = new URL((role === 'send' ? binaryUrl : feedbackUrl)!);
  const tokens: readonly string[] = [];
  const rest = { role, port: Number(port), ca: caCertificate!, tokens, codec: 'enhanced', cacheLength: 1000 } as const;
  return new OtherClient({ ...rest, ...identity, ...what });
}

function start(options: SimulatorOptions = {}): Promise<Simulator> {
  const auth = { auth: 'certificate', clientCa: authority.certificate } as const;
  return startSimulator({ binaryPort: 0, feedbackPort: 0, controlPort: null, ...auth, ...options });
}

/** `count` tokens, those at `positions` scripted to be invalid. */
function tokensWithBad(count: number, positions: readonly number[]): { tokens: string[]; bad: string[] } {
  const tokens = randomTokens(count);
  const bad = positions.map((_, index) => scriptedBinaryToken(8, index));
  positions.forEach((position, index) => {
    tokens[position] = bad[index]!;
  });
  return { tokens, bad };
}

function digestOf(tokens: readonly string[], bad: readonly string[]): string {
  const digest = new LedgerDigest();
  for (const token of tokens) digest.add(Buffer.from(token, 'hex'), bad.includes(token) ? 'Invalid token' : '');
  return digest.toString();
}

describe('clients of the binary protocol and the simulator', () => {
  function itRuns(client: ClientTask['client'], what: string, run: () => Promise<void>): void {
    it(`${client}: ${what}`, async function () {
      if (!isInstalled(client)) this.skip();
      await run();
    });
  }

  /** Each token once in the ledger, and of the bad ones the client knows. */
  async function isAccounted(
    what: What,
    count: number,
    positions: readonly number[],
    options: SimulatorOptions = {},
  ): Promise<void> {
    const { tokens, bad } = tokensWithBad(count, positions);
    await using simulator = await start(options);
    await using client = clientOf(simulator, { ...what, tokens });
    await client.until(() => simulator.ledger.summary().requests >= count && client.of('failed').length >= bad.length);
    const { requests, accepted, duplicates, digest } = simulator.ledger.summary();
    assert.deepEqual(
      { requests, accepted, duplicates },
      { requests: count, accepted: count - bad.length, duplicates: 0 },
    );
    assert.equal(digest, digestOf(tokens, bad));
    assert.deepEqual(
      // In which order the client reports them is its own affair.
      client
        .of('failed')
        .map(({ status, token }) => `${status} ${token}`)
        .sort(),
      bad.map((token) => `8 ${token}`).sort(),
    );
  }

  itRuns('apn', 'is told of every bad token, and sends everything else once', () =>
    isAccounted({ client: 'apn', cacheLength: 5_000 }, 2_000, [3, 700, 1999]),
  );

  itRuns('apn', 'loses notifications behind a bad one whose status comes late, as it does with Apple', async () => {
    // So late that it has written more than it remembers by then, however slow the machine is.
    const { tokens } = tokensWithBad(5_000, [700]);
    await using simulator = await start({ statusDelayMs: 2_000 });
    await using client = clientOf(simulator, { client: 'apn', tokens });
    const forgotten = (): number => client.of('forgotten')[0]?.count ?? 0;
    await client.until(() => forgotten() > 0 && simulator.ledger.summary().requests === 5_000 - forgotten() + 1);
    assert.ok(forgotten() > 1, `${forgotten()} notifications are neither delivered nor reported`);
    assert.equal(simulator.ledger.summary().duplicates, 0);
  });

  itRuns('apnagent', 'is understood with command 1, and sends again what was behind a bad token', () =>
    // It remembers a notification some time after it has written it: a status that came earlier would find none.
    isAccounted({ client: 'apnagent', codec: 'enhanced' }, 1_000, [3, 500], { statusDelayMs: 100 }),
  );

  itRuns('apnagent', 'is understood with command 0', () =>
    isAccounted({ client: 'apnagent', codec: 'simple' }, 1_000, []),
  );

  for (const client of ['apn', 'apnagent'] as const) {
    itRuns(client, 'reads the whole feedback list', async () => {
      const when = new Date('2021-03-31T12:00:00Z');
      const tokens = randomTokens(300);
      await using simulator = await start({ feedback: tokens.map((token) => ({ token, when })) });
      await using reader = clientOf(simulator, { client, role: 'feedback' });
      await reader.until(() => reader.of('feedback').length >= tokens.length);
      assert.deepEqual(
        reader.of('feedback').map(({ token, seconds }) => `${token} ${seconds}`),
        tokens.map((token) => `${token} ${when.getTime() / 1000}`),
      );
      assert.deepEqual(simulator.feedback.pending(), []);
    });
  }
});
