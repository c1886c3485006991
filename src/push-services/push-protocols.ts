/** All push services by the protocol of their gateways: the only place that lists them. Any thread. */
import { apnsBinary, apnsHttp2 } from '../apns/protocols.js';
import { assert } from '../base/assert.js';
import { fcmHttp2 } from '../fcm/protocol.js';
import type { Protocol } from '../push/address.js';
import type { Http2PushProtocol, PushProtocol } from '../push/push-protocol.js';

const protocols: Readonly<Record<Protocol, PushProtocol>> = {
  http2: apnsHttp2,
  binary: apnsBinary,
  feedback: apnsBinary,
  fcm: fcmHttp2,
};

export const allProtocols: readonly PushProtocol[] = [apnsHttp2, apnsBinary, fcmHttp2];

export function pushProtocolOf(protocol: Protocol): PushProtocol {
  return protocols[protocol];
}

/** Of a gateway that is spoken to over HTTP/2. */
export function http2PushProtocolOf(protocol: Protocol): Http2PushProtocol {
  assert(protocol === 'http2' || protocol === 'fcm', 'requests are sent over HTTP/2 only');
  return protocol === 'fcm' ? fcmHttp2 : apnsHttp2;
}
