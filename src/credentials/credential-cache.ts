/**
 * Loaded credentials by app and environment, out of a store: read once a minute at most, at once after a notice of
 * change, and for an hour on from memory while the store is away. Everything that sends asks here; main thread.
 *
 *           get                notice, or a minute                     the store is away, or no version can be used
 *   nothing ────▶ reading ─▶ fresh ──────────────▶ outdated ─ get ─▶ reading ────────────────▶ in hand, with one warning,
 *                    └─ refused: a sentence names app, environment, version and store            for an hour at most
 *
 * The newest version that can be used is taken. One that cannot (a broken key, a wrong passphrase, a seal that does not
 * open, a certificate that has ended or has not begun) is passed over with a warning, so that a slip in a change does
 * not stop what was working: for an older version in the store, or for the one in hand. So a version that must not be
 * used any more has to be removed from the store; where nothing is left there, nothing is used.
 */
import { loadCredential } from '../apns/credentials/load-credential.js';
import { rethrowAssertion } from '../base/assert.js';
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import {
  credentialFreshMs,
  credentialKeptMs,
  credentialReadTimeoutMs,
  credentialRetryMs,
  maxCachedCredentials,
} from '../base/limits.js';
import { type Logger, silentLogger } from '../base/log.js';
import { checkOptions, unchecked, whole } from '../base/options.js';
import type { Credential } from '../push/credentials/credential.js';
import { credentialError } from '../push/credentials/key-material.js';
import type { CredentialListener, CredentialStore, StoredCredential } from './kinds/credential-store.js';
import { type CredentialEnvironment, type CredentialPlace, checkPlace, placeName } from './kinds/place.js';

export interface CredentialCacheOptions {
  /** How long a credential is used before the store is read again, in milliseconds. Default: a minute. */
  readonly freshMs?: number;
  /** How long it is used while the store cannot be read, in milliseconds. Default: an hour. */
  readonly keptMs?: number;
  /** Gets warnings: versions that cannot be used, a store that is away, certificates that end soon. Default: silent. */
  readonly log?: Logger;
  /** Default: the process's. */
  readonly clock?: Clock;
}

/** The credential to use now. The same object as long as the version stays. Safe to log. */
export interface CurrentCredential extends CredentialPlace {
  readonly version: string;
  readonly credential: Credential;
  /** The address of the gateway, as `session.getConnection` takes it. */
  readonly gateway: string;
}

/** What is known of one place. */
interface Kept {
  current: CurrentCredential | null;
  /** Why there is nothing to use; null where `current` is there. */
  refusal: PealError | null;
  /** When the store was last read. */
  readAtMs: number;
  /** When the store last had `current`. */
  seenAtMs: number;
  /** The store could not be read: `current` is used, and readings go on beside it. */
  isAway: boolean;
  isOutdated: boolean;
  reading: Promise<void> | null;
  /** The last warning about this place: the same one is not given again. */
  warned: string | null;
}

export class CredentialCache {
  readonly #store: CredentialStore;
  readonly #freshMs: number;
  readonly #keptMs: number;
  readonly #log: Logger;
  readonly #clock: Clock;
  /** The one used last stands last. */
  readonly #kept = new Map<string, Kept>();
  readonly #listeners = new Set<CredentialListener>();
  readonly #unsubscribe: () => void;
  /** Counts notices, so that a reading that began before one is not taken for what came after it. */
  #notices = 0;

  /** Reads nothing yet. Does not close the store. */
  constructor(store: CredentialStore, options: CredentialCacheOptions = {}) {
    const time = whole(0, 7 * 24 * 3_600_000);
    checkOptions({ name: 'CredentialCache' }, options, {
      freshMs: time,
      keptMs: time,
      log: unchecked,
      clock: unchecked,
    });
    this.#store = store;
    this.#freshMs = options.freshMs ?? credentialFreshMs;
    this.#keptMs = options.keptMs ?? credentialKeptMs;
    this.#log = options.log ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
    this.#unsubscribe = store.subscribe((changed) => this.#onChange(changed));
  }

