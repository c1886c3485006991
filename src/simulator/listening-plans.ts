/**
 * The protocols that the simulator listens for: HTTP/2 always, the binary protocol and its feedback service if they
 * have a port. Called once, when a simulator is started.
 */

import { ServerBinaryConnection } from './binary/server-binary-connection.js';
import { ServerFeedbackConnection } from './binary/server-feedback-connection.js';
import type { SimulatedGateway } from './faults/simulated-gateway.js';
import { ConnectionDriver } from './http2/connection-driver.js';
import type { ListeningPlan } from './listen/tls-listener.js';

/** @param port Where the gateway listens. */
export function http2Plan(gateway: SimulatedGateway, port: number): ListeningPlan {
  const { auth } = gateway.settings;
  return {
    port,
    alpnProtocol: 'h2',
    needsCertificate: auth === 'certificate',
    // APNs tells by GOAWAY what is wrong with a certificate, because TLS 1.3 has no better place for it.
    serve: (stream, client, turnAway, whenClosed) =>
      new ConnectionDriver(gateway, stream, client, turnAway, whenClosed),
  };
}

export function binaryPlan(gateway: SimulatedGateway): ListeningPlan | null {
  return plainPlan(gateway, gateway.settings.binaryPort, ServerBinaryConnection);
}

export function feedbackPlan(gateway: SimulatedGateway): ListeningPlan | null {
  return plainPlan(gateway, gateway.settings.feedbackPort, ServerFeedbackConnection);
}

/** Of a service that needs no ALPN; null without a port. */
function plainPlan(
  gateway: SimulatedGateway,
  port: number | null,
  Connection: typeof ServerBinaryConnection | typeof ServerFeedbackConnection,
): ListeningPlan | null {
  if (port === null) return null;
  return {
    port,
    alpnProtocol: null,
    needsCertificate: gateway.settings.auth !== 'any',
    serve: (stream, _client, turnAway, whenClosed) => new Connection(gateway, stream, turnAway !== null, whenClosed),
  };
}
