import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maxDetailCharacters, maxMessageNameCharacters, maxReasonCharacters } from '../../src/base/limits.js';
import { fcmAnswerOf, messageNameOf } from '../../src/fcm/answer.js';
import type { AnswerFields } from '../../src/push/answer.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock();
const noFields: AnswerFields = { apnsId: null, retryAfter: null, uniqueId: null };
const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (status: number, body: string, fields = noFields) => fcmAnswerOf(status, utf8(body), fields, clock);

const rpc = (type: string, fields: object) => ({ '@type': `type.googleapis.com/google.rpc.${type}`, ...fields });
const fcmError = (errorCode: string) => ({ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode });

function body(code: number, status: string, message: string, ...details: object[]): string {
  return JSON.stringify({ error: { code, message, status, ...(details.length > 0 && { details }) } }, null, 2);
}

const token =
  'dYxV1bcd3fGhIjKlMnOpQr:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ-hQMRKRrZuJAEcl7B338qju59zJMjw2DELjzEvxwYv7hH5Ynpc1ODQ0aT4U4OFEeco8ohsN5PjL1iC2dNtk2BAokeMCg2ZXKqpc8FXKmhX94kIxQ';
const badSyntax = "Invalid value at 'message.data[0].value' (TYPE_STRING), 12";
const expired =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
  'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.';
const method = { method: 'google.firebase.fcm.v1.FcmService.SendMessage', service: 'fcm.googleapis.com' };
const disabled =
  'Firebase Cloud Messaging API has not been used in project 123 before or it is disabled. Enable it by visiting ' +
  'https://console.developers.google.com/apis/api/fcm.googleapis.com/overview?project=123 then retry.';
const denied =
  "Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/x' " +
  '(or it may not exist).';
const projectQuota =
  "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service " +
  "'fcm.googleapis.com' for consumer 'project_number:12'.";
const quotaInfo = rpc('ErrorInfo', {
  reason: 'RATE_LIMIT_EXCEEDED',
  domain: 'googleapis.com',
  metadata: {
    quota_limit_value: '600000',
    quota_metric: 'fcm.googleapis.com/send_requests',
    quota_unit: '1/min/{project}',
    quota_limit: 'SendsPerMinutePerProject',
  },
});
const quotaFailure = (subject: string, description: string) =>
  rpc('QuotaFailure', { violations: [{ subject, description }] });

type Case = readonly [what: string, status: number, body: string, reason: string, detail: string | null];

