/**
 * The gateway of an app as its credential is now. After a change what is sent next goes over new connections with the
 * new certificate; the connections with the old one are closed once they are idle, and sends that use them end as they
 * are. Asked by everything that begins a send; main thread.
 */
import { rethrowAssertion } from '../base/assert.js';
import { type Clock, systemClock } from '../base/clock.js';
import { drainedAfterMs, drainLookMs } from '../base/limits.js';
import { callback, checkOptions, unchecked } from '../base/options.js';
import { Timer } from '../base/timers.js';
import type { Credential } from '../push/credentials/credential.js';
import type { Gateway } from '../session/gateway.js';
import type { Session } from '../session/session.js';
import type { CredentialCache } from './credential-cache.js';
import { type CredentialEnvironment, type CredentialPlace, checkPlace, placeName } from './kinds/place.js';

export interface CredentialGatewaysOptions {
  readonly clock?: Clock;
  /** Makes a credential one whose provider tokens others share; the same one for the same credential. */
  readonly share?: (credential: Credential) => Credential;
}

export class CredentialGateways {
  readonly #session: Session;
  readonly #cache: CredentialCache;
  /** The gateway that each place was last given. */
  readonly #current = new Map<string, { readonly place: CredentialPlace; readonly gateway: Gateway }>();
  /** Gateways of no place any more, and when each was last seen to have connections. */
  readonly #draining = new Map<Gateway, number>();
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #unsubscribe: () => void;
  readonly #share: (credential: Credential) => Credential;

  /**
   * Closes neither the session nor the cache.
   *
   * @throws PealError ERR_PEAL_OPTION that names the option
   */
  constructor(session: Session, cache: CredentialCache, options: CredentialGatewaysOptions = {}) {
    checkOptions({ name: 'CredentialGateways' }, options, { clock: unchecked, share: callback });
    const { clock = systemClock, share = (credential) => credential } = options;
    this.#share = share;
    this.#session = session;
    this.#cache = cache;
    this.#clock = clock;
    this.#timer = new Timer(clock, () => this.#drain());
    this.#unsubscribe = cache.subscribe((changed) => this.#onChange(changed));
  }

  /**
   * Resolves with the gateway to send to now. Ask for each send, and keep it no longer than that.
   *
   * @throws PealError as CredentialCache.get; ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL as Session.getConnection
   */
  async gatewayOf(app: string, environment: CredentialEnvironment | 'sandbox'): Promise<Gateway> {
    const place = checkPlace(app, environment);
    try {
      const { gateway: address, credential } = await this.#cache.get(app, environment);
      const gateway = this.#session.getConnection(address, this.#share(credential));
      this.#use(place, gateway);
      return gateway;
    } catch (error) {
      this.#use(place, null);
      throw error;
    }
  }

  /** Gateways with an old credential that have connections, or had some a minute ago. */
  get draining(): number {
    return this.#draining.size;
  }

  /** Looks after connections no longer. */
  close(): void {
    this.#unsubscribe();
    this.#timer.clear();
    this.#current.clear();
    this.#draining.clear();
  }

  #use(place: CredentialPlace, gateway: Gateway | null): void {
    const name = placeName(place);
    const before = this.#current.get(name)?.gateway ?? null;
    if (before === gateway) return;
    if (gateway === null) this.#current.delete(name);
    else this.#current.set(name, { place, gateway });
    if (gateway !== null) this.#draining.delete(gateway);
    // Apps of one team may share a key, and so a gateway.
    const isUsed = [...this.#current.values()].some((one) => one.gateway === before);
    if (before === null || isUsed) return;
    this.#draining.set(before, this.#clock.now());
    this.#drain();
  }

  /** The old connections need not wait until the next send. */
  #onChange(changed: CredentialPlace | null): void {
    for (const { place } of [...this.#current.values()]) {
      if (changed !== null && placeName(changed) !== placeName(place)) continue;
      // Why there is no credential is told to those who ask for one.
      this.gatewayOf(place.app, place.environment).catch(rethrowAssertion);
    }
  }

  /**
   * A send over an old gateway may be between two connections, so a gateway is forgotten a while after its last one.
   */
  #drain(): void {
    const now = this.#clock.now();
    for (const [gateway, seenAtMs] of this.#draining) {
      if (gateway.closeIdle(drainLookMs) > 0) this.#draining.set(gateway, now);
      else if (now - seenAtMs >= drainedAfterMs) this.#draining.delete(gateway);
    }
    if (this.#draining.size > 0) this.#timer.set(drainLookMs);
  }
}
