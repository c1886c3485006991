/**
 * The root of everything that a program holds: options, gateways and the engine behind them, which is started with the
 * first send. One for a process is usual. Main thread.
 */
import { inspect } from 'node:util';
import type { AddressInput } from '../apns/address.js';
import { ProviderTokenRegistry, providerTokens } from '../apns/credentials/provider-token.js';
import { systemClock } from '../base/clock.js';
import { heldUntil } from '../base/process-hold.js';
import { type EngineStats, engineStats } from '../engine/dispatcher/engine-stats.js';
import type { ProviderTokenSource } from '../engine/dispatcher/route.js';
import { addressUrl } from '../push/address.js';
import type { Credential } from '../push/credentials/credential.js';
import type { RequestRate } from '../push/request-rate.js';
import { type GatewayCredential, type GatewayIdentity, identifyGateway } from '../push-services/identify-gateway.js';
import { Gateway, type GatewayOwner } from './gateway.js';
import { backendSpec, openBackend } from './options/backend-option.js';
import { type GatewayOptions, rateOf } from './options/gateway-options.js';
import { type CheckedOptions, checkSessionOptions, type SessionOptions } from './options/session-options.js';
import { closeOpening, OwnEngine } from './own-engine.js';
import { GoneTokens } from './send/gone-tokens.js';
import { OpenSends } from './send/open-sends.js';
import type { Engine } from './send/send.js';

/** What a session is doing now. */
export type SessionStats = EngineStats;

/** A gateway under one credential, and the name that the session knows it by. */
interface NamedGateway extends GatewayIdentity {
  readonly rate: RequestRate | null;
  readonly key: string;
}

export class Session implements AsyncDisposable {
  readonly #options: CheckedOptions;
  readonly #gateways = new Map<string, Gateway>();
  /** By gateway and credential, like the gateways: `newConnection` tells and asks the same. */
  readonly #gone = new Map<string, GoneTokens>();
  readonly #ownEngines = new Set<OwnEngine>();
  readonly #sends = new OpenSends();
  readonly #owner: GatewayOwner;
  readonly #minters: ProviderTokenRegistry;
  #engine: Engine | Promise<Engine> | null = null;
  /** Engines that are being closed: each close waits for those of the closes before it, too. */
  readonly #ending = new Set<Promise<void>>();
  #closings = 0;

