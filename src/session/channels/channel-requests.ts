/**
 * Requests of channel management, and what their answers say. Loaded with the first one; called by Channels, main
 * thread.
 *
 * Source: "Sending channel management requests to APNs".
 */
import { Buffer } from 'node:buffer';
import {
  allChannelsPath,
  channelPushType,
  channelsPath,
  isChannelId,
  type StoragePolicy,
  storagePolicies,
} from '../../apns/channel.js';
import { PealError } from '../../base/errors.js';
import { maxRequestsPerRecipient } from '../../base/limits.js';
import { shownValue } from '../../base/options.js';
import type { Address } from '../../push/address.js';
import type { RetryKind } from '../../push/retry-policy.js';
import { answerError, NoAnswerError } from '../../services/answer-error.js';
import { type AttemptTerms, attempt, type FinalOutcome } from '../../services/service-attempts.js';
import type { ServiceClient } from '../../services/service-client.js';
import type { ServiceAnswer, ServiceRequest } from '../../services/service-connection.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import type { CheckedChannelRequest, CheckedChannels } from './channel-options.js';

/** A channel, as the service knows it. */
export interface Channel {
  /** Base64. */
  readonly channelId: string;
  readonly storagePolicy: StoragePolicy;
  readonly pushType: 'liveactivity';
  /** The apns-request-id of the answer; null if it had none. */
  readonly requestId: string | null;
}

/** The service of one gateway, and the app, for one call. */
export interface ChannelService extends CheckedChannels {
  readonly client: ServiceClient;
  /** Aborts when the session closes. */
  readonly closing: AbortSignal;
}

export async function createChannel(
  service: ChannelService,
  options: CheckedChannelRequest & { readonly storagePolicy: StoragePolicy },
): Promise<Channel> {
  const { storagePolicy } = options;
  const policy = storagePolicies.indexOf(storagePolicy);
  const body = Buffer.from(JSON.stringify({ 'message-storage-policy': policy, 'push-type': channelPushType }));
  const call = { subject: 'create a channel', isHarmlessTwice: false, doubt: mayBeCreated };
  const { answer } = await run(
    service,
    { method: 'POST', path: channelsPath(service.bundleId), body },
    {},
    options,
    call,
  );
  const channelId = answer.field('apns-channel-id');
  if (!isChannelId(channelId)) throw strangeError(service.address, call.subject, 'without an apns-channel-id');
  return { channelId, storagePolicy, pushType: 'liveactivity', requestId: answer.field('apns-request-id') };
}

export async function readChannel(
  service: ChannelService,
  channelId: string,
  options: CheckedChannelRequest,
): Promise<Channel> {
  const call = { subject: 'read a channel', isHarmlessTwice: true };
  const request = { method: 'GET', path: channelsPath(service.bundleId), body: null } as const;
  const { answer } = await run(service, request, { 'apns-channel-id': channelId }, options, call);
  const fields = jsonOf(answer) as { readonly 'message-storage-policy'?: unknown } | null;
  const policy = fields?.['message-storage-policy'];
  // Apple documents the numbers 0 and 1.
  const storagePolicy = typeof policy === 'number' ? storagePolicies[policy] : undefined;
  if (storagePolicy === undefined) {
    const shown = `with the message-storage-policy ${shownValue(policy)}, which is neither 0 nor 1`;
    const what = policy === undefined ? 'without a message-storage-policy' : shown;
    throw strangeError(service.address, call.subject, what);
  }
  return { channelId, storagePolicy, pushType: 'liveactivity', requestId: answer.field('apns-request-id') };
}

export async function listChannels(
  service: ChannelService,
  options: CheckedChannelRequest,
): Promise<readonly string[]> {
  const call = { subject: 'list the channels', isHarmlessTwice: true };
  const request = { method: 'GET', path: allChannelsPath(service.bundleId), body: null } as const;
  const { answer } = await run(service, request, {}, options, call);
  const channels = (jsonOf(answer) as { readonly channels?: unknown } | null)?.channels;
  if (!Array.isArray(channels) || !channels.every(isChannelId)) {
    throw strangeError(service.address, call.subject, 'without a list of channel ids');
  }
  return channels;
}

export async function removeChannel(
  service: ChannelService,
  channelId: string,
  options: CheckedChannelRequest,
): Promise<void> {
  const call = { subject: 'remove a channel', isHarmlessTwice: true, isDoneBy: 'ChannelNotRegistered' };
  const request = { method: 'DELETE', path: channelsPath(service.bundleId), body: null } as const;
  await run(service, request, { 'apns-channel-id': channelId }, options, call);
}

const mayBeCreated = 'The channel may have been created all the same.';

interface Call {
  /** Completes "the request to …". */
  readonly subject: string;
  /** Whether the request may be processed twice. */
  readonly isHarmlessTwice: boolean;
  /** The reason that says, after a request without an answer, that this one had been carried out. */
  readonly isDoneBy?: string;
  /** What a caller has to know of a request that may have been carried out without success. */
  readonly doubt?: string;
}

interface Success {
  readonly answer: ServiceAnswer;
}

/** @throws AnswerError for any answer but success, NoAnswerError where there is none */
async function run(
  { client, closing, address }: ChannelService,
  request: Omit<ServiceRequest, 'headers'>,
  headers: Readonly<Record<string, string>>,
  { requestId, timeoutMs, signal }: CheckedChannelRequest,
  call: Call,
): Promise<Success> {
  const all = { ...headers, ...(requestId !== null && { 'apns-request-id': requestId }) };
  const terms: AttemptTerms = {
    timeoutMs,
    budget: { attempts: maxRequestsPerRecipient, timeMs: timeoutMs },
    mayRepeat: (kind: RetryKind, status: number): boolean => call.isHarmlessTwice || isRefusal(kind, status),
    signals: [closing, ...(signal === null ? [] : [signal])],
    subject: `The request to ${call.subject}`,
  };
  const outcome = await attempt(client, { ...request, headers: all }, terms);
  const { answer } = outcome;
  if (answer === null) throw unanswered(call, outcome);
  if (answer.status >= 200 && answer.status < 300) return { answer };
  if (outcome.wasUnknown && answer.reason === call.isDoneBy) return { answer };
  throw failed(address, call, outcome, answer);
}

/** An answer by which the request was certainly not carried out: any but a fault of the service. */
function isRefusal(kind: RetryKind, status: number): boolean {
  return kind !== 'unknown' && status < 500;
}

function unanswered({ doubt }: Call, { kind, error }: FinalOutcome): PealError {
  if (kind !== 'unknown') return new NoAnswerError(error!, 'unsent');
  return new NoAnswerError(doubt === undefined ? error! : error!.withSentence(doubt), 'unknown');
}

function failed(
  address: Address,
  { subject, doubt = '' }: Call,
  { error }: FinalOutcome,
  answer: ServiceAnswer,
): PealError {
  if (error?.code === 'ERR_PEAL_CREDENTIAL') return error;
  const isRetryable = answer.status === 429 || answer.status >= 500;
  const who = `${hostAndPort(address)} answered the request to ${subject}`;
  return answerError(who, answer.status, answer.reason, isRetryable, answer.status >= 500 ? doubt : '');
}

function jsonOf({ body }: ServiceAnswer): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Success that does not say what it must. */
function strangeError(address: Address, subject: string, what: string): PealError {
  const message =
    `${hostAndPort(address)} answered the request to ${subject} with success, but ${what}: ` +
    'check that it is a channel management service.';
  return new PealError('ERR_PEAL_PROTOCOL', message, { origin: 'gateway' });
}
