/**
 * What the options of `peal send` say: a message to all, or a template where a text has `{{columns}}` or a column
 * chooses among variants. Pure; called by send-plan once its files were read, on the main thread.
 */
import { pushTypeOfTopic } from '../../apns/push-type.js';
import { PealError } from '../../base/errors.js';
import { theOption } from '../../base/wording.js';
import type { FcmMessage } from '../../session/message/fcm-message.js';
import { Message, type MessageOptions } from '../../session/message/message.js';
import { hasPlaceholder, parseTemplate } from '../../session/personal/placeholders.js';
import { Template, type TemplateOptions } from '../../session/personal/template.js';
import { inFlagWords } from '../shared/wording.js';
import type { SendFlags } from './send-options.js';

/** The payloads that the options name, as they are in their files. */
export interface PayloadFiles {
  /** Of `--payload`; null without it. */
  readonly payload: Uint8Array | null;
  /** Of each `--variant`, by its name. */
  readonly variants: ReadonlyMap<string, Uint8Array>;
}

export interface SaidMessage<M = Message | FcmMessage> {
  /** Without recipients. It has no payload where recipients get theirs from the template. */
  readonly message: M;
  /** Null: all recipients get the message as it is. */
  readonly personal: Template | null;
}

/** Header fields that may hold columns. */
const templateFields = ['apnsId', 'collapseId', 'expiration', 'priority'] as const;

/** Throws PealError ERR_PEAL_PAYLOAD, ERR_PEAL_HEADER or ERR_PEAL_OPTION for what may not be sent. */
export function messageOf(flags: SendFlags, files: PayloadFiles): SaidMessage<Message> {
  if (flags.aps === undefined) return saidBy(flags, files);
  try {
    return saidBy(flags, files);
  } catch (error) {
    throw error instanceof PealError ? inFlagWords(error, { payload: '--aps' }) : error;
  }
}

function saidBy(flags: SendFlags, files: PayloadFiles): SaidMessage<Message> {
  const isLiteral = flags.literal === true;
  const personalFields = isLiteral ? [] : templateFields.filter((name) => hasPlaceholder(String(flags[name] ?? '')));
  const hasPayloads = files.variants.size > 0 || (!isLiteral && sayColumns(flags, files));
  if (!hasPayloads && personalFields.length === 0) {
    return { message: new Message([], { ...contentOf(flags, files), ...headersOf(flags, []) }), personal: null };
  }
  const payload = payloadOf(flags, files);
  const personal = templateOf({
    ...(hasPayloads && payload !== null ? { payload } : {}),
    ...(files.variants.size > 0 && {
      variants: Object.fromEntries(files.variants),
      variantColumn: flags.variantColumn!,
    }),
    ...Object.fromEntries(personalFields.map((name) => [name, flags[name] as string])),
  });
  const own = hasPayloads ? null : contentOf(flags, files);
  const message = new Message([], { ...own, ...headersOf(flags, personalFields), ...pushTypeOf(flags, personal) });
  if (message.pushType !== null) personal.check(message.pushType);
  return { message, personal };
}

/** Whether the payload for all, or the options that stand for it, have columns in them. */
function sayColumns(flags: SendFlags, { payload }: PayloadFiles): boolean {
  const text = payload === null ? JSON.stringify(apsOf(flags)) : Buffer.from(payload).toString('latin1');
  return hasPlaceholder(text);
}

/** The payload for all; null where only variants have one. */
function payloadOf(flags: SendFlags, { payload }: PayloadFiles): NonNullable<TemplateOptions['payload']> | null {
  if (payload !== null) return payload;
  const aps = apsOf(flags);
  return Object.keys(aps).length === 0 ? null : { aps };
}

/** Without a push type of its own, a template is sent as what its payloads are. */
function pushTypeOf(flags: SendFlags, personal: Template): MessageOptions {
  if (flags.pushType !== undefined || !personal.hasPayloads) return {};
  const pushType = (flags.topic === undefined ? null : pushTypeOfTopic(flags.topic)) ?? personal.pushType;
  return pushType === null ? {} : { pushType };
}

function templateOf(options: TemplateOptions): Template {
  try {
    return new Template(options);
  } catch (error) {
    const areBraces = error instanceof PealError && error.message.includes('{{');
    throw areBraces ? error.withSentence('With --literal, {{ and }} are sent as they are.') : error;
  }
}

function contentOf(flags: SendFlags, { payload }: PayloadFiles): MessageOptions {
  if (payload !== null) return { payload };
  if (flags.aps !== undefined) return { payload: { aps: apsOf(flags) } };
  const { badge } = flags;
  return { ...alertOf(flags), ...(badge === undefined ? {} : { badge: badge as number }), ...soundOf(flags) };
}

function apsOf(flags: SendFlags): Readonly<Record<string, unknown>> {
  const { badge } = flags;
  const named = { ...alertOf(flags), ...(badge === undefined ? {} : { badge: badgeOf(badge) }), ...soundOf(flags) };
  return flags.aps === undefined ? named : { ...named, ...moreKeys(flags.aps, Object.keys(named)) };
}

/** The keys of `--aps`, in Apple's spelling, as they are within a whole payload. */
function moreKeys(json: string, named: readonly string[]): Readonly<Record<string, unknown>> {
  const keys = jsonObjectOf('--aps', json, '{"thread-id":"orders"}');
  const twice = named.find((name) => Object.hasOwn(keys, name));
  if (twice === undefined) return keys;
  const flag = twice === 'alert' ? '--alert or --title' : `--${twice}`;
  throw new PealError('ERR_PEAL_PAYLOAD', `--aps has the key "${twice}" beside ${flag}: leave one out.`, {
    origin: 'usage',
  });
}

/** The JSON object that a flag holds. Throws PealError ERR_PEAL_PAYLOAD with an example of one. */
export function jsonObjectOf(flag: string, json: string, example: string): Readonly<Record<string, unknown>> {
  let keys: unknown;
  try {
    keys = JSON.parse(json);
  } catch {
    keys = null;
  }
  if (typeof keys === 'object' && keys !== null && !Array.isArray(keys)) return keys as Record<string, unknown>;
  const message = `${flag} must be a JSON object, such as ${example}: quote it for the shell.`;
  throw new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}

function alertOf({ alert, title }: SendFlags): Pick<MessageOptions, 'alert'> {
  const text = title === undefined ? alert : { title, ...(alert === undefined ? {} : { body: alert }) };
  return text === undefined ? {} : { alert: text };
}

function soundOf({ sound }: SendFlags): Pick<MessageOptions, 'sound'> {
  return sound === undefined ? {} : { sound };
}

/** A column as a badge is a number, whether that is said or not. */
function badgeOf(badge: number | string): number | string {
  if (typeof badge === 'number') return badge;
  const { texts, placeholders } = parseTemplate(badge, theOption('badge'));
  const [column] = placeholders;
  if (column === undefined || placeholders.length > 1 || texts.some((text) => text.trim() !== '')) {
    const message = `${theOption('badge')} is a number: give one, or one column, such as {{unread|0}}.`;
    throw new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
  }
  if (column.form !== 'text') return badge.trim();
  return `{{${column.field}:number${column.fallback === null ? '' : `|${column.fallback}`}}}`;
}

/** Without those that the template brings. */
function headersOf(flags: SendFlags, personalFields: readonly string[]): MessageOptions {
  const { topic, pushType, priority, expiration, collapseId } = flags;
  const headers = { topic, pushType, priority, expiration, collapseId };
  const own = Object.entries(headers).filter(([name, value]) => value !== undefined && !personalFields.includes(name));
  return Object.fromEntries(own) as MessageOptions;
}
