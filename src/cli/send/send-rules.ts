/**
 * The rules between the options of `peal send` that commander does not know, and those that follow from the gateway and
 * its protocol. Pure; called with the options of the command before anything is read or sent, on the main thread.
 */
import { systemClock } from '../../base/clock.js';
import type { Protocol } from '../../push/address.js';
import {
  checkCertificateFlags,
  checkHasCredential,
  checkKeyFlags,
  credentialFiles,
  namedFiles,
} from '../shared/credential-options.js';
import { addressOf, checkGatewayFlags, isAppleGateway } from '../shared/gateway-flags.js';
import { checkMetricsFlags } from '../shared/metrics-flags.js';
import { usageError } from '../shared/terminal.js';
import { checkCampaignFlags } from './campaign-rules.js';
import { checkFcmFlags } from './fcm-flags.js';
import type { SendFlags } from './send-options.js';

/**
 * Lists may be given without `--tokens`. Beside `--tokens`, a stray word is more likely a text whose quotes are
 * missing.
 *
 * @throws PealError ERR_PEAL_OPTION
 */
export function withLists(options: SendFlags, lists: readonly string[]): SendFlags {
  const tokens: readonly string[] | undefined = options.tokens;
  if (lists.length === 0) {
    if (tokens === undefined)
      throw usageError('no recipients are given. Give --tokens FILE, or --tokens - for standard input.');
    return options;
  }
  if (lists.some((list) => list.trim() === '')) {
    throw usageError('the name of a list is empty: check that the shell variable is set.');
  }
  if (tokens === undefined) return { ...options, tokens: lists };
  throw usageError(
    `"${lists[0]}" belongs to no option: put text with blanks in quotes, or give each list with --tokens.`,
  );
}

/**
 * The rules between options that commander does not know. Throws PealError ERR_PEAL_OPTION.
 *
 * @param hasMachines whether others send, who bring the credential
 * @param nowMs for times from now
 */
export function checkSendFlags(
  options: SendFlags,
  nowMs: number = systemClock.wallMs(),
  hasMachines: boolean = false,
): void {
  const { key, alert, title, badge, sound, aps, payload, variant } = options;
  const { data, image, messageFile, tag } = options;
  checkFcmFlags(options);
  const contents = [alert, title, badge, sound, aps, payload, variant, data, image, messageFile, tag];
  if (contents.every((given) => given === undefined)) {
    const whole = options.provider === 'fcm' ? '--message-file FILE.json' : '--payload FILE.json';
    throw usageError(`the message is empty: give --alert TEXT or ${whole}.`);
  }
  if (options.tokens.filter((source) => source === '-').length > 1) {
    throw usageError('--tokens: standard input (-) can be read only once.');
  }
  if (options.provider !== 'fcm') checkGatewayFlags(options);
  checkKeyFlags(options);
  if (options.retries === 0 && options.onUnknown === 'resend') {
    throw usageError('--on-unknown resend keeps to the limit of --retries, which is 0. Give --retries 1 or more.');
  }
  checkMetricsFlags(options);
  const protocol = protocolOf(options);
  checkCampaignFlags(options, options.platformColumn === undefined ? [protocol] : [protocol, 'fcm'], nowMs);
  checkCertificateFlags(options);
  if (options.provider === 'fcm') return;
  checkProtocol(options);
  if (hasMachines || !isAppleGateway(options)) return;
  checkHasCredential(options);
  const hasToken = key !== undefined || options.providerTokenFile !== undefined;
  if (hasToken && options.topic === undefined) {
    throw usageError(
      key === undefined
        ? '--provider-token-file needs --topic, the bundle id of the app.'
        : '--key needs --topic, the bundle id of the app.',
    );
  }
}

/** Every file that the command reads. Its outputs must not overwrite them. */
export function inputFiles(options: SendFlags): string[] {
  const { tokens, payload, messageFile, serviceAccount, variant = [], ca } = options;
  const variants = variant.map((text) => text.slice(text.indexOf('=') + 1));
  const others = [...tokens.filter((source) => source !== '-'), payload, messageFile, ...variants].filter(
    (file) => file !== undefined,
  );
  return [...others, ...namedFiles([ca, serviceAccount]), ...credentialFiles(options)];
}

/** Options that only HTTP/2 supports. Over the binary protocol, the client certificate names the topic. */
const http2Only = [
  ['topic', '--topic', 'the client certificate says which app it is for'],
  ['pushType', '--push-type', 'the binary protocol has no push types'],
  ['collapseId', '--collapse-id', 'the binary protocol has no collapse ids'],
  ['apnsId', '--apns-id', 'the binary protocol has no such ids'],
  ['retries', '--retries', 'the binary protocol answers only the notifications that it refuses'],
  ['retryTime', '--retry-time', 'the binary protocol answers only the notifications that it refuses'],
  ['onUnknown', '--on-unknown', 'the binary protocol answers only the notifications that it refuses'],
  ['accepted', '--accepted', 'the binary protocol neither confirms accepted notifications nor gives them ids'],
  ['stopAtBadTokens', '--stop-at-bad-tokens', 'the binary protocol answers only the notifications that it refuses'],
] as const;

/**
 * Refuses options that the protocol of the gateway does not support. An address that cannot be read is refused later,
 * when the session is made.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option
 */
function checkProtocol(options: SendFlags): void {
  const address = addressOf(options);
  if (address?.protocol === 'feedback') {
    throw usageError(
      '--gateway: this is a feedback gateway, which takes no notifications. Read it with peal feedback.',
    );
  }
  if (address?.protocol !== 'binary') return;
  if (options.key !== undefined || options.providerTokenFile !== undefined) {
    throw usageError(
      '--key: a binary gateway does not accept provider tokens. Give a client certificate with --cert or --pfx.',
    );
  }
  for (const [name, flag, why] of http2Only) {
    if (options[name] !== undefined) throw usageError(`${flag} does not go with a binary gateway: ${why}.`);
  }
  if (options.priority === 1) throw usageError('--priority: a binary gateway accepts only 10 and 5.');
}

/** The protocol of the gateway; HTTP/2 if the address cannot be read. */
export function protocolOf(options: SendFlags): Protocol {
  return options.provider === 'fcm' ? 'fcm' : (addressOf(options)?.protocol ?? 'http2');
}