  /**
   * Opens, starts and loads nothing yet.
   *
   * @throws PealError ERR_PEAL_OPTION that names the option.
   */
  constructor(options: SessionOptions = {}) {
    this.#options = checkSessionOptions(options);
    const { clock } = this.#options;
    this.#minters = clock === systemClock ? providerTokens : new ProviderTokenRegistry(clock);
    const closings = (): number => this.#closings;
    this.#owner = {
      get closings() {
        return closings();
      },
      options: this.#options,
      threads: this.#options.threads,
      sends: this.#sends,
      engine: () => this.#runningEngine(),
      release: () => {},
      keepsConnections: true,
    };
  }

  /** Worker threads that send; 0: this thread. */
  get threads(): number {
    return this.#options.threads;
  }

  /**
   * The gateway at `address` under `credential`: the same object for the same address and the same key or certificate.
   * Connections are opened when something is sent, and kept.
   *
   * @param address a known name (`api_production`, `push_sandbox`, `feedback_production` …), `https://host:port`,
   * `binary://host:port`, `feedback://host:port`, or `[host, port]` of a binary gateway; `fcm` for FCM, and
   * `fcm://host:port`
   * @param credential what `loadCredential` takes or returns, for FCM what `loadServiceAccount` does; null for gateways
   *   that ask
   * for none
   * @param options its rate
   * @throws PealError ERR_PEAL_ADDRESS, or ERR_PEAL_CREDENTIAL (unreadable file, wrong passphrase, provider-token key
   * for a binary gateway …)
   */
  getConnection(address: AddressInput, credential: GatewayCredential, options?: GatewayOptions): Gateway {
    const identity = this.#identify(address, credential, options);
    let gateway = this.#gateways.get(identity.key);
    if (gateway === undefined) {
      gateway = this.#gateway(this.#owner, identity);
      this.#gateways.set(identity.key, gateway);
    }
    return gateway;
  }

  /**
   * Like `getConnection`, but a gateway with connections of its own. They are closed when no send over it runs any
   * more. It sends on the calling thread, whatever the option `threads` says.
   */
  newConnection(address: AddressInput, credential: GatewayCredential, options?: GatewayOptions): Gateway {
    const identity = this.#identify(address, credential, options);
    const owner = new OwnEngine(this.#options, this.#sends, () => this.#openEngine(0), this.#ownEngines);
    return this.#gateway(owner, identity);
  }

  /** What the engine is doing; all zero before the first send. */
  async stats(): Promise<SessionStats> {
    if (this.#engine !== null) return (await this.#engine).stats();
    return engineStats(this.#options.threads, 0, 0, [], []);
  }

  /** Closes connections that were idle for `idleMs` milliseconds or longer; those in use stay. */
  async closeIdle(idleMs: number): Promise<void> {
    (await this.#engine)?.outdate(idleMs);
    for (const gateway of this.#gateways.values()) gateway.closeIdleServices(idleMs);
  }

  /** {@link closeIdle} by the original library's name. */
  outdate(idleMs: number): Promise<void> {
    return this.closeIdle(idleMs);
  }

  /**
   * Closes connections and ends threads. Sends that still run end: what is not written becomes unsent, what is written
   * has five seconds to be answered. Resolves after their results, or after 15 seconds if recipients are still read or
   * outcomes still taken. The session stays usable; the next send starts anew.
   */
  close(): Promise<void> {
    return heldUntil(this.#close());
  }

  /** {@link close} by the original library's name. */
  shutdown(): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    this.#closings += 1;
    const results = this.#sends.shutdown(this.#options.clock);
    const own = [...this.#ownEngines].map((one) => one.close());
    if (engine !== null) this.#end(engine);
    await Promise.all([...this.#ending, ...own, results]);
  }

  #end(engine: Engine | Promise<Engine>): void {
    const ending = closeOpening(engine).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    const { threads, link } = this.#options;
    const gateways = [...this.#gateways.values()];
    return `Session ${inspect({ threads, maxConnections: link.maxConnections, gateways })}`;
  }

  #gateway(owner: GatewayOwner, { address, credential, rate, key }: NamedGateway): Gateway {
    const tokens = this.#tokensFor(credential);
    // FCM has no list of tokens that are gone.
    const gone = address.protocol === 'fcm' ? null : this.#goneFor(key);
    return Gateway.of({ owner, address, credential, tokens, gone, rate });
  }

  #identify(address: AddressInput, credential: GatewayCredential, options?: GatewayOptions): NamedGateway {
    const { clock, logger: log } = this.#options;
    const identity = identifyGateway(address, credential, { clock, log });
    const rate = rateOf(options, identity.address.protocol);
    const bound = rate === null ? '' : ` ${rate.perMinute} ${rate.rampMs}`;
    return { ...identity, rate, key: `${addressUrl(identity.address)} ${identity.credential.fingerprint}${bound}` };
  }

  #goneFor(key: string): GoneTokens {
    let gone = this.#gone.get(key);
    if (gone === undefined) {
      gone = new GoneTokens(this.#options.clock);
      this.#gone.set(key, gone);
    }
    return gone;
  }

  /** One provider token for a key in all sessions of this process; a clock of its own has tokens of its own. */
  #tokensFor(credential: Credential): ProviderTokenSource | null {
    if (credential.kind !== 'token') return null;
    const { fingerprint, tokenOrigin } = credential;
    if (tokenOrigin !== null) {
      const keeper = this.#minters.keeperFor(fingerprint, tokenOrigin);
      return {
        providerToken: () => keeper.current(),
        refreshProviderToken: (expired) => keeper.refresh(expired),
        get ageMs() {
          return keeper.ageMs;
        },
      };
    }
    const minter = this.#minters.minterFor(credential);
    return {
      providerToken: () => minter.current().token,
      refreshProviderToken: () => minter.refresh().token,
      get ageMs() {
        return minter.ageMs;
      },
    };
  }

  #runningEngine(): Engine | Promise<Engine> {
    if (this.#engine !== null) return this.#engine;
    const opening = this.#openEngine(this.#options.threads);
    this.#engine = opening;
    // Kept as it is once it runs, so that sends need not wait; a failure is forgotten, so that the next send tries
    // again.
    const settle = (engine: Engine | null): void => {
      if (this.#engine === opening) this.#engine = engine;
    };
    opening.then(settle, () => settle(null));
    return opening;
  }

  async #openEngine(threads: number): Promise<Engine> {
    const { backend: choice, clock, logger: log } = this.#options;
    // Threads make their own; what cannot be made here is found before any of them starts.
    const backend = choice && (await openBackend(choice, this.#options));
    const { Dispatcher } = await import('../engine/dispatcher/dispatcher.js');
    if (threads === 0) return new Dispatcher({ threads, clock, log, ...(backend && { backend }) });
    return new Dispatcher({ threads, log, ...(choice && { backendSpec: backendSpec(choice) }) });
  }
}
