/**
 * The requests and answers of gorush (POST /api/push), for programs that come from it. What gorush does for other
 * platforms is refused for each item. Pure; main thread.
 *
 * Source: the README of appleboy/gorush (request body, iOS payloads, response body).
 */

import { PealError } from '../../base/errors.js';
import { maxPushesOfRequest, maxRequestsPerRecipient } from '../../base/limits.js';
import { plainName } from '../../base/nearest-name.js';
import { shownValue } from '../../base/options.js';
import { Message, type MessageOptions } from '../../session/message/message.js';
import type { PushOutcome } from '../../session/single/push-outcome.js';
import { refusal, sentenceOf } from '../http/answer.js';
import type { AskedPush, AskedPushes } from './push-request.js';
import { isRecord, unknownField } from './push-request.js';

/** One entry of `logs`. */
interface GorushLog {
  readonly notif_id?: string;
  readonly type: 'failed-push';
  readonly platform: string;
  /** As the caller has sent it. */
  readonly token: string;
  readonly message: string;
  readonly error: string;
}

/** What a request of gorush asks for. */
interface GorushRequest {
  readonly asked: AskedPushes;
  /** Of each push: what its entries in `logs` say. */
  readonly items: readonly { readonly id: string; readonly message: string }[];
  /** Entries of items that cannot be sent. */
  readonly refused: readonly GorushLog[];
  /** Tokens of all items. */
  readonly count: number;
}

/** The fields that mean something to iOS, by their plain name, so that `apns-id`, `apns_id` and `apnsId` are one. */
const iosFields = [
  ...['notif_id', 'tokens', 'to', 'platform', 'message', 'title', 'topic', 'priority', 'content_available'],
  ...['mutable_content', 'sound', 'data', 'retry', 'expiration', 'apns_id', 'collapse_id', 'push_type', 'badge'],
  ...['category', 'thread-id', 'url-args', 'alert', 'production', 'development', 'name', 'volume'],
  ...['interruption_level', 'content-state', 'stale-date', 'dismissal-date', 'event', 'timestamp'],
] as const;

/** Fields for other platforms, which gorush leaves out for iOS, too. */
const otherFields = [
  ...['image', 'api_key', 'collapse_key', 'delay_while_idle', 'time_to_live', 'restricted_package_name', 'dry_run'],
  ...['condition', 'notification', 'android', 'webpush', 'apns', 'fcm_options', 'app_id', 'app_secret'],
  ...['huawei_notification', 'huawei_data', 'huawei_collapse_key', 'huawei_ttl', 'bi_tag', 'fast_app_target'],
] as const;

/** All names that a notification may have. */
export const gorushFieldNames: readonly string[] = [...iosFields, ...otherFields];
const knownPlainNames = new Set(gorushFieldNames.map(plainName));
const platforms = ['', 'ios', 'android', 'huawei'];

/**
 * @param usualTopic of notifications without a topic; null: none
 * @throws RefusedRequest 400, with gorush's own sentences where it has them
 */
export function readGorush(body: unknown, usualTopic: string | null): GorushRequest {
  const list = isRecord(body) ? body.notifications : undefined;
  if (!Array.isArray(list)) throw refusal(400, 'bad_request', 'Missing notifications field.');
  if (list.length === 0) throw refusal(400, 'bad_request', 'Notifications field is empty.');
  const pushes: AskedPush[] = [];
  const items: { id: string; message: string }[] = [];
  const refused: GorushLog[] = [];
  let count = 0;
  for (const [index, item] of list.entries()) {
    const fields = fieldsOf(item, index);
    const tokens = tokensOf(fields, index);
    count += tokens.length;
    if (count > maxPushesOfRequest) {
      throw refusal(400, 'bad_request', `Number of tokens(${count}) over limit(${maxPushesOfRequest})`);
    }
    const told = { id: textOf(fields.notifid), message: textOf(fields.message) };
    const read = pushOf(fields, tokens, usualTopic);
    if (typeof read === 'string') {
      const platform = platforms[fields.platform as number] ?? '';
      refused.push(...tokens.map((token) => logOf(told, platform, token, read)));
      continue;
    }
    pushes.push(read);
    items.push(told);
  }
  const asked = { pushes, count: pushes.reduce((sum, { tokens }) => sum + tokens.length, 0), isSingle: false };
  return { asked, items, refused, count };
}

/** The answer of gorush: it names what failed. */
export function gorushText({ asked, items, refused, count }: GorushRequest, outcomes: readonly PushOutcome[]): string {
  const logs: GorushLog[] = [...refused];
  let at = 0;
  for (const [index, { tokens }] of asked.pushes.entries()) {
    for (const token of tokens) {
      const outcome = outcomes[at++];
      if (outcome === undefined || outcome.outcome === 'accepted') continue;
      const error = outcome.error === null ? outcome.reason || `HTTP ${outcome.status}` : sentenceOf(outcome.error);
      logs.push(logOf(items[index]!, 'ios', token, error));
    }
  }
  return JSON.stringify({ counts: count, logs, success: 'ok' });
}

type Fields = Readonly<Record<string, unknown>>;

