/**
 * examples/fastify against the simulator: which status each outcome becomes, what a full service says, that no log has
 * a device token, and that a service which is killed under load loses no push.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createService, type ServiceOptions } from '../../examples/fastify/service.js';
import { type Simulator, type SimulatorOptions, scriptedToken, startSimulator } from '../../src/index.js';
import { randomTokens } from '../cli/fixture.js';
import { cases } from '../support/cases.js';

const main = fileURLToPath(new URL('../../examples/fastify/main.js', import.meta.url));
const topic = 'com.example.app';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('examples/fastify', () => {
  const open: { close(): PromiseLike<unknown> | undefined }[] = [];
  let log = '';

  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
    log = '';
  });

  async function gateway(options: SimulatorOptions = {}): Promise<Simulator> {
    const simulator = await startSimulator({ controlPort: null, ...options });
    open.push(simulator);
    return simulator;
  }

  function serviceOf(simulator: Simulator, options: Partial<ServiceOptions> = {}) {
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        log += String(chunk);
        done();
      },
    });
    const service = createService({
      gateway: simulator.url,
      credential: null,
      topic,
      ca: simulator.caCertificate!,
      logger: { level: 'trace', stream },
      ...options,
    });
    open.push(service);
    const push = async (payload: object | string): Promise<Answer> => {
      const headers = { 'content-type': 'application/json' };
      const answer = await service.inject({ method: 'POST', url: '/push', payload, headers });
      return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
    };
    return { service, push };
  }

  it('answers with the status of each outcome, and the simulator has the same in its books', async () => {
    const simulator = await gateway({ topics: [topic] });
    // Less than the two seconds before a retry, so that temporary faults are told at once; long enough for an answer.
    const { push } = serviceOf(simulator, { pushTimeoutMs: 1_900 });
    const [first, good] = randomTokens(2) as [string, string];
    // The connection is open, so that no time goes to that.
    while ((await push({ token: first, body: 'Hello' })).status !== 200);
    const before = simulator.ledger.summary().requests;
    const expected: readonly (readonly [token: string, status: number, reason: string, booked: string | null])[] = [
      [good, 200, 'accepted', 'accepted'],
      [scriptedToken('Unregistered'), 410, 'Unregistered', 'Unregistered'],
      [scriptedToken('BadDeviceToken'), 422, 'BadDeviceToken', 'BadDeviceToken'],
      [scriptedToken('TooManyRequests'), 429, 'TooManyRequests', 'TooManyRequests'],
      [scriptedToken('TopicDisallowed'), 502, 'TopicDisallowed', 'TopicDisallowed'],
      [scriptedToken('InvalidProviderToken'), 502, 'InvalidProviderToken', 'InvalidProviderToken'],
      [scriptedToken('RST_STREAM INTERNAL_ERROR'), 504, 'ERR_PEAL_RESET', 'RST_STREAM INTERNAL_ERROR'],
    ];
    for (const [token, status, reason, booked] of expected) {
      const { status: answered, headers, body } = await push({ token, body: 'Hello' });
      assert.equal(answered, status, reason);
      assert.match(String(headers['apns-id']), /^[0-9a-f-]{36}$/, reason);
      assert.equal(body.reason ?? body.error ?? body.outcome, reason);
      assert.equal(headers['retry-after'], status === 429 ? '2' : undefined, reason);
      if (booked?.startsWith('RST') !== true) assert.equal(simulator.ledger.answerOf(token), booked);
      assert.equal(simulator.ledger.recordOf(token)?.requests, 1, reason);
    }
    const { body } = await push({ token: scriptedToken('Unregistered', 1), body: 'Hello' });
    assert.ok(Date.parse(String(body.goneSince)) < Date.now());
    assert.equal(simulator.ledger.summary().requests, before + expected.length + 1);
    assert.match(log, /"level":50[^\n]*the credential or the topic was refused/);
  });

  it('sends again what meets a fault that passes, and says 503 where it stays', async () => {
    const answerOnce = { do: 'answer', reason: 'ServiceUnavailable', forRequests: 1, when: { requests: 1 } } as const;
    const recovering = await gateway({ scenario: { faults: [answerOnce] } });
    const [first, second] = randomTokens(2) as [string, string];
    assert.equal((await serviceOf(recovering).push({ token: first, body: 'Hello' })).status, 200);
    assert.equal(recovering.ledger.recordOf(first)!.requests, 2);

    const staying = await gateway();
    const down = scriptedToken('ServiceUnavailable');
    const stays = await serviceOf(staying).push({ token: down, body: 'Hello' });
    assert.deepEqual([stays.status, stays.headers['retry-after']], [503, '2']);
    assert.equal(staying.ledger.recordOf(down)!.requests, 3);

    const gone = await gateway();
    const lost = serviceOf(gone, { pushTimeoutMs: 500 });
    await gone.close();
    const unsent = await lost.push({ token: second, body: 'Hello' });
    assert.deepEqual([unsent.status, unsent.body.outcome, unsent.headers['retry-after']], [503, 'unsent', '2']);
  });

  it('gives the device what the request says, under the id of the caller', async () => {
    const simulator = await gateway({ ledger: 'full' });
    const { push } = serviceOf(simulator);
    const [token] = randomTokens(1) as [string];
    const id = '6f1d3c8e-0a4b-4c0d-9e2f-0123456789ab';
    const words = { title: 'Order 7', body: 'On its way', badge: 2, collapseId: 'order-7', ttlSeconds: 0 };
    const { body } = await push({ token, ...words, id, data: { order: 7 } });
    assert.deepEqual(body, { outcome: 'accepted', apnsId: id });
    const [received] = simulator.ledger.received(token);
    assert.deepEqual(JSON.parse(received!.payload), {
      aps: { alert: { title: 'Order 7', body: 'On its way' }, badge: 2 },
      order: 7,
    });
    assert.equal(received!.headers['apns-collapse-id'], 'order-7');
    assert.equal(received!.headers['apns-id'], id);
  });

  it('refuses what is not a push before anything is sent, and no log or answer has the token', async () => {
    const simulator = await gateway();
    const { push, service } = serviceOf(simulator);
    const [token] = randomTokens(1) as [string];
    const refused: readonly (object | string)[] = [
      { token },
      { body: 'Hello' },
      { token: `${token}0`, body: 'Hello' },
      { token, body: 'Hello', bagde: 1 },
      { token, body: 'Hello', badge: '1' },
      { token, body: 'Hello', data: { aps: {} } },
      { token, body: 'Hello', data: { much: 'x'.repeat(4_096) } },
      `${token}{"token"`,
      `{"token":"${token}"`,
      `"${token}"`,
    ];
    for (const payload of refused) {
      const { status, body } = await push(payload);
      assert.equal(status, 400, JSON.stringify(payload));
      assert.ok(!JSON.stringify(body).includes(token), JSON.stringify(body));
    }
    assert.equal((await push({ token, body: 'x'.repeat(20_000) })).status, 413);
    assert.equal(simulator.ledger.summary().requests, 0);
    for (const sent of [token, scriptedToken('Unregistered'), scriptedToken('InvalidProviderToken')])
      await push({ token: sent, body: 'Hello' });
    await service.close();
    assert.match(log, /a push was not accepted/);
    for (const sent of [token, scriptedToken('Unregistered'), scriptedToken('InvalidProviderToken')])
      assert.ok(!log.includes(sent));
  });

  it('refuses with Retry-After what is too much, sends nothing of it, and is well again', async () => {
    const simulator = await gateway({ roundTripMs: 100 });
    const { push, service } = serviceOf(simulator, { maxUnderWay: 5 });
    const tokens = randomTokens(20);
    const answers = await Promise.all(tokens.map((token) => push({ token, body: 'Hello' })));
    assert.equal(answers.filter(({ status }) => status === 200).length, 5);
    for (const [index, { status, headers }] of answers.entries()) {
      assert.equal(headers['retry-after'], status === 503 ? '1' : undefined);
      assert.equal(simulator.ledger.answerOf(tokens[index]!), status === 503 ? null : 'accepted');
    }
    assert.deepEqual((await service.inject('/healthz')).json(), { status: 'ok', underWay: 0 });
    assert.equal((await push({ token: tokens[0]!, body: 'Hello' })).status, 200);
  });

  it('sends what it has taken, though the client has left and the service ends', async () => {
    // The first answer is 503, so that the push waits for its next request when the service is closed.
    const answerOnce = { do: 'answer', reason: 'ServiceUnavailable', forRequests: 1, when: { requests: 1 } } as const;
    const simulator = await gateway({ scenario: { faults: [answerOnce] } });
    const { service } = serviceOf(simulator);
    await service.listen({ port: 0 });
    const { port } = service.server.address() as AddressInfo;
    const [token] = randomTokens(1) as [string];
    const leaving = new AbortController();
    const asked = fetch(`http://127.0.0.1:${port}/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, body: 'Hello' }),
      signal: leaving.signal,
    });
    const left = assert.rejects(asked);
    while (simulator.ledger.summary().requests === 0) await setImmediate();
    leaving.abort();
    await left;
    await service.close();
    assert.equal(simulator.ledger.answerOf(token), 'accepted');
    assert.equal(simulator.ledger.recordOf(token)!.requests, 2);
  });

  const kills = cases(20, 4);
  it(`loses no push when it is told to end under load, ${kills} times`, async function () {
    if (process.platform === 'win32') this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-fastify-'));
    try {
      for (let kill = 0; kill < kills; kill++) await killUnderLoad(folder, 5 + Math.floor((kill * 400) / kills));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  /** One service with 40 busy clients, which is told to end after `answers` answers. Compares what both sides have. */
  async function killUnderLoad(folder: string, answers: number): Promise<void> {
    const simulator = await gateway({ scenario: { processingMs: 20, faults: [] } });
    writeFileSync(path.join(folder, 'ca.pem'), simulator.caCertificate!);
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        PEAL_GATEWAY: simulator.url,
        PEAL_CA: path.join(folder, 'ca.pem'),
        PEAL_TOPIC: topic,
        PORT: '0',
        MAX_UNDER_WAY: '30',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { port, lines } = await listening(child);
    const agent = new Agent({ keepAlive: true, maxSockets: 40 });
    const fates = new Map<string, number | string>();
    let afterKill = 0;
    const client = async (): Promise<void> => {
      for (let number = 0; ; number++) {
        const token = number % 10 === 9 ? goneToken() : randomTokens(1)[0]!;
        const fate = await post(agent, port, token);
        fates.set(token, fate);
        if (child.killed && typeof fate === 'number' && fate !== 503) afterKill += 1;
        if (fates.size >= answers && !child.killed) child.kill('SIGTERM');
        if (fate === 'ECONNREFUSED') return;
      }
    };
    const ended = once(child, 'close');
    await Promise.all(Array.from({ length: 40 }, client));
    assert.deepEqual(await ended, [0, null]);
    agent.destroy();

    const { duplicates, distinctTokens } = simulator.ledger.summary();
    assert.equal(duplicates, 0);
    let known = 0;
    for (const [token, fate] of fates) {
      const answer = simulator.ledger.answerOf(token);
      // 503, or a connection that was closed or refused: the push was not taken, and the caller may send it again.
      const expected = fate === 200 ? 'accepted' : fate === 410 ? 'Unregistered' : null;
      assert.equal(answer, expected, `${fate}`);
      if (answer !== null) known += 1;
    }
    assert.equal(known, distinctTokens, 'each push that the simulator has was answered to its caller');
    assert.ok(afterKill > 0, 'pushes were under way at the signal');
    for (const token of fates.keys()) assert.ok(!lines.some((line) => line.includes(token)));
  }
});

/** Another one each time. */
const goneToken = (): string => `${scriptedToken('Unregistered').slice(0, 8)}${randomBytes(28).toString('hex')}`;

/** Where the service listens, by its log, and the lines of its log. */
async function listening(child: ChildProcess): Promise<{ port: number; lines: readonly string[] }> {
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line));
  const port = (): string | undefined => lines.map((line) => /127\.0\.0\.1:(\d+)/.exec(line)?.[1]).find(Boolean);
  while (port() === undefined) await once(reader, 'line');
  return { port: Number(port()), lines };
}

/** The status of a push, or the code of the error of its connection. */
function post(agent: Agent, port: number, token: string): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' };
    const asked = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/push', headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode!));
      answer.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    });
    asked.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    asked.end(JSON.stringify({ token, body: 'Hello' }));
  });
}
