/**
 * What outcomes of pushes become in `peal/compat/firebase-messaging`: the codes that programs of firebase-admin know.
 */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import {
  FirebaseAppError,
  FirebaseError,
  FirebaseMessagingError,
} from '../../../src/compat/firebase-messaging/index.js';
import { batchResponse, responseOf } from '../../../src/compat/firebase-messaging/responses.js';
import { fcmReasons } from '../../../src/fcm/reason.js';
import {
  acceptedOutcome,
  invalidOutcome,
  rejectedOutcome,
  unansweredOutcome,
} from '../../../src/session/single/push-outcome.js';

function rejection(status: number, reason: string, detail: string | null = null, target: 'token' | 'fid' = 'token') {
  const answer = { status, reason, detail, timestampMs: null, apnsId: null, retryAfterSeconds: null };
  const { success, error, messageId } = responseOf(rejectedOutcome(answer, 'id', 1), target);
  assert.deepEqual([success, messageId], [false, undefined]);
  assert.ok(error instanceof FirebaseMessagingError && error instanceof FirebaseError && error instanceof Error);
  return error;
}

/** Codes by reason; each of FCM's reasons is in it. */
const codes: Readonly<Record<string, string>> = {
  UNREGISTERED: 'registration-token-not-registered',
  INVALID_ARGUMENT: 'invalid-argument',
  'INVALID_ARGUMENT (token)': 'invalid-argument',
  SENDER_ID_MISMATCH: 'mismatched-credential',
  THIRD_PARTY_AUTH_ERROR: 'third-party-auth-error',
  QUOTA_EXCEEDED: 'message-rate-exceeded',
  'QUOTA_EXCEEDED (device)': 'message-rate-exceeded',
  'QUOTA_EXCEEDED (topic)': 'message-rate-exceeded',
  UNAVAILABLE: 'server-unavailable',
  INTERNAL: 'internal-error',
  ACCESS_TOKEN_EXPIRED: 'third-party-auth-error',
  UNAUTHENTICATED: 'third-party-auth-error',
  PERMISSION_DENIED: 'mismatched-credential',
  SERVICE_DISABLED: 'mismatched-credential',
  NOT_FOUND: 'mismatched-credential',
};

describe('responses of compat/firebase-messaging', () => {
  it('have the code of each reason of FCM, and what the answer says', () => {
    assert.deepEqual(fcmReasons.map(({ reason }) => reason).sort(), Object.keys(codes).sort());
    for (const { reason: text, status } of fcmReasons) {
      const error = rejection(status, text, 'message.data: what is wrong');
      assert.equal(error.code, `messaging/${codes[text]}`, text);
      assert.equal(error.message, 'message.data: what is wrong');
      assert.ok(error.hasCode(codes[text]!));
      assert.notEqual(rejection(status, text).message, '');
    }
  });

  it('tell an installation id from a token', () => {
    assert.equal(rejection(404, 'UNREGISTERED', null, 'fid').code, 'messaging/installation-id-not-registered');
    assert.equal(rejection(404, 'UNREGISTERED').message, 'Requested entity was not found.');
  });

  it('keep codes that are not known', () => {
    const error = rejection(418, 'NEW_ONE', 'said so');
    assert.equal(error.code, 'messaging/unknown-error');
    assert.equal(error.message, 'NEW_ONE: said so Status code: 418.');
    assert.equal(rejection(503, 'NEW_ONE').code, 'messaging/unknown-error');
  });

  it('go by the status where an answer is not of FCM', () => {
    const byStatus = {
      400: 'invalid-argument',
      401: 'authentication-error',
      403: 'authentication-error',
      404: 'unknown-error',
      500: 'internal-error',
      502: 'unknown-error',
      503: 'server-unavailable',
    };
    for (const [status, code] of Object.entries(byStatus)) {
      assert.equal(rejection(Number(status), '').code, `messaging/${code}`);
      assert.equal(rejection(Number(status), 'upstream connect error').code, `messaging/${code}`);
    }
    assert.match(rejection(502, 'Bad Gateway').message, /^Bad Gateway Status code: 502\.$/);
  });

  it('are errors that JSON shows as firebase-admin does', () => {
    const error = rejection(404, 'UNREGISTERED');
    const shown = { code: 'messaging/registration-token-not-registered', message: 'Requested entity was not found.' };
    assert.deepEqual(JSON.parse(JSON.stringify(error)), shown);
    assert.deepEqual(error.errorInfo, shown);
    assert.equal(error.codePrefix, 'messaging');
  });

  it('tell what is certainly not sent from what may have been', () => {
    const rows = [
      ['ERR_PEAL_CONNECT', 'app/network-error', 'unsent'],
      ['ERR_PEAL_TIMEOUT', 'app/network-timeout', 'unknown'],
      ['ERR_PEAL_CONNECT_TIMEOUT', 'app/network-timeout', 'unsent'],
      ['ERR_PEAL_CREDENTIAL', 'app/invalid-credential', 'unsent'],
    ] as const;
    for (const [code, expected, outcome] of rows) {
      const cause = new PealError(code, 'Why.', { origin: 'gateway' });
      const { success, error } = responseOf(unansweredOutcome(outcome, cause, null, 0), 'token');
      assert.equal(success, false);
      assert.ok(error instanceof FirebaseAppError);
      assert.deepEqual([error.code, error.outcome, error.cause], [expected, outcome, cause]);
      assert.match(error.message, /Why\.$/);
    }
  });

  it('call what FCM would refuse an invalid argument, and count', () => {
    const invalid = responseOf(invalidOutcome(new PealError('ERR_PEAL_TOKEN', 'Bad.', { origin: 'usage' })), 'token');
    assert.deepEqual(invalid.error?.toJSON(), { code: 'messaging/invalid-argument', message: 'Bad.' });
    const accepted = responseOf(acceptedOutcome('projects/p/messages/1', 1), 'token');
    assert.deepEqual(accepted, { success: true, messageId: 'projects/p/messages/1' });
    const { successCount, failureCount, responses } = batchResponse([accepted, invalid, accepted]);
    assert.deepEqual([successCount, failureCount, responses.length], [2, 1, 3]);
  });
});
