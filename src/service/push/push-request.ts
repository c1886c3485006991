/**
 * Reads the JSON of pushes: whose devices, what is said, and how long it may take. Names that are not known are refused
 * with the nearest known. Pure; main thread, once for each request.
 */

import { emptyError } from '../../apns/payload.js';
import { PealError } from '../../base/errors.js';
import { maxPushesOfRequest } from '../../base/limits.js';
import { adviceForUnknown, checkOption, choice, optionError, shownValue } from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { theOption } from '../../base/wording.js';
import { contentHints, Message, type MessageOptions, messageOptionNames } from '../../session/message/message.js';
import { checkPushOptions, type PushOptions } from '../../session/single/push-options.js';
import { refusal, sentenceOf } from '../http/answer.js';
import type { GatewayEnvironment } from './gateway-source.js';

/** One message to one device or several. */
export interface AskedPush {
  readonly message: Message;
  readonly tokens: readonly string[];
  /** Null: the usual one. */
  readonly environment: GatewayEnvironment | null;
  readonly options: PushOptions | undefined;
}

/** What one request asks for. */
export interface AskedPushes {
  readonly pushes: readonly AskedPush[];
  /** Tokens of all. */
  readonly count: number;
  /** Whether it is one push to one token, whose answer is not a list. */
  readonly isSingle: boolean;
}

/** What a push has beside the options of a message. */
export const ownPushFields = ['token', 'tokens', 'environment', 'timeoutMs', 'retry'] as const;

const knownFields: readonly string[] = [...ownPushFields, ...messageOptionNames];

/** What other services call things. */
const hints = {
  ...contentHints,
  aps: 'write its keys as fields of the push, or give payload: { aps }.',
  devicetoken: 'write token.',
  devicetokens: 'write tokens.',
  timeout: 'write timeoutMs.',
  sandbox: "write environment: 'development'.",
  production: "write environment: 'production'.",
};

export const environmentNames = ['production', 'development', 'sandbox'] as const;
const environmentRule = choice(...environmentNames);

/**
 * @param usualTopic of pushes without a topic; null: none
 * @throws PealError or RefusedRequest for what cannot be sent as it is
 */
export function readPushes(body: unknown, usualTopic: string | null): AskedPushes {
  if (!isRecord(body))
    throw refusal(400, 'bad_request', `The body must be an object of JSON, not ${shownValue(body)}.`);
  if (body.pushes === undefined) {
    const push = readPush(body, usualTopic);
    return { pushes: [push], count: push.tokens.length, isSingle: body.tokens === undefined };
  }
  for (const name in body) {
    if (name !== 'pushes') throw unknownField('A request with pushes', name, ['pushes']);
  }
  const list = body.pushes;
  if (!Array.isArray(list) || list.length === 0) {
    throw optionError(`${theOption('pushes')} must be a list with something in it, not ${shownValue(list)}.`);
  }
  if (list.length > maxPushesOfRequest) throw tooMany();
  const pushes: AskedPush[] = [];
  let count = 0;
  for (const [index, item] of list.entries()) {
    const push = readItem(item, index, usualTopic);
    pushes.push(push);
    count += push.tokens.length;
  }
  if (count > maxPushesOfRequest) throw tooMany();
  return { pushes, count, isSingle: false };
}

/** With the place of the push in the sentence of what is wrong. */
function readItem(item: unknown, index: number, usualTopic: string | null): AskedPush {
  try {
    if (!isRecord(item)) throw optionError(`It must be an object, not ${shownValue(item)}.`);
    return readPush(item, usualTopic);
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    throw refusal(400, error.code, `pushes[${index}]: ${sentenceOf(error)}`);
  }
}

function readPush(item: Readonly<Record<string, unknown>>, usualTopic: string | null): AskedPush {
  const said: Record<string, unknown> = {};
  let options: PushOptions | undefined;
  for (const name in item) {
    const value = item[name];
    if (messageOptionNames.has(name)) said[name] = value;
    else if (name === 'timeoutMs' || name === 'retry') options = { ...options, [name]: value } as PushOptions;
    else if (name !== 'token' && name !== 'tokens' && name !== 'environment') {
      throw unknownField('A push', name, knownFields);
    }
  }
  if (usualTopic !== null && said.topic === undefined) said.topic = usualTopic;
  const tokens = tokensOf(item);
  if (item.environment !== undefined) checkOption('environment', item.environment, environmentRule);
  if (options !== undefined) checkPushOptions(options);
  const message = Message.forPush(said as MessageOptions);
  if (!message.hasPayload) throw emptyError();
  if (message.hasApnsId && tokens.length > 1) {
    throw optionError(`${theOption('apnsId')} names one notification: give it with a single token.`);
  }
  return { message, tokens, environment: askedEnvironment(item.environment), options };
}

/** The form of each is checked where it is sent: one that is not valid is an outcome. */
function tokensOf({ token, tokens }: Readonly<Record<string, unknown>>): readonly string[] {
  if (token !== undefined && tokens !== undefined) throw optionError('token and tokens are both given: leave one out.');
  if (token !== undefined) {
    if (typeof token === 'string') return [token];
    throw optionError(`${theOption('token')} must be text, the device token as hex, not ${shownValue(token)}.`);
  }
  if (tokens === undefined) throw optionError('The device token is missing: give token, or tokens.');
  if (!Array.isArray(tokens) || tokens.length === 0 || !tokens.every((one) => typeof one === 'string')) {
    throw optionError(`${theOption('tokens')} must be a list of texts with something in it.`);
  }
  if (tokens.length > maxPushesOfRequest) throw tooMany();
  return tokens as readonly string[];
}

/** @param name `sandbox` is the host's word for development */
export function askedEnvironment(name: unknown): GatewayEnvironment | null {
  return name === undefined ? null : name === 'production' ? 'production' : 'development';
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param subject of "… has no field "x"" */
export function unknownField(subject: string, name: string, known: readonly string[]): PealError {
  return optionError(
    `${subject} has no field "${escapeUnprintable(name, 40)}": ${adviceForUnknown(name, known, hints)}`,
  );
}

function tooMany(): Error {
  const message = `One request may have ${maxPushesOfRequest} pushes, its tokens counted: send several, or a campaign.`;
  return refusal(413, 'too_many_pushes', message);
}
