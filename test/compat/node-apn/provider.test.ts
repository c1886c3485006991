/**
 * The providers of `peal/compat/node-apn` against the simulator: what is their own, apart from what the original does
 * as well.
 */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { MultiProvider, Notification, Provider, WriteError } from '../../../src/compat/node-apn/index.js';
import {
  createThrowAwayProviderKey,
  type Simulator,
  type SimulatorOptions,
  scriptedToken,
  startSimulator,
  type ThrowAwayProviderKey,
} from '../../../src/simulator/index.js';

const topic = 'com.example.app';
const token = 'ab'.repeat(32);
const tokensOf = (count: number): string[] => {
  return Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0'));
};

describe('the providers of compat/node-apn', () => {
  let providerKey: ThrowAwayProviderKey;
  let simulator: Simulator;
  let provider: Provider;

  async function start(options: SimulatorOptions = {}, own: object = {}): Promise<void> {
    // Another one for each test, because a process has one provider token of a key.
    providerKey = createThrowAwayProviderKey();
    simulator = await startSimulator({ controlPort: null, auth: 'token', providerKeys: [providerKey], ...options });
    provider = new Provider(optionsOf(own));
  }

  function optionsOf(own: object): object {
    const { keyId, teamId, p8: key } = providerKey;
    const { channelsUrl, url, caCertificate } = simulator;
    return {
      ...{ token: { key, keyId, teamId }, address: 'localhost', port: Number(new URL(url).port) },
      ...{ manageChannelsAddress: 'localhost', manageChannelsPort: Number(new URL(channelsUrl ?? url).port) },
      ...{ ca: [caCertificate!], ...own },
    };
  }

  const noteOf = (fields: object = {}): Notification => new Notification({ alert: 'x', topic, ...fields });
  const outcomeOf = (error: Error | undefined): unknown => {
    assert.ok(error instanceof WriteError, inspect(error));
    return error.outcome;
  };

  afterEach(async () => {
    await provider.shutdown();
    await simulator.close();
  });

  it('send to one recipient, to many in their order, and to none', async () => {
    await start();
    const { sent, failed } = await provider.send(noteOf(), token);
    assert.deepEqual([sent.map(({ device }) => device), failed], [[token], []]);
    assert.match(sent[0]!['apns-id']!, /^[0-9a-f-]{36}$/i);
    const gone = [scriptedToken('Unregistered', 1), scriptedToken('Unregistered', 2)];
    const good = tokensOf(50);
    const mixed = await provider.send(noteOf(), [gone[0]!, ...good, gone[1]!]);
    assert.deepEqual(
      [mixed.sent, mixed.failed].map((list) => list.map(({ device }) => device)),
      [good, gone],
    );
    assert.deepEqual(await provider.send(noteOf(), []), { sent: [], failed: [] });
    assert.equal(simulator.ledger.summary().accepted, 51);
  });

  it('tell since when a token is gone, in milliseconds', async () => {
    await start();
    const { failed } = await provider.send(noteOf(), scriptedToken('Unregistered'));
    const { status, response, error } = failed[0]!;
    assert.deepEqual([status, response?.reason, error], [410, 'Unregistered', undefined]);
    assert.equal(typeof response!.timestamp, 'number');
    assert.ok(Number(response!.timestamp) > Date.UTC(2001, 0), String(response!.timestamp));
  });

  it('send nothing to what is no device token, and fail it alone', async () => {
    await start();
    const wrong = ['', 'xyz', 'ab/../../x', 'abc', `${token}\r\nx: y`];
    const { sent, failed } = await provider.send(noteOf(), [wrong[0]!, token, ...wrong.slice(1)]);
    assert.deepEqual([sent.map(({ device }) => device), failed.map(({ device }) => device)], [[token], wrong]);
    assert.deepEqual(
      failed.map(({ status, response }) => [status, response?.reason]),
      [[400, 'MissingDeviceToken'], ...wrong.slice(1).map(() => [400, 'BadDeviceToken'])],
    );
    assert.equal(simulator.ledger.summary().requests, 1);
  });

  it('let no field of a notification bring in header fields', async () => {
    await start();
    for (const fields of [
      { topic: `${topic}\r\napns-priority: 1` },
      { collapseId: 'a\nb' },
      { requestId: 'a\r\nb: c' },
    ]) {
      const { sent, failed } = await provider.send(noteOf(fields), token);
      assert.deepEqual([sent, failed.length], [[], 1]);
      assert.equal(outcomeOf(failed[0]!.error), 'invalid');
    }
    assert.equal(simulator.ledger.summary().requests, 0);
  });

  it('fail what is too large as APNs does', async () => {
    await start();
    const { failed } = await provider.send(noteOf({ payload: { text: 'x'.repeat(8_000) } }), [token, token]);
    const entry = { device: token, status: 413, response: { reason: 'PayloadTooLarge' } };
    assert.deepEqual(
      failed.map(({ device, status, response }) => ({ device, status, response })),
      [entry, entry],
    );
  });

  it('wait as long as Retry-After says, and send again', async () => {
    const answer = { do: 'answer', reason: 'ServiceUnavailable', retryAfterS: 1, forRequests: 1 } as const;
    await start({ scenario: { faults: [{ when: { requests: 1 }, ...answer }] } });
    const began = performance.now();
    const { sent } = await provider.send(noteOf(), token);
    assert.equal(sent.length, 1);
    assert.ok(performance.now() - began >= 990);
    assert.equal(simulator.ledger.summary().reasons.ServiceUnavailable, 1);
  });

  it('say of what has no answer whether it may have arrived', async () => {
    await start({}, { requestTimeout: 50, connectionRetryLimit: 0 });
    const silent = await provider.send(noteOf(), scriptedToken('no answer, ever'));
    assert.deepEqual(
      silent.failed.map(({ error }) => [error?.message, outcomeOf(error)]),
      [['apn write timeout', 'unknown']],
    );
    await simulator.close();
    const shut = new Provider(optionsOf({}));
    const { failed } = await shut.send(noteOf(), token);
    assert.equal(outcomeOf(failed[0]!.error), 'unsent');
    await shut.shutdown();
  });

  it('take numbers of their options as text, as they stand in an environment', async () => {
    await start({}, { requestTimeout: '300', connectionRetryLimit: '1' });
    const { failed } = await provider.send(noteOf(), scriptedToken('ServiceUnavailable'));
    assert.equal(failed[0]?.status, 503);
    assert.equal(simulator.ledger.summary().requests, 2);
    const startMs = performance.now();
    const silent = await provider.send(noteOf(), scriptedToken('no answer, ever'));
    const tookMs = performance.now() - startMs;
    assert.equal(outcomeOf(silent.failed[0]?.error), 'unknown');
    assert.ok(tookMs >= 290, `${tookMs} ms`);
    await simulator.close();
  });

  it('count requestTimeout from when a request is written', async () => {
    await start({ maxStreams: 1, roundTripMs: 40 }, { requestTimeout: 600 });
    const { sent, failed } = await provider.send(noteOf(), tokensOf(40));
    assert.deepEqual([sent.length, failed], [40, []]);
  });

  it('count requestTimeout anew of a request that the gateway refused', async () => {
    const scenario = { faults: [{ when: { requests: 20 }, do: 'refuse' as const, forMs: 2500 }] };
    await start({ roundTripMs: 10, scenario }, { requestTimeout: 1000 });
    await provider.send(noteOf(), token);
    const { sent, failed } = await provider.send(noteOf(), tokensOf(400));
    assert.deepEqual([sent.length, failed], [400, []]);
    assert.ok(simulator.ledger.summary().refused > 0);
  });

  it('wait in shutdown for what is under way, call back, and take nothing more', async () => {
    await start({ roundTripMs: 50 });
    const sending = provider.send(noteOf(), tokensOf(20));
    await Promise.resolve();
    let isEnded = false;
    void provider.shutdown();
    // The second call, too.
    const called = new Promise<void>((resolve) => void provider.shutdown(resolve));
    void sending.then(() => {
      isEnded = true;
    });
    await called;
    assert.ok(isEnded, 'it called back before the outcomes');
    assert.equal((await sending).sent.length, 20);
    const { failed } = await provider.send(noteOf(), token);
    assert.deepEqual([failed[0]!.error?.message, outcomeOf(failed[0]!.error)], ['client is destroyed', 'unsent']);
  });

  it('take turns over as many connections as clientCount says', async () => {
    await start();
    const multi = MultiProvider(optionsOf({ clientCount: 3 }));
    const { sent } = await multi.send(noteOf(), tokensOf(30));
    await multi.shutdown();
    assert.deepEqual(
      sent.map(({ device }) => device),
      tokensOf(30),
    );
    assert.equal(simulator.ledger.summary().connections, 3);
  });

  it('accept 20,000 tokens in one call', async () => {
    await start({ ledger: 'counts' });
    const devices = tokensOf(20_000);
    const before = process.memoryUsage().rss;
    const { sent, failed } = await provider.send(noteOf(), devices);
    const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
    assert.deepEqual([sent.length, failed], [20_000, []]);
    assert.deepEqual(
      sent.map(({ device }) => device),
      devices,
    );
    assert.ok(grownMiB < 200, `${grownMiB} MiB more`);
  });

  it('show secrets neither to console.log nor to JSON.stringify, nor whole tokens in messages', async () => {
    await start();
    const device = scriptedToken('no answer, ever');
    const timed = new Provider(optionsOf({ requestTimeout: 50, connectionRetryLimit: 0, passphrase: 'open-sesame' }));
    const multi = new MultiProvider(optionsOf({ passphrase: 'open-sesame' }));
    const { failed } = await timed.send(noteOf(), device);
    const shown = [timed, timed.client, multi, multi.client, failed[0]!.error].map(
      (one) => inspect(one, { depth: 20, showHidden: true }) + JSON.stringify(one),
    );
    await Promise.all([timed.shutdown(), multi.shutdown()]);
    for (const text of shown) {
      assert.ok(!text.includes(providerKey.p8.split('\n')[1]!), text);
      assert.ok(!text.includes('open-sesame'), text);
    }
    assert.ok(!String(failed[0]!.error?.stack).includes(device));
    assert.ok(!shown.at(-1)!.includes(device));
  });

  it('log to the functions of setLogger that are enabled', async () => {
    await start();
    const lines: string[] = [];
    const logger = Object.assign((line: string) => lines.push(line), { enabled: false });
    provider.client.setLogger(logger as never);
    await provider.send(noteOf(), token);
    assert.deepEqual(lines, []);
    logger.enabled = true;
    await provider.shutdown();
    assert.throws(
      () => provider.client.setLogger('x' as never),
      /^Error: Expected newLogger to be a function, got string$/,
    );
  });

  it('fail what no request can carry, of broadcasts and channels as of sends', async () => {
    await start({ channelsPort: 0 });
    const channelId = 'dGVzdA==';
    const withField = (name: string): Notification => {
      const note = noteOf({ channelId });
      const headers = note.headers();
      note.headers = () => ({ ...headers, [name]: '1' });
      return note;
    };
    const wrong = [
      ...['connection', 'te', ':path', 'content-length', 'no name'].map(withField),
      ...[noteOf({ channelId: 'a\r\nb' }), noteOf({ channelId: 'a\0' }), noteOf({ channelId, rawPayload: () => 1 })],
    ];
    for (const note of wrong) {
      const results = [
        await provider.send(note, token),
        await provider.broadcast(note, topic),
        await provider.manageChannels(note, topic, 'read'),
      ];
      for (const { sent, failed } of results) {
        assert.deepEqual([sent, failed.map(({ error }) => outcomeOf(error))], [[], ['invalid']]);
      }
    }
    assert.equal(simulator.ledger.summary().requests, 0);
  });

  it('send fields that a program adds in lower case, and no provider token but their own', async () => {
    await start();
    const note = noteOf();
    const headers = note.headers();
    note.headers = () => ({ ...headers, 'X-Trace': '1', Authorization: 'bearer x' });
    const { sent, failed } = await provider.send(note, token);
    assert.deepEqual([sent.length, failed], [1, []]);
  });

  it('manage channels, and broadcast to them', async () => {
    await start({ channelsPort: 0 });
    const channel = new Notification({ payload: { 'message-storage-policy': 1 } });
    const created = await provider.manageChannels(channel, topic, 'create');
    assert.deepEqual(created.failed, []);
    const channelId = created.sent[0]!['apns-channel-id']!;
    assert.ok(channelId.length > 0);
    const read = await provider.manageChannels(new Notification({ channelId }), topic, 'read');
    assert.deepEqual([read.failed, read.sent[0]!['message-storage-policy']], [[], 1]);
    const listed = await provider.manageChannels(new Notification(), topic, 'readAll');
    assert.deepEqual(listed.sent[0]!.channels, [channelId]);
    const fields = { channelId, pushType: 'liveactivity', expiry: 0, timestamp: 1, event: 'update', contentState: {} };
    const { sent, failed } = await provider.broadcast(new Notification(fields), topic);
    assert.deepEqual([failed, sent.map(({ bundleId }) => bundleId)], [[], [topic]]);
    const removed = await provider.manageChannels(new Notification({ channelId }), topic, 'delete');
    assert.deepEqual(removed.failed, []);
    const again = await provider.manageChannels(new Notification({ channelId }), topic, 'read');
    assert.deepEqual([again.sent, again.failed.length], [[], 1]);
    await assert.rejects(provider.manageChannels(new Notification(), topic, 'drop' as never), ({ error }) => {
      return outcomeOf(error) === 'invalid';
    });
  });
});
