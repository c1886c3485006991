/**
 * Reads the JSON of a campaign, and makes the options of a `Campaign` of it. What counts from now is made a time of its
 * own, so that a campaign that goes on after a restart is the same. Pure; main thread.
 */
import { pushTypeOfTopic } from '../../apns/push-type.js';
import { parseTime, timeForms } from '../../base/duration.js';
import {
  checkOption,
  checkOptions,
  choice,
  filledText,
  list,
  type OptionRules,
  objectOf,
  optionError,
  shownValue,
  test,
  text,
  unchecked,
} from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import type { CampaignOptions, RecipientFiles } from '../../campaign/run/campaign-options.js';
import type { Gateway } from '../../session/gateway.js';
import { Message, type MessageOptions } from '../../session/message/message.js';
import { Template, type TemplateOptions } from '../../session/personal/template.js';
import { environmentNames, isRecord } from '../push/push-request.js';

/** The options of a campaign that a request may give as they are; the campaign itself checks their values. */
const plainOptions = [
  ...['keepDuplicates', 'minTokenBytes', 'outputFormat', 'accepted', 'rate', 'maxFailures', 'maxErrorRate'],
  ...['maxDurationMs', 'stopOn', 'canary', 'localWindow', 'retry', 'onUnknown', 'stopAtBadTokens'],
] as const;

/** How recipients are read, beside where they are. */
export const readingFields = ['format', 'tokenColumn', 'delimiter', 'header'] as const;

/** A name of a folder, which is no other path. */
export const campaignIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A campaign as it is kept: a request whose times are fixed. */
export interface CampaignRequest {
  readonly title?: string;
  readonly environment?: (typeof environmentNames)[number];
  readonly message: MessageOptions;
  readonly personal?: TemplateOptions;
  readonly recipients: {
    /** Below the directory of lists. */
    readonly files?: readonly string[];
    readonly tokens?: readonly string[];
  } & Partial<Pick<RecipientFiles, (typeof readingFields)[number]>>;
  /** ISO 8601. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly rate?: string;
}

const rules: OptionRules = {
  id: test('a name of up to 64 letters, digits, ".", "_" and "-"', (value) =>
    typeof value === 'string' && campaignIdForm.test(value)),
  title: text(1000),
  environment: choice(...environmentNames),
  message: test('an object: the options of a message', isRecord),
  personal: test('an object: what is said to each recipient', isRecord),
  recipients: objectOf({
    files: list(filledText(1000)),
    tokens: list(filledText(1000)),
    format: unchecked,
    tokenColumn: unchecked,
    delimiter: unchecked,
    header: unchecked,
  }),
  notBefore: filledText(100),
  notAfter: filledText(100),
  ...Object.fromEntries(plainOptions.map((name) => [name, unchecked])),
};

/** The names of all fields of a campaign's request. */
export const campaignFields: readonly string[] = Object.keys(rules);

const hints = {
  lists: 'write recipients: { files }.',
  tokens: 'write recipients: { tokens }.',
  files: 'write recipients: { files }.',
  alert: 'write message: { alert }.',
  topic: 'write message: { topic }.',
  template: 'write personal.',
  folder: 'the service chooses the folder.',
};

/**
 * @param isUpload whether the recipients are the body of the request
 * @throws PealError ERR_PEAL_OPTION
 */
export function readCampaign(
  body: unknown,
  {
    isUpload,
    usualTopic,
    nowMs,
  }: { readonly isUpload: boolean; readonly usualTopic: string | null; readonly nowMs: number },
): { readonly id: string | null; readonly request: CampaignRequest } {
  checkOptions({ name: 'A campaign', hints }, body, rules);
  const { id = null, ...given } = body as { id?: string } & CampaignRequest;
  const recipients = given.recipients ?? {};
  const sources = [recipients.files, recipients.tokens, isUpload ? 'upload' : undefined].filter(
    (one) => one !== undefined,
  );
  if (sources.length !== 1) {
    throw optionError(
      sources.length === 0
        ? 'A campaign needs recipients: give recipients: { files }, recipients: { tokens }, or the list as the body.'
        : 'The recipients are given more than once: give files, tokens, or the list as the body.',
    );
  }
  const message = { ...(given.message ?? {}) };
  if (usualTopic !== null && message.topic === undefined) Object.assign(message, { topic: usualTopic });
  // Made here for its checks, and for what it says of times from now.
  const { expiration } = messageOf(message, given.personal).message;
  const { expiry: _, ...said } = message;
  return {
    id,
    request: {
      ...given,
      recipients,
      message: { ...said, ...(expiration !== null && { expiration }) },
      ...(given.notBefore !== undefined && { notBefore: fixedTime('notBefore', given.notBefore, nowMs) }),
      ...(given.notAfter !== undefined && { notAfter: fixedTime('notAfter', given.notAfter, nowMs) }),
    },
  };
}

/**
 * @param recipients as the campaign reads them
 * @throws PealError for what cannot be sent
 */
export function serviceCampaignOptions(
  request: CampaignRequest,
  gateway: Gateway,
  recipients: RecipientFiles,
  folder: string,
): CampaignOptions {
  const { title, message, personal, notBefore, notAfter } = request;
  const said = messageOf(message, personal);
  const fields = request as unknown as Readonly<Record<string, unknown>>;
  const plain = plainOptions.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]);
  return {
    gateway,
    message: said.message,
    ...(said.personal !== null && { personal: said.personal }),
    recipients,
    folder,
    ...(title !== undefined && { title }),
    ...(notBefore !== undefined && { notBefore: new Date(notBefore) }),
    ...(notAfter !== undefined && { notAfter: new Date(notAfter) }),
    ...(Object.fromEntries(plain) as Partial<CampaignOptions>),
  };
}

/** Without a push type of its own, a template is sent as what its payloads are. */
function messageOf(
  options: MessageOptions,
  personal: TemplateOptions | undefined,
): { readonly message: Message; readonly personal: Template | null } {
  if (personal === undefined) return { message: new Message([], options), personal: null };
  const template = new Template(personal);
  const { topic, pushType } = options;
  const implied = (topic === undefined ? null : pushTypeOfTopic(topic)) ?? template.pushType;
  const isImplied = pushType === undefined && template.hasPayloads && implied !== null;
  const message = new Message([], isImplied ? { ...options, pushType: implied } : options);
  if (message.pushType !== null) template.check(message.pushType);
  return { message, personal: template };
}

function fixedTime(name: string, given: string, nowMs: number): string {
  const ms = parseTime(given, nowMs);
  if (ms === null) throw optionError(`${theOption(name)} must be ${timeForms}, not ${shownValue(given)}.`);
  return new Date(ms).toISOString();
}

/** The rate in the body of a request to change it; null: no limit. */
export function readRate(body: unknown): string | null {
  checkOptions({ name: 'A change of the rate' }, body, { rate: unchecked });
  const { rate } = body as { rate?: unknown };
  if (rate === null || rate === 'off') return null;
  checkOption('rate', rate, filledText(1000));
  return rate as string;
}
