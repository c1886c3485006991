/**
 * Requests of broadcasts and channel management, answered in the form of @parse/node-apn. Called by client; main
 * thread.
 */
import { Buffer } from 'node:buffer';
import { allChannelsPath, broadcastPath, channelsPath } from '../../apns/channel.js';
import { compatRetryTimeMs } from '../../base/limits.js';
import { attempt } from '../../services/service-attempts.js';
import type { ServiceAnswer, ServiceRequest } from '../../services/service-connection.js';
import type { Gateway } from '../../session/gateway.js';
import { type BuiltNotification, serviceRequestOf } from './built-notification.js';
import { answerFailure, refusedEntry, WriteError, writeError } from './responses.js';

export type ServiceType = 'channels' | 'allChannels' | 'broadcasts';

const paths: Readonly<Record<ServiceType, (bundleId: string) => string>> = {
  channels: channelsPath,
  allChannels: allChannelsPath,
  broadcasts: broadcastPath,
};

const methods: Readonly<Record<string, ServiceRequest['method']>> = { post: 'POST', get: 'GET', delete: 'DELETE' };

const idFields = ['apns-unique-id', 'apns-request-id', 'apns-channel-id', 'apns-id'] as const;

/**
 * Throws what `failed` lists of a request that there is not: `subDirectory` under the name that it has for this type.
 */
export function checkRequest(subDirectory: string, type: string, method: string): void {
  const isService = Object.hasOwn(paths, type);
  const named = { [isService ? 'bundleId' : type]: subDirectory };
  if (!isService && type !== 'device') {
    throw { ...named, error: new WriteError(`could not make a path for ${type} and ${subDirectory}`, 'invalid') };
  }
  if (Object.hasOwn(methods, method)) return;
  throw { ...named, error: new WriteError(`invalid httpMethod "${method}"`, 'invalid') };
}

/** Resolves with the entry of `sent`; rejects with that of `failed`. The request is a checked one. */
export async function requestService(
  gateway: Gateway,
  built: BuiltNotification,
  bundleId: string,
  type: ServiceType,
  method: string,
  { timeoutMs, attempts }: { readonly timeoutMs: number; readonly attempts: number },
): Promise<object> {
  const verb = methods[method]!;
  const request = requestOf(verb, paths[type](bundleId), built, bundleId);
  const isCreation = type === 'channels' && verb === 'POST';
  const { kind, answer, error } = await gateway.callService(gateway.address, (client, closing) =>
    attempt(client, request, {
      timeoutMs: timeoutMs > 0 ? timeoutMs : compatRetryTimeMs,
      budget: attempts > 1 ? { attempts, timeMs: compatRetryTimeMs } : null,
      // A channel that may have been created is not created once more.
      mayRepeat: (why, status) => why !== 'unknown' && (!isCreation || status < 500),
      signals: [closing],
      subject: 'The request',
    }),
  );
  if (answer === null) throw { bundleId, error: writeError(kind === 'unknown' ? 'unknown' : 'unsent', error!) };
  const entry = { bundleId, ...idsOf(answer) };
  if (answer.status >= 200 && answer.status < 300) return { ...entry, ...bodyOf(answer) };
  throw { ...entry, ...answerFailure(answer) };
}

/** Throws the entry of `failed` for what no request can carry. */
function requestOf(
  method: ServiceRequest['method'],
  path: string,
  built: BuiltNotification,
  bundleId: string,
): ServiceRequest {
  try {
    return { method, path, ...serviceRequestOf(built) };
  } catch (error) {
    throw { bundleId, ...refusedEntry(error) };
  }
}

function idsOf(answer: ServiceAnswer): Record<string, string> {
  const ids: Record<string, string> = {};
  for (const name of idFields) {
    const value = answer.field(name);
    if (value !== null) ids[name] = value;
  }
  return ids;
}

function bodyOf({ body }: ServiceAnswer): object {
  const text = Buffer.from(body).toString();
  return text === '' ? {} : (JSON.parse(text) as object);
}
