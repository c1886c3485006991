/**
 * What makes a campaign the one that a journal knows: its message, how its recipients are read, and its gateway. How fast and
 * within which bounds it is sent may change from run to run. Pure but for the reading of the files' edges; main thread.
 */
import { addressUrl } from '../../apns/address.js';
import { option } from '../../base/wording.js';
import { type CampaignIdentity, type IdentityPart, identityPart } from '../journal/identity.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';
import { recipientIdentities } from './recipient-blocks.js';

export async function campaignIdentity(options: CheckedCampaign): Promise<CampaignIdentity> {
  return { parts: [...messageParts(options), ...readingParts(options)], inputs: await recipientIdentities(options) };
}

/** A time from now is another one in each run, so the expiration is no part. */
function messageParts({ message, personal, gateway, sender }: CheckedCampaign): readonly IdentityPart[] {
  const { notification, topic, pushType, priority, collapseId } = message;
  const { payload, variants, variantColumn, apnsId, collapseId: ownCollapseId } = personal?.source ?? {};
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
    [option('sender', 'the option '), sender.remote === null ? undefined : 'remote'],
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

function mapped(variants: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(variants).map(([name, payload]) => [name, plain(payload)]));
}
