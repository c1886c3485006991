/** One provider token for several processes on virtual time: who makes the next one, when, and by whose clock. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign as signWith } from 'node:crypto';
import { inspect } from 'node:util';
import { isSignedBy, joinToken, readProviderToken, signingInput } from '../../../src/apns/credentials/jwt.js';
import { PealError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/log.js';
import { SharedOrigin } from '../../../src/cluster/tokens/shared-origin.js';
import type { BoardNow, TokenBoard } from '../../../src/cluster/tokens/token-board.js';
import { Sealer } from '../../../src/credentials/sealing/sealer.js';
import { TokenKeeper } from '../../../src/push/credentials/token-keeper.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const minute = 60_000;
const names = { keyId: 'ABC123DEFG', teamId: 'TEAM123456' };
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Redis, as its scripts keep the board. */
class MemoryBoard implements TokenBoard {
  record: string | null = null;
  issuedAtMs = Number.NEGATIVE_INFINITY;
  owner: string | null = null;
  isAway = false;
  readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  async read(): Promise<BoardNow> {
    if (this.isAway) throw new PealError('ERR_PEAL_STORE', 'Redis is away.', { origin: 'store', retryable: true });
    return { nowMs: this.clock.wallMs(), record: this.record };
  }

  async lock(owner: string): Promise<boolean> {
    await this.read();
    this.owner ??= owner;
    return this.owner === owner;
  }

  async unlock(owner: string): Promise<void> {
    await this.read();
    if (this.owner === owner) this.owner = null;
  }

  async write(record: string, issuedAtMs: number): Promise<BoardNow> {
    await this.read();
    const isYoung = this.record !== null && this.clock.wallMs() - this.issuedAtMs < 20 * minute;
    if (!isYoung && issuedAtMs > this.issuedAtMs) Object.assign(this, { record, issuedAtMs });
    return this.read();
  }
}

