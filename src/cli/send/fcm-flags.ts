/**
 * What `peal send` makes of its options for FCM: the rules between them, the credential, and the message. Called by
 * send-rules and send-plan; main thread.
 */
import { isFcmAddress, parseFcmPlace } from '../../fcm/address.js';
import type { FcmMessageOptions } from '../../fcm/message-options.js';
import type { FcmCredentialOptions } from '../../fcm/service-account.js';
import { addressUrl } from '../../push/address.js';
import { FcmMessage } from '../../session/message/fcm-message.js';
import { hasPlaceholder } from '../../session/personal/placeholders.js';
import { Template } from '../../session/personal/template.js';
import { materialOf } from '../shared/credential-options.js';
import { addressOf, isAppleAddress } from '../shared/gateway-flags.js';
import { pealVariable } from '../shared/peal-variables.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import { jsonObjectOf, type SaidMessage } from './send-message.js';
import type { FcmFlags, SendFlags } from './send-options.js';

/** Whether messages go to FCM, alone or beside APNs. */
export function goesToFcm({ provider, platformColumn }: FcmFlags): boolean {
  return provider === 'fcm' || platformColumn !== undefined;
}

const names = [
  ['serviceAccount', '--service-account'],
  ['project', '--project'],
  ['fcmGateway', '--fcm-gateway'],
  ['fcmQuota', '--fcm-quota'],
  ['target', '--target'],
  ['image', '--image'],
  ['tag', '--tag'],
  ['data', '--data'],
  ['messageFile', '--message-file'],
  ['validateOnly', '--validate-only'],
] as const;

const apnsOnly = [
  ['key', '--key', 'FCM takes a service account: give --service-account FILE'],
  ['keyId', '--key-id', 'FCM takes a service account: give --service-account FILE'],
  ['teamId', '--team-id', 'FCM takes a service account: give --service-account FILE'],
  ['providerTokenFile', '--provider-token-file', 'FCM takes a service account: give --service-account FILE'],
  ['cert', '--cert', 'FCM takes a service account: give --service-account FILE'],
  ['pfx', '--pfx', 'FCM takes a service account: give --service-account FILE'],
  ['environment', '--environment', 'FCM has one gateway: leave it out'],
  ['topic', '--topic', 'the token says which app it is for'],
  ['pushType', '--push-type', 'FCM has no push types'],
  ['apnsId', '--apns-id', 'FCM names its messages itself'],
  ['payload', '--payload', 'give the whole message with --message-file'],
  ['aps', '--aps', 'give keys of the app with --data, and a whole message with --message-file'],
  ['fcmGateway', '--fcm-gateway', 'write --gateway'],
  ['minTokenBytes', '--min-token-bytes', 'registration tokens have no such length'],
] as const;

/** The rules between these options and others. Throws PealError ERR_PEAL_OPTION in one sentence. */
export function checkFcmFlags(flags: SendFlags): void {
  const { provider, messageFile, target, variant, gateway } = flags;
  if (!goesToFcm(flags)) {
    const given = names.find(([name]) => flags[name] !== undefined);
    if (given === undefined) return;
    throw usageError(`${given[1]} is for FCM: give --provider fcm, or --platform-column for a list of both services.`);
  }
  if (provider === 'fcm') {
    for (const [name, flag, why] of apnsOnly) {
      if (flags[name] !== undefined) throw usageError(`${flag} does not go with --provider fcm: ${why}.`);
    }
    if (gateway !== undefined && gateway !== 'fcm' && !gateway.startsWith('fcm://')) {
      throw usageError('--gateway: with --provider fcm it is fcm://HOST:PORT.');
    }
    const own = (['alert', 'title', 'badge', 'sound', 'collapseId', 'priority', 'expiration'] as const).find(
      (name) => messageFile !== undefined && flags[name] !== undefined,
    );
    if (own === undefined) return;
    throw usageError(
      `--message-file is the whole message, and --${own === 'collapseId' ? 'collapse-id' : own} says a part of it: leave one out.`,
    );
  }
  if (target !== undefined && target !== 'token') {
    throw usageError('--target: a list with --platform-column has device tokens. Leave one of them out.');
  }
  if ((variant?.length ?? 0) > 0) {
    throw usageError('--variant gives payloads of APNs alone: leave it out, or send to each platform by itself.');
  }
  checkBothPlaces(flags);
}

/**
 * Messages of a list for both services do not go to Google where those for APNs go to a stand-in, unless that is said.
 */
function checkBothPlaces(flags: SendFlags): void {
  const address = addressOf(flags);
  if (flags.fcmGateway !== undefined || address === null || isAppleAddress(address)) return;
  throw usageError(
    `--gateway ${addressUrl(address)} is not Apple's, and nothing says where the messages to FCM go: give ` +
      "--fcm-gateway fcm://HOST:PORT, or --fcm-gateway fcm for Google's.",
  );
}