  /**
   * Resolves with the newest version that can be used.
   *
   * @param app the bundle id
   * @throws PealError ERR_PEAL_OPTION; ERR_PEAL_CREDENTIAL: there is none, or none that can be used; what the store
   *   throws where it cannot be read, and was not for an hour
   */
  async get(app: string, environment: CredentialEnvironment | 'sandbox'): Promise<CurrentCredential> {
    const place = checkPlace(app, environment);
    const kept = this.#keptOf(placeName(place));
    if (!this.#isFresh(kept)) await this.#refresh(place, kept);
    if (kept.current !== null) return kept.current;
    throw kept.refusal!;
  }

  /**
   * Calls `listener` after changes in the store. What it asks for then is read anew. Returns a function that ends that.
   */
  subscribe(listener: CredentialListener): () => void {
    const own: CredentialListener = (changed) => listener(changed);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Forgets all credentials, and hears of no more changes. */
  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
    this.#kept.clear();
  }

  #keptOf(name: string): Kept {
    const known = this.#kept.get(name);
    const kept = known ?? {
      current: null,
      refusal: null,
      readAtMs: Number.NEGATIVE_INFINITY,
      seenAtMs: Number.NEGATIVE_INFINITY,
      isAway: false,
      isOutdated: true,
      reading: null,
      warned: null,
    };
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (this.#kept.size > maxCachedCredentials) this.#kept.delete(this.#kept.keys().next().value!);
    return kept;
  }

  #isFresh({ current, isOutdated, isAway, readAtMs }: Kept): boolean {
    if (isOutdated || hasEnded(current, this.#clock)) return false;
    // A place without a credential is asked for again soon, and not for each notification.
    const freshMs = current === null || isAway ? credentialRetryMs : this.#freshMs;
    return this.#clock.now() - readAtMs < freshMs;
  }

  async #refresh(place: CredentialPlace, kept: Kept): Promise<void> {
    if (kept.isAway && this.#mayGoOn(kept)) {
      // A store that is away may take long to say so, and what is in hand need not wait for it.
      this.#read(place, kept).catch(rethrowAssertion);
      return;
    }
    await this.#read(place, kept);
    // A notice came meanwhile: what was read may be what was there before.
    if (kept.isOutdated && !kept.isAway) await this.#read(place, kept);
  }

  /** Whether the version in hand may be used although the store does not give it now. */
  #mayGoOn({ current, seenAtMs }: Kept): boolean {
    return current !== null && this.#clock.now() - seenAtMs < this.#keptMs && !hasEnded(current, this.#clock);
  }

