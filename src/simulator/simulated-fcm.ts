/**
 * The FCM service of a simulator as a program holds it: where it listens, who may send, its books. Made by simulator
 * and memory-gateway, on their thread.
 */
import type { LedgerSummary, SimulatorLedger } from './books/ledger.js';
import type { SimulatedGateway } from './faults/simulated-gateway.js';
import type { ServedFcm } from './fcm/served-fcm.js';
import type { ServiceAccountFile } from './fcm/service-accounts.js';
import type { TokenCounts } from './fcm/token-endpoint.js';
import type { FaultRecord } from './settings/scenario.js';

/** The counts of a service of FCM. */
export interface FcmSummary {
  readonly project: string;
  /** As the ledger has it. */
  readonly messages: LedgerSummary;
  /** The token endpoint. */
  readonly tokens: TokenCounts;
}

export class SimulatedFcm {
  readonly #served: ServedFcm;
  readonly #gateway: SimulatedGateway;
  readonly project: string;
  readonly port: number;
  /** `fcm://host:port`, for `getConnection`. */
  readonly url: string;
  /** `https://host:port`, for other clients over HTTP/2. */
  readonly httpsUrl: string;
  /** `https://host:port/token` of the token endpoint. */
  readonly tokenUrl: string;
  /** All messages. Its tokens are registration tokens, topics and conditions as they came. */
  readonly ledger: SimulatorLedger;
  /** The faults of its scenario so far, in order; the first 10,000. */
  readonly faults: readonly FaultRecord[];

  /** @internal @param tokenHost Host and port of the token endpoint. */
  constructor(gateway: SimulatedGateway, served: ServedFcm, host: string, port: number, tokenHost: string) {
    this.#served = served;
    this.#gateway = gateway;
    this.project = served.settings.project;
    this.port = port;
    this.url = `fcm://${host}:${port}`;
    this.httpsUrl = `https://${host}:${port}`;
    this.tokenUrl = `https://${tokenHost}/token`;
    this.ledger = gateway.ledger;
    this.faults = gateway.scenario?.done ?? [];
    served.endpoint.addAudience(this.tokenUrl);
  }

  /** A service account that may send, in the form of Google's JSON; its token_uri is the simulator's. */
  get serviceAccount(): ServiceAccountFile {
    return this.#served.accounts.ownFile(this.tokenUrl);
  }

  /**
   * Returns an access token of that account without a request for it. @param lifeS In seconds. Default: `tokenLifeS`.
   */
  issueAccessToken(lifeS?: number): string {
    return this.#served.issueAccessToken(lifeS);
  }

  /** Makes every access token so far count as expired. */
  expireAccessTokens(): void {
    this.#served.tokens.expireAll();
  }

  /**
   * The body of an answer to `POST /token`, for clients without sockets. @param form As
   * application/x-www-form-urlencoded.
   */
  exchange(form: string): { readonly status: number; readonly body: string } {
    return this.#served.endpoint.answer(form);
  }

  /** The next requests to the token endpoint get this answer. @param times How many. Default 1. */
  failTokens(status: number, body = '', times = 1): void {
    this.#served.endpoint.plan({ status, body }, times);
  }

  summary(): FcmSummary {
    return { project: this.project, messages: this.ledger.summary(), tokens: this.#served.endpoint.counts() };
  }

  /** Forgets all messages and counts. Access tokens stay valid. */
  reset(): void {
    this.ledger.reset();
    this.#served.endpoint.reset();
  }

  /** @internal The running scenario, or null. */
  get scenario(): SimulatedGateway['scenario'] {
    return this.#gateway.scenario;
  }
}
