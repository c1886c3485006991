/**
 * Where a gateway is, and what it is spoken to in: of all push services. Each service reads the addresses of its own
 * (apns/address, fcm/address). Pure; any thread.
 */

/**
 * What a gateway is spoken to in. `http2`: APNs' provider API over HTTP/2; `binary` and `feedback`: APNs' binary
 * protocol and its feedback service; `fcm`: FCM's HTTP v1 API over HTTP/2.
 */
export type Protocol = 'http2' | 'binary' | 'feedback' | 'fcm';

/** One of the two worlds of Apple, each with device tokens of its own. */
export type Environment = 'production' | 'sandbox';

export interface Address {
  readonly protocol: Protocol;
  /** Host name or IP address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** FCM only: the project whose messages the gateway takes. */
  readonly project?: string;
}

/** Returns whether requests are sent over HTTP/2, and each is answered by itself. */
export function isOverHttp2(protocol: Protocol): boolean {
  return protocol === 'http2' || protocol === 'fcm';
}

/** Returns whether a gateway has a port that is left out of `:authority` (RFC 9113 §8.3.1). */
function hasUsualPort({ protocol, port }: Address): boolean {
  return isOverHttp2(protocol) && port === 443;
}

/** Host and port as in a URL and in `:authority`. With HTTP/2 a port of 443 is left out. */
export function authority(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return hasUsualPort(address) ? host : `${host}:${address.port}`;
}

/** Returns the address as a URL that its service reads: for people, logs and keys. */
export function addressUrl(address: Address): string {
  const scheme = address.protocol === 'http2' ? 'https' : address.protocol;
  const project = address.project === undefined ? '' : `/${address.project}`;
  return `${scheme}://${authority(address)}${project}`;
}

/** The push service that a protocol belongs to, as sentences name it. */
export function serviceName(protocol: Protocol): string {
  return protocol === 'fcm' ? 'FCM' : 'APNs';
}
