/**
 * A gateway under one credential, as a program holds it: a lazy handle, nothing is opened before something is sent.
 * Made by Session.getConnection; main thread.
 */
import { inspect } from 'node:util';
import type { Clock } from '../base/clock.js';
import { heldUntil } from '../base/process-hold.js';
import type { EngineStats } from '../engine/dispatcher/engine-stats.js';
import { closedError } from '../engine/dispatcher/errors.js';
import type { ProviderTokenSource, Route } from '../engine/dispatcher/route.js';
import { type Address, addressUrl, isOverHttp2 } from '../push/address.js';
import type { Credential } from '../push/credentials/credential.js';
import type { RequestRate } from '../push/request-rate.js';
import type { ServiceClients } from '../services/service-clients.js';
import type { ServiceCallback } from './channels/service-gateway.js';
import { openBackend } from './options/backend-option.js';
import type { CheckedOptions } from './options/session-options.js';
import type { FeedbackEntry, GoneTokens } from './send/gone-tokens.js';
import type { OpenSends } from './send/open-sends.js';
import type { Engine, SendTarget } from './send/send.js';
import { Lanes } from './single/lanes.js';

/** What a gateway needs of its session, or of an engine of its own. */
export interface GatewayOwner {
  readonly options: CheckedOptions;
  /** Worker threads of that engine; 0: this thread. */
  readonly threads: number;
  /** All sends of the session. */
  readonly sends: OpenSends;
  /** How often an engine was closed. What comes after that is not for the same one. */
  readonly closings: number;
  /** The engine that runs, or one that is started now. */
  engine(): Engine | Promise<Engine>;
  /** A send that asked for the engine has ended. */
  release(): void;
  /** Whether connections are kept when nothing is sent. */
  readonly keepsConnections: boolean;
}

/** What a gateway is made of. */
interface GatewayParts {
  readonly owner: GatewayOwner;
  readonly address: Address;
  readonly credential: Credential;
  /** Null where the credential makes no provider tokens. */
  readonly tokens: ProviderTokenSource | null;
  /**
   * The tokens that answers called gone: gateways of one address and credential share them. Null: they are not asked
   * for.
   */
  readonly gone: GoneTokens | null;
  /** How many requests a minute it takes from this process. Default null: no limit. */
  readonly rate?: RequestRate | null;
}

/** Safe to log: neither `inspect` nor `JSON.stringify` shows more than address and credential summary. */
export class Gateway {
  readonly address: Address;
  readonly credential: Credential;
  readonly #owner: GatewayOwner;
  readonly #tokens: ProviderTokenSource | null;
  readonly #gone: GoneTokens | null;
  readonly #rate: RequestRate | null;
  /** The route and the engine that it belongs to: after a shutdown the next engine has a route of its own. */
  #target: SendTarget | null = null;
  /** Made with the first push, and anew once their engine was closed: the old ones go on until their last outcome. */
  #lanes: Lanes | null = null;
  #lanesClosings = 0;
  /** Made with the first request to one of them. */
  #services: Promise<ServiceClients> | null = null;
  #openServices: ServiceClients | null = null;
  #serviceCalls = 0;
  #forgetServices: () => void = () => {};

  private constructor({ owner, address, credential, tokens, gone, rate = null }: GatewayParts) {
    this.#owner = owner;
    this.#tokens = tokens;
    this.#gone = gone;
    this.#rate = rate;
    this.address = address;
    this.credential = credential;
  }

  /** @internal for sessions: programs call `session.getConnection` */
  static of(parts: GatewayParts): Gateway {
    return new Gateway(parts);
  }

  /**
   * Runs a send to where it goes now. Starts the engine when none runs.
   *
   * @internal for APNs
   */
  run<T>(send: (target: SendTarget) => Promise<T>): Promise<T> {
    return this.#owner.sends.add(this.#run(send));
  }

