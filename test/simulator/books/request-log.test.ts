/** Whole requests for tests of programs that push: what was sent, and how much of it is kept. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import * as frames from '../../../src/codec/http2/frames.js';
import { RequestLog } from '../../../src/simulator/books/request-log.js';
import { type ReceivedRequest, startSimulator, startSimulatorThread } from '../../../src/simulator/index.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import { BinaryClient, notification } from '../../support/binary-client.js';
import { frame, literals } from '../../support/frames.js';
import { PushClient, tokenNumber } from '../../support/push-client.js';

import { repositoryRoot } from '../../support/repository.js';
import { bearer } from '../provider-token.js';
import { payload, pushFields, RawClient, tokenFor } from '../raw-client.js';

const request = (number: number, text = ''): ReceivedRequest => ({
  protocol: 'http2',
  connection: 1,
  streamId: number,
  receivedMs: 0,
  token: tokenNumber(number),
  path: '',
  headers: {},
  payload: text,
  payloadBytes: text.length,
  providerKey: null,
  answer: 'accepted',
  status: 200,
});

const streamsOf = (requests: readonly ReceivedRequest[]): number[] => requests.map(({ streamId }) => streamId);

function textOf(url: string): Promise<[status: number, body: string]> {
  return new Promise((resolve, reject) => {
    httpRequest(url, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve([response.statusCode ?? 0, body]));
    })
      .on('error', reject)
      .end();
  });
}

describe('simulator: ledger "full"', () => {
  it('keeps headers, payload, time, connection and answer of each request', () => {
    const client = new RawClient({ ledger: 'full' }).greet();
    client.clock.advance(1234);
    const fields = [...pushFields(tokenFor(1)), ['apns-priority', '5'], ['x-mine', 'a'], ['x-mine', 'b']] as const;
    client.send(
      frame(frames.HEADERS, frames.FLAG_END_HEADERS, 1, literals(fields)),
      frame(frames.DATA, 0, 1, payload.subarray(0, 3)),
      frame(frames.DATA, frames.FLAG_END_STREAM, 1, payload.subarray(3)),
    );
    client.request(3, 'feed4100');
    const [first, second] = client.gateway.ledger.received();
    assert.deepEqual(first, {
      protocol: 'http2',
      connection: 1,
      streamId: 1,
      receivedMs: client.clock.wallMs(),
      token: tokenFor(1),
      path: `/3/device/${tokenFor(1)}`,
      headers: { 'apns-topic': 'com.example.app', 'apns-priority': '5', 'x-mine': 'a, b' },
      payload: payload.toString(),
      payloadBytes: payload.length,
      providerKey: null,
      answer: 'accepted',
      status: 200,
    });
    assert.deepEqual([second?.token, second?.answer, second?.status], ['feed4100', 'Unregistered', 410]);
    assert.deepEqual(streamsOf(client.gateway.ledger.received('FEED4100')), [3]);
    assert.equal(client.gateway.ledger.summary().dropped, 0);
  });

  it('has each of many requests with equal headers by its own token and payload', () => {
    const client = new RawClient({ ledger: 'full' }).greet();
    for (let streamId = 1; streamId < 200; streamId += 2) {
      const body = Buffer.from(`{"aps":{"badge":${streamId >> 3}}}`);
      client.request(streamId, tokenFor(streamId), body);
    }
    const received = client.gateway.ledger.received();
    assert.equal(received.length, 100);
    for (const { streamId, token, path, payload: text, headers } of received) {
      assert.deepEqual([token, path], [tokenFor(streamId), `/3/device/${tokenFor(streamId)}`]);
      assert.equal(JSON.parse(text).aps.badge, streamId >> 3);
      assert.deepEqual(headers, { 'apns-topic': 'com.example.app' });
    }
    assert.equal(received[0]?.headers, received[1]?.headers, 'equal headers are one in memory');
  });

  it('names the provider key, and keeps nothing of the provider token', () => {
    const key = createThrowAwayProviderKey();
    const client = new RawClient({ ledger: 'full', auth: 'token', providerKeys: [key] }).greet();
    const authorization = bearer(key, client.clock.wallMs());
    client.push(1, authorization);
    const [received] = client.gateway.ledger.received();
    assert.equal(received?.providerKey, `${key.teamId}/${key.keyId}`);
    assert.equal(received?.headers.authorization, 'bearer …');
    assert.ok(!JSON.stringify(received).includes(authorization.slice(-40)));
  });

  it('keeps what was refused for its headers or its size, too', () => {
    const client = new RawClient({ ledger: 'full' }).greet();
    client.request(1, 'not-hex').request(3, tokenFor(3), Buffer.alloc(9000, 0x20));
    client.send(frame(frames.HEADERS, frames.FLAG_END_HEADERS | frames.FLAG_END_STREAM, 5, literals(pushFields('ab'))));
    const received = client.gateway.ledger.received();
    assert.deepEqual(
      received.map(({ token, answer, payloadBytes, payload: text }) => [token, answer, payloadBytes, text.length]),
      [
        [null, 'BadDeviceToken', payload.length, payload.length],
        [tokenFor(3), 'PayloadTooLarge', 9000, 5121],
        ['ab', 'PayloadEmpty', 0, 0],
      ],
    );
    assert.equal(received[0]?.path, '/3/device/not-hex');
  });

  it('has as many requests as the ledger counts, whatever becomes of them', () => {
    const faults = [
      { do: 'rst', share: 0.3 },
      { do: 'noAnswer', share: 0.3 },
      { do: 'refuse', share: 0.3 },
      { do: 'goaway', how: 'drain', last: 'half', when: { requests: 90 } },
    ] as const;
    const client = new RawClient({ ledger: 'full', scenario: { processingMs: 5, faults } }).greet();
    client.requests(1, 199);
    client.clock.advance(10_000);
    const { requests, refused, unprocessed } = client.gateway.ledger.summary();
    assert.ok(requests > 0 && refused > 0 && unprocessed > 0);
    const received = client.gateway.ledger.received();
    assert.equal(received.length, requests);
    for (const { token, answer } of received) assert.equal(client.gateway.ledger.answerOf(token!), answer);
  });

  it('keeps notifications of the binary protocol beside them', () => {
    const client = new BinaryClient({ ledger: 'full' });
    client.send(notification(tokenNumber(1), { identifier: 7 }));
    const [received] = client.gateway.ledger.received();
    assert.deepEqual(
      [received?.protocol, received?.streamId, received?.token, received?.answer, received?.path],
      ['binary', 7, tokenNumber(1), 'accepted', ''],
    );
    assert.deepEqual(JSON.parse(received!.payload), { aps: { alert: 'Hi' } });
    assert.deepEqual(received?.headers, { 'apns-expiration': '2000000000', 'apns-priority': '10' });
  });

  it('forgets them on reset, and has none in other modes', () => {
    const client = new RawClient({ ledger: 'full' }).greet().request(1, tokenFor(1));
    client.gateway.ledger.reset();
    assert.deepEqual(client.gateway.ledger.received(), []);
    for (const ledger of ['tokens', 'counts'] as const) {
      const other = new RawClient({ ledger }).greet().request(1, tokenFor(1));
      assert.throws(() => other.gateway.ledger.received(), { code: 'ERR_PEAL_OPTION', message: /ledger "full"/ });
    }
  });

  it('is asked for over HTTP, by token and as a whole, and on a thread of its own', async () => {
    await using simulator = await startSimulator({ ledger: 'full' });
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    await client.push(tokenNumber(1), { 'apns-expiration': '0' }, '{"aps":{"alert":"ä"}}');
    await client.push(tokenNumber(2));
    client.close();
    const [, all] = await textOf(`${simulator.controlUrl}/peal/ledger/requests`);
    assert.deepEqual(
      all
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      simulator.ledger.received(),
    );
    const [, one] = await textOf(`${simulator.controlUrl}/peal/ledger/requests?token=${tokenNumber(1)}`);
    assert.equal(JSON.parse(one).payload, '{"aps":{"alert":"ä"}}');
    assert.equal(JSON.parse(one).headers['apns-expiration'], '0');
    await using plain = await startSimulator();
    assert.equal((await textOf(`${plain.controlUrl}/peal/ledger/requests`))[0], 409);

    await using thread = await startSimulatorThread({ ledger: 'full' });
    const other = new PushClient(thread.url, { ca: thread.caCertificate ?? '' });
    await other.push(tokenNumber(3));
    other.close();
    assert.deepEqual(
      (await thread.ledger.received(tokenNumber(3))).map(({ answer }) => answer),
      ['accepted'],
    );
    assert.deepEqual(await thread.ledger.received(tokenNumber(4)), []);
  });
});

describe('simulator: onRequest', () => {
  it('is called for each request when it is booked, whatever the ledger keeps', () => {
    for (const ledger of ['tokens', 'counts', 'full'] as const) {
      const seen: ReceivedRequest[] = [];
      const client = new RawClient({ ledger, onRequest: (one) => seen.push(one) }).greet();
      client.request(1, tokenFor(1)).request(3, 'feed4100');
      assert.deepEqual(
        seen.map(({ streamId, answer, connection }) => [streamId, answer, connection]),
        [
          [1, 'accepted', 1],
          [3, 'Unregistered', 1],
        ],
      );
    }
  });

  it('may throw: that is an error of the program, and the connection goes on', () => {
    const program = `
      import { createMemoryGateway } from 'peal/simulator';
      import { RequestLog } from './dist/src/simulator/books/request-log.js';
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      const log = new RequestLog(true, () => { throw new Error('mine'); });
      log.add({ headers: {}, path: '', payload: '' });
      console.log(typeof createMemoryGateway, 'kept', log.list(null).length);
    `;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    assert.equal(stdout, 'function kept 1\nuncaught mine\n');
  });
});

describe('simulator: request log', () => {
  it('drops the oldest above its number, and says how many', () => {
    const log = new RequestLog(true, null, { maxRequests: 3000, maxBytes: Number.MAX_SAFE_INTEGER });
    for (let number = 0; number < 10_000; number++) log.add(request(number));
    const kept = streamsOf(log.list(null));
    assert.deepEqual([kept.length, kept[0], kept.at(-1), log.dropped], [3000, 7000, 9999, 7000]);
    assert.deepEqual(streamsOf(log.list(tokenNumber(9000))), [9000]);
    log.clear();
    log.add(request(1));
    assert.deepEqual([streamsOf(log.list(null)), log.dropped], [[1], 0]);
  });

  it('drops the oldest above its bytes', () => {
    const log = new RequestLog(true, null, { maxRequests: 100, maxBytes: 10_000 });
    for (let number = 0; number < 50; number++) log.add(request(number, 'x'.repeat(1600)));
    assert.deepEqual(streamsOf(log.list(null)), [45, 46, 47, 48, 49]);
    assert.equal(log.dropped, 45);
    log.add(request(50, 'x'.repeat(20_000)));
    assert.deepEqual([log.list(null).length, log.dropped], [0, 51], 'one above the limit alone is not kept either');
  });

  it('keeps nothing for a program that only listens', () => {
    let calls = 0;
    const log = new RequestLog(false, () => calls++);
    for (let number = 0; number < 10; number++) log.add(request(number));
    assert.deepEqual([calls, log.list(null).length, log.dropped], [10, 0, 0]);
  });
});

describe('peal/simulator', () => {
  it('is the simulator without the sender', () => {
    const program = `
      import { Session } from 'node:inspector';
      const inspector = new Session();
      const urls = [];
      inspector.connect();
      inspector.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url));
      inspector.post('Debugger.enable');
      const { startSimulator, createThrowAwayProviderKey } = await import('peal/simulator');
      const simulator = await startSimulator({ ledger: 'full' });
      const sender = urls.filter((url) => /src.(connection|engine|session|campaign|cli)|node_modules/.test(url));
      console.log(simulator.ledger.received().length, createThrowAwayProviderKey().keyId.length, urls.length > 10, sender);
      await simulator.close();
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    assert.equal(stdout, '0 10 true []\n', stderr);
  });
});
