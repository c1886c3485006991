/**
 * What the library that this one descends from did wrong, each as a program meets it: through the public API, against
 * the simulator's binary gateway, or a gateway in memory where no decent one would answer like that.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { hexOf } from '../../src/base/hex.js';
import { APNs, Message, type Result, Session, type SessionOptions } from '../../src/index.js';
import { scriptedBinaryToken } from '../../src/simulator/books/binary-script.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/index.js';
import { type BinaryGateway, type BinaryScript, openBinaryGateway } from '../support/binary-gateway.js';
import { tokenOf as tokenBytesOf } from '../support/book-source.js';
import { Gateways } from '../support/gateways.js';
import { quietPort } from '../support/quiet-port.js';

const tokenOf = (index: number): string => hexOf(tokenBytesOf(index));
const tokens = (count: number, first = 0): string[] => Array.from({ length: count }, (_, i) => tokenOf(first + i));
const hello = (to: string | string[]): Message => new Message(to, { alert: 'Hello' });
const numbers = ({ counts }: Result): number[] => [counts.accepted, counts.rejected, counts.unsent, counts.unknown];

const deliveredBy = (gateways: readonly BinaryGateway[]): number[] => gateways.flatMap(({ delivered }) => delivered);

/** A hundred times as fast: connections that come to nothing are waited for. */
const hurried: Clock = {
  ...systemClock,
  now: () => systemClock.now() * 100,
  setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs / 100),
};

