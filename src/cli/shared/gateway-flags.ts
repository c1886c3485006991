/**
 * The options that name a gateway, `--environment` and `--gateway`, and what they mean. Shared by the commands that
 * send to one. Pure; main thread.
 */
import { Option } from 'commander';
import { parseAddress } from '../../apns/address.js';
import type { Address } from '../../push/address.js';
import { usageError } from './terminal.js';

/** Apple calls it development; its host and the library's names say sandbox. */
const environments = ['production', 'sandbox', 'development'] as const;

/** These options, parsed. */
export interface GatewayFlags {
  readonly environment?: (typeof environments)[number];
  readonly gateway?: string;
}

/** @param other what `--gateway` is and how it is written */
export function gatewayOptions(other: string): Option[] {
  return [
    new Option('--environment <name>', "which of Apple's gateways").choices(environments),
    new Option('--gateway <address>', other).conflicts('environment'),
  ];
}

/** Throws PealError ERR_PEAL_OPTION where there is no gateway. */
export function checkGatewayFlags({ environment, gateway }: GatewayFlags): void {
  if (environment !== undefined || gateway !== undefined) return;
  throw usageError('no gateway is given. Give --environment production, --environment sandbox or --gateway ADDRESS.');
}

/** What the command line names as gateway, as a session takes it. */
export function gatewayOf({ gateway, environment }: GatewayFlags): string {
  return gateway ?? (environment === 'production' ? 'api_production' : 'api_sandbox');
}

/** Whether it is one of Apple's gateways, which need a credential and, with a key, a topic. */
export function isAppleGateway(flags: GatewayFlags): boolean {
  const address = addressOf(flags);
  return address !== null && isAppleAddress(address);
}

export function isAppleAddress({ host }: Address): boolean {
  return host.endsWith('.push.apple.com');
}

/** Null for an address that cannot be read, which is refused where the session is made. */
export function addressOf(flags: GatewayFlags): Address | null {
  try {
    return parseAddress(gatewayOf(flags));
  } catch {
    return null;
  }
}