  async #run<T>(send: (target: SendTarget) => Promise<T>): Promise<T> {
    const target = await this.acquire();
    try {
      return await send(target);
    } finally {
      this.release();
    }
  }

  /**
   * Where sends go now. Starts the engine when none runs, and keeps it until `release`.
   *
   * @internal for lanes
   */
  acquire(): SendTarget | Promise<SendTarget> {
    const engine = this.#owner.engine();
    return engine instanceof Promise ? engine.then((open) => this.#targetOf(open)) : this.#targetOf(engine);
  }

  /** @internal for lanes */
  release(): void {
    this.#owner.release();
  }

  /**
   * Its single pushes.
   *
   * @internal for APNs
   */
  get lanes(): Lanes {
    const { closings } = this.#owner;
    if (this.#lanes === null || this.#lanesClosings !== closings) this.#lanes = this.#newLanes();
    this.#lanesClosings = closings;
    return this.#lanes;
  }

  #newLanes(): Lanes {
    return new Lanes({
      address: this.address,
      credential: this.credential,
      clock: this.clock,
      sends: this.#owner.sends,
      gone: this.#gone,
      acquire: () => this.acquire(),
      release: () => this.release(),
    });
  }

  #targetOf(engine: Engine): SendTarget {
    if (this.#target?.engine !== engine) {
      const { threads, options } = this.#owner;
      const { protocol } = this.address;
      const stopsAtFailure = protocol === 'binary' && threads === 0;
      const shared = { clock: options.clock, protocol, stopsAtFailure, gone: this.#gone };
      this.#target = { engine, route: this.#openRoute(engine), ...shared };
    }
    return this.#target;
  }

  /**
   * What the engine is doing; null before the first send.
   *
   * @internal for campaigns
   */
  async stats(): Promise<EngineStats | null> {
    return this.#target?.engine.stats() ?? null;
  }

  /**
   * Closes connections of this gateway that were idle for `idleMs` milliseconds or longer; those in use stay, and what
   * is sent next opens others. Returns how many connections were open before that.
   */
  closeIdle(idleMs: number): number {
    const services = this.#openServices?.connections ?? 0;
    this.closeIdleServices(idleMs);
    if (this.#target === null) return services;
    const { engine, route } = this.#target;
    engine.outdate(idleMs, route);
    return route.connections + services;
  }

  /**
   * Asks its open connections for a sign of life. Resolves to whether it came, for each.
   *
   * @internal for compat
   */
  async ping(): Promise<boolean[]> {
    return this.#target === null ? [] : this.#target.engine.ping(this.#target.route);
  }

  /**
   * Recipients in the engine that wait for a connection: about so many, and 0 exactly where none does.
   *
   * @internal for campaigns
   */
  get queued(): number {
    return this.#target?.engine.queued ?? 0;
  }

  /**
   * The rate that its sends keep to; null: it has none.
   *
   * @internal for campaigns
   */
  get rate(): RequestRate | null {
    return this.#rate;
  }

  /**
   * How long the provider token in use has been in use, in milliseconds; null where there is none, or it is not known.
   *
   * @internal for metrics
   */
  get providerTokenAgeMs(): number | null {
    const ageMs = this.#tokens?.ageMs ?? Number.POSITIVE_INFINITY;
    return Number.isFinite(ageMs) ? ageMs : null;
  }

  /** @internal for campaigns */
  get clock(): Clock {
    return this.#owner.options.clock;
  }

  /** @internal for campaigns */
  get threads(): number {
    return this.#owner.threads;
  }

  /** @internal for APNs: see there */
  async *feedback(): AsyncGenerator<FeedbackEntry, void, undefined> {
    if (isOverHttp2(this.address.protocol)) {
      yield* this.#gone?.take() ?? [];
      return;
    }
    const { feedbackOf } = await import('./feedback.js');
    yield* feedbackOf(this.address, this.credential, this.#owner.options);
  }

  /**
   * Calls one of the gateway's services: its own for broadcasts, or that of channel management. Counts as a send of the
   * session from this moment on, and holds the process. The signal of the call aborts when the session closes, which
   * may be before the call is made.
   *
   * @internal for channels and broadcasts
   */
  callService<T>(address: Address, call: ServiceCallback<T>): Promise<T> {
    return this.#owner.sends.add(heldUntil(this.#callService(address, call)));
  }

  async #callService<T>(address: Address, call: ServiceCallback<T>): Promise<T> {
    const closing = new AbortController();
    const forget = this.#owner.sends.onShutdown(() => closing.abort(closedError()));
    this.#serviceCalls += 1;
    this.#services ??= this.#newServices();
    try {
      const services = await this.#services;
      return await call(services.clientFor(address), closing.signal);
    } finally {
      forget();
      this.#serviceCalls -= 1;
      const services = this.#openServices;
      if (services !== null && this.#serviceCalls === 0 && !this.#owner.keepsConnections) this.#endServices(services);
    }
  }

  async #newServices(): Promise<ServiceClients> {
    const { ServiceClients } = await import('../services/service-clients.js');
    const { sends, options } = this.#owner;
    const { link, clock, logger: log } = options;
    const { data } = this.credential;
    const services = new ServiceClients({
      certificate: data.kind === 'certificate' ? data : null,
      tokens: this.#tokens,
      openBackend: () => openBackend(options.backend ?? { backend: 'tls', options: null }, options),
      ...{ link, clock, log, random: Math.random },
    });
    this.#openServices = services;
    this.#forgetServices = sends.onShutdown(() => void sends.add(services.close()));
    return services;
  }

  #endServices(services: ServiceClients): void {
    this.#services = null;
    this.#openServices = null;
    this.#forgetServices();
    void this.#owner.sends.add(services.close());
  }

  /** @internal for sessions */
  closeIdleServices(idleMs: number): void {
    this.#openServices?.closeIdle(idleMs);
  }

  #openRoute(engine: Engine): Route {
    const { address, credential } = this;
    const { link } = this.#owner.options;
    return engine.openRoute({ address, credential: credential.data, link, rate: this.#rate }, this.#tokens);
  }

  toJSON(): { readonly gateway: string; readonly credential: ReturnType<Credential['toJSON']> } {
    return { gateway: addressUrl(this.address), credential: this.credential.toJSON() };
  }

  [inspect.custom](): string {
    return `Gateway ${addressUrl(this.address)} ${inspect(this.credential)}`;
  }
}
