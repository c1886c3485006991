/** The servers that tests start for themselves, and the way to them that can be cut. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { CutProxy } from './cut-proxy.js';
import { PostgresServer } from './postgres-server.js';
import { RedisServer } from './redis-server.js';

describe('test/support/redis-server', () => {
  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  it('keeps what it had when it is killed', async () => {
    await using redis = await RedisServer.start({ password: 'of the test' });
    redis.cli('set', 'a', '1');
    await redis.kill9();
    assert.throws(() => redis.cli('get', 'a'));
    await redis.restart();
    assert.equal(redis.cli('get', 'a'), '1');
  });

  it('refuses what goes over its memory, and evicts nothing', async () => {
    await using redis = await RedisServer.start({ maxMemory: '2mb' });
    redis.cli('set', 'kept', 'yes');
    redis.cli('eval', "for i = 1, 3000 do redis.call('set', i, string.rep('x', 1000)) end", '0');
    assert.match(redis.cli('set', 'more', 'x'), /OOM/);
    assert.equal(redis.cli('get', 'kept'), 'yes');
  });
});

describe('test/support/postgres-server', () => {
  before(function () {
    if (!PostgresServer.isInstalled) this.skip();
  });

  it('keeps what it had when it crashes', async () => {
    await using postgres = await PostgresServer.start();
    postgres.run('CREATE TABLE t (n int); INSERT INTO t VALUES (7)');
    await postgres.crash();
    assert.throws(() => postgres.run('SELECT n FROM t'));
    await postgres.restart();
    assert.deepEqual(postgres.run('SELECT n FROM t'), ['7']);
  });
});

describe('test/support/cut-proxy', () => {
  /** A server that returns what it gets, a proxy before it, and a client. */
  async function world(): Promise<{ proxy: CutProxy; client: Socket; close: () => Promise<void> }> {
    const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = await CutProxy.start((server.address() as { port: number }).port);
    const client = connect(proxy.port, '127.0.0.1');
    await once(client, 'connect');
    const close = async (): Promise<void> => {
      client.destroy();
      await proxy[Symbol.asyncDispose]();
      server.close();
    };
    return { proxy, client, close };
  }

  const echo = async (client: Socket, text: string): Promise<string> => {
    client.write(text);
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString();
  };

  it('delivers after a stall what was sent during it', async () => {
    const { proxy, client, close } = await world();
    assert.equal(await echo(client, 'before'), 'before');
    await proxy.cut('stall');
    const echoed = echo(client, 'during');
    const late = connect(proxy.port, '127.0.0.1');
    const echoedLate = once(late, 'connect').then(() => echo(late, 'late'));
    const isStalled = await Promise.race([echoed, echoedLate, new Promise((resolve) => setImmediate(resolve, true))]);
    assert.equal(isStalled, true);
    await proxy.heal();
    assert.equal(await echoed, 'during');
    assert.equal(await echoedLate, 'late');
    late.destroy();
    await close();
  });

  it('resets and refuses connections until it is healed', async () => {
    const { proxy, client, close } = await world();
    assert.equal(await echo(client, 'before'), 'before');
    const reset = once(client, 'error');
    await proxy.cut('refuse');
    assert.match(String((await reset)[0]), /ECONNRESET/);
    const [refusal] = await once(connect(proxy.port, '127.0.0.1'), 'error');
    assert.match(String(refusal), /ECONNREFUSED/);
    await proxy.heal();
    const again = connect(proxy.port, '127.0.0.1');
    assert.equal(await echo(again, 'after'), 'after');
    again.destroy();
    await close();
  });
});
