/** The simulator's binary gateway and feedback service over TLS, and what all of its listeners share. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { PealError } from '../../../src/base/errors.js';
import { FeedbackDecoder } from '../../../src/codec/binary/feedback.js';
import {
  type Simulator,
  type SimulatorOptions,
  scriptedBinaryToken,
  scriptedToken,
  startSimulator,
  startSimulatorThread,
  ThrowAwayAuthority,
} from '../../../src/simulator/index.js';
import { notification, statusHex } from '../../support/binary-client.js';
import { PushClient, tokenNumber } from '../../support/push-client.js';

type Identity = { readonly cert: string; readonly key: string };

describe('simulator: binary gateway and feedback over TLS', () => {
  const opened: { close(): Promise<void> | void }[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorOptions = {}): Promise<Simulator> {
    const simulator = await startSimulator({ binaryPort: 0, feedbackPort: 0, ...options });
    opened.push(simulator);
    return simulator;
  }

  async function dial(simulator: Simulator, url: string | null, identity?: Identity): Promise<TLSSocket> {
    const { hostname, port } = new URL(url!);
    const tcp = new Socket({ allowHalfOpen: true }).connect(Number(port), hostname);
    const socket = connect({ socket: tcp, host: hostname, ca: simulator.caCertificate!, ...identity });
    opened.push({ close: () => void socket.destroy() });
    await once(socket, 'secureConnect');
    return socket;
  }

  /** All that comes until the other side ends. */
  async function readAll(socket: TLSSocket): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async function readFeedback(simulator: Simulator): Promise<(readonly [seconds: number, token: string])[]> {
    const found: (readonly [number, string])[] = [];
    const bytes = await readAll(await dial(simulator, simulator.feedbackUrl));
    const decoder = new FeedbackDecoder({
      onFeedback: (seconds, source, from, to) =>
        found.push([seconds, Buffer.from(source.subarray(from, to)).toString('hex')]),
    });
    decoder.receive(bytes, bytes.length);
    assert.equal(decoder.isPartial, false);
    return found;
  }

  it('lets a client read the status that goes on writing', async () => {
    const simulator = await start();
    const socket = await dial(simulator, simulator.binaryUrl);
    const good = Array.from({ length: 500 }, (_, index) => notification(tokenNumber(index), { identifier: index + 1 }));
    const bad = notification(scriptedBinaryToken(8), { identifier: 501 });
    socket.write(Buffer.concat([...good, bad]));
    for (let round = 0; round < 100; round++) socket.write(Buffer.concat(good));
    const read = readAll(socket);
    socket.end();
    assert.equal((await read).toString('hex'), statusHex(8, 501));
    const { accepted, rejected, requests, duplicates } = simulator.ledger.summary();
    assert.deepEqual(
      { accepted, rejected, requests, duplicates },
      { accepted: 500, rejected: 1, requests: 501, duplicates: 0 },
    );
  });

  it('says a status that is on its way to a client that has ended its side', async () => {
    const simulator = await start({ statusDelayMs: 30 });
    const socket = await dial(simulator, simulator.binaryUrl);
    socket.end(notification(scriptedBinaryToken(1), { identifier: 3 }));
    assert.equal((await readAll(socket)).toString('hex'), statusHex(1, 3));
  });

  it('ends when the client ends and nothing was wrong', async () => {
    const simulator = await start();
    const socket = await dial(simulator, simulator.binaryUrl);
    socket.end(notification(tokenNumber(1)));
    assert.equal((await readAll(socket)).length, 0);
    assert.equal(simulator.ledger.summary().accepted, 1);
  });

  for (const auth of ['certificate', 'either'] as const) {
    it(`takes only clients with an accepted certificate under auth "${auth}"`, () => takesOnlyCertified(auth));
  }

  async function takesOnlyCertified(auth: 'certificate' | 'either'): Promise<void> {
    const authority = new ThrowAwayAuthority();
    const feedback = [{ token: tokenNumber(2), when: new Date() }];
    const simulator = await start({ auth, clientCa: authority.certificate, feedback });
    const socket = await dial(simulator, simulator.binaryUrl, authority.issueClient('com.example.app'));
    socket.end(notification(tokenNumber(1)));
    await readAll(socket);
    assert.equal(simulator.ledger.summary().accepted, 1);
    for (const url of [simulator.binaryUrl, simulator.feedbackUrl]) {
      for (const identity of [undefined, new ThrowAwayAuthority().issueClient('com.example.app')]) {
        // With TLS 1.3 a client learns of it only behind its own handshake: as a reset, or as an early end.
        const read = await dial(simulator, url, identity)
          .then(readAll)
          .catch(() => Buffer.alloc(0));
        assert.equal(read.length, 0);
      }
    }
    assert.equal(simulator.ledger.summary().connections, 1);
    assert.equal(simulator.feedback.pending().length, 1);
  }

  it('names in feedback what HTTP/2 and the binary gateway found to be gone, and what was scripted, once', async () => {
    const when = new Date('2021-03-31T00:00:00Z');
    const simulator = await start({ feedback: [{ token: tokenNumber(9), when }] });
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    opened.push(client);
    const gone = scriptedToken('Unregistered', 4);
    const answer = await client.push(gone);
    await client.push(scriptedToken('BadDeviceToken'));
    const bad = scriptedBinaryToken(8, 4);
    const socket = await dial(simulator, simulator.binaryUrl);
    socket.end(notification(bad));
    await readAll(socket);
    const goneSince = Math.floor(Number(answer.timestamp) / 1000);
    const expected = [
      [when.getTime() / 1000, tokenNumber(9)],
      [goneSince, gone],
      [goneSince, bad],
    ];
    const pending = (await (await fetch(`${simulator.controlUrl}/peal/feedback`)).json()) as {
      token: string;
      timestamp: number;
    }[];
    assert.deepEqual(
      pending.map(({ token, timestamp }) => [timestamp, token]),
      expected,
    );
    assert.deepEqual(await readFeedback(simulator), expected);
    assert.deepEqual(await readFeedback(simulator), []);
    assert.deepEqual(simulator.feedback.pending(), []);
  });

  it('serves a feedback list of any length', async () => {
    const when = new Date(1_600_000_000_000);
    const feedback = Array.from({ length: 5_000 }, (_, index) => ({ token: tokenNumber(index), when }));
    const read = await readFeedback(await start({ feedback }));
    assert.deepEqual(
      read.map(([, token]) => token),
      feedback.map(({ token }) => token),
    );
  });

  it('does all of it on a thread of its own too', async () => {
    const simulator = await startSimulatorThread({ binaryPort: 0, feedbackPort: 0 });
    opened.push(simulator);
    assert.match(simulator.binaryUrl!, /^binary:\/\/127\.0\.0\.1:\d+$/);
    assert.match(simulator.feedbackUrl!, /^feedback:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(await simulator.feedback.pending(), []);
  });

  it('refuses options that do not go together, and never repeats a token', async () => {
    const token = `${'ab'.repeat(31)}zz`;
    const wrong: SimulatorOptions[] = [
      { binaryPort: 0, auth: 'token' },
      { feedbackPort: 0, auth: 'either' },
      { binaryPort: -1 },
      { closeAfter: 0 },
      { feedback: [{ token, when: new Date() }] },
      { feedback: [{ token: tokenNumber(1), when: new Date(Number.NaN) }] },
    ];
    for (const options of wrong) {
      await assert.rejects(
        () => startSimulator(options),
        (error) => error instanceof PealError && error.code === 'ERR_PEAL_OPTION' && !error.message.includes('abab'),
      );
    }
  });
});
