/** The ledger over HTTP, and a simulator on a thread of its own. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { SimulatorLedger, TokenRecord } from '../../../src/simulator/books/ledger.js';
import { type Simulator, scriptedToken, startSimulator, startSimulatorThread } from '../../../src/simulator/index.js';
import { ControlServer } from '../../../src/simulator/listen/control-server.js';
import { PushClient, tokenNumber } from '../../support/push-client.js';

interface Reply {
  readonly status: number;
  readonly body: string;
}

async function ask(url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Reply> {
  const asked = request(url, { method, headers }).end();
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}

/** A ledger that has seen so many tokens, without the traffic. */
function ledgerOf(tokens: number): SimulatorLedger {
  function* records(): Generator<TokenRecord> {
    for (let number = 0; number < tokens; number++) {
      yield { token: tokenNumber(number), requests: 1, answer: 'accepted', status: 200 };
    }
  }
  return { mode: 'tokens', records } as unknown as SimulatorLedger;
}

describe('simulator: control server', () => {
  let simulator: Simulator;
  let url: string;

  beforeEach(async () => {
    simulator = await startSimulator();
    url = simulator.controlUrl ?? '';
  });

  afterEach(() => simulator.close());

  async function pushTo(tokens: readonly string[]): Promise<void> {
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    await Promise.all(tokens.map((token) => client.push(token)));
    client.close();
  }

  it('serves the summary, every token, and forgets', async () => {
    const tokens = [...Array.from({ length: 1_500 }, (_, index) => tokenNumber(index)), scriptedToken('Unregistered')];
    await pushTo(tokens);
    const summary = JSON.parse((await ask(`${url}/peal/ledger`)).body);
    assert.deepEqual(summary, JSON.parse(JSON.stringify(simulator.ledger.summary())));
    assert.equal(summary.accepted, 1_500);
    const lines = (await ask(`${url}/peal/ledger/tokens`)).body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(new Set(lines.map((line) => line.token)), new Set(tokens));
    assert.deepEqual(lines.at(-1), { token: tokens.at(-1), requests: 1, answer: 'Unregistered', status: 410 });
    assert.equal((await ask(`${url}/peal/reset`, 'POST')).status, 200);
    assert.equal(JSON.parse((await ask(`${url}/peal/ledger`)).body).requests, 0);
  });

  it('streams long lists of tokens line by line, as fast as they are read', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const tokens = 20_000;
    const server = new ControlServer(ledgerOf(tokens), null);
    const body = (await ask(`http://127.0.0.1:${await server.listen(0)}/peal/ledger/tokens`)).body;
    await server.close();
    process.off('warning', onWarning);
    assert.equal(body.trimEnd().split('\n').length, tokens);
    assert.equal(JSON.parse(body.slice(body.lastIndexOf('\n', body.length - 2))).token, tokenNumber(tokens - 1));
    assert.deepEqual(warnings, [], 'no listener is left on the response for each write');
  });

  it('hands out the certificate to trust', async () => {
    const { status, body } = await ask(`${url}/peal/ca.pem`);
    assert.equal(status, 200);
    assert.equal(body, simulator.caCertificate);
    assert.equal(new X509Certificate(body).ca, true);
  });

  it('refuses pages of the web: other Host names and any Origin', async () => {
    assert.equal((await ask(`${url}/peal/ledger`, 'GET', { host: 'evil.example' })).status, 403);
    assert.equal((await ask(`${url}/peal/reset`, 'POST', { origin: 'http://localhost' })).status, 403);
    assert.equal((await ask(`${url}/peal/ledger`, 'GET', { host: 'localhost:1234' })).status, 200);
  });

  it('answers 404 to everything else', async () => {
    for (const [method, where] of [
      ['GET', '/'],
      ['GET', '/peal/reset'],
      ['POST', '/peal/ledger'],
    ] as const) {
      assert.equal((await ask(url + where, method)).status, 404);
    }
  });
});

describe('simulator: on a thread of its own', () => {
  it('serves clients, tells its ledger, and ends', async () => {
    await using simulator = await startSimulatorThread({ maxStreams: 50 });
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });
    await client.push(tokenNumber(1));
    await client.push(scriptedToken('BadDeviceToken'));
    assert.equal((await simulator.ledger.summary()).requests, 2);
    assert.equal(await simulator.ledger.answerOf(tokenNumber(1)), 'accepted');
    assert.equal((await simulator.ledger.recordOf(scriptedToken('BadDeviceToken')))?.status, 400);
    assert.equal(await simulator.ledger.answerOf(tokenNumber(2)), null);
    await simulator.ledger.reset();
    assert.equal((await simulator.ledger.summary()).requests, 0);
    client.close();
    await simulator.close();
    await assert.rejects(simulator.ledger.summary(), { code: 'ERR_PEAL_SHARD' });
  });

  it('reports a wrong option as its own thread would', async () => {
    await assert.rejects(startSimulatorThread({ port: -1 }), { code: 'ERR_PEAL_OPTION', message: /option port/ });
    await using counts = await startSimulatorThread({ ledger: 'counts' });
    await assert.rejects(counts.ledger.answerOf('00'), { code: 'ERR_PEAL_OPTION' });
  });
});
