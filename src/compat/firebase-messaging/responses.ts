/**
 * What became of a message, as firebase-admin tells it. Called by messaging with the outcomes of pushes; pure.
 */
import { PealError } from '../../base/errors.js';
import type { PushOutcome } from '../../session/single/push-outcome.js';
import {
  AppErrorCodes,
  type ErrorInfo,
  FirebaseAppError,
  type FirebaseError,
  FirebaseMessagingError,
  MessagingClientErrorCode,
} from './errors.js';
import type { TargetField } from './message-rules.js';

/** What became of one message. */
export interface SendResponse {
  success: boolean;
  /** Of one that was accepted: the name that FCM gave it. */
  messageId?: string;
  error?: FirebaseError;
}

/** In the order of the messages. */
export interface BatchResponse {
  responses: SendResponse[];
  successCount: number;
  failureCount: number;
}

export function batchResponse(responses: SendResponse[]): BatchResponse {
  const successCount = responses.filter(({ success }) => success).length;
  return { responses, successCount, failureCount: responses.length - successCount };
}

export function responseOf(outcome: PushOutcome, target: TargetField): SendResponse {
  if (outcome.outcome === 'accepted') return { success: true, messageId: outcome.apnsId };
  return { success: false, error: errorOf(outcome, target) };
}

/** FCM's reasons, as peal names them (fcm/reason). */
const kinds: ReadonlyMap<string, ErrorInfo> = new Map<string, ErrorInfo>([
  ['UNREGISTERED', MessagingClientErrorCode.REGISTRATION_TOKEN_NOT_REGISTERED],
  ['INVALID_ARGUMENT', MessagingClientErrorCode.INVALID_ARGUMENT],
  ['INVALID_ARGUMENT (token)', MessagingClientErrorCode.INVALID_ARGUMENT],
  ['SENDER_ID_MISMATCH', MessagingClientErrorCode.MISMATCHED_CREDENTIAL],
  ['PERMISSION_DENIED', MessagingClientErrorCode.MISMATCHED_CREDENTIAL],
  ['SERVICE_DISABLED', MessagingClientErrorCode.MISMATCHED_CREDENTIAL],
  // The project is not known: the token may be good, so that no program may drop it.
  ['NOT_FOUND', MessagingClientErrorCode.MISMATCHED_CREDENTIAL],
  ['QUOTA_EXCEEDED', MessagingClientErrorCode.MESSAGE_RATE_EXCEEDED],
  ['QUOTA_EXCEEDED (device)', MessagingClientErrorCode.MESSAGE_RATE_EXCEEDED],
  ['QUOTA_EXCEEDED (topic)', MessagingClientErrorCode.MESSAGE_RATE_EXCEEDED],
  ['THIRD_PARTY_AUTH_ERROR', MessagingClientErrorCode.THIRD_PARTY_AUTH_ERROR],
  ['ACCESS_TOKEN_EXPIRED', MessagingClientErrorCode.THIRD_PARTY_AUTH_ERROR],
  ['UNAUTHENTICATED', MessagingClientErrorCode.THIRD_PARTY_AUTH_ERROR],
  ['UNAVAILABLE', MessagingClientErrorCode.SERVER_UNAVAILABLE],
  ['INTERNAL', MessagingClientErrorCode.INTERNAL_ERROR],
]);

/** Answers that are not FCM's own, such as those of a proxy. */
const kindsByStatus: ReadonlyMap<number, ErrorInfo> = new Map<number, ErrorInfo>([
  [400, MessagingClientErrorCode.INVALID_ARGUMENT],
  [401, MessagingClientErrorCode.AUTHENTICATION_ERROR],
  [403, MessagingClientErrorCode.AUTHENTICATION_ERROR],
  [500, MessagingClientErrorCode.INTERNAL_ERROR],
  [503, MessagingClientErrorCode.SERVER_UNAVAILABLE],
]);

type Refused = Exclude<PushOutcome, { readonly outcome: 'accepted' }>;

function errorOf(outcome: Refused, target: TargetField): FirebaseError {
  if (outcome.outcome === 'rejected') return rejection(outcome, target);
  if (outcome.outcome === 'invalid') return invalidMessage(outcome.error);
  return unanswered(outcome.outcome, outcome.error);
}

function rejection({ status, reason, detail }: Refused & { outcome: 'rejected' }, target: TargetField): FirebaseError {
  if (reason === 'UNREGISTERED' && target === 'fid') {
    return new FirebaseMessagingError(MessagingClientErrorCode.INSTALLATION_ID_NOT_REGISTERED, detail);
  }
  const known = kinds.get(reason);
  if (known !== undefined) return new FirebaseMessagingError(known, detail);
  const isCode = /^[A-Z][A-Z_]*$/.test(reason);
  const kind = (isCode ? undefined : kindsByStatus.get(status)) ?? MessagingClientErrorCode.UNKNOWN_ERROR;
  const said = reason === '' ? kind.message : [reason, detail].filter(Boolean).join(': ');
  return new FirebaseMessagingError(kind, `${said} Status code: ${status}.`);
}

/** What FCM would surely refuse, and was not sent. */
function invalidMessage(error: PealError): FirebaseMessagingError {
  return new FirebaseMessagingError(MessagingClientErrorCode.INVALID_ARGUMENT, error.message, { cause: error });
}

/** There is no answer: firebase-admin calls that a fault of the network, or of the credential. */
function unanswered(outcome: 'unsent' | 'unknown', error: PealError): FirebaseAppError {
  const { message } = error;
  const further = { cause: error, outcome };
  if (error.code === 'ERR_PEAL_CREDENTIAL') {
    return new FirebaseAppError(AppErrorCodes.INVALID_CREDENTIAL, message, further);
  }
  const isLate = error.code === 'ERR_PEAL_TIMEOUT' || error.code === 'ERR_PEAL_CONNECT_TIMEOUT';
  const code = isLate ? AppErrorCodes.NETWORK_TIMEOUT : AppErrorCodes.NETWORK_ERROR;
  return new FirebaseAppError(code, `Error while making request: ${message}`, further);
}

/**
 * What was thrown before a message was sent. Errors that are not peal's, such as those of JSON.stringify, stay as they
 * are.
 */
export function asFirebaseError(error: unknown): unknown {
  if (!(error instanceof PealError)) return error;
  return error.code === 'ERR_PEAL_PAYLOAD' ? invalidMessage(error) : unanswered('unsent', error);
}
