/** Clients of Redis against a server of its own: what goes wrong, in sentences, and what survives. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { PealError } from '../../src/base/errors.js';
import { ThrowAwayAuthority } from '../../src/simulator/index.js';
import { openRedis, type RedisClient, redisConcerns, redisError } from '../../src/stores/redis-client.js';
import { RedisScript } from '../../src/stores/redis-script.js';
import { quietPort } from '../support/quiet-port.js';
import { RedisServer } from '../support/redis-server.js';

const secret = 'canary of the password';

/** What is thrown, after a check that it quotes no secret. */
async function problemOf(work: Promise<unknown>): Promise<PealError> {
  const error = await work.then(
    () => assert.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PealError);
  assert.equal(error.code, 'ERR_PEAL_STORE');
  assert.ok(!`${inspect(error, { depth: 9 })}${error.stack}`.includes('canary'));
  return error;
}

/** A server that is not Redis. */
async function listen(onSocket: (socket: Socket) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => onSocket(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `redis://:${encodeURIComponent(secret)}@127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('stores/redis-client', () => {
  it('refuses a URL that is not one of Redis, and quotes nothing of it', async () => {
    const wrong = ['', 'canary', 'http://canary@x', 'redis://canary@x/?canary=1', 'redis://x/canary', 'redis://%c@x'];
    for (const url of wrong) {
      await assert.rejects(openRedis({ url }), (error: PealError) => {
        assert.equal(error.code, 'ERR_PEAL_OPTION');
        assert.match(error.message, /^The URL of Redis /);
        return !error.message.includes('canary');
      });
    }
  });

  it('says why a server is not there', async () => {
    const { message, retryable } = await problemOf(openRedis({ url: 'redis://u:canary@127.0.0.1:1' }));
    assert.match(message, /^Redis at 127\.0\.0\.1:1 refuses connections/);
    assert.equal(retryable, true);
    const other = await problemOf(openRedis({ url: 'redis://no.such.host.invalid' }));
    assert.match(other.message, /^Redis at no\.such\.host\.invalid:6379 has a name that (does not|cannot be) resolve/);
  });

  it('says that a server is not Redis, or says nothing', async () => {
    const http = await listen((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    assert.match((await problemOf(openRedis({ url: http.url }))).message, /it is not Redis\.$/);
    http.server.close();
    const silent = await listen(() => {});
    const { message } = await problemOf(openRedis({ url: silent.url, connectTimeoutMs: 300 }));
    assert.match(message, /does not answer within 0\.3 s\.$/);
    silent.server.close();
  });

  /** Answers what a client asks for first. */
  function playing(facts: string) {
    return listen((socket) => {
      socket.on('data', (data) => {
        const text = `# Server\r\n${facts}\r\nloading:0\r\n`;
        const answers = data.toString().match(/\$\d+\r\n(auth|client|info|select)\r\n/gi) ?? [];
        for (const name of answers) {
          socket.write(/info/i.test(name) ? `$${text.length}\r\n${text}\r\n` : '+OK\r\n');
        }
      });
    });
  }

  it('says that a server is a Sentinel', async () => {
    const sentinel = await playing('redis_version:7.0.15\r\nredis_mode:sentinel');
    const { message, retryable } = await problemOf(openRedis({ url: sentinel.url, connectTimeoutMs: 5000 }));
    assert.match(message, /is a Sentinel, which keeps nothing: give the URL of the primary/);
    assert.equal(retryable, false);
    sentinel.server.close();
  });

  it('says that a server is too old', async () => {
    const old = await playing('redis_version:5.0.14');
    const { message } = await problemOf(openRedis({ url: old.url, connectTimeoutMs: 5000 }));
    assert.match(message, /is version 5\.0\.14, which is too old: peal needs Redis 6\.2 or later\.$/);
    old.server.close();
  });

  describe('with TLS', () => {
    const authority = new ThrowAwayAuthority();
    let folder: string;
    let server: RedisServer;
    let port: number;

    before(async function () {
      if (!RedisServer.isInstalled) this.skip();
      folder = mkdtempSync(path.join(tmpdir(), 'peal-redis-tls-'));
      const { cert, key } = authority.issueServer(['127.0.0.1']);
      const files: Record<string, string> = { 'tls-ca-cert-file': authority.certificate, 'tls-cert-file': cert };
      const settings: Record<string, string> = {};
      for (const [name, text] of Object.entries({ ...files, 'tls-key-file': key })) {
        settings[name] = path.join(folder, name);
        writeFileSync(settings[name], text);
      }
      port = await quietPort();
      server = await RedisServer.start({ settings: { ...settings, 'tls-port': `${port}`, 'tls-auth-clients': 'no' } });
    });
    after(async () => {
      await server?.stop();
      if (folder !== undefined) rmSync(folder, { recursive: true });
    });

    const open = (host: string, ca?: string): Promise<RedisClient> =>
      openRedis({ url: `rediss://${host}:${port}`, ...(ca !== undefined && { ca }) });

    it('trusts the authority that it is given, and checks the name', async () => {
      const redis = await open('127.0.0.1', authority.certificate);
      assert.equal(await redis.ping(), 'PONG');
      redis.disconnect();
      const other = await problemOf(open('localhost', authority.certificate));
      assert.match(other.message, /has a certificate for another host name\.$/);
    });

    it('says how to name the authority of a certificate that it does not trust', async () => {
      for (const ca of [undefined, new ThrowAwayAuthority().certificate]) {
        const { message } = await problemOf(open('127.0.0.1', ca));
        assert.match(
          message,
          /no trusted authority signed: name the file of its authority \(PEM\) in NODE_EXTRA_CA_CERTS/,
        );
      }
    });

    it('says that a server asks for a client certificate, or for TLS', async () => {
      server.cli('CONFIG', 'SET', 'tls-auth-clients', 'yes');
      const { message } = await problemOf(open('127.0.0.1', authority.certificate));
      server.cli('CONFIG', 'SET', 'tls-auth-clients', 'no');
      assert.match(message, /asks for a client certificate, and peal gives none/);
      const plain = await problemOf(openRedis({ url: `redis://127.0.0.1:${port}` }));
      assert.match(plain.message, /closes connections at once: it may want rediss:\/\/\.$/);
    });
  });

  describe('with a server that has no password', () => {
    let server: RedisServer;

    before(async function () {
      if (!RedisServer.isInstalled) this.skip();
      server = await RedisServer.start();
    });
    after(() => server?.stop());

    it('goes on with the one that it was given, says so in one sentence, and has ioredis print nothing', async () => {
      const printed: unknown[][] = [];
      const { warn } = console;
      console.warn = (...args: unknown[]) => void printed.push(args);
      const url = `redis://:${encodeURIComponent(secret)}@127.0.0.1:${server.port}`;
      const redis = await openRedis({ url });
      const other = redis.duplicate();
      try {
        await other.connect();
        assert.deepEqual([await redis.ping(), await other.ping()], ['PONG', 'PONG']);
        await new Promise<void>((resolve, reject) => {
          redis.auth(secret, (error) => (error ? reject(error) : resolve()));
        });
        const [said, ...more] = (await redisConcerns(redis)).filter((concern) => concern.includes('password'));
        assert.equal(
          said,
          `Redis at 127.0.0.1:${server.port} has no password, so that the one in its URL protects nothing: ` +
            'set it there (requirepass).',
        );
        assert.deepEqual([more, printed], [[], []]);
      } finally {
        console.warn = warn;
        redis.disconnect();
        other.disconnect();
      }
    });
  });

  describe('with a server', () => {
    let server: RedisServer;
    let redis: RedisClient;
    const sum = new RedisScript("return redis.call('incr', KEYS[1]) + ARGV[1]");

    before(async function () {
      if (!RedisServer.isInstalled) this.skip();
      server = await RedisServer.start({ password: secret });
    });
    beforeEach(async () => {
      redis = await openRedis({ url: server.url, commandTimeoutMs: 2_000 });
      await redis.flushall();
    });
    afterEach(() => redis?.disconnect());
    after(() => server?.stop());

    it('says that a password is wrong or missing, or that a database does not exist', async () => {
      const at = (userinfo: string): Promise<unknown> =>
        openRedis({ url: `redis://${userinfo}127.0.0.1:${server.port}` });
      assert.match((await problemOf(at(':canary@'))).message, /refuses the user or the password in its URL\.$/);
      assert.match((await problemOf(at(''))).message, /asks for a password/);
      assert.match((await problemOf(openRedis({ url: `${server.url}/99` }))).message, /has no database of the number/);
    });

    it('shows no password', () => {
      assert.equal(inspect(redis, { depth: 9 }), `Redis at 127.0.0.1:${server.port}`);
      assert.ok(!JSON.stringify({ redis, options: redis.options }).includes('canary'));
      assert.ok(!inspect(redis.options, { depth: 9 }).includes('canary'));
    });

    it('tells the reply of a refused command without its arguments', async () => {
      for (const name of ['set', 'nothing']) {
        const error = await redis.call(name, 'canary').catch((thrown: unknown) => thrown);
        assert.ok(inspect(error).includes('canary'), 'ioredis keeps arguments beside its errors');
        await problemOf(Promise.reject(redisError(error, redis)));
      }
    });

    it('runs a script, also on a server that has forgotten it', async () => {
      assert.equal(await sum.run(redis, ['n'], [10]), 11);
      await redis.script('FLUSH');
      assert.equal(await sum.run(redis, ['n'], [10]), 12);
      await redis.set('text', 'canary');
      assert.match((await problemOf(sum.run(redis, ['text'], [1]))).message, /ERR value is not an integer/);
    });

    it('ends a command in time while the server stands still, and goes on afterwards', async () => {
      server.pause();
      const { message, retryable } = await problemOf(sum.run(redis, ['n'], [0]));
      server.resume();
      assert.match(message, /does not answer within 2 s\.$/);
      assert.equal(retryable, true);
      for (;;) {
        const answer = await sum.run(redis, ['n'], [0]).catch(() => null);
        if (typeof answer === 'number') break;
      }
    });

    it('knows the error of a command within a script as Redis 6.2 tells it', () => {
      const within =
        'ERR Error running script (call to f_ab12): @user_script:5: @user_script: 5: -OOM command not allowed';
      const error = redisError(new Error(within), redis);
      assert.match(error.message, /has no memory left \(maxmemory\)/);
      assert.equal(error.retryable, true);
      const own = redisError(
        new Error('ERR Error running script (call to f_ab12): @user_script:5: attempt to …'),
        redis,
      );
      assert.equal(own.retryable, false);
    });

    it('connects again to a server that was killed, and repeats no command by itself', async () => {
      await sum.run(redis, ['n'], [0]);
      await server.kill9();
      assert.match((await problemOf(sum.run(redis, ['n'], [0]))).message, /refuses connections|lost or not accepted/);
      await server.restart();
      for (;;) {
        const answer = await sum.run(redis, ['n'], [0]).catch(() => null);
        if (answer === null) continue;
        assert.equal(answer, 2);
        break;
      }
    });

    it('says in which settings Redis may lose what it is given', async () => {
      assert.deepEqual(await redisConcerns(redis), []);
      await redis.config('SET', 'appendonly', 'no');
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      const concerns = await redisConcerns(redis);
      assert.match(concerns[0]!, /keeps no append-only file.*: set appendonly yes\.$/);
      assert.match(concerns[1]!, /\(maxmemory-policy allkeys-lru\): set maxmemory-policy noeviction\.$/);
      assert.equal(concerns.length, 2);
      await redis.config('SET', 'appendonly', 'yes');
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
    });
  });
});
