/**
 * The root of everything that a program holds: options, gateways and the engine behind them, which is started with the
 * first send. One for a process is usual. Main thread.
 */
import { inspect } from 'node:util';
import { type AddressInput, authority, parseAddress } from '../apns/address.js';
import type { Credential } from '../apns/credential.js';
import { type CredentialOptions, loadCredential } from '../apns/load-credential.js';
import { ProviderTokenRegistry, providerTokens } from '../apns/provider-token.js';
import { systemClock } from '../base/clock.js';
import { type EngineStats, engineStats } from '../engine/dispatcher/engine-stats.js';
import type { ProviderTokenSource } from '../engine/dispatcher/route.js';
import { Gateway, type GatewayOwner } from './gateway.js';
import { type CheckedOptions, checkSessionOptions, type SessionOptions } from './options.js';
import type { Engine } from './send.js';

/** What a session is doing now. */
export type SessionStats = EngineStats;

export class Session implements AsyncDisposable {
  readonly #options: CheckedOptions;
  readonly #gateways = new Map<string, Gateway>();
  readonly #owner: GatewayOwner;
  readonly #minters: ProviderTokenRegistry;
  #engine: Engine | Promise<Engine> | null = null;

  /**
   * Opens, starts and loads nothing yet.
   *
   * @throws PealError ERR_PEAL_OPTION that names the option.
   */
  constructor(options: SessionOptions = {}) {
    this.#options = checkSessionOptions(options);
    const { clock } = this.#options;
    this.#minters = clock === systemClock ? providerTokens : new ProviderTokenRegistry(clock);
    this.#owner = { options: this.#options, engine: () => this.#runningEngine() };
  }

  /** Worker threads that send; 0: this thread. */
  get threads(): number {
    return this.#options.threads;
  }

  /**
   * The gateway at `address` under `credential`: the same object for the same address and the same key or certificate.
   * Connections are opened when something is sent.
   *
   * @param address `api_production`, `api_sandbox`, `https://host:port`, or `[host, port]`
   * @param credential what `loadCredential` takes or returns; null for gateways that ask for none
   * @throws PealError ERR_PEAL_ADDRESS, or ERR_PEAL_CREDENTIAL (unreadable file, wrong passphrase, …)
   */
  getConnection(address: AddressInput, credential: CredentialOptions | Credential | null): Gateway {
    const { clock, logger } = this.#options;
    const where = parseAddress(address);
    const who = loadCredential(credential, { clock, log: logger });
    const key = `${where.protocol} ${authority(where)} ${who.fingerprint}`;
    let gateway = this.#gateways.get(key);
    if (gateway === undefined) {
      gateway = new Gateway(this.#owner, where, who, this.#tokensFor(who));
      this.#gateways.set(key, gateway);
    }
    return gateway;
  }

  /** What the engine is doing; all zero before the first send. */
  async stats(): Promise<SessionStats> {
    if (this.#engine !== null) return (await this.#engine).stats();
    return engineStats(this.#options.threads, 0, 0, [], []);
  }

  /** Closes connections that were idle for `idleMs` milliseconds or longer; those in use stay. */
  async outdate(idleMs: number): Promise<void> {
    (await this.#engine)?.outdate(idleMs);
  }

  /**
   * Closes connections and ends threads. Sends that still run end: what is not written becomes unsent, what is written
   * has five seconds to be answered. The session stays usable, the next send starts anew.
   */
  async shutdown(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await (await engine)?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  [inspect.custom](): string {
    const { threads, maxConnections } = this.#options;
    return `Session ${inspect({ threads, maxConnections, gateways: [...this.#gateways.values()] })}`;
  }

  /** One provider token for a key in all sessions of this process; a clock of its own has tokens of its own. */
  #tokensFor(credential: Credential): ProviderTokenSource | null {
    if (credential.kind !== 'token') return null;
    const minter = this.#minters.minterFor(credential);
    return { providerToken: () => minter.current().token };
  }

  #runningEngine(): Engine | Promise<Engine> {
    if (this.#engine !== null) return this.#engine;
    const opening = this.#openEngine();
    this.#engine = opening;
    // Kept as it is once it runs, so that sends need not wait; a failure is forgotten, so that the next send tries again.
    const settle = (engine: Engine | null): void => {
      if (this.#engine === opening) this.#engine = engine;
    };
    opening.then(settle, () => settle(null));
    return opening;
  }

  async #openEngine(): Promise<Engine> {
    const { threads, backend, clock, logger: log } = this.#options;
    const { Dispatcher } = await import('../engine/dispatcher/dispatcher.js');
    return new Dispatcher(threads > 0 ? { threads, log } : { threads, clock, log, ...(backend && { backend }) });
  }
}