/** Bodies as Google's pages show them and as people published them, and forms that its definitions allow. */
const cases: readonly Case[] = [
  [
    'a token that is gone',
    404,
    body(404, 'NOT_FOUND', 'Requested entity was not found.', fcmError('UNREGISTERED')),
    'UNREGISTERED',
    null,
  ],
  [
    'a project that is not there',
    404,
    body(404, 'NOT_FOUND', 'Requested entity was not found.'),
    'NOT_FOUND',
    'Requested entity was not found.',
  ],
  [
    'a field of a wrong type',
    400,
    body(
      400,
      'INVALID_ARGUMENT',
      badSyntax,
      rpc('BadRequest', { fieldViolations: [{ field: 'message.data[0].value', description: badSyntax }] }),
    ),
    'INVALID_ARGUMENT',
    'message.data[0].value: Invalid value (TYPE_STRING), 12',
  ],
  [
    'a bad token by its message',
    400,
    body(
      400,
      'INVALID_ARGUMENT',
      'The registration token is not a valid FCM registration token',
      fcmError('INVALID_ARGUMENT'),
    ),
    'INVALID_ARGUMENT (token)',
    'The registration token is not a valid FCM registration token',
  ],
  [
    'a bad token by its field',
    400,
    body(
      400,
      'INVALID_ARGUMENT',
      'Request contains an invalid argument.',
      fcmError('INVALID_ARGUMENT'),
      rpc('BadRequest', { fieldViolations: [{ field: 'message.token', description: 'Invalid registration token' }] }),
    ),
    'INVALID_ARGUMENT (token)',
    'message.token: Invalid registration token',
  ],
  [
    'a missing recipient',
    400,
    body(
      400,
      'INVALID_ARGUMENT',
      'Recipient of the message is not set.',
      rpc('BadRequest', {
        fieldViolations: [{ field: 'message', description: 'Recipient of the message is not set.' }],
      }),
      fcmError('INVALID_ARGUMENT'),
    ),
    'INVALID_ARGUMENT',
    'message: Recipient of the message is not set.',
  ],
  [
    'a message that is too large',
    400,
    body(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.'),
    'INVALID_ARGUMENT',
    'Request contains an invalid argument.',
  ],
  [
    'a token of another project',
    403,
    body(403, 'PERMISSION_DENIED', 'SenderId mismatch', fcmError('SENDER_ID_MISMATCH')),
    'SENDER_ID_MISMATCH',
    'SenderId mismatch',
  ],
  [
    'a missing APNs key',
    401,
    body(401, 'UNAUTHENTICATED', 'Auth error from APNS or Web Push Service', fcmError('THIRD_PARTY_AUTH_ERROR')),
    'THIRD_PARTY_AUTH_ERROR',
    'Auth error from APNS or Web Push Service',
  ],
  [
    'an old access token',
    401,
    body(
      401,
      'UNAUTHENTICATED',
      expired,
      rpc('ErrorInfo', { reason: 'ACCESS_TOKEN_EXPIRED', domain: 'googleapis.com', metadata: method }),
    ),
    'ACCESS_TOKEN_EXPIRED',
    expired,
  ],
  [
    'no access token',
    401,
    body(
      401,
      'UNAUTHENTICATED',
      'Request is missing required authentication credential.',
      rpc('ErrorInfo', { reason: 'CREDENTIALS_MISSING', domain: 'googleapis.com', metadata: method }),
    ),
    'UNAUTHENTICATED',
    'CREDENTIALS_MISSING: Request is missing required authentication credential.',
  ],
  ['a missing right', 403, body(403, 'PERMISSION_DENIED', denied), 'PERMISSION_DENIED', denied],
  ['an API that is off', 403, body(403, 'PERMISSION_DENIED', disabled), 'SERVICE_DISABLED', disabled],
  [
    'an API that is off, by its details',
    403,
    body(403, 'PERMISSION_DENIED', 'Off.', rpc('ErrorInfo', { reason: 'SERVICE_DISABLED' })),
    'SERVICE_DISABLED',
    'Off.',
  ],
  [
    "the project's quota",
    429,
    body(429, 'RESOURCE_EXHAUSTED', projectQuota, quotaInfo),
    'QUOTA_EXCEEDED',
    'quota 600000, 1/min/{project}, SendsPerMinutePerProject',
  ],
  [
    'a quota without details',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).', fcmError('QUOTA_EXCEEDED')),
    'QUOTA_EXCEEDED',
    'Resource has been exhausted (e.g. check quota).',
  ],
  [
    "a topic's quota by its message",
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Topic quota exceeded.'),
    'QUOTA_EXCEEDED (topic)',
    'Topic quota exceeded.',
  ],
  [
    "a device's quota by its description",
    429,
    body(
      429,
      'RESOURCE_EXHAUSTED',
      'Quota exceeded.',
      quotaFailure('project:topic-app', 'Device message rate exceeded'),
      fcmError('QUOTA_EXCEEDED'),
    ),
    'QUOTA_EXCEEDED (device)',
    'project:topic-app: Device message rate exceeded',
  ],
  [
    "a device's quota by its subject, which holds a token",
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', quotaFailure(`device:${token}`, 'Too many')),
    'QUOTA_EXCEEDED (device)',
    'device:dYxV…: Too many',
  ],
  [
    "the project's quota, of a project that is named like a topic",
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', quotaFailure('project:topic-app', 'Message rate exceeded')),
    'QUOTA_EXCEEDED',
    'project:topic-app: Message rate exceeded',
  ],
  [
    'an overload',
    503,
    body(503, 'UNAVAILABLE', 'The service is currently unavailable.', fcmError('UNAVAILABLE')),
    'UNAVAILABLE',
    'The service is currently unavailable.',
  ],
  [
    'an internal error',
    500,
    body(500, 'INTERNAL', 'Internal error encountered.', fcmError('INTERNAL')),
    'INTERNAL',
    'Internal error encountered.',
  ],
  ['a code that is new', 409, body(409, 'ABORTED', 'Why.', fcmError('BRAND_NEW')), 'BRAND_NEW', 'Why.'],
  ['no code', 504, body(504, 'DEADLINE_EXCEEDED', 'Late.'), 'DEADLINE_EXCEEDED', 'Late.'],
  ['an error in a list', 503, `[${body(503, 'UNAVAILABLE', 'Later.')}]`, 'UNAVAILABLE', 'Later.'],
  ['nothing but a message', 400, '{"error":{"message":"Nonsense"}}', 'Nonsense', null],
  ['a web page', 502, '<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>', '', null],
  ['plain words', 502, 'Bad gateway\r\n', 'Bad gateway', null],
  ['nothing', 404, '', '', null],
];

