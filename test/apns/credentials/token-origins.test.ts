/** Provider tokens that are shared, signed elsewhere or made elsewhere. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign as signWith, verify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinToken, joseSignature, readProviderToken, signingInput } from '../../../src/apns/credentials/jwt.js';
import { type CredentialOptions, loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { ProviderTokenRegistry } from '../../../src/apns/credentials/provider-token.js';
import type { PealError } from '../../../src/base/errors.js';
import { providerTokenCheckMs, providerTokenLifetimeMs, providerTokenMinAgeMs } from '../../../src/base/limits.js';
import { silentLogger } from '../../../src/base/log.js';
import type { TokenKeeper } from '../../../src/push/credentials/token-keeper.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const ids = { keyId: 'ABC123DEFG', teamId: 'TEAM123456' };
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const minute = 60_000;

/** A JWT as another program would make it. */
function tokenOf(wallMs: number, names = ids, key = pair.privateKey): string {
  const signed = signingInput(names, wallMs);
  return joinToken(signed, signWith('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }));
}

function isValid(token: string): boolean {
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  const key = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', Buffer.from(token.slice(0, end)), key, signature);
}

const refusal = (message: RegExp) => (error: PealError) => {
  assert.equal(error.code, 'ERR_PEAL_CREDENTIAL', error.stack);
  assert.match(error.message, message);
  assert.match(error.message, /\.$/);
  assert.ok(!/eyJ/.test(error.message), 'a token is shown');
  return true;
};

describe('provider tokens that do not simply come of a key', () => {
  let folder: string;
  let clock: VirtualClock;
  let registry: ProviderTokenRegistry;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'peal-tokens-'));
    clock = new VirtualClock();
    registry = new ProviderTokenRegistry(clock);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    assert.equal(clock.timerCount, 0, 'a timer is left behind');
  });

  function keeperOf(options: CredentialOptions, from = registry, log = silentLogger): TokenKeeper {
    const credential = loadCredential(options, { log });
    assert.equal(credential.kind, 'token');
    return from.keeperFor(credential.fingerprint, credential.tokenOrigin!);
  }

  describe('a signing hook', () => {
    const p1363 = (data: Uint8Array) => signWith('sha256', data, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
    const der = (data: Uint8Array) => signWith('sha256', data, pair.privateKey);

    it('signs with r and s side by side or DER, at once or later, checked or not', async () => {
      const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }) as string;
      for (const sign of [p1363, der, async (data: Uint8Array) => der(data)]) {
        for (const check of [{}, { publicKey }, { publicKey: pair.publicKey }]) {
          const keeper = keeperOf({ sign, ...ids, ...check }, new ProviderTokenRegistry(clock));
          const token = await keeper.current();
          assert.ok(isValid(token));
          const read = readProviderToken(token)!;
          assert.deepEqual([read.keyId, read.teamId], [ids.keyId, ids.teamId]);
          assert.equal(read.issuedAtMs, Math.floor(clock.wallMs() / 1000) * 1000);
        }
      }
    });

    it('takes every DER signature, short numbers included', () => {
      for (let n = 0; n < 2000; n++) {
        const data = Buffer.from(`data ${n}`);
        const signature = joseSignature(der(data))!;
        assert.equal(signature.length, 64);
        assert.ok(verify('sha256', data, { key: pair.publicKey, dsaEncoding: 'ieee-p1363' }, signature));
      }
      assert.deepEqual(
        [...joseSignature(Buffer.from('3006020101020102', 'hex'))!.filter((byte) => byte !== 0)],
        [1, 2],
      );
      for (const wrong of [
        '',
        '3003020101',
        '3008020101020102020103',
        '30050201010201',
        `3025${'0221'}${'01'.repeat(33)}`,
      ]) {
        assert.equal(joseSignature(Buffer.from(wrong, 'hex')), null, wrong);
      }
    });

    it('is asked once for 50 minutes, by all who share the key', async () => {
      let calls = 0;
      const sign = (data: Uint8Array): Uint8Array => {
        calls++;
        return p1363(data);
      };
      const first = keeperOf({ sign, ...ids });
      const second = keeperOf({ sign: async (data) => sign(data), ...ids });
      assert.equal(first, second);
      const tokens = await Promise.all([first.current(), second.current(), first.current()]);
      assert.deepEqual([new Set(tokens).size, calls], [1, 1]);
      clock.advance(providerTokenLifetimeMs - 1);
      assert.equal(first.current(), tokens[0], 'at once, and the same');
      clock.advance(1);
      assert.equal(first.current(), tokens[0], 'the one in use serves until the next is there');
      await first.refresh('another');
      assert.notEqual(first.current(), tokens[0]);
      assert.equal(calls, 2);
    });

    it('makes no second token within 20 minutes, whatever APNs says', async () => {
      const keeper = keeperOf({ sign: p1363, ...ids });
      const token = await keeper.current();
      assert.equal(await keeper.refresh(token), token);
      clock.advance(providerTokenMinAgeMs);
      assert.notEqual(await keeper.refresh(token), token);
    });

    it('is refused with one sentence where it returns no signature', async () => {
      const publicKey = pair.publicKey;
      const byOther = (data: Uint8Array) =>
        signWith('sha256', data, { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' });
      const cases: readonly [unknown, object, RegExp][] = [
        [() => undefined, {}, /option sign returned undefined\. Expected the signature as a Uint8Array/],
        [() => 'text', {}, /returned a value of type string/],
        [() => new Uint8Array(32), {}, /returned 32 bytes that are not an ES256 signature/],
        [
          byOther,
          { publicKey },
          /a signature that does not match the option publicKey\. Check that it uses the key ABC123DEFG/,
        ],
        [
          () => Promise.reject(new TypeError('SECRET-CANARY')),
          {},
          /No provider token is available: its source failed \(TypeError\)/,
        ],
      ];
      for (const [sign, more, message] of cases) {
        const options = { sign, ...ids, ...more } as CredentialOptions;
        await assert.rejects(
          async () => keeperOf(options, new ProviderTokenRegistry(clock)).current(),
          (error: PealError) => {
            assert.ok(!/CANARY/.test(error.stack!));
            return refusal(message)(error);
          },
        );
      }
      assert.throws(() => loadCredential({ sign: 'no', ...ids } as never), refusal(/option sign must be a function/));
      assert.throws(() => loadCredential({ sign: p1363, ...ids, keyId: 'x' }), refusal(/keyId must be 10 characters/));
      assert.throws(() => loadCredential({ sign: p1363, ...ids, publicKey: 'x' }), refusal(/publicKey is not PEM/));
    });

    it('that does not answer is given 30 seconds, and asked again by the next who needs it', async () => {
      let isStuck = true;
      const keeper = keeperOf({ sign: (data) => (isStuck ? new Promise<never>(() => {}) : p1363(data)), ...ids });
      const waiting = assert.rejects(async () => keeper.current(), refusal(/within 30 seconds/));
      await new Promise(setImmediate);
      clock.advance(30_000);
      await waiting;
      isStuck = false;
      assert.ok(isValid(await keeper.current()));
    });

    it('that was mended serves at once', async () => {
      const broken = keeperOf({ sign: () => new Uint8Array(1), ...ids });
      await assert.rejects(async () => broken.current(), { code: 'ERR_PEAL_CREDENTIAL' });
      assert.ok(isValid(await keeperOf({ sign: p1363, ...ids }).current()));
    });
  });

  describe('given tokens', () => {
    it('are taken as text, with or without bearer, and shown by their names only', async () => {
      const token = tokenOf(clock.wallMs());
      for (const providerToken of [token, `bearer ${token}`, ` Bearer ${token}\n`]) {
        const credential = loadCredential({ providerToken });
        assert.deepEqual([credential.keyId, credential.teamId], [ids.keyId, ids.teamId]);
        assert.ok(!JSON.stringify(credential).includes(token.slice(0, 20)));
        assert.equal(await keeperOf({ providerToken }).current(), token);
      }
    });

    it('come from a function that is asked now and then, and when one has expired', async () => {
      let calls = 0;
      const tokens = [0, 1, 2].map((n) => tokenOf(clock.wallMs() + n * 1000));
      let at = 0;
      const providerToken = async (): Promise<string> => {
        calls++;
        return tokens[at]!;
      };
      const keeper = keeperOf({ providerToken });
      assert.equal(keeperOf({ providerToken }), keeper);
      assert.equal(await keeper.current(), tokens[0]);
      clock.advance(providerTokenCheckMs - 1);
      assert.equal(await keeper.current(), tokens[0]);
      assert.equal(calls, 1);
      at = 1;
      clock.advance(1);
      assert.equal(await keeper.current(), tokens[0]);
      await new Promise(setImmediate);
      assert.equal(await keeper.current(), tokens[1]);
      at = 2;
      assert.equal(await keeper.refresh(tokens[1]!), tokens[2]);
      assert.equal(calls, 3);
    });

    it('that APNs calls expired are not used again', async () => {
      const token = tokenOf(clock.wallMs());
      for (const providerToken of [token, () => token]) {
        const keeper = keeperOf({ providerToken });
        assert.equal(await keeper.current(), token);
        await assert.rejects(
          keeper.refresh(token),
          refusal(/calls the given provider token expired, and no newer one was given/),
        );
      }
    });

    it('that are none are refused, and not shown', async () => {
      const cases = ['', 'x.y', `${tokenOf(0)}.z`, `eyJ${'a'.repeat(5000)}.b.c`, tokenOf(0).replace(/^\w+/, 'e30')];
      for (const providerToken of cases) {
        assert.throws(
          () => loadCredential({ providerToken }),
          refusal(/option providerToken is (empty|not a provider token)\. Expected/),
        );
        const keeper = keeperOf({ providerToken: () => providerToken });
        await assert.rejects(async () => keeper.current(), refusal(/What the option providerToken returned is/));
      }
      assert.throws(() => loadCredential({ providerToken: 7 } as never), refusal(/must be a JWT, a function/));
      assert.throws(
        () => loadCredential({ providerToken: tokenOf(0), keyId: 'x' } as never),
        refusal(/option keyId does not go/),
      );
    });

    it('come from a file that another process renews', async () => {
      const file = join(folder, 'token');
      const keeper = keeperOf({ providerToken: { file } });
      await assert.rejects(
        async () => keeper.current(),
        refusal(/token \(option providerTokenFile\) is missing, or holds no provider token/),
      );
      const [first, second] = [tokenOf(clock.wallMs()), tokenOf(clock.wallMs() + minute)];
      writeFileSync(file, `${first}\n`, { mode: 0o600 });
      assert.equal(await keeper.current(), first);
      writeFileSync(file, second);
      clock.advance(providerTokenCheckMs);
      await keeper.refresh('another');
      assert.equal(await keeper.current(), second);
      clock.advance(70 * minute);
      await assert.rejects(async () => keeper.current(), refusal(/has expired and was not renewed/));
    });
  });

  describe('a file that processes share', () => {
    const key = pair.privateKey;
    const another = (): ProviderTokenRegistry => new ProviderTokenRegistry(clock);

    it('holds one token for all, readable by its owner only', async () => {
      const providerTokenFile = join(folder, 'token');
      const keepers = Array.from({ length: 8 }, () => keeperOf({ key, ...ids, providerTokenFile }, another()));
      const tokens = await Promise.all(keepers.map((keeper) => keeper.current()));
      assert.equal(new Set(tokens).size, 1);
      assert.ok(isValid(tokens[0]!));
      assert.equal(readFileSync(providerTokenFile, 'utf8'), `${tokens[0]}\n`);
      if (process.platform !== 'win32') assert.equal(statSync(providerTokenFile).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(folder), ['token'], 'no lock, no partial file');
    });

    it('is renewed by one at 50 minutes, and the others see it', async () => {
      const providerTokenFile = join(folder, 'token');
      const [one, two] = [1, 2].map(() => keeperOf({ key, ...ids, providerTokenFile }, another()));
      const first = await one!.current();
      assert.equal(await two!.current(), first);
      clock.advance(providerTokenLifetimeMs);
      const second = await one!.refresh('another');
      assert.notEqual(second, first);
      assert.equal(await two!.refresh(first), second, 'told that the first expired, it takes the second');
      assert.equal(await two!.refresh(second), second, 'which may not be replaced for 20 minutes');
    });

    it('names the lock that another process seems to hold, and what to do', async () => {
      const providerTokenFile = join(folder, 'token');
      const lock = `${providerTokenFile}.lock`;
      writeFileSync(lock, '1 another.example\n');
      const credential = loadCredential({ key, ...ids, providerTokenFile }, { log: silentLogger });
      const keeper = registry.keeperFor(credential.fingerprint, credential.tokenOrigin!);
      const waiting = assert.rejects(
        async () => keeper.current(),
        refusal(/within 30 seconds: another process holds .*token\.lock\. Once no process .* remove that file\.$/),
      );
      while (credential.tokenOrigin!.waitsFor === null) await new Promise(setImmediate);
      clock.advance(30_000);
      await waiting;
      rmSync(lock);
      while (!existsSync(providerTokenFile)) await new Promise(setImmediate);
      while (existsSync(lock)) await new Promise(setImmediate);
    });

    it('is not replaced where it is somebody else’s', async () => {
      const providerTokenFile = join(folder, 'token');
      const other = tokenOf(clock.wallMs(), { ...ids, keyId: 'OTHERKEY00' });
      const cases: readonly [string, RegExp][] = [
        [
          '-----BEGIN PRIVATE KEY-----',
          /holds something other than a provider token: name a file of its own for the token/,
        ],
        ['hello', /holds something other/],
        [other, /of another key or team than ABC123DEFG of TEAM123456: give each key a file of its own/],
      ];
      for (const [content, message] of cases) {
        writeFileSync(providerTokenFile, content, { mode: 0o600 });
        await assert.rejects(
          async () => keeperOf({ key, ...ids, providerTokenFile }, another()).current(),
          refusal(message),
        );
        assert.equal(readFileSync(providerTokenFile, 'utf8'), content);
      }
    });

    it('is replaced where its token is old, from a wrong clock, or signed by an earlier key of the same id', async () => {
      const providerTokenFile = join(folder, 'token');
      const now = clock.wallMs();
      for (const old of [
        '',
        tokenOf(now - 51 * minute),
        tokenOf(now + 10 * minute),
        tokenOf(now, ids, stranger.privateKey),
      ]) {
        writeFileSync(providerTokenFile, old, { mode: 0o600 });
        const token = await keeperOf({ key, ...ids, providerTokenFile }, another()).current();
        assert.ok(isValid(token) && token !== old);
      }
      const good = tokenOf(now - 49 * minute);
      writeFileSync(providerTokenFile, good, { mode: 0o600 });
      assert.equal(await keeperOf({ key, ...ids, providerTokenFile }, another()).current(), good);
    });

    it('is warned of where others may read it', async function () {
      if (process.platform === 'win32') this.skip();
      const providerTokenFile = join(folder, 'token');
      const warnings: string[] = [];
      const log = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) };
      writeFileSync(providerTokenFile, tokenOf(clock.wallMs()));
      chmodSync(providerTokenFile, 0o644);
      await keeperOf({ key, ...ids, providerTokenFile }, another(), log).current();
      assert.deepEqual(warnings, ['other users may read this provider token: restrict it (chmod 600)']);
    });

    it('is not held up by the lock of a process that is dead', async () => {
      const providerTokenFile = join(folder, 'token');
      writeFileSync(`${providerTokenFile}.lock`, `2147483646 ${(await import('node:os')).hostname()}\n`);
      assert.ok(isValid(await keeperOf({ key, ...ids, providerTokenFile }, another()).current()));
      assert.ok(!existsSync(`${providerTokenFile}.lock`));
    });

    it('says so where it cannot be written', async () => {
      const providerTokenFile = join(folder, 'nowhere', 'token');
      const keeper = keeperOf({ key, ...ids, providerTokenFile });
      await assert.rejects(
        async () => keeper.current(),
        refusal(/nowhere.token \(option providerTokenFile\) cannot be written \(ENOENT\)/),
      );
      assert.throws(
        () => loadCredential({ key, ...ids, providerTokenFile: tokenOf(0) }),
        refusal(/must name a file by its path/),
      );
    });

    it('keeps tokens of a hook, too', async () => {
      const providerTokenFile = join(folder, 'token');
      let calls = 0;
      const sign = (data: Uint8Array): Uint8Array => {
        calls++;
        return signWith('sha256', data, pair.privateKey);
      };
      const tokens = await Promise.all(
        [1, 2, 3].map(() =>
          keeperOf({ sign, ...ids, publicKey: createPublicKey(key), providerTokenFile }, another()).current(),
        ),
      );
      assert.deepEqual([new Set(tokens).size, calls], [1, 1]);
    });
  });
});
