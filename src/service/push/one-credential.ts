/**
 * The gateways of a service with one credential: that of its command. Main thread.
 */
import type { Credential } from '../../push/credentials/credential.js';
import type { Gateway } from '../../session/gateway.js';
import type { Session } from '../../session/session.js';
import type { GatewayEnvironment, GatewaySource } from './gateway-source.js';

export class OneCredential implements GatewaySource {
  readonly problem = null;
  readonly #usual: Gateway;
  readonly #others: Readonly<Partial<Record<GatewayEnvironment, Gateway>>>;

  /**
   * @param address of the usual gateway
   * @param isFixed whether all is sent there, whatever environment is asked for: true for a gateway that is not Apple's
   * @throws PealError ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL
   */
  constructor(session: Session, credential: Credential, address: string, isFixed: boolean) {
    this.#usual = session.getConnection(address, credential);
    this.#others = isFixed
      ? {}
      : {
          production: session.getConnection('api_production', credential),
          development: session.getConnection('api_sandbox', credential),
        };
  }

  gatewayFor(_topic: string | null, environment: GatewayEnvironment | null): Gateway {
    return (environment === null ? undefined : this.#others[environment]) ?? this.#usual;
  }
}
