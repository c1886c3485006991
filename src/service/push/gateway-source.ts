/**
 * Where a service gets the gateway for an app: of one credential that its command names, or of a store of credentials.
 * Main thread.
 */
import type { Gateway } from '../../session/gateway.js';

/** Apple's word for its test environment; sandbox in its host's name. */
export type GatewayEnvironment = 'production' | 'development';

export interface GatewaySource {
  /**
   * The gateway for a topic (null: none was named) in an environment (null: the usual one). At once where it is known.
   *
   * @throws PealError (also as a rejection) where there is no credential for it; `retryable` where the store cannot be
   *   reached
   */
  gatewayFor(topic: string | null, environment: GatewayEnvironment | null): Gateway | Promise<Gateway>;
  /** Why nothing could be sent now, as a sentence; null: nothing stands in the way. */
  readonly problem: string | null;
}
