/**
 * Where `peal send` sends to, and the rules that follow from the protocol spoken there. Pure; called with the options
 * of the command, on the main thread.
 */
import { type Address, type Protocol, parseAddress } from '../apns/address.js';
import type { SendOptions } from './send-options.js';
import { usageError } from './terminal.js';

/** What the command line names as gateway, as a session takes it. */
export function gatewayOf({ gateway, environment }: Pick<SendOptions, 'gateway' | 'environment'>): string {
  return gateway ?? (environment === 'production' ? 'api_production' : 'api_sandbox');
}

/** Options that only HTTP/2 can do; the binary protocol's topic stands in the client certificate. */
const http2Only = [
  ['topic', '--topic', 'the client certificate says which app it is for'],
  ['pushType', '--push-type', 'the binary protocol has no push types'],
  ['collapseId', '--collapse-id', 'the binary protocol has no collapse ids'],
  ['retries', '--retries', 'it answers too little for that'],
  ['retryTime', '--retry-time', 'it answers too little for that'],
  ['onUnknown', '--on-unknown', 'it answers too little for that'],
  ['accepted', '--accepted', 'its gateways name no ids, and none that they accept'],
  ['stopAtBadTokens', '--stop-at-bad-tokens', 'it answers too little for that'],
] as const;

/**
 * Refuses what the protocol of the gateway cannot do. An address that cannot be read is left to whoever dials it.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option
 */
export function checkProtocol(options: SendOptions): void {
  const address = tryAddress(gatewayOf(options));
  if (address?.protocol === 'feedback') {
    throw usageError('--gateway: this is a feedback gateway, which takes no notifications: peal feedback reads it.');
  }
  if (address?.protocol !== 'binary') return;
  if (options.key !== undefined || options.providerTokenFile !== undefined) {
    throw usageError('--key: a binary gateway knows no provider tokens; give a client certificate: --cert or --pfx.');
  }
  for (const [name, flag, why] of http2Only) {
    if (options[name] !== undefined) throw usageError(`${flag} does not go with a binary gateway: ${why}.`);
  }
  if (options.priority === 1) throw usageError('--priority: a binary gateway knows 10 and 5 only.');
}

/** What the gateway speaks; HTTP/2 where that cannot be told, because the address cannot be read. */
export function protocolOf(options: SendOptions): Protocol {
  return tryAddress(gatewayOf(options))?.protocol ?? 'http2';
}

/** Whether it is one of Apple's gateways, which ask who sends, and for which app. */
export function isApples(options: Pick<SendOptions, 'gateway' | 'environment'>): boolean {
  return tryAddress(gatewayOf(options))?.host.endsWith('.push.apple.com') === true;
}

function tryAddress(gateway: string): Address | null {
  try {
    return parseAddress(gateway);
  } catch {
    return null;
  }
}
