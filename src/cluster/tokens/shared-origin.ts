/**
 * The source of one key's provider tokens in a cluster: all processes use the token on the board, and one of them makes
 * the next one when it is 50 minutes old, or 20 when APNs calls it expired. Called by TokenKeeper; main thread.
 *
 * Ages are reckoned by the board's clock and by the token's own time of issue. So a machine whose clock is off makes
 * good tokens, and is told. While the board is away, the token in hand serves for as long as APNs takes it.
 */
import { randomUUID } from 'node:crypto';
import { type ReadToken, readProviderToken } from '../../apns/credentials/jwt.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  maxClockSkewMs,
  providerTokenCheckMs,
  providerTokenLifetimeMs,
  providerTokenMaxAgeMs,
  providerTokenMaxSkewMs,
  providerTokenMinAgeMs,
  providerTokenTimeoutMs,
  tokenLockPollMs,
} from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { counted } from '../../base/text.js';
import type { Sealer } from '../../credentials/sealing/sealer.js';
import { credentialError } from '../../push/credentials/key-material.js';
import type { TokenNames, TokenOrigin } from '../../push/credentials/token-origin.js';
import type { BoardNow, TokenBoard } from './token-board.js';

interface SharedOriginOptions extends TokenNames {
  /** The fingerprint of the credential. */
  readonly fingerprint: string;
  readonly board: TokenBoard;
  /** Makes a token that is issued at `wallMs`; `last` is the one before it. */
  readonly mint: (wallMs: number, last: string | null) => Promise<string>;
  /** Returns whether our key signed a token, as far as that can be told. */
  readonly isOurs: (token: string) => boolean;
  /** Null: the token lies on the board as it is. */
  readonly sealer: Sealer | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The form of a record that is not sealed. */
const plainForm = 'plain ';

export class SharedOrigin implements TokenOrigin {
  readonly askAgainMs = providerTokenCheckMs;
  readonly #options: SharedOriginOptions;
  /** The latest token of the board. */
  #held: ReadToken | null = null;
  /** The board's clock at the monotonic time 0 of this process, as of the latest reading; null before the first. */
  #boardOffsetMs: number | null = null;
  #isSkewKnown = false;
  #waitsFor: string | null = null;

  constructor(options: SharedOriginOptions) {
    this.#options = options;
  }

  get waitsFor(): string | null {
    return this.#waitsFor;
  }

  mayUse(token: string): boolean {
    const held = this.#held;
    return held !== null && held.token === token && this.#ageMs(held) < providerTokenMaxAgeMs;
  }

  async fetch(expired: string | null, wallMs: number): Promise<string> {
    const giveUpAtMs = this.#options.clock.now() + providerTokenTimeoutMs;
    for (;;) {
      const token = await this.#attempt(expired, wallMs);
      if (token !== null) {
        this.#waitsFor = null;
        return token;
      }
      // The keeper has given up, and has told `waitsFor`.
      if (this.#options.clock.now() >= giveUpAtMs) throw credentialError('No provider token was available in time.');
      await this.#pause();
    }
  }

  /** Returns null where it is worth another attempt soon; `waitsFor` says why. */
  async #attempt(expired: string | null, wallMs: number): Promise<string | null> {
    const { board } = this.#options;
    const inHand = (): string | null => {
      const held = this.#held;
      return held !== null && held.token !== expired && this.mayUse(held.token) ? held.token : null;
    };
    try {
      const known = this.#take(await board.read()) ?? (await this.#restore(expired));
      this.#noticeSkew(wallMs);
      if (known !== null && this.#isGood(known, expired)) return known.token;
      const owner = randomUUID();
      if (await board.lock(owner)) return await this.#renew(owner, expired);
      // Another process renews it. The one before serves in the meantime.
      this.#waitsFor = 'another process holds the lock in Redis under which it is made, and does not end.';
      return inHand();
    } catch (error) {
      if (!(error instanceof PealError) || !error.retryable) throw error;
      this.#waitsFor = error.marked;
      return inHand();
    }
  }

  async #renew(owner: string, expired: string | null): Promise<string> {
    const { board, mint } = this.#options;
    try {
      // Another process may have renewed it while this one came to the lock.
      const last = this.#take(await board.read());
      if (last !== null && this.#isGood(last, expired)) return last.token;
      const made = this.#checked(readProviderToken(await mint(this.#boardMs(), last?.token ?? null)));
      return await this.#offer(made);
    } finally {
      // A lock that is not given back ends by itself.
      await board.unlock(owner).catch(() => {});
    }
  }

  /** The board has lost the token, and this process still has it: a new one would be one too many for APNs. */
  async #restore(expired: string | null): Promise<ReadToken | null> {
    const held = this.#held;
    if (held === null || !this.#isGood(held, expired)) return null;
    await this.#offer(held);
    return this.#held;
  }

  async #offer(token: ReadToken): Promise<string> {
    const winner = this.#take(await this.#options.board.write(this.#sealed(token.token), token.issuedAtMs));
    if (winner !== null) return winner.token;
    throw credentialError('The provider token is too old to be shared: its maker gave one that is older than an hour.');
  }

