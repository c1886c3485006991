/** What a service refuses before or while it reads a request: who asks, how, how much, and how slowly. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PealError } from '../../src/base/errors.js';
import { BearerTokens } from '../../src/service/http/bearer-tokens.js';
import { randomTokens } from '../cli/fixture.js';
import { assertProblem, bearer, ServiceWorld, someBearers, until } from './service-world.js';

const patience = { headerMs: 300, bodyMs: 300, answerMs: 300, sweepMs: 50 };
const push = (): { token: string; alert: string } => ({ token: randomTokens(1)[0]!, alert: 'Hi' });
const head = 'POST /v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

describe('a service without bearer tokens', () => {
  it('listens on this machine alone, and says why', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.evil.com']) {
      await assert.rejects(ServiceWorld.open({ host }), (error: PealError) => {
        assert.equal(error.code, 'ERR_PEAL_OPTION');
        assert.match(error.message, /can be reached from other machines, and without bearer tokens anybody/);
        return true;
      });
    }
  });

  it('answers neither to browsers nor to names that lead here', async () => {
    await using world = await ServiceWorld.open();
    assertProblem(
      await world.post('/v1/push', push(), { Origin: 'https://evil.example' }),
      403,
      'forbidden',
      /browsers/,
    );
    const rebound = await world.raw(
      `${head.replace('127.0.0.1', 'evil.example')}Connection: close\r\nContent-Length: 2\r\n\r\n{}`,
    );
    assert.match(rebound, /^HTTP\/1\.1 403 .*localhost, 127\.0\.0\.1 and \[::1\] only/s);
    assert.equal((await world.post('/v1/push', push())).status, 200);
    assert.equal(world.simulator.ledger.summary().requests, 1);
  });
});

describe('bearer tokens', () => {
  it('open the service to those who have one', async () => {
    await using world = await ServiceWorld.open({ bearers: someBearers(), host: '127.0.0.1' });
    assert.equal((await world.post('/v1/push', push(), { Authorization: `Bearer ${bearer}` })).status, 200);
    assert.equal((await world.post('/v1/push', push(), { Authorization: `bearer ${bearer}` })).status, 200);
    const none = await world.post('/v1/push', push());
    assertProblem(none, 401, 'unauthorized', /Authorization: Bearer TOKEN/);
    assert.equal(none.headers.get('www-authenticate'), 'Bearer');
    for (const wrong of [
      `Bearer ${bearer}x`,
      `Bearer ${bearer.slice(1)}`,
      `Basic ${bearer}`,
      'Bearer ',
      'Bearer x y',
    ]) {
      const seen = await world.post('/v1/push', push(), { Authorization: wrong });
      assertProblem(seen, 401, 'unauthorized', /not one of this service/);
      assert.match(seen.headers.get('www-authenticate')!, /invalid_token/);
    }
    for (const open of ['/healthz', '/readyz', '/openapi.json']) assert.equal((await world.get(open)).status, 200);
    for (const closed of ['/metrics', '/v1/campaigns', '/v1/push/x', '/nothing']) {
      assert.equal((await world.get(closed)).status, 401, closed);
    }
    assert.equal(world.simulator.ledger.summary().requests, 2);
  });

  it('are refused where they can be guessed or cannot be sent', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /holds no token/],
      ['# nothing\n\n', /holds no token/],
      ['short', /the token must have 16 to 4096 characters/],
      [`${bearer}\nshort\n`, /the token on line 2 must have/],
      [`${bearer}\nhas a blank in the middle`, /the token on line 2 has a character/],
    ];
    for (const [text, message] of wrong) assert.throws(() => BearerTokens.of(text, '--bearer-file'), { message });
    assert.equal(BearerTokens.of(`# one\r\n${bearer}\r\n\n${bearer}2\n`, 'x').count, 2);
  });

  it('have a rate of their own', async () => {
    const bearers = BearerTokens.of(`${bearer}\n${bearer}2`, 'the test');
    await using world = await ServiceWorld.open({ bearers, bearerRate: 3 });
    const ask = (name: string): Promise<number> =>
      world.post('/v1/push', push(), { Authorization: `Bearer ${name}` }).then(({ status }) => status);
    const fromMs = performance.now();
    const first = await Promise.all(Array.from({ length: 50 }, () => ask(bearer)));
    const seconds = (performance.now() - fromMs) / 1000;
    const refused = first.filter((status) => status === 429).length;
    assert.equal(first.filter((status) => status === 200).length, 50 - refused, String(first));
    assert.ok(refused > 0 && 50 - refused <= 4 + 3 * seconds, `${seconds} s: ${first}`);
    assert.equal(await ask(`${bearer}2`), 200);
  });
});

describe('a request that a service cannot take', () => {
  let world: ServiceWorld;

  before(async () => {
    world = await ServiceWorld.open({ maxBodyBytes: 10_000, patience });
  });
  after(() => world[Symbol.asyncDispose]());

  it('has a path or a method that is not there', async () => {
    assertProblem(await world.get('/v2/push'), 404, 'not_found', /openapi\.json/);
    const seen = await world.ask('PUT', '/v1/push', '{}');
    assertProblem(seen, 405, 'method_not_allowed', /takes POST/);
    assert.equal(seen.headers.get('allow'), 'POST');
    assert.equal((await world.ask('PATCH', '/v1/campaigns', '{}')).headers.get('allow'), 'POST, GET, HEAD');
    assert.equal((await world.ask('HEAD', '/healthz', undefined)).status, 200);
  });

  it('has another type or encoding', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'];
    for (const type of types) {
      assert.equal((await world.post('/v1/push', push(), { 'Content-Type': type })).status, 415, type);
    }
    const typed = await world.post('/v1/push', push(), { 'Content-Type': 'application/json; charset=UTF-8' });
    assert.equal(typed.status, 200);
    const seen = await world.post('/v1/push', push(), { 'Content-Encoding': 'br' });
    assertProblem(seen, 415, 'unsupported_encoding', /packed by gzip/);
  });

  it('has a body that is too large, declared or not', async () => {
    const large = { ...push(), extra: { text: 'x'.repeat(20_000) } };
    assertProblem(await world.post('/v1/push', large), 413, 'body_too_large', /larger than 10000 bytes/);
    const text = `${head}Transfer-Encoding: chunked\r\n\r\n${`2710\r\n${' '.repeat(10_000)}\r\n`.repeat(20)}`;
    assert.match(await world.raw(text), /^HTTP\/1\.1 413 /);
    assert.equal(world.service.stats().bodyBytes, 0);
  });

  it('is unpacked up to the same bound', async () => {
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
    const packed = gzipSync(JSON.stringify(push()));
    assert.equal((await world.ask('POST', '/v1/push', packed, headers)).status, 200);
    const bomb = gzipSync(Buffer.alloc(5_000_000, ' '));
    assert.ok(bomb.length < 10_000);
    assertProblem(await world.ask('POST', '/v1/push', bomb, headers), 413, 'body_too_large', /10000/);
    assertProblem(await world.ask('POST', '/v1/push', Buffer.from('{}'), headers), 400, 'bad_encoding', /not gzip/);
  });

  it('comes too slowly: header, body, or nothing at all', async () => {
    assert.match(await world.raw('POST /v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\n'), /^HTTP\/1\.1 408 .*"too_slow"/s);
    assert.match(await world.raw(`${head}Content-Length: 50\r\n\r\n{"token":`), /^HTTP\/1\.1 408 .*"too_slow"/s);
    assert.match(await world.raw(''), /^HTTP\/1\.1 408 /);
    const { bodyBytes, requestsInFlight } = world.service.stats();
    assert.deepEqual([bodyBytes, requestsInFlight], [0, 0]);
  });

  it('is no HTTP, or has a header that is too large', async () => {
    assert.match(await world.raw('\u0016\u0003\u0001 hello\r\n\r\n'), /^HTTP\/1\.1 400 .*"bad_request"/s);
    const large = await world.raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`);
    assert.match(large, /^HTTP\/1\.1 431 .*"header_too_large"/s);
  });

  it('asks first whether it may send its body', async () => {
    const asked = `${head}Connection: close\r\nExpect: 100-continue\r\nContent-Length:`;
    assert.match(await world.raw(`${asked} 20000\r\n\r\n`), /^HTTP\/1\.1 413 /);
    const body = JSON.stringify(push());
    const got = await world.raw(`${asked} ${body.length}\r\n\r\n${body}`);
    assert.match(got, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK.*"accepted"/s);
  });
});

describe('a client', () => {
  it('that does not read what it asked for loses its connection', async () => {
    // It reads all that it asks for later, which may take a while on a busy machine.
    await using world = await ServiceWorld.withFolders({ patience: { ...patience, answerMs: 2_000 } });
    await world.post('/v1/campaigns', { id: 'c', message: { alert: 'Hi' }, recipients: { tokens: randomTokens(1) } });
    await until(
      () => world.get('/v1/campaigns/c'),
      ({ json }) => json.state === 'finished',
    );
    const size = 64 << 20;
    await writeFile(path.join(world.options.campaignsFolder!, 'c', 'invalid.csv'), Buffer.alloc(size, 'x\n'));
    const socket = world.socket();
    socket.write('GET /v1/campaigns/c/files/invalid.csv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    socket.pause();
    // The service has given it up once nobody is asking any more.
    await until(
      async () => world.service.stats(),
      ({ requestsInFlight }) => requestsInFlight === 1,
    );
    await until(
      async () => world.service.stats(),
      ({ requestsInFlight }) => requestsInFlight === 0,
    );
    let bytes = 0;
    socket.on('data', (piece) => {
      bytes += piece.length;
    });
    const ended = new Promise((resolve) => socket.once('close', resolve).once('error', resolve));
    socket.resume();
    await ended;
    assert.ok(bytes < size, `${bytes} bytes came`);
    const whole = await world.get('/v1/campaigns/c/files/invalid.csv');
    assert.equal((whole.json as string).length, size);
  });

  it('that sends many requests without waiting is answered some of them', async () => {
    await using world = await ServiceWorld.open({}, { roundTripMs: 1_000 });
    const body = JSON.stringify(push());
    const one = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    const got = await world.raw(one.repeat(100));
    assert.equal(got.match(/HTTP\/1\.1 200/g)?.length, 16);
    assert.match(got, /HTTP\/1\.1 429 .*Connection: close/s);
  });

  it('that is one too many gets no connection', async () => {
    await using world = await ServiceWorld.open({ maxClients: 2 });
    const { hostname, port } = new URL(world.url);
    const sockets = Array.from({ length: 5 }, () => connect({ host: hostname, port: Number(port) }));
    const closed = await Promise.all(
      sockets.slice(2).map((socket) => new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))),
    );
    assert.equal(closed.length, 3);
    for (const socket of sockets) socket.destroy();
  });
});
