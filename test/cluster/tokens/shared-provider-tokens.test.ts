/** One provider token for three processes, with a Redis of their own and a simulator as strict as APNs. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { sign } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { joinToken, readProviderToken, signingInput } from '../../../src/apns/credentials/jwt.js';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { tokenMintLockMs } from '../../../src/base/limits.js';
import { silentLogger } from '../../../src/base/log.js';
import { type SharedTokenOptions, sharedProviderTokens } from '../../../src/cluster/tokens/shared-provider-tokens.js';
import { RedisTokenBoard } from '../../../src/cluster/tokens/token-board.js';
import { Sealer } from '../../../src/credentials/sealing/sealer.js';
import type { Credential } from '../../../src/push/credentials/credential.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import type { Scenario } from '../../../src/simulator/settings/scenario.js';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.js';
import { openRedis, type RedisClient } from '../../../src/stores/redis-client.js';
import { randomTokens, topic } from '../../cli/fixture.js';
import { RedisServer } from '../../support/redis-server.js';
import type { TokenJob } from '../../support/token-process.js';

const program = fileURLToPath(new URL('../../support/token-process.js', import.meta.url));
const minute = 60_000;
const keys = [
  createThrowAwayProviderKey('ABC123DEFG', 'TEAM123456'),
  createThrowAwayProviderKey('HIJ456KLMN', 'TEAM123456'),
  createThrowAwayProviderKey('ABC123DEFG', 'TEAM999999'),
];
const sealingKeys = `of-the-test:${Buffer.alloc(32, 'a key of the test').toString('base64')}`;
const sealer = new Sealer(sealingKeys);

interface Outcome {
  readonly accepted: number;
  readonly resent: number;
  readonly stopped: string | null;
  readonly reasons: readonly unknown[];
}

type TokenProcess = ChildProcessByStdio<Writable, Readable, null>;

describe('cluster/tokens/shared-provider-tokens', () => {
  let server: RedisServer;
  let redis: RedisClient;
  let simulator: Simulator;
  const recipients = randomTokens(300);

  before(async function () {
    if (!RedisServer.isInstalled) this.skip();
    server = await RedisServer.start();
    redis = await openRedis({ url: server.url });
  });
  beforeEach(() => redis.flushall());
  afterEach(() => simulator?.close());
  after(async () => {
    redis?.disconnect();
    await server?.stop();
  });

  /** As APNs: so many new tokens of a key in 20 minutes. */
  async function simulate(providerTokenUpdates: number, scenario: Scenario = { faults: [] }): Promise<void> {
    const providerKeys = keys.map(({ keyId, teamId, publicKey }) => ({ keyId, teamId, publicKey }));
    simulator = await startSimulator({
      auth: 'token',
      providerKeys,
      controlPort: null,
      conduct: { providerTokenUpdates },
      scenario,
    });
  }

  async function start(more: Partial<TokenJob> = {}): Promise<TokenProcess> {
    const job: TokenJob = {
      redis: server.url,
      sealingKeys,
      gateway: simulator.url,
      ca: simulator.caCertificate!,
      topic,
      keys,
      recipients,
      ...more,
    };
    const child = spawn(process.execPath, [program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, JOB: JSON.stringify(job) },
    });
    await once(child.stdout, 'data');
    return child;
  }

  async function outcomesOf(children: readonly TokenProcess[]): Promise<Outcome[]> {
    const all = await Promise.all(
      children.map(async (child) => {
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk;
        });
        child.stdin.write('go\n');
        await once(child, 'close');
        return JSON.parse(output) as Outcome[];
      }),
    );
    return all.flat();
  }

  const credentialOf = (number: number, options: SharedTokenOptions = {}): Credential => {
    const { p8, keyId, teamId } = keys[number]!;
    return sharedProviderTokens(loadCredential({ key: p8, keyId, teamId }), redis, {
      sealer,
      ...options,
    });
  };

  /** Tokens as they were made some time ago, on the board. */
  function preload(ageMs: number): Promise<string[]> {
    return Promise.all(
      keys.map(async ({ p8, keyId, teamId }, number) => {
        const { fingerprint } = credentialOf(number);
        const signed = signingInput({ keyId, teamId }, Date.now() - ageMs);
        const token = joinToken(signed, sign('sha256', Buffer.from(signed), { key: p8, dsaEncoding: 'ieee-p1363' }));
        const record = sealer.seal(Buffer.from(token), `provider token ${fingerprint}`);
        await new RedisTokenBoard(redis, 'peal', fingerprint).write(record, readProviderToken(token)!.issuedAtMs);
        return token;
      }),
    );
  }

  it('lets three processes send with three keys of two teams, one token each', async () => {
    await simulate(0);
    const outcomes = await outcomesOf(await Promise.all([start(), start(), start()]));
    for (const outcome of outcomes) assert.deepEqual(outcome, { accepted: 300, resent: 0, stopped: null, reasons: [] });
    assert.equal(outcomes.length, 9);
    assert.equal(simulator.ledger.summary().rejected, 0);
    const names = (await redis.keys('*')).sort();
    assert.deepEqual(names, keys.map((_, number) => `peal:{${credentialOf(number).fingerprint}}:token`).sort());
    // Three letters alone may stand in sealed bytes by chance; the points between the parts of a token cannot.
    const inClear = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;
    for (const name of names) assert.doesNotMatch(JSON.stringify(await redis.hgetall(name)), inClear);
  });

  it('renews tokens that APNs calls expired once for all', async () => {
    await simulate(1, { faults: [{ do: 'expireProviderTokens', when: { requests: 900 } }] });
    const before = await preload(25 * minute);
    const outcomes = await outcomesOf(await Promise.all([start(), start(), start()]));
    for (const { accepted, stopped } of outcomes) assert.deepEqual([accepted, stopped], [300, null]);
    const { reasons } = simulator.ledger.summary();
    assert.deepEqual(Object.keys(reasons), ['ExpiredProviderToken'], 'APNs saw no token too many');
    const after = await Promise.all(keys.map((_, number) => credentialOf(number).tokenOrigin!.fetch(null, Date.now())));
    for (const [number, token] of after.entries()) assert.notEqual(token, before[number]);
  });

  it('keeps tokens that APNs calls expired within 20 minutes', async () => {
    await simulate(1);
    const before = await preload(19 * minute);
    for (const [number, token] of before.entries()) {
      assert.equal(await credentialOf(number).tokenOrigin!.fetch(token, Date.now()), token);
    }
  });

  it('waits for a process that was killed while it made a token no longer than the lock lives', async () => {
    await simulate(0);
    const hanging = await start({ hangs: true, keys: keys.slice(0, 1) });
    const minting = once(hanging.stdout, 'data');
    hanging.stdin.write('go\n');
    assert.equal(String((await minting)[0]).trim(), 'minting');
    hanging.kill('SIGKILL');
    await once(hanging, 'close');
    // A hook and a key file are two credentials: the same process again, with a hook that works, would have this name.
    const [name] = await redis.keys('*:token-lock');
    const { p8, keyId, teamId } = keys[0]!;
    const hook = loadCredential({ sign: (data: Uint8Array) => sign('sha256', data, p8), keyId, teamId });
    assert.equal(name, `peal:{${hook.fingerprint}}:token-lock`);
    const from = performance.now();
    const token = await sharedProviderTokens(hook, redis, { sealer }).tokenOrigin!.fetch(null, Date.now());
    assert.equal(readProviderToken(token)!.keyId, keyId);
    const waitedMs = performance.now() - from;
    assert.ok(waitedMs > 500 && waitedMs < tokenMintLockMs + 3000, `${waitedMs} ms`);
  });

  it('makes good tokens on a machine whose clock is off, which is told', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) };
    const token = await credentialOf(0, { logger }).tokenOrigin!.fetch(null, Date.now() - 30 * minute);
    assert.ok(Math.abs(readProviderToken(token)!.issuedAtMs - Date.now()) < 5000);
    assert.match(warnings.join(), /^the clock of this machine is 1,800 seconds behind that of Redis/);
    assert.equal(await credentialOf(0).tokenOrigin!.fetch(null, Date.now()), token);
  });

  it('refuses options that it does not know', () => {
    assert.throws(() => credentialOf(0, { sealr: sealer } as object), /sharedProviderTokens has no option "sealr"/);
    assert.throws(() => credentialOf(0, { sealer: 'text' as never }), /option sealer must be a Sealer/);
  });

  it('leaves credentials without a key of ours as they are', () => {
    const given = loadCredential({ providerToken: () => 'x' });
    assert.equal(sharedProviderTokens(given, redis), given);
    const shared = credentialOf(0);
    assert.equal(sharedProviderTokens(shared, redis), shared);
    assert.equal(
      shared.fingerprint,
      loadCredential({ key: keys[0]!.p8, keyId: keys[0]!.keyId, teamId: keys[0]!.teamId }).fingerprint,
    );
  });

  it('takes no second token within 20 minutes, and no older one', async () => {
    const board = new RedisTokenBoard(redis, 'peal', 'f'.repeat(64));
    const nowMs = (await board.read()).nowMs;
    const write = async (record: string, ageMs: number): Promise<string | null> =>
      (await board.write(record, nowMs - ageMs)).record;
    assert.equal(await write('too old', 61 * minute), null);
    assert.equal(await write('first', 22 * minute), 'first');
    assert.equal(await write('older', 23 * minute), 'first');
    assert.equal(await write('second', 0), 'second');
    assert.equal(await write('third', -1000), 'second');
    const lifeMs = await redis.pttl(`peal:{${'f'.repeat(64)}}:token`);
    assert.ok(lifeMs > 59 * minute && lifeMs <= 60 * minute, `${lifeMs} ms`);
    assert.equal(await board.lock('a'), true);
    assert.equal(await board.lock('b'), false);
    await board.unlock('b');
    assert.equal(await board.lock('b'), false);
    await board.unlock('a');
    assert.equal(await board.lock('b'), true);
  });
});
