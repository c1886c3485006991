/**
 * The gateways of a service whose credentials are in a store: one for each app and environment, as its credential is
 * now. Main thread.
 */
import { pushTypeOfTopic, ruleOf } from '../../apns/push-type.js';
import { PealError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { optionError } from '../../base/options.js';
import { option } from '../../base/wording.js';
import { CredentialCache } from '../../credentials/credential-cache.js';
import { CredentialGateways } from '../../credentials/credential-gateways.js';
import type { CredentialStore } from '../../credentials/kinds/credential-store.js';
import type { Gateway } from '../../session/gateway.js';
import type { Session } from '../../session/session.js';
import type { GatewayEnvironment, GatewaySource } from './gateway-source.js';

export class StoredCredentials implements GatewaySource {
  readonly problem = null;
  readonly #cache: CredentialCache;
  readonly #gateways: CredentialGateways;
  readonly #usual: GatewayEnvironment;

  /** @param usual the environment of pushes that name none */
  constructor(session: Session, store: CredentialStore, usual: GatewayEnvironment, log: Logger) {
    this.#cache = new CredentialCache(store, { log });
    this.#gateways = new CredentialGateways(session, this.#cache);
    this.#usual = usual;
  }

  async gatewayFor(topic: string | null, environment: GatewayEnvironment | null): Promise<Gateway> {
    if (topic === null) {
      throw optionError(`The push names no ${option('topic')}, by which this service finds the credential of its app.`);
    }
    const wanted = environment ?? this.#usual;
    const app = appOf(topic);
    if (app === topic) return this.#gateways.gatewayOf(topic, wanted);
    // A certificate of its own, such as one for VoIP alone, comes before that of the app.
    return this.#gateways.gatewayOf(topic, wanted).catch((error: unknown) => {
      if (!(error instanceof PealError) || error.retryable) throw error;
      return this.#gateways.gatewayOf(app, wanted);
    });
  }

  /** Looks after connections no longer. The store is its owner's. */
  close(): void {
    this.#gateways.close();
    this.#cache.close();
  }
}

/** The bundle id: topics of some push types have something behind it, such as `.voip`. */
function appOf(topic: string): string {
  const type = pushTypeOfTopic(topic);
  const { topicSuffix } = type === null ? { topicSuffix: '' } : ruleOf(type);
  return topic.slice(0, topic.length - topicSuffix.length);
}
