/** `peal doctor` and what can be wrong on the way to a gateway: each a real fault on loopback. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { runCommand } from '../../support/command.js';
import { ConnectProxy } from '../../support/connect-proxy.js';
import { OddGateway } from '../../support/odd-gateways.js';
import { quietPort } from '../../support/quiet-port.js';
import { type Examined, examine } from './doctor-fixture.js';

const dayMs = 86_400_000;

describe('peal doctor and the way to a gateway', () => {
  const authority = new ThrowAwayAuthority();
  const pair = authority.issueServer();
  let folder = '';
  let ca = '';
  let key: string[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-doctor-way-'));
    ca = await write('ca.pem', authority.certificate);
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    key = ['--key', await write('key.p8', p8), '--key-id', keyId, '--team-id', teamId];
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function write(name: string, content: string): Promise<string> {
    await writeFile(path.join(folder, name), content, { mode: 0o600 });
    return path.join(folder, name);
  }

  const at = (url: string, ...more: string[]): Promise<Examined> =>
    examine(['--gateway', url, '--ca', ca, ...key, ...more]);
  /** Failed at this step alone, and what needs it was skipped. */
  function failsAt(run: Examined, step: string, found: RegExp, advice: RegExp, later: readonly string[]): void {
    assert.deepEqual([run.code, run.failed], [4, [step]], run.stdout);
    assert.match(run.step(step).found, found);
    assert.match(run.step(step).advice!, advice);
    for (const name of later) assert.equal(run.step(name).state, 'skipped', name);
  }

  it('a name that does not resolve', async () => {
    const later = ['connection', 'tls', 'alpn', 'http2', 'push'];
    const run = await at('https://gateway.invalid');
    failsAt(
      run,
      'name',
      /^gateway\.invalid does not resolve \((?:ENOTFOUND|EAI_AGAIN)\)$/,
      /spelling|name service/,
      later,
    );
  });

  it('a port on which nobody listens', async () => {
    const run = await at(`https://127.0.0.1:${await quietPort()}`);
    failsAt(run, 'connection', /^port \d+ of 127\.0\.0\.1: ECONNREFUSED$/, /that the gateway runs/, ['tls', 'push']);
  });

  describe('TLS', () => {
    it('that nobody speaks: TCP is taken, and nothing is said', async () => {
      await using gateway = await OddGateway.tcp();
      const run = await at(gateway.url);
      failsAt(run, 'tls', /takes connections, and makes no TLS handshake within 5 seconds$/, /port of a gateway/, [
        'push',
      ]);
      assert.equal(run.step('connection').state, 'ok');
    });

    it('that begins and hangs', async () => {
      // The head of a record, whose content never comes.
      await using gateway = await OddGateway.tcp((socket) => socket.write(Buffer.from([22, 3, 3, 0, 122])));
      failsAt(await at(gateway.url), 'tls', /makes no TLS handshake within 5 seconds$/, /inspects TLS/, [
        'http2',
        'push',
      ]);
    });

    it('that another protocol answers: HTTP without TLS', async () => {
      await using gateway = await OddGateway.tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      failsAt(await at(gateway.url), 'tls', /does not speak TLS on this port$/, /^Check the port/, ['alpn', 'push']);
    });

    it('without ALPN, and with HTTP/1.1 alone', async () => {
      await using none = await OddGateway.tls(pair);
      failsAt(await at(none.url), 'alpn', /does not speak h2: it agrees on no protocol$/, /speak HTTP\/2/, [
        'http2',
        'push',
      ]);
      await using old = await OddGateway.tls(pair, ['http/1.1']);
      const run = await at(old.url);
      failsAt(run, 'alpn', /does not speak h2: it agrees on http\/1\.1 only$/, /load balancer/, ['http2', 'push']);
      assert.equal(run.step('tls').state, 'ok');
    });

    it('of a gateway that nobody trusts, with who it says it is', async () => {
      await using gateway = await OddGateway.tls(new ThrowAwayAuthority('strange').issueServer(), ['h2']);
      const run = await at(gateway.url);
      failsAt(run, 'tls', /is not trusted/, /It shows CN=localhost, issued by CN=strange \w+, valid until/, ['push']);
      const system = await examine(['--gateway', gateway.url, ...key]);
      failsAt(
        system,
        'tls',
        /is not trusted/,
        /give the certificate of its authority as --ca\. It shows CN=localhost/,
        [],
      );
    });

    it('whose certificate has expired, or ends soon', async () => {
      const old = authority.issueServer(undefined, {
        from: new Date(Date.now() - 9 * dayMs),
        to: new Date(Date.now() - dayMs),
      });
      await using expired = await OddGateway.tls(old, ['h2']);
      failsAt(await at(expired.url), 'tls', /has expired$/, /clock\. It shows CN=localhost, .*valid until 20/, [
        'push',
      ]);
      const ending = authority.issueServer(undefined, { to: new Date(Date.now() + 3 * dayMs) });
      await using soon = await OddGateway.http2(ending, () => {}, { ':status': 200 });
      const run = await at(soon.url, '--topic', 'com.example.app');
      assert.deepEqual([run.code, run.step('tls').state], [0, 'warning'], run.stdout);
    });

    it('of another host, and without the pinned key', async () => {
      await using other = await OddGateway.tls(authority.issueServer(['elsewhere.example']), ['h2']);
      failsAt(await at(other.url), 'tls', /is for .*elsewhere\.example, not for localhost$/, /name it holds/, ['push']);
      await using gateway = await OddGateway.tls(pair, ['h2']);
      const pin = `sha256/${Buffer.alloc(32, 7).toString('base64')}`;
      const run = await at(gateway.url, '--pin', pin);
      failsAt(run, 'tls', /^None of the pinned keys is in the certificate chain/, /right gateway/, ['alpn', 'push']);
      assert.match(run.step('trust').found, /1 certificate and 1 pin/);
    });
  });

  describe('HTTP/2', () => {
    it('that never begins', async () => {
      await using gateway = await OddGateway.tls(pair, ['h2']);
      failsAt(await at(gateway.url), 'http2', /does not answer in HTTP\/2 within 5 seconds/, /gateway/, ['push']);
    });

    it('that ends at once with a GOAWAY, with and without a reason', async () => {
      await using plain = await OddGateway.http2(pair, (session) => session.goaway(0));
      failsAt(await at(plain.url), 'http2', /GOAWAY|closed the connection/, /try again later/, ['push']);
      const reason = Buffer.from('{"reason":"Shutdown"}');
      await using told = await OddGateway.http2(pair, (session) => session.goaway(0, 0, reason));
      failsAt(await at(told.url), 'http2', /GOAWAY, error code 0, Shutdown/, /try again later/, ['push']);
    });

    it('that leaves the push without an answer, or has a fault of its own', async () => {
      await using silent = await OddGateway.http2(pair, () => {});
      const run = await at(silent.url, '--topic', 'com.example.app');
      assert.deepEqual([run.code, run.failed], [4, ['push']]);
      assert.match(run.step('push').found, /answers no request within 5 seconds$/);
      await using busy = await OddGateway.http2(pair, () => {}, { ':status': 503 });
      const later = await at(busy.url, '--topic', 'com.example.app');
      assert.deepEqual([later.code, later.step('push').state], [0, 'warning']);
    });

    it('whose answer has another time than this machine', async () => {
      const date = new Date(Date.now() + 3_600_000).toUTCString();
      await using gateway = await OddGateway.http2(pair, () => {}, { ':status': 200, date });
      const run = await at(gateway.url, '--topic', 'com.example.app');
      assert.deepEqual([run.code, run.failed], [5, ['clock']]);
      assert.match(run.step('clock').found, /^(?:1 hour|59 minutes \d+ seconds) slow, by the answer of localhost:\d+$/);
    });
  });

  describe('a proxy', () => {
    const through = (proxy: ConnectProxy, env: Record<string, string> = {}): Promise<Examined> =>
      examine(['--gateway', 'https://gateway.invalid', '--ca', ca, ...key, '--proxy', proxy.url()], { env });
    const later = ['tls', 'alpn', 'http2', 'push'];

    it('that refuses the gateway', async () => {
      await using proxy = await ConnectProxy.open({ answer: 'HTTP/1.1 403 Forbidden\r\n\r\n' });
      const run = await through(proxy);
      failsAt(run, 'proxy', /does not allow gateway\.invalid:443 \(403\)$/, /^Have it allow CONNECT/, later);
      assert.match(run.step('name').found, /^localhost has/);
    });

    it('that asks for a password, and refuses it, without showing it', async () => {
      const secret = 'PEAL-CANARY-SECRET';
      await using proxy = await ConnectProxy.open({ login: 'me:right' });
      failsAt(await through(proxy), 'proxy', /asks for user and password \(407\)$/, /give|Give/, later);
      const env = { PEAL_PROXY: proxy.url(`me:${secret}`) };
      const args = ['--gateway', 'https://gateway.invalid', '--ca', ca, ...key];
      const run = await examine(args, { env, secrets: [secret, Buffer.from(`me:${secret}`).toString('base64')] });
      failsAt(run, 'proxy', /refuses its user or password \(407\)$/, /^Check both/, later);
      assert.equal(run.step('proxy').details.hasLogin, true);
    });

    it('that closes, says nothing, is none, does not listen, or does not resolve', async () => {
      await using closing = await ConnectProxy.open({ answer: '' });
      failsAt(await through(closing), 'proxy', /closed the connection before it had answered$/, /host and port/, later);
      await using silent = await ConnectProxy.open({ answer: null });
      failsAt(
        await through(silent),
        'proxy',
        /opened no tunnel to gateway\.invalid:443 within 5 seconds$/,
        /proxy/,
        later,
      );
      await using other = await ConnectProxy.open({ answer: 'SSH-2.0-OpenSSH_9.2\r\n\r\n' });
      failsAt(await through(other), 'proxy', /does not answer as an HTTP proxy does$/, /^Check host, port/, later);
      const gone = await examine([
        '--gateway',
        'https://gateway.invalid',
        '--proxy',
        `http://127.0.0.1:${await quietPort()}`,
      ]);
      failsAt(gone, 'proxy', /cannot be reached \(ECONNREFUSED\)$/, /^Check host and port/, later);
      const nameless = await examine(['--gateway', 'https://gateway.invalid', '--proxy', 'http://proxy.invalid:3128']);
      failsAt(nameless, 'name', /^proxy\.invalid does not resolve/, /spelling|name service/, later);
    });

    it('in order: the name of the gateway is left to it', async () => {
      await using gateway = await OddGateway.http2(authority.issueServer(['gateway.invalid']), () => {}, {
        ':status': 200,
      });
      await using proxy = await ConnectProxy.open({ host: '127.0.0.1' });
      const url = `https://gateway.invalid:${gateway.port}`;
      const args = ['--gateway', url, '--ca', ca, ...key, '--topic', 'com.example.app'];
      const run = await examine(args, { env: { HTTPS_PROXY: proxy.url() } });
      assert.equal(run.code, 0, run.stdout);
      assert.match(
        run.step('proxy').found,
        /^http:\/\/localhost:\d+ \(HTTPS_PROXY\) opens a tunnel to gateway\.invalid:/,
      );
      assert.equal(run.step('push').state, 'ok');
      const direct = await examine(args, { env: { HTTPS_PROXY: proxy.url(), NO_PROXY: '.invalid' } });
      assert.deepEqual(direct.failed, ['name']);
    });
  });

  describe('in a process of its own', () => {
    it('ends at once with Ctrl-C, with what it has found', async function () {
      if (process.platform === 'win32') this.skip();
      await using gateway = await OddGateway.tcp();
      const args = ['doctor', '--gateway', gateway.url, '--ca', ca, ...key];
      const begunMs = performance.now();
      const { code, stdout, stderr } = await runCommand(args, {
        ownProcess: true,
        whileRunning: async (child, output) => {
          while (!output().includes('TCP')) await new Promise((resolve) => child.stdout!.once('data', resolve));
          child.kill('SIGINT');
        },
      });
      assert.equal(code, 130);
      assert.match(stdout, /^ok {7}TCP/m);
      assert.doesNotMatch(stdout, /^failed/m);
      assert.equal(stderr, 'peal: interrupted: the steps that are missing were not looked at\n');
      // TLS alone would have waited longer.
      assert.ok(performance.now() - begunMs < 30_000);
    });

    it('finds that it may open too few files', async function () {
      if (process.platform !== 'linux') this.skip();
      const few = await runCommand(['doctor', '--offline'], { maxOpenFiles: 48 });
      assert.equal(few.code, 8);
      assert.match(few.stderr, /^peal: this process may open only 48 files, and needs \d+: raise the limit/);
      const needed = Number(/needs (\d+)/.exec(few.stderr)![1]);
      const some = await examine(['--offline'], { maxOpenFiles: needed });
      const { state, found, advice } = some.step('files');
      assert.ok(state === 'warning' || state === 'failed');
      assert.equal(some.code, state === 'failed' ? 8 : 0);
      assert.match(found, new RegExp(`^${needed} files may be open, only \\d+ of them still$`));
      assert.match(advice!, /^Raise the limit of this process \(ulimit -n 1024/);
    });
  });
});
