/**
 * A gateway under one credential, as a program holds it: a lazy handle, nothing is opened before something is sent.
 * Made by Session.getConnection; main thread.
 */
import { inspect } from 'node:util';
import { type Address, authority } from '../apns/address.js';
import type { Credential } from '../apns/credential.js';
import type { ProviderTokenSource, Route } from '../engine/dispatcher/route.js';
import type { RouteConfig } from '../engine/messages.js';
import type { CheckedOptions } from './options.js';
import type { Engine, SendTarget } from './send.js';

/** What a gateway needs of its session. */
export interface GatewayOwner {
  readonly options: CheckedOptions;
  /** The engine that runs, or one that is started now. */
  engine(): Engine | Promise<Engine>;
}

/** Safe to log: neither `inspect` nor `JSON.stringify` shows more than address and credential summary. */
export class Gateway {
  readonly address: Address;
  readonly credential: Credential;
  readonly #owner: GatewayOwner;
  readonly #tokens: ProviderTokenSource | null;
  /** The route and the engine that it belongs to: after a shutdown the next engine has a route of its own. */
  #target: SendTarget | null = null;

  /** For Session; programs call `session.getConnection`. */
  constructor(owner: GatewayOwner, address: Address, credential: Credential, tokens: ProviderTokenSource | null) {
    this.#owner = owner;
    this.#tokens = tokens;
    this.address = address;
    this.credential = credential;
  }

  /** Where a send goes now; starts the engine when none runs. For APNs. */
  async open(): Promise<SendTarget> {
    const engine = await this.#owner.engine();
    if (this.#target?.engine !== engine) {
      const route = this.#openRoute(engine);
      this.#target = { engine, route, clock: this.#owner.options.clock };
    }
    return this.#target;
  }

  #openRoute(engine: Engine): Route {
    const { ca, maxConnections, connectTimeoutMs, indexAuthorization } = this.#owner.options;
    const { address, credential } = this;
    const shared = { ca, maxConnections, connectTimeoutMs, indexAuthorization };
    const config: RouteConfig = { address, credential: credential.data, ...shared };
    return engine.openRoute(config, this.#tokens);
  }

  toJSON(): { readonly gateway: string; readonly credential: ReturnType<Credential['toJSON']> } {
    return { gateway: authority(this.address), credential: this.credential.toJSON() };
  }

  [inspect.custom](): string {
    return `Gateway ${authority(this.address)} ${inspect(this.credential)}`;
  }
}