describe('fcm/answer', () => {
  for (const [what, status, text, reason, detail] of cases) {
    it(`reads ${what}`, () => {
      const expected = { status, reason, timestampMs: null, apnsId: null, retryAfterSeconds: null, detail };
      assert.deepEqual(read(status, text), expected);
      assert.deepEqual(read(status, text.replace(/\n\s*/g, '')), expected, 'on one line');
    });
  }

  it('reads Retry-After', () => {
    const answer = read(429, body(429, 'RESOURCE_EXHAUSTED', ''), { ...noFields, retryAfter: '37' });
    assert.equal(answer.retryAfterSeconds, 37);
  });

  it('hides tokens that an answer echoes, also where the text is cut', () => {
    const fid = 'dYxV1bcd3fGhIjKlMnOpQr';
    for (let blanks = 0; blanks < 2 * maxDetailCharacters; blanks++) {
      const { detail } = read(400, body(400, 'INVALID_ARGUMENT', `${'a '.repeat(blanks)}bad ${token} and ${fid}`));
      for (const secret of [token.slice(5, 40), token.slice(30, 60), fid]) {
        assert.ok(!detail!.includes(secret.slice(0, 10)), detail!);
      }
    }
  });

  it('never throws, and gives bounded text that can be printed', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"error":${json}}`),
    );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), anything, (status, text) => {
        const { reason, detail } = read(status, text);
        assert.ok(reason.length <= maxReasonCharacters && (detail ?? '').length <= maxDetailCharacters);
        assert.doesNotMatch(reason + (detail ?? ''), /\p{Cc}/u);
      }),
    );
    const long = 'long '.repeat(1000);
    const { reason, detail } = read(400, body(400, long, `Very ${long}`));
    assert.deepEqual([reason.length <= maxReasonCharacters, detail!.length <= maxDetailCharacters], [true, true]);
  });

  it('reads the name of an accepted message', () => {
    const name = 'projects/my-app/messages/0:1500415314455276%31bd1c9631bd1c96';
    assert.equal(messageNameOf(utf8(`{\n  "name": "${name}"\n}\n`)), name);
    assert.equal(messageNameOf(utf8(`{"name":"${name}"}`)), name);
    for (const text of ['', '{}', '{"name":""}', '{"name":7}', '<html>', '{"name":"a\\nb"}', '{"name":"ä b"}']) {
      assert.equal(messageNameOf(utf8(text)), null, text);
    }
    assert.equal(messageNameOf(utf8(`{"name":"${name}","other":"x"}`)), name);
    assert.equal(messageNameOf(utf8(`{"of":"name","name" : "${name}"}`)), name);
    for (const text of ['{"name', '{"name"', '{"name":', '{"name":"', `{"name":"${name}`, '{"name":"a b"}']) {
      assert.equal(messageNameOf(utf8(text)), null, text);
    }
    const longest = 'n'.repeat(maxMessageNameCharacters);
    assert.equal(messageNameOf(utf8(`{"name":"${longest}"}`)), longest);
    assert.equal(messageNameOf(utf8(`{"name":"${longest}n"}`)), null);
    const within = utf8(`xx{"name":"${name}"}yy`);
    assert.equal(messageNameOf(within.subarray(2, within.length - 2)), name);
  });
});
