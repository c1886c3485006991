/**
 * examples/postgres-campaign.mjs, killed and started again, against a PostgreSQL server (Debian: postgresql) and the
 * simulator.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Simulator, scriptedToken, startSimulator } from '../../src/index.js';
import { PostgresServer } from '../support/postgres-server.js';
import { repositoryRoot } from '../support/repository.js';

const program = path.join(repositoryRoot, 'examples', 'postgres-campaign.mjs');
const orders = 20_000;
const gone = 100;
const nonsense = 5;

/** Devices of as many customers, each with an order that was shipped: some are gone, and some tokens are none. */
const tables = `
  CREATE TABLE devices (token text PRIMARY KEY, customer int, name text, locale text, registered timestamptz);
  CREATE TABLE orders (id int PRIMARY KEY, customer int, shipped timestamptz);
  INSERT INTO devices
    SELECT lpad(to_hex(n), 64, '0'), n, CASE WHEN n % 10 = 0 THEN NULL ELSE 'Zoë "' || n || '"' END,
      CASE WHEN n % 2 = 0 THEN 'de' ELSE 'en' END, '2020-01-01'
    FROM generate_series(1, ${orders - gone - nonsense}) AS n;
  INSERT INTO devices
    SELECT 'nonsense ' || n, n, 'Al', 'en', '2020-01-01'
    FROM generate_series(${orders - gone - nonsense + 1}, ${orders - gone}) AS n;
  INSERT INTO devices VALUES
    ${Array.from({ length: gone }, (_, n) => `('${scriptedToken('Unregistered', n)}', ${orders - gone + 1 + n}, 'Bo', 'en', '2020-01-01')`).join()};
  INSERT INTO orders SELECT n, n, now() FROM generate_series(1, ${orders}) AS n;`;

describe('a campaign out of PostgreSQL', () => {
  let postgres: PostgresServer;
  let simulator: Simulator;
  let home: string;
  let env: NodeJS.ProcessEnv;

  before(async function () {
    const isReady = existsSync(path.join(repositoryRoot, 'node_modules', 'pg')) && PostgresServer.isInstalled;
    if (!isReady) this.skip();
    postgres = await PostgresServer.start();
    postgres.run(tables);
    home = mkdtempSync(path.join(tmpdir(), 'peal-postgres-campaign-'));
    simulator = await startSimulator({ controlPort: null });
    const ca = path.join(home, 'ca.pem');
    writeFileSync(ca, simulator.caCertificate!);
    env = { ...process.env, ...postgres.env, NODE_EXTRA_CA_CERTS: ca, PEAL_GATEWAY: simulator.url };
  });

  after(async () => {
    await simulator?.close();
    await postgres?.[Symbol.asyncDispose]();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  /** Runs the example, and kills it once so many requests have come to the simulator. */
  async function run(killAt = Number.POSITIVE_INFINITY): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [program, 'shipped'], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk);
      });
    }
    const watch = setInterval(() => {
      if (simulator.ledger.summary().requests >= killAt) child.kill('SIGKILL');
    }, 20);
    const [code] = (await once(child, 'close')) as [number | null];
    clearInterval(watch);
    return { code, output };
  }

  it('sends to each row once though it is killed, says what the row says, and drops what is gone', async () => {
    const killed = await run(7_000);
    assert.equal(killed.code, null, killed.output);
    const before = simulator.ledger.summary().requests;
    assert.ok(before < 15_000, `${before} requests`);

    const { code, output } = await run();
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* from earlier runs/);
    assert.match(output, /^finished: /m);
    const { accepted, duplicates, reasons, requests } = simulator.ledger.summary();
    assert.equal(duplicates, 0, 'nothing was sent twice');
    const { unknown } = JSON.parse(readFileSync(path.join(home, 'shipped', 'summary.json'), 'utf8')) as {
      unknown: number;
    };
    assert.ok(requests + unknown >= orders - nonsense, `${requests} requests, ${unknown} unknown`);
    assert.ok(requests <= orders - nonsense);
    assert.equal(accepted + reasons.Unregistered!, requests);
    assert.match(output, new RegExp(`dropped ${reasons.Unregistered} devices`));
    assert.deepEqual(postgres.run('SELECT count(*) FROM devices'), [String(orders - reasons.Unregistered!)]);
  });
});
