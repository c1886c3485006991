/**
 * What the simulator listens for: HTTP/2 always, the binary protocol and its feedback service where they have a port.
 * Called once, when a simulator is started.
 */

import { ConnectionDriver } from './connection-driver.js';
import { ServerBinaryConnection } from './server-binary-connection.js';
import { ServerFeedbackConnection } from './server-feedback-connection.js';
import type { SimulatedGateway } from './simulated-gateway.js';
import type { ListeningPlan } from './tls-listener.js';

export function http2Plan(gateway: SimulatedGateway): ListeningPlan {
  const { port, auth } = gateway.settings;
  return {
    port,
    alpnProtocol: 'h2',
    needsCertificate: auth === 'certificate',
    // APNs says by GOAWAY what is wrong with a certificate, as TLS 1.3 has no better place for it.
    serve: (stream, client, turnAway, whenClosed) =>
      new ConnectionDriver(gateway, stream, client, turnAway, whenClosed),
  };
}

export function binaryPlan(gateway: SimulatedGateway): ListeningPlan | null {
  const { binaryPort: port, auth } = gateway.settings;
  if (port === null) return null;
  return {
    port,
    alpnProtocol: null,
    needsCertificate: auth !== 'any',
    serve: (stream, _client, turnAway, whenClosed) =>
      new ServerBinaryConnection(gateway, stream, turnAway !== null, whenClosed),
  };
}

export function feedbackPlan(gateway: SimulatedGateway): ListeningPlan | null {
  const { feedbackPort: port, auth } = gateway.settings;
  if (port === null) return null;
  return {
    port,
    alpnProtocol: null,
    needsCertificate: auth !== 'any',
    serve: (stream, _client, turnAway, whenClosed) =>
      new ServerFeedbackConnection(gateway, stream, turnAway !== null, whenClosed),
  };
}
