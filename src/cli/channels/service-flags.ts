/**
 * What `peal channels` and `peal broadcast` take alike: the app, the gateway, the way to it and the credential. Pure;
 * main thread.
 */
import { InvalidArgumentError, Option } from 'commander';
import { isRequestId } from '../../apns/channel.js';
import { durationText } from '../../base/duration.js';
import { maxPushTimeoutMs, pushTimeoutMs } from '../../base/limits.js';
import {
  type CredentialFlags,
  certificateOptions,
  checkCertificateFlags,
  checkHasCredential,
  checkKeyFlags,
  providerKeyOptions,
} from '../shared/credential-options.js';
import {
  addressOf,
  checkGatewayFlags,
  type GatewayFlags,
  gatewayOptions,
  isAppleGateway,
} from '../shared/gateway-flags.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import { durationBetween, type OptionGroup } from '../shared/option-values.js';
import { usageError } from '../shared/terminal.js';

/** These options, parsed. */
export interface ServiceFlags extends CredentialFlags, GatewayFlags, LinkFlags {
  readonly bundleId: string;
  readonly requestId?: string;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function bundleIdOption(): Option {
  return new Option('--bundle-id <id>', 'the app that the channels belong to').makeOptionMandatory();
}

/** @param other what `--gateway` is and how it is written */
export function serviceGroups(heading: string, other: string): readonly OptionGroup[] {
  return [
    { heading, options: [...gatewayOptions(other), ...linkOptions(), ...requestOptions()] },
    { heading: 'Credential (one of key, cert and pfx):', options: [...providerKeyOptions(), ...certificateOptions()] },
  ];
}

function requestOptions(): Option[] {
  return [
    new Option(
      '--timeout <duration>',
      `how long an answer is waited for, with all attempts (default: ${durationText(pushTimeoutMs / 1000)})`,
    ).argParser(durationBetween(1, maxPushTimeoutMs)),
    new Option('--request-id <uuid>', 'apns-request-id, which the answer repeats').argParser(requestId),
  ];
}

function requestId(text: string): string {
  if (isRequestId(text)) return text;
  throw new InvalidArgumentError('It has to be a UUID, such as 7d8ed3e9-9a5b-4a4f-9b1a-1d2b8c0f5a11.');
}

/** Throws PealError ERR_PEAL_OPTION. */
export function checkServiceFlags(flags: ServiceFlags): void {
  checkGatewayFlags(flags);
  checkKeyFlags(flags);
  checkCertificateFlags(flags);
  const protocol = addressOf(flags)?.protocol ?? 'http2';
  if (protocol !== 'http2') {
    throw usageError(`--gateway: channels need HTTP/2, and this is a ${protocol} gateway. Give https://HOST:PORT.`);
  }
  if (isAppleGateway(flags)) checkHasCredential(flags);
}

/** What a request takes from these options. */
export function requestOptionsOf({ timeout, requestId }: ServiceFlags): {
  readonly timeoutMs?: number;
  readonly requestId?: string;
} {
  return {
    ...(timeout !== undefined && { timeoutMs: Math.round(timeout) }),
    ...(requestId !== undefined && { requestId }),
  };
}