describe('defects of the original library', () => {
  const opened: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item[Symbol.asyncDispose]();
  });

  async function simulate(options: SimulatorOptions = {}): Promise<Simulator> {
    const simulator = await startSimulator({ binaryPort: 0, ...options });
    opened.push(simulator);
    return simulator;
  }

  function open(options: SessionOptions): Session {
    const session = new Session(options);
    opened.push(session);
    return session;
  }

  function connect(simulator: Simulator, options: SessionOptions = {}): APNs {
    const session = open({ ca: simulator.caCertificate!, ...options });
    return new APNs(session.getConnection(simulator.binaryUrl!, null));
  }

  /** A sender to gateways in memory; each of their connections does as `judge` says. */
  function connectTo(
    judge: NonNullable<BinaryScript['judge']>,
    options: SessionOptions = {},
  ): [apns: APNs, gateways: readonly BinaryGateway[]] {
    const { all, backend } = new Gateways(openBinaryGateway, () => ({ judge }));
    return [new APNs(open({ backend, ...options }).getConnection(['gateway.example', 2195], null)), all];
  }

  it('verifies the certificate of the gateway', async () => {
    const simulator = await simulate();
    const apns = new APNs(open({}).getConnection(simulator.binaryUrl!, null));
    const result = await apns.send(hello(tokens(3)));
    assert.equal(result.stopped?.code, 'ERR_PEAL_TLS');
    assert.deepEqual([numbers(result), result.needsRetry()], [[0, 0, 3, 0], false]);
    assert.equal(simulator.ledger.summary().requests, 0);
  });

  describe('a host that accepts and says nothing', () => {
    let server: Server;
    const sockets: Socket[] = [];
    beforeEach(async () => {
      server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
      server.close();
    });

    it('is given up after the connect timeout, a few times, and not for ever', async () => {
      const { port } = server.address() as AddressInfo;
      const apns = new APNs(open({ connectTimeoutMs: 50 }).getConnection(['127.0.0.1', port], null));
      const result = await apns.send(hello(tokens(3)));
      assert.equal(result.stopped?.code, 'ERR_PEAL_CONNECT_TIMEOUT');
      assert.deepEqual(numbers(result), [0, 0, 3, 0]);
      assert.ok(sockets.length >= 1 && sockets.length <= 3, String(sockets.length));
      const feedback = new APNs(
        open({ connectTimeoutMs: 50 }).getConnection(`feedback://127.0.0.1:${port}`, null),
      ).feedback();
      await assert.rejects(feedback.next(), { code: 'ERR_PEAL_CONNECT_TIMEOUT' });
    });
  });

  it('leaves no token out when the connection breaks', async () => {
    const all = [...tokens(20), scriptedBinaryToken('reset'), ...tokens(20, 100)];
    const simulator = await simulate();
    const result = await connect(simulator).send(hello(all));
    const { accepted, unsent, unknown, rejected } = result.counts;
    assert.equal(accepted + unsent + unknown + rejected, all.length);
    assert.ok(unknown >= 1, 'what was written and not answered is unknown');
  });

  it('does not take a silent close for success, and does not use that connection again', async () => {
    const [apns] = connectTo((index, gateway) => {
      if (index !== 5) return;
      gateway.stopReading();
      gateway.end();
    });
    const result = await apns.send(hello(tokens(10)));
    assert.equal(result.accepted, 0);
    assert.deepEqual([result.counts.unknown + result.counts.unsent, result.failed.size], [10, 0]);
    assert.ok(result.counts.unknown >= 6, 'at least what the gateway read may have been sent');
    for (let send = 0; send < 7; send++) {
      const next = await apns.send(hello(tokens(3, 100 * (send + 1))));
      assert.deepEqual(numbers(next), [3, 0, 0, 0], `send ${send}`);
    }
  });

  it('blames a late status on the token that it is about, not on the next message', async () => {
    const simulator = await simulate({ statusDelayMs: 150 });
    const apns = connect(simulator);
    const bad = scriptedBinaryToken(8);
    const [first, second] = await Promise.all([
      apns.send(hello([tokenOf(1), bad])),
      apns.send(new Message(tokens(5, 50), { alert: 'Bye' })),
    ]);
    assert.deepEqual([...first.failed.keys()], [bad]);
    assert.equal(second.failed.size, 0);
    assert.equal(second.counts.rejected, 0);
    assert.equal(second.accepted + second.counts.unsent, 5);
  });

  it('takes the status 0 for no error', async () => {
    const [apns] = connectTo((index, gateway) => {
      if (index === 2) gateway.answer(0, gateway.identifier, { closes: false });
    });
    const result = await apns.send(hello(tokens(5)));
    assert.deepEqual([result.failed.size, result.errors.filter(({ status }) => status !== null)], [0, []]);
    assert.equal(result.counts.rejected, 0);
  });

  describe('retries after a status exactly whom the original retried', () => {
    const behind = tokens(2, 5);
    const retried: [status: number, failed: number, again: (bad: string) => string[] | null][] = [
      ...[2, 5, 8].map((status) => [status, 1, () => behind] as (typeof retried)[number]),
      ...[1, 128, 255, 77].map((status) => [status, 0, (bad) => [...behind, bad]] as (typeof retried)[number]),
      ...[3, 4, 6, 7].map((status) => [status, 0, () => null] as (typeof retried)[number]),
      [10, 0, () => behind],
    ];
    for (const [status, failed, again] of retried) {
      it(`status ${status}`, async () => {
        const bad = scriptedBinaryToken(status);
        const result = await connect(await simulate()).send(hello([tokenOf(1), bad, ...behind]));
        assert.equal(result.accepted, status === 10 ? 2 : 1);
        assert.deepEqual([result.failed.size, result.unsent.length, result.unknown.length], [failed, 2, 0]);
        assert.deepEqual(result.retry()?.toJSON().tokens ?? null, again(bad));
        assert.equal(result.needsRetry(), again(bad) !== null);
      });
    }
  });

  it('keeps the number of a status that it does not know', async () => {
    const simulator = await simulate();
    const result = await connect(simulator).send(hello([tokenOf(1), scriptedBinaryToken(77), tokenOf(2)]));
    assert.deepEqual([result.errors[0]?.status, result.errors[0]?.reason], [77, 'Unknown status 77']);
    assert.deepEqual(numbers(result), [1, 1, 1, 0]);
    assert.equal(result.retry()?.tokens.length, 1);
  });

  it('ends at an identifier that it never gave, with nothing guessed', async () => {
    const [apns] = connectTo((index, gateway) => {
      if (index === 2) gateway.refuse(8, 999_999);
    });
    const result = await apns.send(hello(tokens(5)));
    assert.deepEqual([result.accepted, result.failed.size], [0, 0]);
    assert.equal(result.counts.unknown + result.counts.unsent, 5);
  });

  it('gives a gateway that refuses connections up after a few attempts', async () => {
    const apns = new APNs(open({}).getConnection(['127.0.0.1', await quietPort()], null));
    const result = await apns.send(hello(tokens(3)));
    assert.equal(result.stopped?.code, 'ERR_PEAL_CONNECT');
    assert.deepEqual([numbers(result), result.needsRetry()], [[0, 0, 3, 0], true]);
  });

  it('finds bad hex before anything is written, and sends the rest', async () => {
    const [apns, gateways] = connectTo(() => undefined);
    const writtenBefore: number[] = [];
    const onInvalid = (): number => writtenBefore.push(gateways.length);
    const result = await apns.send(hello([...tokens(1500), 'xyz', ...tokens(1500, 2000)]), { onInvalid });
    assert.deepEqual(writtenBefore, [0]);
    assert.deepEqual([result.accepted, result.counts.invalid], [3000, 1]);
    assert.equal(deliveredBy(gateways).length, 3000);
  });

  it('does not wait for the tail of silence where a flush proves success', async () => {
    // Longer than a test may take: it would not end.
    const result = await connect(await simulate(), { readTailTimeoutMs: 600_000 }).send(hello(tokens(10)));
    assert.equal(result.accepted, 10);
  });

  it('takes the tail of silence for success where flushing is off', async () => {
    const [apns, gateways] = connectTo(() => undefined, { flush: false, readTailTimeoutMs: 20 });
    assert.equal((await apns.send(hello(tokens(10)))).accepted, 10);
    assert.equal((await apns.send(hello(tokens(10, 50)))).accepted, 10);
    assert.deepEqual([deliveredBy(gateways).length, gateways.length], [20, 1]);
  });

  it('ends retrying a token that gets a passing fault for ever', async () => {
    const [apns, gateways] = connectTo((index) => (index === 7 ? 1 : undefined), { clock: hurried });
    let sends = 0;
    let next: Message | null = hello([tokenOf(7), ...tokens(3)]);
    let accepted = 0;
    while (next !== null) {
      const result: Result = await apns.send(next);
      accepted += result.accepted;
      next = result.retry();
      assert.ok(++sends < 50, 'retries without end');
    }
    assert.equal(accepted, 3);
    assert.deepEqual(deliveredBy(gateways), [0, 1, 2]);
  });

  it('goes through a list with many bad tokens by retries, none lost and none sent twice', async () => {
    const all = tokens(60).map((token, index) => (index % 7 === 3 ? scriptedBinaryToken(8, index) : token));
    const simulator = await simulate();
    const apns = connect(simulator);
    const failed: string[] = [];
    let accepted = 0;
    let next: Message | null = hello(all);
    while (next !== null) {
      const result: Result = await apns.send(next);
      accepted += result.accepted;
      failed.push(...result.failed.keys());
      assert.equal(result.counts.unknown, 0);
      next = result.retry();
    }
    assert.deepEqual([accepted, failed.length], [51, 9]);
    const { accepted: received, duplicates } = simulator.ledger.summary();
    assert.deepEqual([received, duplicates], [51, 0]);
  });
});
