/** Clients of PostgreSQL against a server of its own: what goes wrong, in sentences, and what survives. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { PealError } from '../../src/base/errors.js';
import { ThrowAwayAuthority } from '../../src/simulator/index.js';
import { PostgresClient } from '../../src/stores/postgres-client.js';
import { PostgresServer } from '../support/postgres-server.js';

const secret = 'canary of the password';

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

/** Resolves with the next text that is told. */
function mailbox(): { tell: (text: string) => void; next: () => Promise<string> } {
  const told: string[] = [];
  let wake = (): void => {};
  return {
    tell: (text) => {
      told.push(text);
      wake();
    },
    next: async () => {
      while (told.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return told.shift()!;
    },
  };
}

describe('stores/postgres-client', () => {
  let server: PostgresServer;
  let client: PostgresClient;

  before(async function () {
    if (!PostgresServer.isInstalled) this.skip();
    server = await PostgresServer.start({ password: secret });
  });
  beforeEach(async () => {
    client = await PostgresClient.open({ url: server.url });
  });
  afterEach(() => client?.close());
  after(() => server?.stop());

  it('refuses a URL that is not one of PostgreSQL, and quotes nothing of it', async () => {
    for (const url of ['canary', 'redis://canary@x/y', 'postgres://canary@x', 'postgres://x/y?sslmode=canary']) {
      await assert.rejects(PostgresClient.open({ url }), (error: PealError) => {
        assert.match(error.message, /^The URL of PostgreSQL /);
        return error.code === 'ERR_PEAL_OPTION' && !error.message.includes('canary');
      });
    }
  });

  it('says why there is no way to a database', async () => {
    const open = (url: string): Promise<unknown> => PostgresClient.open({ url });
    const gone = await problemOf(open('postgres://u:canary@127.0.0.1:1/x'));
    assert.match(gone.message, /^PostgreSQL at 127\.0\.0\.1:1 refuses connections/);
    assert.equal(gone.retryable, true);
    const wrong = await problemOf(open(`postgres://peal:canary@127.0.0.1:${server.port}/postgres`));
    assert.match(wrong.message, /refuses the user or the password in its URL\.$/);
    assert.equal(wrong.retryable, false);
    const missing = await problemOf(open(`postgres://peal@127.0.0.1:${server.port}/postgres`));
    assert.match(missing.message, /asks for a password: put it into its URL\.$/);
    assert.match(
      (await problemOf(open(server.url.replace(/postgres$/, 'nothing')))).message,
      /"nothing" does not exist/,
    );
    assert.match((await problemOf(open(`${server.url}?sslmode=require`))).message, /speaks no TLS/);
  });

  it('speaks TLS with a server whose authority it is given, and says what is missing', async () => {
    const authority = new ThrowAwayAuthority();
    await using encrypted = await PostgresServer.start({ password: secret, tls: authority.issueServer() });
    const ca = authority.certificate;
    const url = `${encrypted.url}?sslmode=require`;
    await using open = await PostgresClient.open({ url, ca });
    assert.deepEqual(await open.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'), [{ ssl: true }]);
    const untrusted = await problemOf(PostgresClient.open({ url }));
    assert.match(untrusted.message, /no trusted authority signed: name the file of its authority/);
    const plain = await problemOf(PostgresClient.open({ url: encrypted.url, ca }));
    assert.match(plain.message, /asks for TLS: add \?sslmode=require to its URL\.$/);
  });

  it('tells the state of an error, and no value', async () => {
    const wrong = await problemOf(client.query('SELECT $1::int', ['canary']));
    assert.match(wrong.message, /\(SQLSTATE 22P02\)\.$/);
    const missing = await problemOf(client.query('SELECT * FROM nothing'));
    assert.match(missing.message, /\(SQLSTATE 42P01\): relation "nothing" does not exist\.$/);
    assert.equal(missing.retryable, false);
  });

  it('does all statements of a transaction, or none', async () => {
    await client.query('CREATE TABLE IF NOT EXISTS t (n int)');
    const fails = client.transaction(async (query) => {
      await query('INSERT INTO t VALUES (1)');
      throw new Error('of the program');
    });
    await assert.rejects(fails, /of the program/);
    await client.transaction((query) => query('INSERT INTO t VALUES (2)'));
    assert.deepEqual(await client.query('SELECT n FROM t'), [{ n: 2 }]);
  });

  it('repeats a statement while the database is away, only where that is asked for', async () => {
    await server.crash();
    assert.match((await problemOf(client.query('SELECT 1 AS n'))).message, /refuses connections|is lost/);
    const waiting = client.query('SELECT 2 AS n', [], { retryForMs: 60_000 });
    await server.restart();
    assert.deepEqual(await waiting, [{ n: 2 }]);
  });

  it('listens, again after the database was away, and says that it may have missed something', async () => {
    const { tell, next } = mailbox();
    const listening = await client.listen('Some channel', tell, () => tell('a gap'));
    await client.query("SELECT pg_notify('Some channel', 'first')");
    assert.equal(await next(), 'first');
    await server.crash();
    await server.restart();
    assert.equal(await next(), 'a gap');
    await client.query("SELECT pg_notify('Some channel', 'second')", [], { retryForMs: 60_000 });
    assert.equal(await next(), 'second');
    await listening.stop();
  });
});