/**
 * Stands for the credential of a process that sends nothing. Workers have the service account, and campaigns the
 * project.
 */
const noToken = (): string => '';

/**
 * What says for which project workers send: `--project`, the path of the address of FCM, or the service account, of
 * which nothing else is used.
 */
export function fcmProjectOf(
  flags: Pick<SendFlags, 'serviceAccount' | 'project' | 'gateway' | 'fcmGateway'>,
  env: Terminal['env'],
): FcmCredentialOptions {
  const { serviceAccount, gateway, fcmGateway } = flags;
  const address = isFcmAddress(gateway) ? gateway : fcmGateway;
  const project = flags.project ?? (isFcmAddress(address) ? parseFcmPlace(address).project : undefined);
  if (project !== undefined) return { accessToken: noToken, project };
  if (serviceAccount === undefined && pealVariable('PEAL_SERVICE_ACCOUNT', env) === null) {
    throw usageError(
      'workers send for a project of Firebase: give --project ID, or --service-account FILE, in which it stands.',
    );
  }
  return fcmCredentialOf(flags, env);
}

/** The credential that the options or the environment name. */
export function fcmCredentialOf(
  flags: Pick<SendFlags, 'serviceAccount' | 'project' | 'ca'>,
  env: Terminal['env'],
): FcmCredentialOptions {
  const { serviceAccount, project, ca } = flags;
  const variable = serviceAccount === undefined ? pealVariable('PEAL_SERVICE_ACCOUNT', env) : null;
  if (serviceAccount === undefined && variable === null) {
    throw usageError('FCM needs a credential: give --service-account FILE, or set PEAL_SERVICE_ACCOUNT.');
  }
  const isText = variable !== null && /^\s*(?:\{|[A-Za-z0-9+/=\s]{200,}$)/.test(variable);
  const material =
    serviceAccount !== undefined
      ? materialOf('--service-account', serviceAccount, env)
      : isText
        ? variable
        : { file: variable! };
  return {
    serviceAccount: material,
    ...(project !== undefined && { project }),
    ...(ca !== undefined && { ca: materialOf('--ca', ca, env, 'ERR_PEAL_OPTION') }),
  };
}

/** @param file of `--message-file`; null without it */
export function fcmMessageOf(
  flags: SendFlags,
  file: Uint8Array | null,
  variants: ReadonlyMap<string, Uint8Array>,
): SaidMessage {
  const { literal, validateOnly, target } = flags;
  const how = {
    ...(validateOnly === true && { dryRun: true }),
    ...(target !== undefined && { target }),
  };
  const isWhole = file !== null;
  const text = isWhole ? Buffer.from(file).toString('utf8') : hasContent(flags) ? textOf(flags) : null;
  const hasFields = literal !== true && text !== null && hasPlaceholder(text);
  if (!hasFields && variants.size === 0) {
    return { message: new FcmMessage([], { ...how, message: text ?? '' }), personal: null };
  }
  const personal = new Template({
    service: 'fcm',
    ...(validateOnly === true && { dryRun: true }),
    ...(text !== null && { payload: text }),
    ...(variants.size > 0 && { variants: Object.fromEntries(variants), variantColumn: flags.variantColumn! }),
  });
  // Each recipient has a message of its own.
  return { message: new FcmMessage([], { ...how, message: { notification: {} } }), personal };
}

function hasContent({ alert, title, badge, sound, image, tag, data }: SendFlags): boolean {
  return [alert, title, badge, sound, image, tag, data].some((given) => given !== undefined);
}

/** The message of single options, as JSON text in which placeholders may stand. */
function textOf(flags: SendFlags): string {
  const { alert, title, badge, sound, image, tag, data, collapseId, expiration, priority } = flags;
  const isCount = typeof badge === 'number';
  const options = {
    ...(title === undefined
      ? alert !== undefined && { alert }
      : { title, ...(alert !== undefined && { body: alert }) }),
    ...(isCount && badge > 0 && { badge }),
    ...(sound !== undefined && { sound }),
    ...(image !== undefined && { image }),
    ...(tag !== undefined && { tag }),
    ...(data !== undefined && { extra: jsonObjectOf('--data', data, '{"order":"7"}') }),
    ...(collapseId !== undefined && { collapseId }),
    ...(expiration !== undefined && { expiration }),
    ...(priority !== undefined && { priority: priority as 10 | 5 | 1 }),
  } as FcmMessageOptions;
  const { messageText } = new FcmMessage([], options).parts;
  if (badge === undefined || isCount) return messageText;
  // A column as a badge is a number, whether that is said or not.
  const message = JSON.parse(messageText);
  const count = badge.includes(':number') ? badge.trim() : badge.trim().replace(/^\{\{([^|}]*)/, '{{$1:number');
  message.android = {
    ...message.android,
    notification: { ...message.android?.notification, notification_count: count },
  };
  return JSON.stringify(message);
}