/** By plain name. */
function fieldsOf(item: unknown, index: number): Fields {
  if (!isRecord(item)) {
    throw refusal(400, 'bad_request', `notifications[${index}] must be an object, not ${shownValue(item)}.`);
  }
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(item)) {
    const plain = plainName(name);
    if (!knownPlainNames.has(plain)) {
      const { message } = unknownField(`notifications[${index}]`, name, gorushFieldNames);
      throw refusal(400, 'ERR_PEAL_OPTION', message);
    }
    if (value !== null) fields[plain] = value;
  }
  return fields;
}

function tokensOf({ tokens = [], to }: Fields, index: number): readonly string[] {
  const all = Array.isArray(tokens) ? [...(tokens as unknown[])] : [tokens];
  if (typeof to === 'string' && to !== '') all.push(to);
  const areTexts = all.every((token) => typeof token === 'string');
  if (areTexts && all.length > 0) return all as string[];
  throw refusal(400, 'bad_request', `notifications[${index}]: tokens must not be nil or empty`);
}

/** The push of one item, or why it cannot be sent. */
function pushOf(fields: Fields, tokens: readonly string[], usualTopic: string | null): AskedPush | string {
  if (fields.platform !== 1) {
    return 'This service sends to Apple devices only: the platform must be 1.';
  }
  try {
    const options = messageOptionsOf(fields, usualTopic);
    const message = Message.forPush(options);
    if (message.hasApnsId && tokens.length > 1)
      return 'The apns_id names one notification: give it with a single token.';
    const retry = fields.retry === undefined ? {} : { options: retryOf(fields.retry) };
    return { message, tokens, environment: environmentOfItem(fields), options: undefined, ...retry };
  } catch (error) {
    if (error instanceof PealError) return sentenceOf(error);
    throw error;
  }
}

function retryOf(retry: unknown): AskedPush['options'] {
  const again = Number.isSafeInteger(retry) ? Math.max(0, retry as number) : 0;
  return again === 0 ? undefined : { retry: { attempts: Math.min(again + 1, maxRequestsPerRecipient) } };
}

function environmentOfItem({ production, development }: Fields): AskedPush['environment'] {
  return production === true ? 'production' : development === true ? 'development' : null;
}

function messageOptionsOf(fields: Fields, usualTopic: string | null): MessageOptions {
  const { topic = usualTopic ?? undefined, priority, expiration, apnsid, collapseid, pushtype, data } = fields;
  const own = isRecord(data) ? data : {};
  const options: Record<string, unknown> = {
    payload: { ...own, aps: apsOf(fields) },
    ...(isGiven(topic) && { topic }),
    ...(isGiven(priority) && { priority: priority === 'high' ? 10 : priority === 'normal' ? 5 : priority }),
    ...(expiration !== undefined && { expiration }),
    ...(isGiven(apnsid) && { apnsId: apnsid }),
    ...(isGiven(collapseid) && { collapseId: collapseid }),
    ...(isGiven(pushtype) && { pushType: pushtype }),
  };
  return options as MessageOptions;
}

/** An empty text is as none, as in Go. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== '';
}

/** As gorush puts it together: a message beside a title is the body of the alert, and alone it is the alert. */
function apsOf(fields: Fields): Record<string, unknown> {
  const { badge, contentavailable, mutablecontent, category, threadid, urlargs, interruptionlevel } = fields;
  const alert = alertOf(fields);
  const sound = soundOf(fields);
  return {
    ...(alert !== undefined && { alert }),
    ...(badge !== undefined && { badge }),
    ...(sound !== undefined && { sound }),
    ...(contentavailable === true && { 'content-available': 1 }),
    ...(mutablecontent === true && { 'mutable-content': 1 }),
    ...(isGiven(category) && { category }),
    ...(isGiven(threadid) && { 'thread-id': threadid }),
    ...(Array.isArray(urlargs) && urlargs.length > 0 && { 'url-args': urlargs }),
    ...(isGiven(interruptionlevel) && { 'interruption-level': interruptionlevel }),
    ...(fields.contentstate !== undefined && { 'content-state': fields.contentstate }),
    ...(fields.staledate !== undefined && { 'stale-date': fields.staledate }),
    ...(fields.dismissaldate !== undefined && { 'dismissal-date': fields.dismissaldate }),
    ...(isGiven(fields.event) && { event: fields.event }),
    ...(fields.timestamp !== undefined && { timestamp: fields.timestamp }),
  };
}

function alertOf({ message, title, alert }: Fields): unknown {
  const own = isRecord(alert) ? Object.entries(alert).filter(([, value]) => value !== '' && value !== null) : [];
  const parts = {
    ...(isGiven(title) && { title }),
    ...(isGiven(title) && isGiven(message) && { body: message }),
    ...Object.fromEntries(own),
  };
  if (Object.keys(parts).length > 0)
    return isGiven(message) && !('body' in parts) ? { ...parts, body: message } : parts;
  return isGiven(message) ? message : isGiven(alert) && typeof alert === 'string' ? alert : undefined;
}

function soundOf({ sound, name, volume }: Fields): unknown {
  const isPlain = !isGiven(name) && typeof volume !== 'number';
  if (isPlain) return sound === '' ? undefined : sound;
  const before = isRecord(sound) ? sound : isGiven(sound) ? { name: sound } : {};
  return { ...before, ...(isGiven(name) && { name }), ...(typeof volume === 'number' && { volume }) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function logOf(told: { id: string; message: string }, platform: string, token: string, error: string): GorushLog {
  const id = told.id === '' ? {} : { notif_id: told.id };
  return { ...id, type: 'failed-push', platform, token, message: told.message, error };
}