  #onChange(changed: CredentialPlace | null): void {
    this.#notices += 1;
    for (const [name, kept] of this.#kept) {
      if (changed === null || name === placeName(changed)) kept.isOutdated = true;
    }
    for (const listener of [...this.#listeners]) listener(changed);
  }

  /** One reading at a time for each place, whoever asks. */
  #read(place: CredentialPlace, kept: Kept): Promise<void> {
    kept.reading ??= this.#readOnce(place, kept).finally(() => {
      kept.reading = null;
    });
    return kept.reading;
  }

  async #readOnce(place: CredentialPlace, kept: Kept): Promise<void> {
    const notices = this.#notices;
    let versions: readonly StoredCredential[];
    try {
      versions = await this.#inTime(this.#store.versionsOf(place));
    } catch (error) {
      rethrowAssertion(error);
      this.#onAway(place, kept, error instanceof PealError ? error : this.#fault(error));
      return;
    }
    kept.readAtMs = this.#clock.now();
    kept.isAway = false;
    kept.isOutdated = this.#notices !== notices;
    this.#choose(place, kept, versions);
  }

  #inTime<T>(reading: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(() => {
        const seconds = credentialReadTimeoutMs / 1000;
        const message = `The store of credentials ${this.#store.name} does not answer within ${seconds} s.`;
        reject(new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential', retryable: true }));
      }, credentialReadTimeoutMs);
      const settle = (): void => this.#clock.clearTimer(timer);
      reading.then(resolve, reject).finally(settle);
    });
  }

  /** Of an error of a program's own store only the name is told, because its message may quote what was read. */
  #fault(error: unknown): PealError {
    const name = error instanceof Error ? error.name : typeof error;
    return new PealError('ERR_PEAL_CREDENTIAL', `The store failed with ${name}.`, { origin: 'credential' });
  }

  /** The store is away: what is in hand goes on for a while. */
  #onAway(place: CredentialPlace, kept: Kept, error: PealError): void {
    if (!this.#mayGoOn(kept)) {
      kept.isAway = false;
      kept.isOutdated = true;
      const subject = `The credential of ${placeName(place)} cannot be read from ${this.#store.name}.`;
      const { code, origin, retryable } = error;
      throw new PealError(code, `${subject} ${error.marked}`, { origin, retryable });
    }
    kept.readAtMs = this.#clock.now();
    kept.isAway = true;
    kept.isOutdated = false;
    const sentence = `The store of credentials ${this.#store.name} cannot be read. ${error.message}`;
    this.#warn(kept, 'away', `${sentence} ${this.#inHand(place, kept)}`);
  }

  /** Says that the version in hand goes on, and for how long. */
  #inHand(place: CredentialPlace, { current, seenAtMs }: Kept): string {
    const minutes = Math.ceil((this.#keptMs - (this.#clock.now() - seenAtMs)) / 60_000);
    return `Version ${current!.version} of the credential of ${placeName(place)} is used for up to ${minutes} min more.`;
  }

  #choose(place: CredentialPlace, kept: Kept, versions: readonly StoredCredential[]): void {
    const { current } = kept;
    let first: PealError | null = null;
    for (const stored of versions) {
      const found = this.#loaded(place, stored, current);
      if (found instanceof PealError) {
        first ??= found;
        continue;
      }
      if (first === null) kept.warned = null;
      else this.#warn(kept, first.message, `${first.message} Version ${found.version} is used instead.`);
      kept.current = found;
      kept.refusal = null;
      kept.seenAtMs = this.#clock.now();
      return;
    }
    if (first !== null && this.#mayGoOn(kept)) {
      this.#warn(kept, first.message, `${first.message} ${this.#inHand(place, kept)}`);
      return;
    }
    kept.current = null;
    kept.refusal = first ?? credentialError(`There is no credential of ${placeName(place)} in ${this.#store.name}.`);
  }

  /** Returns the credential, or why it cannot be used. */
  #loaded(
    place: CredentialPlace,
    stored: StoredCredential,
    current: CurrentCredential | null,
  ): CurrentCredential | PealError {
    const { version } = stored;
    if (current?.version === version && !hasEnded(current, this.#clock)) return current;
    try {
      const { options, gateway } = stored.open();
      const credential = loadCredential(options, { clock: this.#clock, log: this.#log });
      const apple = place.environment === 'production' ? 'api_production' : 'api_sandbox';
      return Object.freeze({ ...place, version, credential, gateway: gateway ?? apple });
    } catch (error) {
      if (!(error instanceof PealError)) throw error;
      const subject = `Version ${version} of the credential of ${placeName(place)} in ${this.#store.name}`;
      return credentialError(`${subject} cannot be used. ${error.marked}`);
    }
  }

  #warn(kept: Kept, what: string, sentence: string): void {
    if (kept.warned === what) return;
    kept.warned = what;
    this.#log.warn({ store: this.#store.name }, sentence);
  }
}

/** Whether its certificate is no longer valid. */
function hasEnded(current: CurrentCredential | null, clock: Clock): boolean {
  const expiresAt = current?.credential.expiresAt ?? null;
  return expiresAt !== null && expiresAt.getTime() <= clock.wallMs();
}