  #isGood(token: ReadToken, expired: string | null): boolean {
    const ageMs = this.#ageMs(token);
    // Made while the board's clock was ahead: APNs refuses the token, and it would be kept too long.
    if (ageMs < -providerTokenMaxSkewMs) return false;
    return ageMs < (token.token === expired ? providerTokenMinAgeMs : providerTokenLifetimeMs);
  }

  #ageMs({ issuedAtMs }: ReadToken): number {
    return this.#boardMs() - issuedAtMs;
  }

  /** The board's clock now. */
  #boardMs(): number {
    return this.#boardOffsetMs === null ? Number.POSITIVE_INFINITY : this.#options.clock.now() + this.#boardOffsetMs;
  }

  /** Keeps what the board says; returns its token. */
  #take({ nowMs, record }: BoardNow): ReadToken | null {
    this.#boardOffsetMs = nowMs - this.#options.clock.now();
    if (record === null) return null;
    this.#held = this.#checked(readProviderToken(this.#opened(record)));
    return this.#held;
  }

  #checked(token: ReadToken | null): ReadToken {
    const { keyId, teamId, isOurs } = this.#options;
    if (token !== null && token.keyId === keyId && token.teamId === teamId && isOurs(token.token)) return token;
    throw credentialError(`What Redis holds as the provider token of ${keyId} of ${teamId} is not one of its key.`);
  }

  #sealed(token: string): string {
    const { sealer } = this.#options;
    return sealer === null ? `${plainForm}${token}` : sealer.seal(Buffer.from(token), this.#context);
  }

  #opened(record: string): string {
    const { sealer } = this.#options;
    const isPlain = record.startsWith(plainForm);
    if (sealer !== null && !isPlain) return Buffer.from(sealer.open(record, this.#context)).toString('latin1');
    if (sealer === null && isPlain) return record.slice(plainForm.length);
    throw credentialError(
      isPlain
        ? 'The provider token in Redis is not sealed, but this process has sealing keys: give them to all processes.'
        : 'The provider token in Redis is sealed: give this process the sealing keys that the others have.',
    );
  }

  get #context(): string {
    return `provider token ${this.#options.fingerprint}`;
  }

  #noticeSkew(wallMs: number): void {
    const skewMs = wallMs - this.#boardMs();
    const isOff = Math.abs(skewMs) > maxClockSkewMs;
    if (isOff && !this.#isSkewKnown) {
      const seconds = counted(Math.round(Math.abs(skewMs) / 1000), 'second');
      this.#options.log.warn(
        { skewMs: Math.round(skewMs) },
        `the clock of this machine is ${seconds} ${skewMs > 0 ? 'ahead of' : 'behind'} that of Redis, by which provider ` +
          'tokens are made: set both by NTP',
      );
    }
    this.#isSkewKnown = isOff;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.setTimer(resolve, tokenLockPollMs);
    });
  }
}
