/**
 * What becomes of the channels of a broadcast when the gateway, or the way to it, fails: each in exactly one outcome.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { type Backend, type BackendStream, createMemoryBackend } from '../../../src/backend.js';
import { PealError } from '../../../src/base/errors.js';
import { maxServiceStreams } from '../../../src/base/limits.js';
import {
  APNs,
  type BroadcastOptions,
  type BroadcastResult,
  Channels,
  Session,
  type SessionOptions,
  silentLogger,
  systemClock,
} from '../../../src/index.js';
import { CutProxy } from '../../support/cut-proxy.js';
import { accepted, DATA, data, frame, goaway, headers, settingsFrame } from '../../support/frames.js';
import { HastyClock } from '../../support/hasty-clock.js';
import {
  refuseStream,
  ServiceGateway,
  type ServiceGatewayOptions,
  type ServiceReply,
} from '../../support/service-gateway.js';

const update = { event: 'update', timestamp: new Date(1_700_000_000_000), contentState: { score: 1 } } as const;
const idOf = (number: number): string => Buffer.from(`channel ${String(number).padStart(6, '0')}`).toString('base64');
const idsOf = (count: number): string[] => Array.from({ length: count }, (_, number) => idOf(number));
const countsOf = ({ accepted, rejected, unsent, unknown, invalid }: BroadcastResult): number[] => {
  return [accepted, rejected, unsent, unknown, invalid];
};

const nothing = (): void => {};
const idleStream: BackendStream = {
  ...{ write: nothing, end: nothing, destroy: nothing, pauseReading: nothing, resumeReading: nothing },
  details: () => ({}),
};

describe('session/channels: faults of a broadcast', () => {
  let gateway: ServiceGateway;
  let session: Session;

  async function open(
    options: ServiceGatewayOptions,
    sessionOptions: SessionOptions = {},
    channels = 1_000,
  ): Promise<APNs> {
    gateway = await ServiceGateway.open(options);
    for (const id of idsOf(channels)) gateway.channels.set(id, 0);
    session = new Session({ ca: gateway.ca, ...sessionOptions });
    return new APNs(session.getConnection(gateway.url, null));
  }

  afterEach(async () => {
    await session.close();
    await gateway[Symbol.asyncDispose]();
  });

  const broadcast = (apns: APNs, count: number, options: BroadcastOptions = {}): Promise<BroadcastResult> =>
    apns.broadcast(update, idsOf(count), { bundleId: 'com.example.app', ...options });
  const outcomeOf = ({ channels }: BroadcastResult, number = 0) => channels.get(idOf(number))!;

  it('sends again what lies above the last stream of a GOAWAY, over another connection, each once', async () => {
    const held: (() => void)[] = [];
    const apns = await open({
      reply: (seen, count) => {
        if (seen.connection > 0) return 'usual';
        // Of ten requests the first six are answered, once all have come.
        return new Promise((resolve) => {
          held.push(() => resolve(seen.stream.id! <= 11 ? 'usual' : 'nothing'));
          if (count < 10) return;
          seen.session.goaway(constants.NGHTTP2_NO_ERROR, 11);
          for (const answer of held) answer();
        });
      },
    });
    const result = await broadcast(apns, 10);
    assert.deepEqual(countsOf(result), [10, 0, 0, 0, 0]);
    assert.deepEqual(new Set(gateway.broadcasts.values()), new Set([1]));
    assert.equal(gateway.seen.length, 14);
    for (const { attempts } of result.channels.values()) assert.equal(attempts, 1);
  });

  it('calls unknown what a GOAWAY with an error covers and leaves unanswered, and sends the others again', async () => {
    const apns = await open({
      reply: ({ connection, session: its }, count) => {
        if (connection > 0) return 'usual';
        if (count === 10) its.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 11, Buffer.from('{"reason":"Shutdown"}'));
        return 'nothing';
      },
    });
    const result = await broadcast(apns, 10);
    assert.deepEqual(countsOf(result), [4, 0, 0, 6, 0]);
    const { error, attempts } = [...result.channels.values()].find(({ outcome }) => outcome === 'unknown')!;
    assert.equal(error!.code, 'ERR_PEAL_GOAWAY');
    assert.match(error!.message, /GOAWAY, error code 11, Shutdown/);
    assert.equal(attempts, 1);
  });

  it('sends again what is refused with REFUSED_STREAM, which is no attempt', async () => {
    let refused = 0;
    const apns = await open({
      reply: ({ stream }) => {
        if (refused >= 3) return 'usual';
        refused += 1;
        refuseStream(stream);
        return 'nothing';
      },
    });
    const result = await broadcast(apns, 2);
    assert.deepEqual(countsOf(result), [2, 0, 0, 0, 0]);
    assert.equal(outcomeOf(result).attempts, 1);
  });

  it('gives up as unsent what is refused again and again', async () => {
    const apns = await open({
      reply: ({ stream }) => {
        refuseStream(stream);
        return 'nothing';
      },
    });
    const result = await broadcast(apns, 1, { retry: { attempts: 100 } });
    assert.deepEqual(countsOf(result), [0, 0, 1, 0, 0]);
    assert.equal(outcomeOf(result).error!.code, 'ERR_PEAL_REFUSED');
    assert.equal(outcomeOf(result).attempts, 0);
    assert.equal(gateway.seen.length, 11);
  });

  it('calls unknown what is reset after it came, and does not send it again', async () => {
    const apns = await open({
      reply: ({ stream }) => {
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        return 'nothing';
      },
    });
    const result = await broadcast(apns, 3);
    assert.deepEqual(countsOf(result), [0, 0, 0, 3, 0]);
    assert.equal(outcomeOf(result).error!.code, 'ERR_PEAL_RESET');
    assert.equal(gateway.seen.length, 3);
  });

  it('calls unknown what is answered in part', async () => {
    const apns = await open({
      reply: ({ stream, session: its }) => {
        stream.respond({ ':status': 200 });
        stream.write('x', () => setImmediate(() => its.destroy()));
        return 'nothing';
      },
    });
    assert.deepEqual(countsOf(await broadcast(apns, 1)), [0, 0, 0, 1, 0]);
    assert.equal(gateway.seen.length, 1);
  });

  it('calls unknown what is not answered in time', async () => {
    const apns = await open({ reply: (_seen, count) => (count === 1 ? 'usual' : 'nothing') });
    // The connection is open, so that no time goes to that.
    assert.equal((await broadcast(apns, 1)).accepted, 1);
    const result = await broadcast(apns, 2, { timeoutMs: 500 });
    assert.deepEqual(countsOf(result), [0, 0, 0, 2, 0]);
    assert.equal(outcomeOf(result).error!.message, 'The broadcast to a channel was not over within 500 ms.');
    assert.equal(outcomeOf(result).error!.code, 'ERR_PEAL_TIMEOUT');
  });

  it('calls unknown what was written to a connection that breaks off', async () => {
    const apns = await open({
      reply: () => {
        gateway.cut();
        return 'nothing';
      },
    });
    const result = await broadcast(apns, 2);
    assert.deepEqual(countsOf(result), [0, 0, 0, 2, 0]);
    assert.equal(outcomeOf(result).error!.code, 'ERR_PEAL_CLOSED');
  });

  it('opens another connection for what was not written to one that closed at once', async () => {
    const apns = await open({ onSession: (its, count) => count === 1 && its.destroy() });
    assert.deepEqual(countsOf(await broadcast(apns, 5)), [5, 0, 0, 0, 0]);
    assert.equal(gateway.sessions.length, 2);
  });

  it('gives up after three connections that brought nothing', async () => {
    const apns = await open({ onSession: (its) => its.destroy() }, { clock: new HastyClock(50) });
    const result = await broadcast(apns, 3, { timeoutMs: 3_600_000 });
    assert.deepEqual(countsOf(result), [0, 0, 3, 0, 0]);
    assert.equal(gateway.sessions.length, 3);
    assert.ok(outcomeOf(result).error instanceof PealError);
  });

  it('gives up after three connections that said GOAWAY to their requests before they ended', async () => {
    const clock = new HastyClock(50);
    let opened = 0;
    const leaving = createMemoryBackend(
      (stream) => ({
        onOpen: () => {
          opened += 1;
          stream.write(settingsFrame(), () => {});
        },
        onBytes: (_buffer, length) => {
          // The preface and SETTINGS come first, then the requests.
          if (length < 100) return;
          stream.write(goaway(0, constants.NGHTTP2_NO_ERROR), () => setTimeout(() => stream.end(), 50));
        },
        onClosed: () => {},
      }),
      { clock: systemClock },
    );
    await using its = new Session({ backend: leaving, clock });
    const apns = new APNs(its.getConnection('https://localhost:443', null));
    assert.deepEqual(countsOf(await broadcast(apns, 3, { timeoutMs: 3_600_000 })), [0, 0, 3, 0, 0]);
    assert.equal(opened, 3);
  });

  it('is unsent where nobody listens, after three attempts', async () => {
    const apns = await open({}, { clock: new HastyClock(50) });
    const nobody = await ServiceGateway.open();
    const address = nobody.url;
    await nobody[Symbol.asyncDispose]();
    const result = await broadcast(apns, 3, { address, timeoutMs: 3_600_000 });
    assert.deepEqual(countsOf(result), [0, 0, 3, 0, 0]);
    assert.equal(outcomeOf(result).error!.code, 'ERR_PEAL_CONNECT');
    assert.equal(outcomeOf(result).attempts, 0);
  });

  it('notices a connection that stands still, by a PING', async () => {
    const clock = new HastyClock(100);
    const apns = await open({ reply: () => 'nothing' }, { clock });
    await using way = await CutProxy.start(gateway.port);
    gateway.onRequest = () => void way.cut('stall');
    const begunMs = clock.now();
    const result = await broadcast(apns, 2, { timeoutMs: 3_600_000, address: `https://localhost:${way.port}` });
    assert.deepEqual(countsOf(result), [0, 0, 0, 2, 0]);
    assert.match(outcomeOf(result).error!.message, /did not answer a PING within 5000 ms/);
    assert.ok(clock.now() - begunMs < 60_000);
  });

  it('asks a connection that was idle for a sign of life before it carries a request', async () => {
    const clock = new HastyClock(10);
    let way: CutProxy | null = null;
    const debug = (_fields: object, text: string): void => {
      if (text.includes('did not answer a PING')) void way!.heal();
    };
    const apns = await open({}, { clock, logger: { ...silentLogger, debug } });
    await using proxy = await CutProxy.start(gateway.port);
    way = proxy;
    const options = { address: `https://localhost:${proxy.port}` };
    assert.deepEqual(countsOf(await broadcast(apns, 1, options)), [1, 0, 0, 0, 0]);
    let pings = 0;
    gateway.sessions[0]!.on('ping', () => {
      pings += 1;
    });
    assert.deepEqual(countsOf(await broadcast(apns, 1, options)), [1, 0, 0, 0, 0]);
    assert.equal(pings, 0);
    clock.skip(61_000);
    assert.deepEqual(countsOf(await broadcast(apns, 1, options)), [1, 0, 0, 0, 0]);
    assert.equal(pings, 1);
    assert.equal(gateway.sessions.length, 1);
    // Lost without a word: what is written to it would be unknown.
    await proxy.cut('stall');
    clock.skip(61_000);
    assert.deepEqual(countsOf(await broadcast(apns, 1, options)), [1, 0, 0, 0, 0]);
    assert.equal(gateway.sessions.length, 2);
    assert.equal(gateway.broadcasts.get(idOf(0)), 4);
  });

  it('sends again after 503 and 429, not before Retry-After, and as often as retry allows', async () => {
    const answers = [
      { status: 503, reason: 'Service Unavailable' },
      { status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '7' } },
    ];
    const clock = new HastyClock(100);
    const timesMs: number[] = [];
    const apns = await open(
      {
        reply: (_seen, count) => {
          timesMs.push(clock.now());
          return answers[count - 1] ?? 'usual';
        },
      },
      { clock },
    );
    const result = await broadcast(apns, 1);
    assert.deepEqual(countsOf(result), [1, 0, 0, 0, 0]);
    assert.equal(outcomeOf(result).attempts, 3);
    assert.ok(timesMs[2]! - timesMs[1]! >= 7_000);
    const { rejected } = await (async () => {
      timesMs.length = 0;
      answers.length = 0;
      for (let count = 0; count < 20; count++) answers.push({ status: 500, reason: 'InternalServerError' });
      return broadcast(apns, 1);
    })();
    assert.equal(rejected, 1);
    assert.equal(timesMs.length, 3);
    assert.equal((await broadcast(apns, 1, { retry: false })).rejected, 1);
    assert.equal(timesMs.length, 4);
  });

  it('does not wait for a Retry-After beyond its time', async () => {
    const headers = { 'retry-after': '31' };
    const apns = await open({ reply: () => ({ status: 429, reason: 'TooManyRequests', headers }) });
    const result = await broadcast(apns, 1);
    assert.deepEqual(countsOf(result), [0, 1, 0, 0, 0]);
    const { status, reason, retryAfterSeconds, attempts } = outcomeOf(result);
    assert.deepEqual(
      { status, reason, retryAfterSeconds, attempts },
      { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 31, attempts: 1 },
    );
  });

  it('has no more requests in flight than the gateway allows', async () => {
    const apns = await open({ settings: { maxConcurrentStreams: 5 } });
    assert.deepEqual(countsOf(await broadcast(apns, 200)), [200, 0, 0, 0, 0]);
    assert.ok(gateway.mostInFlight <= 5, `${gateway.mostInFlight} at once`);
    assert.deepEqual(new Set(gateway.broadcasts.values()), new Set([1]));
  });

  it('follows a limit that changes', async () => {
    let isLow = false;
    let mostAfter = 0;
    const inFlight = new Set<unknown>();
    const apns = await open({
      settings: { maxConcurrentStreams: 50 },
      reply: async ({ session: its, stream }, count): Promise<ServiceReply> => {
        inFlight.add(stream);
        stream.on('close', () => inFlight.delete(stream));
        if (count === 20)
          its.settings({ maxConcurrentStreams: 2 }, () =>
            setImmediate(() => {
              isLow = true;
            }),
          );
        if (isLow && count > 120) mostAfter = Math.max(mostAfter, inFlight.size);
        return 'usual';
      },
    });
    assert.deepEqual(countsOf(await broadcast(apns, 200)), [200, 0, 0, 0, 0]);
    assert.ok(mostAfter > 0 && mostAfter <= 2, `${mostAfter} at once`);
  });

  it('stops after ten refusals that would meet all channels', async () => {
    const apns = await open({
      reply: () => ({ status: 403, reason: 'InvalidProviderToken' }),
      settings: { maxConcurrentStreams: 1 },
    });
    const result = await broadcast(apns, 100);
    assert.deepEqual(countsOf(result), [0, 10, 90, 0, 0]);
    assert.equal(outcomeOf(result, 99).error!.code, 'ERR_PEAL_STOPPED');
    assert.equal(gateway.seen.length, 10);
  });

  for (const [status, reason] of [
    [400, 'IdleTimeout'],
    [403, 'UnrelatedKeyIdInToken'],
  ] as const) {
    it(`stops after ten refusals on as many connections: ${reason}`, async () => {
      const apns = await open({ reply: () => ({ status, reason }), settings: { maxConcurrentStreams: 1 } });
      const result = await broadcast(apns, 1_000, { retry: { attempts: 3 } });
      assert.equal(outcomeOf(result, 999).error!.code, 'ERR_PEAL_STOPPED');
      assert.deepEqual(countsOf(result), [0, 10, 990, 0, 0]);
      assert.deepEqual([gateway.seen.length, gateway.sessions.length], [10, 10]);
    });

    it(`stops after ten channels that were refused on three connections each: ${reason}`, async () => {
      const apns = await open({ reply: () => ({ status, reason }) });
      const result = await broadcast(apns, 1_000, { retry: { attempts: 3 } });
      assert.equal(outcomeOf(result, 999).error!.code, 'ERR_PEAL_STOPPED');
      const { rejected, unsent } = result;
      assert.ok(rejected >= 10 && rejected <= maxServiceStreams && rejected + unsent === 1_000, `${rejected}`);
      assert.ok(gateway.sessions.length <= 10, `${gateway.sessions.length} connections`);
    });
  }

  it('gives a gateway up that cannot be reached, once for all channels', async () => {
    let opened = 0;
    const nowhere: Backend = {
      open: (_options, listener) => {
        opened += 1;
        const error = new PealError('ERR_PEAL_CONNECT', 'gone', { origin: 'connect', retryable: true });
        setImmediate(() => listener.onClosed(error));
        return idleStream;
      },
    };
    await open({});
    await using its = new Session({ backend: nowhere, clock: new HastyClock(50) });
    const apns = new APNs(its.getConnection('https://gateway.example', null));
    const result = await broadcast(apns, 5_000);
    assert.deepEqual(countsOf(result), [0, 0, 5_000, 0, 0]);
    assert.equal(outcomeOf(result, 4_999).error!.message, 'gone');
    assert.equal(opened, 3);
  });

  it('waits once, and not for each 256 channels, where connections are not made in time', async () => {
    const never: Backend = { open: () => idleStream };
    await open({});
    const clock = new HastyClock(50);
    await using its = new Session({ backend: never, clock });
    const apns = new APNs(its.getConnection('https://gateway.example', null));
    const begunMs = clock.now();
    const result = await broadcast(apns, 5_000);
    assert.deepEqual(countsOf(result), [0, 0, 5_000, 0, 0]);
    const tookMs = clock.now() - begunMs;
    // The clock is fast, and a busy machine is not.
    assert.ok(tookMs < 300_000, `${tookMs} ms`);
  });

  it('stops where nothing is answered in the time of one channel', async () => {
    const apns = await open({ reply: (_seen, count) => (count === 1 ? 'usual' : 'nothing') });
    assert.equal((await broadcast(apns, 1)).accepted, 1);
    const result = await broadcast(apns, 1_000, { timeoutMs: 500 });
    const { unknown } = result;
    // What is written is on its way; the first request was another one.
    while (gateway.seen.length - 1 < unknown) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(gateway.seen.length - 1, unknown);
    assert.deepEqual(countsOf(result), [0, 0, 1_000 - unknown, unknown, 0]);
    assert.ok(unknown > 0 && unknown <= maxServiceStreams, `${unknown} requests`);
    const { code, message } = outcomeOf(result, 999).error!;
    assert.equal(code, 'ERR_PEAL_TIMEOUT');
    assert.equal(message, 'Nothing was answered for 500 ms, so that no further request was made.');
  });

  it('goes on after any number of refusals that are about channels', async () => {
    const apns = await open({}, {}, 1);
    assert.deepEqual(countsOf(await broadcast(apns, 100)), [1, 99, 0, 0, 0]);
  });

  it('leaves unsent what was not written when its signal aborts, and waits for the others', async () => {
    const controller = new AbortController();
    const apns = await open({
      settings: { maxConcurrentStreams: 4 },
      reply: async (_seen, count): Promise<ServiceReply> => {
        if (count === 4) controller.abort();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return 'usual';
      },
    });
    const result = await broadcast(apns, 50, { signal: controller.signal });
    assert.deepEqual(countsOf(result), [4, 0, 46, 0, 0]);
    assert.equal(
      outcomeOf(result, 49).error!.message,
      'The broadcast to a channel was aborted by its signal before it was sent.',
    );
    const aborted = await broadcast(apns, 3, { signal: controller.signal });
    assert.deepEqual(countsOf(aborted), [0, 0, 3, 0, 0]);
  });

  it('ends with its session: what is written is answered, nothing more is written, and connections close', async () => {
    let closing: Promise<void> | null = null;
    const apns = await open({
      settings: { maxConcurrentStreams: 4 },
      reply: async (_seen, count): Promise<ServiceReply> => {
        if (count === 4) closing = session.close();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return 'usual';
      },
    });
    const result = await broadcast(apns, 50);
    assert.deepEqual(countsOf(result), [4, 0, 46, 0, 0]);
    assert.match(outcomeOf(result, 49).error!.message, /session was shut down/);
    await closing;
    assert.equal(gateway.seen.length, 4);
    // It stays usable.
    assert.deepEqual(countsOf(await broadcast(apns, 2)), [2, 0, 0, 0, 0]);
    assert.equal(gateway.sessions.length, 2);
  });

  it('is over when a session that was closed in the same turn says that it is, with the first call and later', async () => {
    const apns = await open({});
    const channels = new Channels(apns.gateway, { bundleId: 'com.example.app', address: gateway.url });
    for (let round = 0; round < 2; round++) {
      const ended: string[] = [];
      const running = broadcast(apns, 300).then((result) => {
        ended.push('broadcast');
        return result;
      });
      const creating = channels.create().catch((error: PealError) => ended.push(error.code));
      await session.close();
      assert.deepEqual(ended.sort(), ['ERR_PEAL_ABORTED', 'broadcast']);
      await creating;
      const result = await running;
      assert.deepEqual(countsOf(result), [0, 0, 300, 0, 0]);
      assert.match(outcomeOf(result).error!.message, /session was shut down/);
      assert.equal(gateway.sessions.length, round);
      if (round === 0) assert.equal((await broadcast(apns, 1)).accepted, 1);
    }
  });

  it('has closed its connections when close resolves', async () => {
    const apns = await open({});
    await broadcast(apns, 1);
    const [its] = gateway.sessions;
    const ended = new Promise((resolve) => its!.once('close', resolve));
    await session.close();
    await ended;
  });

  it('gives a silent gateway five seconds when the session closes', async () => {
    const apns = await open({ reply: () => 'nothing' }, { clock: new HastyClock(50) });
    const running = broadcast(apns, 1);
    while (gateway.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await session.close();
    const result = await running;
    assert.deepEqual(countsOf(result), [0, 0, 0, 1, 0]);
    assert.match(outcomeOf(result).error!.message, /was closed 5000 ms after work on it ended, answers outstanding/);
  });

  it('closes the connections of a gateway of its own when nothing runs over it', async () => {
    await open({});
    const apns = new APNs(session.newConnection(gateway.url, null));
    assert.equal((await broadcast(apns, 3)).accepted, 3);
    const [its] = gateway.sessions;
    if (!its!.destroyed) await new Promise((resolve) => its!.once('close', resolve));
    assert.equal((await broadcast(apns, 3)).accepted, 3);
    assert.equal(gateway.sessions.length, 2);
  });

  it('is over soon after the end of a connection whose gateway broke the protocol', async () => {
    await open({});
    const strange = createMemoryBackend(
      (stream) => ({
        onOpen: () => stream.write(settingsFrame(), () => {}),
        onBytes: (_buffer, length) => {
          // The preface and SETTINGS come first, then the request.
          if (length > 100) stream.write(frame(DATA, 0, 0, new Uint8Array(3)), () => stream.end());
        },
        onClosed: () => {},
      }),
      { clock: systemClock },
    );
    await using its = new Session({ backend: strange });
    const apns = new APNs(its.getConnection('https://gateway.example', null));
    const startedMs = performance.now();
    const result = await broadcast(apns, 1);
    assert.deepEqual(countsOf(result), [0, 0, 0, 1, 0]);
    assert.equal(outcomeOf(result).error!.message, 'gateway.example:443 closed the connection.');
    assert.ok(performance.now() - startedMs < 10_000);
  });

  for (const isSplit of [false, true]) {
    it(`takes answers that come ${isSplit ? 'just before' : 'in the same bytes as'} a GOAWAY with an error`, async () => {
      await open({});
      const opened: number[] = [];
      const gone = createMemoryBackend(
        (stream) => {
          opened.push(0);
          const writeAll = ([bytes, ...rest]: readonly Uint8Array[]): void => {
            if (bytes !== undefined) stream.write(bytes, () => writeAll(rest));
            else if (isSplit) stream.end();
          };
          return {
            onOpen: () => stream.write(settingsFrame(), () => {}),
            onBytes: (_buffer, length) => {
              // The preface and SETTINGS come first, then the three requests.
              if (length < 300) return;
              const refusal = [
                headers(3, [[':status', '400']], false),
                data(3, '{"reason":"ChannelNotRegistered"}', true),
              ];
              const all = [accepted(1), ...refusal, goaway(5, constants.NGHTTP2_ENHANCE_YOUR_CALM)];
              writeAll(isSplit ? all : [Buffer.concat(all)]);
            },
            onClosed: () => {},
          };
        },
        { clock: systemClock },
      );
      await using its = new Session({ backend: gone });
      const result = await broadcast(new APNs(its.getConnection('https://gateway.example', null)), 3);
      assert.deepEqual(countsOf(result), [1, 1, 0, 1, 0]);
      assert.equal(outcomeOf(result, 1).reason, 'ChannelNotRegistered');
      assert.equal(outcomeOf(result, 2).error!.code, 'ERR_PEAL_GOAWAY');
      assert.equal(opened.length, 1);
    });
  }

  it('closes an idle connection when the session is asked to', async () => {
    const apns = await open({});
    await broadcast(apns, 1);
    const [its] = gateway.sessions;
    const ended = new Promise((resolve) => its!.once('close', resolve));
    await session.closeIdle(60_000);
    assert.equal(its!.destroyed, false);
    await session.closeIdle(0);
    await ended;
  });
});