describe('cluster/tokens/shared-origin', () => {
  let clock: VirtualClock;
  let board: MemoryBoard;
  let minted: string[];
  let warnings: string[];
  const log = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) };

  beforeEach(() => {
    clock = new VirtualClock();
    board = new MemoryBoard(clock);
    minted = [];
    warnings = [];
  });

  /** One process, with a wall clock that may be off. */
  function processOf({ sealer = null as Sealer | null, skewMs = 0 } = {}): TokenKeeper {
    const mint = async (wallMs: number): Promise<string> => {
      const signed = signingInput(names, wallMs);
      const signature = signWith('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      minted.push(joinToken(signed, signature));
      return minted.at(-1)!;
    };
    const isOurs = (token: string): boolean => isSignedBy(token, publicKey);
    const own = Object.assign(Object.create(clock) as VirtualClock, {
      now: () => clock.now(),
      wallMs: () => clock.wallMs() + skewMs,
      setTimer: clock.setTimer.bind(clock),
      clearTimer: clock.clearTimer.bind(clock),
    });
    const origin = new SharedOrigin({ ...names, fingerprint: 'f', board, mint, isOurs, sealer, clock: own, log });
    return new TokenKeeper(origin, own);
  }

  /** Lets virtual time pass until `work` is done; resolves with its outcome. */
  async function inTime<T>(work: T | Promise<T>, stepMs = 10): Promise<T> {
    let isDone = false;
    const done = Promise.resolve(work).finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!isDone) clock.advance(stepMs);
    }
    return done;
  }

  /** As sends do: asks every 30 seconds. */
  async function pass(keepers: readonly TokenKeeper[], ms: number): Promise<void> {
    for (const end = clock.now() + ms; clock.now() < end; clock.advance(Math.min(30_000, end - clock.now()))) {
      for (const keeper of keepers) keeper.current();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('gives all processes the token of the one that came first', async () => {
    const keepers = [processOf(), processOf(), processOf()];
    const tokens = await inTime(Promise.all(keepers.map((keeper) => keeper.current())));
    assert.deepEqual([new Set(tokens).size, minted.length], [1, 1]);
  });

  it('renews it once for all at 50 minutes', async () => {
    const keepers = [processOf(), processOf(), processOf()];
    for (const keeper of keepers) await inTime(keeper.current());
    await pass(keepers, 49 * minute);
    assert.equal(minted.length, 1);
    await pass(keepers, 3 * minute);
    assert.equal(minted.length, 2);
    assert.deepEqual([...new Set(keepers.map((keeper) => keeper.current()))], [minted[1]]);
  });

  it('renews it after ExpiredProviderToken once for all, and never within 20 minutes', async () => {
    const keepers = [processOf(), processOf()];
    const first = await inTime(keepers[0]!.current());
    await inTime(keepers[1]!.current());
    await pass(keepers, 19 * minute);
    assert.equal(await inTime(keepers[0]!.refresh(first)), first);
    await pass(keepers, 2 * minute);
    const renewed = await inTime(keepers[0]!.refresh(first));
    assert.notEqual(renewed, first);
    assert.equal(await inTime(keepers[1]!.refresh(first)), renewed, 'adopted at once');
    assert.equal(minted.length, 2);
  });

  it('does not wait longer for a process that died than its lock lives', async () => {
    board.owner = 'of a process that was killed';
    clock.setTimer(() => {
      board.owner = null;
    }, 5000);
    const from = clock.now();
    assert.equal(await inTime(processOf().current()), minted[0]);
    assert.ok(clock.now() - from < 5200, `${clock.now() - from} ms`);
  });

  it('uses the token before as long as another process holds the lock, and says so where there is none', async () => {
    const keeper = processOf();
    const first = await inTime(keeper.current());
    board.owner = 'another process';
    await pass([keeper], 55 * minute);
    assert.equal(keeper.current(), first);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(6 * minute);
    await assert.rejects(inTime(Promise.resolve(keeper.current()), 100), (error: PealError) => {
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL');
      return /within 30 seconds: another process holds the lock in Redis/.test(error.message);
    });
  });

  it('goes on with the token in hand while Redis is away, and never beyond its hour', async () => {
    const keepers = [processOf(), processOf()];
    const first = await inTime(keepers[0]!.current());
    await pass(keepers.slice(0, 1), 45 * minute);
    // The second process has it for 10 minutes only when it is 55 minutes old.
    await inTime(keepers[1]!.current());
    board.isAway = true;
    await pass(keepers, 10 * minute);
    for (const keeper of keepers) assert.equal(keeper.current(), first);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5 * minute);
    for (const keeper of keepers) {
      await assert.rejects(inTime(Promise.resolve(keeper.current()), 100), (error: PealError) => {
        assert.match(error.message, /^No provider token .* Redis is away\.$/);
        return error.code === 'ERR_PEAL_CREDENTIAL';
      });
    }
    board.isAway = false;
    assert.equal(await inTime(keepers[0]!.current()), minted[1]);
  });

  it('gives the token back to a Redis that has lost it', async () => {
    const keepers = [processOf(), processOf()];
    const first = await inTime(keepers[0]!.current());
    Object.assign(board, { record: null, issuedAtMs: Number.NEGATIVE_INFINITY });
    await pass([keepers[0]!], minute);
    assert.equal(await inTime(keepers[1]!.current()), first);
    assert.equal(minted.length, 1);
  });

  it('makes tokens by the clock of Redis where that of the machine is off, and says so once', async () => {
    const keeper = processOf({ skewMs: 10 * minute });
    const token = await inTime(keeper.current());
    assert.ok(Math.abs(readProviderToken(token)!.issuedAtMs - clock.wallMs()) < 2000);
    await pass([keeper], 5 * minute);
    assert.deepEqual(warnings, [
      'the clock of this machine is 600 seconds ahead of that of Redis, by which provider tokens are made: set both by NTP',
    ]);
    await inTime(processOf({ skewMs: -10_000 }).current());
    assert.equal(warnings.length, 1);
  });

  it('seals it, and refuses what is not sealed by the same keys', async () => {
    const ring = (id: string): Sealer =>
      new Sealer(`${id}:${Buffer.from(id.repeat(32).slice(0, 32)).toString('base64')}`);
    const token = await inTime(processOf({ sealer: ring('ab') }).current());
    assert.ok(!board.record!.includes(token.slice(-20)));
    assert.equal(await inTime(processOf({ sealer: ring('ab') }).current()), token);
    const refuse = (keeper: TokenKeeper, message: RegExp): Promise<void> =>
      assert.rejects(inTime(Promise.resolve(keeper.current())), (error: PealError) => {
        assert.ok(!inspect(error).includes(token.slice(-20)));
        return error.code === 'ERR_PEAL_CREDENTIAL' && message.test(error.message);
      });
    await refuse(processOf({ sealer: ring('xy') }), /sealed with the key "ab", which is not among the sealing keys/);
    await refuse(processOf(), /is sealed: give this process the sealing keys/);
    Object.assign(board, { record: `plain ${token}` });
    await refuse(processOf({ sealer: ring('ab') }), /is not sealed, but this process has sealing keys/);
  });

  it('refuses a token that another key signed', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const signed = signingInput(names, clock.wallMs());
    const signature = signWith('sha256', Buffer.from(signed), { key: stranger, dsaEncoding: 'ieee-p1363' });
    board.record = `plain ${joinToken(signed, signature)}`;
    await assert.rejects(inTime(Promise.resolve(processOf().current())), /is not one of its key\.$/);
  });
});
