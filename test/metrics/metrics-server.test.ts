/** The HTTP server of metrics: what it answers, to whom, and that it bounds what readers can do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { PealError } from '../../src/base/errors.js';
import { maxMetricsConnections } from '../../src/base/limits.js';
import { MetricsServer } from '../../src/metrics/metrics-server.js';
import { readMetrics } from '../support/metrics-text.js';

describe('MetricsServer', () => {
  let server: MetricsServer;
  let why: string | null;

  beforeEach(async () => {
    why = null;
    const source = { collect: () => {}, whyNotReady: () => why };
    server = await MetricsServer.open({ port: 0 }, [source]);
  });

  afterEach(async () => {
    await server.close();
  });

  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, { ...init, headers: { connection: 'close', ...init.headers } });

  it('listens on this machine only, at a port that it tells', () => {
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
  });

  it('gives metrics in the format that a reader prefers', async () => {
    const prometheus =
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,' +
      'text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    for (const [accept, isOpenMetrics] of [
      ['*/*', false],
      ['text/plain', false],
      [prometheus, true],
      ['application/openmetrics-text;q=0.2,text/plain;q=0.9', false],
      ['application/openmetrics-text; version=1.0.0', true],
    ] as const) {
      const response = await get('/metrics', { headers: { accept } });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type')!.startsWith('application/openmetrics-text'), isOpenMetrics);
      assert.ok(readMetrics(await response.text(), isOpenMetrics).families.size > 30);
    }
  });

  it('says whether the process runs, and whether sending is possible and why not', async () => {
    const health = await get('/healthz');
    assert.deepEqual([health.status, await health.text()], [200, 'The process runs.\n']);
    const ready = await get('/readyz?verbose');
    assert.deepEqual([ready.status, await ready.text()], [200, 'Sending is possible.\n']);
    why = 'The campaign is paused.';
    const paused = await get('/readyz');
    assert.deepEqual([paused.status, await paused.text()], [503, 'The campaign is paused.\n']);
    assert.equal(readMetrics(await (await get('/metrics')).text()).sum('peal_ready'), 0);
  });

  it('answers nothing but GET and HEAD of what it has', async () => {
    const head = await get('/metrics', { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.ok(Number(head.headers.get('content-length')) > 1000);
    assert.equal(await head.text(), '');
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await get('/metrics', { method });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'], method);
    }
    for (const path of ['/', '/metrics/', '/favicon.ico', '/../etc/passwd']) {
      assert.equal((await get(path)).status, 404, path);
    }
  });

  it('is refused in one sentence where its address cannot be listened at', async () => {
    const port = Number(new URL(server.url).port);
    const isSaid = (pattern: RegExp) => (error: unknown) =>
      error instanceof PealError && error.code === 'ERR_PEAL_OPTION' && pattern.test(error.message);
    await assert.rejects(
      MetricsServer.open({ port }),
      isSaid(new RegExp(`^port: another process listens at port ${port} of 127\\.0\\.0\\.1\\. Give another port`)),
    );
    await assert.rejects(
      MetricsServer.open({ port: 0, host: '203.0.113.1' }),
      isSaid(/^host: peal cannot listen at 203/),
    );
  });

  it('bounds the connections of its readers, and serves others once those have gone', async () => {
    const { port } = new URL(server.url);
    const sockets = Array.from({ length: maxMetricsConnections }, () => connect(Number(port), '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    // One that is known to have been taken by the server stands for all before it.
    const refused = connect(Number(port), '127.0.0.1');
    refused.on('error', () => {});
    await once(refused, 'close');
    for (const socket of sockets) socket.destroy();
    for (;;) {
      const response = await get('/healthz').catch(() => null);
      if (response?.status === 200) break;
    }
  });

  it('answers over one connection again and again, and closes it at its end', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (): Promise<number | undefined> => {
      const asked = request(`${server.url}/metrics`, { agent }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      const { localPort } = response.socket;
      response.resume();
      await once(response, 'end');
      return localPort;
    };
    const first = await ask();
    assert.equal(await ask(), first);
    await server.close();
    await assert.rejects(ask());
    agent.destroy();
  });

  it('answers while the process is busy, between two pieces of its work', async () => {
    let isOver = false;
    const work = async (): Promise<void> => {
      while (!isOver) {
        const until = performance.now() + 50;
        while (performance.now() < until);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const working = work();
    const responses = await Promise.all(Array.from({ length: 5 }, () => get('/metrics')));
    for (const response of responses) assert.ok(readMetrics(await response.text()).families.size > 30);
    isOver = true;
    await working;
  });

  it('tells when it was scraped', async () => {
    const scraped = server.scraped();
    await get('/healthz');
    const winner = await Promise.race([scraped.then(() => 'scraped'), Promise.resolve('not yet')]);
    assert.equal(winner, 'not yet');
    await (await get('/metrics')).text();
    await scraped;
  });
});
