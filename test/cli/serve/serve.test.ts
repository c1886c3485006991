/** `peal serve` as a process: where it listens, who may ask, and how it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, randomTokens, topic } from '../fixture.js';

const main = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const bearer = 'a-bearer-token-of-tests';

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stderr: () => string;
}

describe('peal serve', () => {
  let fixture: Fixture;
  const children: ChildProcess[] = [];

  before(async () => {
    fixture = await Fixture.open();
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await fixture[Symbol.asyncDispose]();
  });

  async function start(options: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Served> {
    const args = [
      'serve',
      '--port',
      '0',
      '--json',
      '--topic',
      topic,
      ...fixture.credential,
      ...fixture.gateway,
      ...options,
    ];
    const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, NO_COLOR: '1', ...env } });
    children.push(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return { child, url: (JSON.parse(line) as { url: string }).url, stderr: () => stderr };
  }

  const push = (url: string, headers: Readonly<Record<string, string>> = {}, query = ''): Promise<Response> =>
    fetch(`${url}/v1/push${query}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ token: randomTokens(1)[0], alert: 'a secret text' }),
    });

  async function stop({ child }: Served, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  it('sends, refuses strangers, tells its log neither tokens nor texts, and ends with 0', async () => {
    const file = await fixture.write('bearers.txt', `# team a\n${bearer}\n`);
    const served = await start(['--bearer-file', file, '--log-level', 'debug', '--log-format', 'json']);
    const mine = await push(served.url, { Authorization: `Bearer ${bearer}` });
    assert.equal(((await mine.json()) as { outcome: string }).outcome, 'accepted');
    assert.equal((await push(served.url)).status, 401);
    await fixture.write('bearers.txt', `${bearer}-new\n`);
    for (;;) if ((await push(served.url, { Authorization: `Bearer ${bearer}-new` })).status === 200) break;
    assert.equal((await push(served.url, { Authorization: `Bearer ${bearer}` })).status, 401);
    assert.equal(await stop(served), 0);
    assert.match(served.stderr(), /"path":"\/v1\/push","status":200/);
    assert.doesNotMatch(served.stderr(), new RegExp(`${bearer}|secret text|00[0-9a-f]{62}`));
  });

  it('keeps ids of wait=no over kill -9 as unknown, and sends nothing again', async () => {
    const options = ['--push-journal', fixture.path('pushes')];
    const first = await start(options);
    const settled = (await (await push(first.url, {}, '?wait=no')).json()) as { id: string };
    for (;;) {
      const seen = (await (await fetch(`${first.url}/v1/push/${settled.id}`)).json()) as { state: string };
      if (seen.state === 'settled') break;
    }
    const before = fixture.simulator.ledger.summary().requests;
    const ids: string[] = [];
    for (let count = 0; count < 20; count++) {
      ids.push(((await (await push(first.url, {}, '?wait=no')).json()) as { id: string }).id);
    }
    await stop(first, 'SIGKILL');
    const second = await start(options);
    let unknown = 0;
    for (const id of ids) {
      const seen = (await (await fetch(`${second.url}/v1/push/${id}`)).json()) as {
        counts: { accepted: number; unknown: number };
      };
      assert.equal(seen.counts.accepted + seen.counts.unknown, 1);
      unknown += seen.counts.unknown;
    }
    const seen = (await (await fetch(`${second.url}/v1/push/${settled.id}`)).json()) as {
      counts: { accepted: number };
    };
    assert.equal(seen.counts.accepted, 1);
    const { requests, duplicates } = fixture.simulator.ledger.summary();
    assert.ok(requests - before <= 20 && requests - before >= 20 - unknown);
    assert.equal(duplicates, 0);
    assert.equal(await stop(second), 0);
  });

  it('keeps its memory within bounds while thousands of clients ask for more than it may have', async function () {
    if (process.platform !== 'linux') this.skip();
    const served = await start(['--max-pushes', '500', '--max-requests', '1000']);
    const rss = (): number =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${served.child.pid}/status`, 'utf8'))![1]) / 1024;
    const big = JSON.stringify({ token: randomTokens(1)[0], alert: 'Hi', extra: { pad: 'x'.repeat(3500) } });
    const ask = async (): Promise<number> => {
      const answer = await fetch(`${served.url}/v1/push`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: big,
      }).catch(() => null);
      await answer?.text();
      return answer?.status ?? 0;
    };
    await Promise.all(Array.from({ length: 200 }, ask));
    const before = rss();
    const statuses: number[] = [];
    for (let round = 0; round < 5; round++) statuses.push(...(await Promise.all(Array.from({ length: 1500 }, ask))));
    const grown = rss() - before;
    assert.ok(
      statuses.every((status) => status === 200 || status === 429),
      [...new Set(statuses)].join(' '),
    );
    assert.ok(statuses.includes(200));
    // Mostly the young generation of V8: under 150 MB on Node 20, 167 on Node 26.
    assert.ok(grown < 250, `grown by ${grown.toFixed(0)} MB`);
    assert.equal(await stop(served), 0);
  });

  it('serves HTTPS, and metrics at a port of their own', async () => {
    const { ThrowAwayAuthority } = await import('../../../src/simulator/index.js');
    const { cert, key } = new ThrowAwayAuthority().issueServer(['127.0.0.1']);
    const tls = ['--tls-cert', await fixture.write('tls.pem', cert), '--tls-key', await fixture.write('tls.key', key)];
    const served = await start([...tls, '--metrics-port', '0']);
    assert.match(served.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const metrics = /metrics are served at (http:\S+\/metrics)/.exec(served.stderr())![1]!;
    assert.match(await (await fetch(metrics)).text(), /^peal_service_requests 0$/m);
    assert.equal(await stop(served, 'SIGINT'), 0);
  });

  it('refuses options that do not go together, in one sentence', async () => {
    const simulated = ['--gateway', 'https://127.0.0.1:1'];
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /no gateway is given/],
      [['--environment', 'production'], /Apple's gateways need a credential/],
      [
        [...simulated, '--host', '0.0.0.0'],
        /--host 0\.0\.0\.0 can be reached from other machines.* give --bearer-file/,
      ],
      [[...simulated, '--tls-cert', 'x'], /--tls-cert and --tls-key go together/],
      [[...simulated, '--lists', 'x'], /--lists goes with --campaigns/],
      [[...simulated, '--bearer-file', '/nothing'], /--bearer-file: the file \/nothing does not exist/],
      [['--gateway', 'binary://127.0.0.1:1'], /a service sends over HTTP\/2 only/],
      [[...simulated, '--metrics-host', '127.0.0.1'], /--metrics-host goes with --metrics-port/],
      [['--environment', 'sandbox', '--store', 'redis://u:secret@x:1'], /can be read by others/],
    ];
    for (const [options, message] of wrong) {
      const result = await runCommand(['serve', '--port', '0', ...options]);
      assert.equal(result.code, 2, result.stderr);
      assertOneSentence(result, message);
      assert.doesNotMatch(result.stderr, /secret/);
    }
    const empty = await runCommand(['serve', ...simulated], { env: { PEAL_BEARER: ' ' } });
    assertOneSentence(empty, /PEAL_BEARER is empty/);
  });

  it('finds the credential of each app in a store, and takes one that is changed', async () => {
    const { keyId, teamId } = fixture.providerKey;
    const store = ['--store', `file:${fixture.path('store')}`];
    const add = (app: string): ReturnType<typeof runCommand> =>
      runCommand([
        ...['credentials', 'add', ...store, '--app', app, '--environment', 'production'],
        ...['--gateway', fixture.simulator.url, '--key', fixture.path('key.p8')],
        ...['--key-id', keyId, '--team-id', teamId],
      ]);
    assert.equal((await add(topic)).code, 0);
    const args = [
      'serve',
      '--port',
      '0',
      '--json',
      '--environment',
      'production',
      '--ca',
      fixture.path('ca.pem'),
      ...store,
    ];
    const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, NO_COLOR: '1' } });
    children.push(child);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const ask = async (
      fields: object,
    ): Promise<{ outcome?: string; error?: { code: string; message: string } | null }> => {
      const answer = await fetch(`${url}/v1/push`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ token: randomTokens(1)[0], alert: 'Hi', ...fields }),
      });
      return (await answer.json()) as Awaited<ReturnType<typeof ask>>;
    };
    assert.equal((await ask({ topic })).outcome, 'accepted');
    const other = 'com.example.other';
    const none = await ask({ topic: other });
    assert.equal(none.error?.code, 'ERR_PEAL_CREDENTIAL');
    assert.match(none.error!.message, /There is no credential of com\.example\.other \(production\)/);
    assert.match((await ask({})).error!.message, /names no topic/);
    assert.equal((await add(other)).code, 0);
    // The simulator takes the first topic only: its answer shows that the credential was found.
    for (;;) if ((await ask({ topic: other })).outcome === 'rejected') break;
    child.kill('SIGTERM');
    assert.equal((await once(child, 'exit'))[0], 0);
  });
});
