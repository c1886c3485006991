/**
 * What the simulator listens for: HTTP/2 always, the binary protocol and its feedback service where they have a port.
 * Called once, when a simulator is started.
 */

import { BinaryConnection } from './binary-connection.js';
import { FeedbackConnection } from './feedback-connection.js';
import type { Gateway } from './gateway.js';
import { GatewayConnection } from './gateway-connection.js';
import type { ListeningPlan } from './tls-listener.js';

export function http2Plan(gateway: Gateway): ListeningPlan {
  const { port, auth } = gateway.settings;
  return {
    port,
    alpnProtocol: 'h2',
    needsCertificate: auth === 'certificate',
    // APNs says by GOAWAY what is wrong with a certificate, as TLS 1.3 has no better place for it.
    serve: (stream, client, turnAway, whenClosed) =>
      new GatewayConnection(gateway, stream, client, turnAway, whenClosed),
  };
}

export function binaryPlan(gateway: Gateway): ListeningPlan | null {
  const { binaryPort: port, auth } = gateway.settings;
  if (port === null) return null;
  return {
    port,
    alpnProtocol: null,
    needsCertificate: auth !== 'any',
    serve: (stream, _client, turnAway, whenClosed) =>
      new BinaryConnection(gateway, stream, turnAway !== null, whenClosed),
  };
}

export function feedbackPlan(gateway: Gateway): ListeningPlan | null {
  const { feedbackPort: port, auth } = gateway.settings;
  if (port === null) return null;
  return {
    port,
    alpnProtocol: null,
    needsCertificate: auth !== 'any',
    serve: (stream, _client, turnAway, whenClosed) =>
      new FeedbackConnection(gateway, stream, turnAway !== null, whenClosed),
  };
}
