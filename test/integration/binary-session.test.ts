/** The session's whole API against the simulator's binary gateway and its feedback listener. */
import assert from 'node:assert/strict';
import { APNs, Message, type Progress, Session, scriptedToken, startSimulator } from '../../src/index.js';
import { scriptedBinaryToken } from '../../src/simulator/books/binary-script.js';
import { type Simulator, type SimulatorOptions, ThrowAwayAuthority } from '../../src/simulator/index.js';
import { quietPort } from '../support/quiet-port.js';

const tokenOf = (index: number): string => `00${index.toString(16).padStart(62, '0')}`;
const tokens = (count: number, first = 0): string[] => Array.from({ length: count }, (_, i) => tokenOf(first + i));

async function readAll(apns: APNs): Promise<[token: string, when: number][]> {
  const entries: [string, number][] = [];
  for await (const { token, when } of apns.feedback()) entries.push([token, when.getTime()]);
  return entries;
}

describe('a session with binary gateways', () => {
  let simulator: Simulator;
  async function start(options: SimulatorOptions = {}): Promise<Session> {
    simulator = await startSimulator({ binaryPort: 0, feedbackPort: 0, ...options });
    return new Session({ ca: simulator.caCertificate! });
  }
  afterEach(() => simulator.close());

  it('refuses to lose the collapse ids of a list that was unsent over HTTP/2', async () => {
    await using session = await start();
    const own = { token: tokenOf(1), collapseId: 'score' };
    const message = new Message([own, tokenOf(2)], { alert: 'Hello' });
    const stopped = AbortSignal.abort();
    const first = await new APNs(session.getConnection(simulator.url, null)).send(message, { signal: stopped });
    assert.equal(first.counts.unsent, 2);
    const whys: string[] = [];
    const apns = new APNs(session.getConnection(simulator.binaryUrl!, null));
    const second = await apns.send(first.retry()!, { onInvalid: ({ why }) => whys.push(why) });
    assert.deepEqual([second.counts.accepted, second.counts.invalid], [1, 1]);
    assert.deepEqual(whys, ['has a collapseId, which a binary gateway cannot be told']);
    assert.equal(simulator.ledger.summary().accepted, 1);
  });

  it('sends the same notification to tokens of any length, and with payloads of their own', async () => {
    await using session = await start();
    const apns = new APNs(session.getConnection(simulator.binaryUrl!, null));
    const own = { token: tokenOf(1), payload: { aps: { alert: 'Just you' } } };
    const result = await apns.send(new Message([own, tokenOf(2)], { alert: 'Hello', expiry: { seconds: 60 } }));
    assert.equal(result.accepted, 2);
    assert.equal(simulator.ledger.summary().accepted, 2);
  });

  it('sends several messages in one call and takes their results together', async () => {
    await using session = await start();
    const apns = new APNs(session.getConnection(simulator.url, null));
    const messages = Array.from(
      { length: 100 },
      (_, index) =>
        new Message(index === 50 ? ['no token', ...tokens(2, 500)] : tokens(3, 10 * index), {
          alert: `Number ${index}`,
          topic: 'com.example.app',
        }),
    );
    const reports: Progress[] = [];
    const invalid: number[] = [];
    const result = await apns.send(messages, {
      onProgress: (progress) => reports.push(progress),
      onInvalid: ({ index }) => invalid.push(index),
    });
    assert.deepEqual([result.recipients, result.accepted, result.counts.invalid], [300, 299, 1]);
    assert.deepEqual(invalid, [150]);
    assert.deepEqual([reports.at(-1)?.done, reports.at(-1)?.total, reports.at(-1)?.accepted], [300, 300, 299]);
    assert.equal(simulator.ledger.summary().accepted, 299);
  });

  it('closes the connections of newConnection after use, and opens them again', async () => {
    await using session = await start();
    const apns = new APNs(session.newConnection(simulator.url, null));
    for (let send = 1; send <= 2; send++) {
      const message = new Message(tokens(3, 10 * send), { alert: 'Hello', topic: 'com.example.app' });
      assert.equal((await apns.send(message)).accepted, 3);
    }
    assert.equal((await session.stats()).connections, 0);
    await session.shutdown();
  });

  it('sends with the certificate that the original library would have been given', async () => {
    const authority = new ThrowAwayAuthority();
    const client = authority.issueClient('com.example.app');
    await using session = await start({ auth: 'certificate', clientCa: authority.certificate });
    const who = { certString: client.cert, keyString: client.key };
    const apns = new APNs(session.getConnection(simulator.binaryUrl!, who));
    assert.equal((await apns.send(new Message(tokens(3), { alert: 'Hello' }))).accepted, 3);
    const stranger = new APNs(session.getConnection(simulator.feedbackUrl!, null));
    await assert.rejects(readAll(stranger), { name: 'PealError' });
  });

  it('reads a feedback gateway, whose list is empty afterwards', async () => {
    const when = new Date('2026-01-02T03:04:05Z');
    await using session = await start({ feedback: tokens(5000).map((token) => ({ token, when })) });
    const apns = new APNs(session.getConnection(simulator.feedbackUrl!, null));
    const entries = await readAll(apns);
    assert.equal(entries.length, 5000);
    assert.deepEqual(entries[7], [tokenOf(7), when.getTime()]);
    assert.deepEqual(await readAll(apns), []);
  });

  it('says why a feedback gateway cannot be read', async () => {
    await using session = await start();
    const nowhere = `feedback://127.0.0.1:${await quietPort()}`;
    await assert.rejects(readAll(new APNs(session.getConnection(nowhere, null))), { code: 'ERR_PEAL_CONNECT' });
    const untrusted = new APNs(new Session().getConnection(simulator.feedbackUrl!, null));
    await assert.rejects(readAll(untrusted), { name: 'PealError' });
  });

  it('tells over HTTP/2 what the answers 410 of this session have told, once', async () => {
    await using session = await start();
    const gone = scriptedToken('Unregistered');
    const apns = new APNs(session.getConnection(simulator.url, null));
    const result = await apns.send(new Message([tokenOf(1), gone], { alert: 'Hello', topic: 'com.example.app' }));
    const since = result.gone.get(gone);
    const elsewhere = new APNs(session.newConnection(simulator.url, null));
    assert.deepEqual(await readAll(elsewhere), [[gone, since!.getTime()]]);
    assert.deepEqual(await readAll(apns), []);
  });

  it('goes on over new connections where recipients are streamed', async () => {
    await using session = await start();
    const apns = new APNs(session.getConnection(simulator.binaryUrl!, null));
    const list = tokens(300).map((token, index) => (index % 50 === 25 ? scriptedBinaryToken(8, index) : token));
    const result = await apns.send(new Message([], { alert: 'Hello' }), { recipients: list });
    assert.deepEqual([result.accepted, result.failed.size, result.needsRetry()], [294, 6, false]);
    assert.deepEqual(simulator.ledger.summary().accepted, 294);
  });
});
