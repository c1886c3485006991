/**
 * What makes a campaign the one that a journal knows: its message, how its recipients are read, and its gateway. How
 * fast and within which bounds it is sent may change from run to run. Pure but for the reading of the files' edges;
 * main thread.
 */
import { option } from '../../base/wording.js';
import { addressUrl } from '../../push/address.js';
import { FcmMessage } from '../../session/message/fcm-message.js';
import type { Message } from '../../session/message/message.js';
import { type CampaignIdentity, type IdentityPart, identityPart } from '../journal/identity.js';
import type { CampaignService } from '../senders/campaign-services.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';
import { recipientIdentities } from './recipient-blocks.js';

export async function campaignIdentity(options: CheckedCampaign): Promise<CampaignIdentity> {
  return { parts: [...messageParts(options), ...readingParts(options)], inputs: await recipientIdentities(options) };
}

/** A time from now is another one in each run, so the expiration is no part. */
function messageParts({ services, sender, platforms }: CheckedCampaign): readonly IdentityPart[] {
  const [first, other] = services.all;
  return [
    ...serviceParts(first!),
    ...partsOf([
      [option('sender', 'the option '), sender.remote === null ? undefined : 'remote'],
      [option('platforms.column', 'the option '), platforms?.column],
    ]),
    ...(other === undefined
      ? []
      : serviceParts(other).map((part) => ({ ...part, name: `${part.name} of the other service` }))),
  ];
}

function serviceParts({ message, personal, gateway }: CampaignService): readonly IdentityPart[] {
  const { payload, variants, variantColumn, apnsId, collapseId: ownCollapseId } = personal?.source ?? {};
  if (message instanceof FcmMessage) {
    return partsOf([
      ['the payload', withoutTtl(payload === undefined ? message.payload : plain(payload))],
      ['the kind of recipients', message.target],
      [option('dryRun', 'the option '), message.dryRun ? true : undefined],
      [option('variants', 'the option '), variants === undefined ? undefined : mapped(variants)],
      [option('variantColumn', 'the option '), variantColumn],
      ['the gateway', addressUrl(gateway.address)],
    ]);
  }
  const { notification, topic, pushType, priority, collapseId } = message as Message;
  const given: readonly (readonly [name: string, value: unknown])[] = [
    ['the payload', payload === undefined ? notification.payload : plain(payload)],
    [option('topic', 'the option '), topic],
    [option('pushType', 'the option '), pushType],
    [option('priority', 'the option '), personal?.source.priority ?? priority],
    [option('collapseId', 'the option '), ownCollapseId ?? collapseId],
    [option('apnsId', 'the option '), apnsId],
    [option('variants', 'the option '), variants === undefined ? undefined : mapped(variants)],
    [option('variantColumn', 'the option '), variantColumn],
    ['the gateway', addressUrl(gateway.address)],
  ];
  return partsOf(given);
}

function readingParts(options: CheckedCampaign): readonly IdentityPart[] {
  const { recipients, keepDuplicates, minTokenBytes } = options;
  const { format, tokenColumn, delimiter, header } = isFiles(recipients)
    ? recipients
    : { format: undefined, tokenColumn: options.tokenColumn, delimiter: undefined, header: undefined };
  return partsOf([
    [option('format', 'the option '), format === 'auto' ? undefined : format],
    [option('tokenColumn', 'the option '), tokenColumn === undefined ? undefined : String(tokenColumn)],
    [option('delimiter', 'the option '), delimiter],
    [option('header', 'the option '), header],
    [option('keepDuplicates', 'the option '), keepDuplicates === true ? true : undefined],
    [option('minTokenBytes', 'the option '), minTokenBytes],
  ]);
}

function partsOf(given: readonly (readonly [name: string, value: unknown])[]): readonly IdentityPart[] {
  return given.flatMap(([name, value]) => (value === undefined || value === null ? [] : identityPart(name, value)));
}

function plain(payload: unknown): unknown {
  return payload instanceof Uint8Array ? Buffer.from(payload).toString('utf8') : payload;
}

/** How long FCM keeps a message counts from when it was made, so it is another one in each run. */
function withoutTtl(payload: unknown): unknown {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return text.replace(/"ttl"\s*:\s*"\d+(?:\.\d+)?s"\s*,?/g, '');
}

function mapped(variants: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(variants).map(([name, payload]) => [name, plain(payload)]));
}
