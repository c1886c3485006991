/**
 * The OpenAPI 3.1 document of a service, served at /openapi.json and shipped as docs/openapi.json. Its names of fields
 * come from the tables that requests are checked with. Pure; main thread.
 */
import { maxPushesOfRequest, maxPushTimeoutMs, maxRequestsPerRecipient, maxRetryTimeMs } from '../base/limits.js';
import { messageOptionNames } from '../session/message/message.js';
import { campaignFields } from './campaigns/campaign-request.js';
import { gorushFieldNames } from './push/gorush-form.js';
import { environmentNames, type ownPushFields } from './push/push-request.js';

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const integer: Schema = { type: 'integer' };
const numeric: Schema = { type: 'number' };
const dictionary: Schema = { type: 'object' };
const texts: Schema = { type: 'array', items: text };
/** Text, or a text of the app's own, as Live Activities have it. */
const textOrKey: Schema = {
  oneOf: [text, { type: 'object', additionalProperties: false, properties: { locKey: text, locArgs: texts } }],
};
const nullable = (type: string): Schema => ({ type: [type, 'null'] });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const time: Schema = {
  description: "Epoch seconds, { seconds } from now, or text: '1h' from now, '0', ISO 8601.",
  oneOf: [integer, text, { type: 'object', required: ['seconds'], properties: { seconds: numeric } }],
};

/** What is known of the fields of a message beyond their names. */
const messageSchemas: Readonly<Record<string, Schema>> = {
  topic: { ...text, description: 'The bundle id, with the suffix of the push type.' },
  pushType: { ...text, description: 'apns-push-type; by default what topic and payload say.' },
  priority: { type: 'integer', enum: [10, 5, 1] },
  expiration: time,
  expiry: time,
  collapseId: { ...text, maxLength: 64 },
  apnsId: { ...text, format: 'uuid', description: 'Names one notification: for a push with a single token.' },
  headers: { type: 'object', additionalProperties: text },
  alert: {
    oneOf: [
      text,
      {
        type: 'object',
        additionalProperties: false,
        properties: {
          ...{ title: textOrKey, subtitle: text, body: textOrKey, launchImage: text, locKey: text, locArgs: texts },
          ...{ titleLocKey: text, titleLocArgs: texts, subtitleLocKey: text, subtitleLocArgs: texts },
          ...{ sound: text, action: text, actionLocKey: text, summaryArg: text },
          summaryArgCount: { type: 'integer', minimum: 0 },
        },
      },
    ],
  },
  badge: { type: 'integer', minimum: 0 },
  sound: {
    oneOf: [
      text,
      { type: 'object', additionalProperties: false, properties: { critical: flag, name: text, volume: numeric } },
    ],
  },
  contentAvailable: flag,
  mutableContent: flag,
  interruptionLevel: { type: 'string', enum: ['passive', 'active', 'time-sensitive', 'critical'] },
  relevanceScore: numeric,
  event: { type: 'string', enum: ['start', 'update', 'end'] },
  contentState: dictionary,
  attributes: dictionary,
  timestamp: time,
  staleDate: time,
  dismissalDate: time,
  inputPushToken: flag,
  contentChanged: flag,
  urlArgs: texts,
  aps: { ...dictionary, description: 'Keys within aps that have no field here.' },
  mdm: { ...text, description: 'The PushMagic of a managed device, which is the whole payload.' },
  extra: { ...dictionary, description: "The app's own keys, beside aps." },
  payload: {
    description: 'The whole payload, instead of the fields above: an object, or JSON as text.',
    oneOf: [dictionary, text],
  },
};

const retry: Schema = {
  description: 'What may be spent on answers whose fault passes (429, 500, 503 …). Default for a push: false.',
  oneOf: [
    { type: 'boolean', enum: [false] },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        attempts: { type: 'integer', minimum: 1, maximum: maxRequestsPerRecipient },
        timeMs: { type: 'integer', minimum: 0, maximum: maxRetryTimeMs },
      },
    },
  ],
};

const environment: Schema = { type: 'string', enum: [...environmentNames] };

const ownSchemas: Readonly<Record<(typeof ownPushFields)[number], Schema>> = {
  token: { ...text, description: 'One device token, as hex.' },
  tokens: { type: 'array', items: text, minItems: 1, maxItems: maxPushesOfRequest },
  environment: { ...environment, description: 'By default that of the service.' },
  timeoutMs: { type: 'integer', minimum: 1, maximum: maxPushTimeoutMs, default: 30_000 },
  retry,
};

function messageProperties(): Schema {
  return Object.fromEntries([...messageOptionNames].map((name) => [name, messageSchemas[name] ?? text]));
}

const counts: Schema = {
  type: 'object',
  required: ['accepted', 'rejected', 'unsent', 'unknown', 'invalid'],
  properties: { accepted: integer, rejected: integer, unsent: integer, unknown: integer, invalid: integer },
};

const outcome: Schema = {
  type: 'object',
  required: ['outcome', 'status', 'reason', 'apnsId', 'timestampMs', 'retryAfterSeconds', 'attempts', 'error'],
  properties: {
    outcome: {
      type: 'string',
      enum: ['accepted', 'rejected', 'unsent', 'unknown', 'invalid'],
      description:
        'accepted: APNs answered 200. rejected: it answered otherwise. unsent: certainly not processed. unknown: written ' +
        'and not answered. invalid: nothing was written.',
    },
    status: { ...nullable('integer'), description: 'The HTTP status of the answer of APNs.' },
    reason: { ...nullable('string'), description: "Apple's reason; empty where the answer named none." },
    apnsId: nullable('string'),
    timestampMs: { ...nullable('integer'), description: 'Since when the token is gone (410), in milliseconds.' },
    retryAfterSeconds: nullable('integer'),
    attempts: integer,
    class: { ...text, description: 'Of a rejection: whom it is about, such as gone, token, message or transient.' },
    explanation: { ...text, description: 'Of a rejection: what it means and what to do.' },
    error: {
      oneOf: [
        { type: 'null' },
        { type: 'object', required: ['code', 'message'], properties: { code: text, message: text } },
      ],
    },
    push: { ...integer, description: 'The place of the push in the request, from 0.' },
    token: { ...integer, description: 'The place of the token in its push, from 0.' },
  },
};

const brief: Schema = {
  type: 'object',
  required: ['id', 'title', 'createdAt', 'wanted', 'state', 'problem'],
  properties: {
    id: text,
    title: text,
    createdAt: { ...text, format: 'date-time' },
    wanted: { type: 'string', enum: ['running', 'paused', 'stopped', 'ended'] },
    state: { type: 'string', enum: ['running', 'paused', 'stopped', 'ended', 'failed', 'finished'] },
    problem: nullable('string'),
  },
};

function campaignSchema(): Schema {
  const known: Readonly<Record<string, Schema>> = {
    id: {
      ...text,
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      description: 'A request that is repeated with it begins nothing twice.',
    },
    title: text,
    environment,
    message: { type: 'object', additionalProperties: false, properties: messageProperties() },
    personal: { ...dictionary, description: 'What is said to each recipient, with {{columns}} of its row.' },
    recipients: {
      type: 'object',
      additionalProperties: false,
      properties: {
        files: { ...texts, description: 'Names below the directory of lists.' },
        tokens: texts,
        format: { type: 'string', enum: ['auto', 'list', 'csv', 'tsv', 'ndjson', 'json', 'parquet'] },
        tokenColumn: { oneOf: [text, integer] },
        delimiter: text,
        header: flag,
      },
    },
    notBefore: text,
    notAfter: text,
    keepDuplicates: flag,
    minTokenBytes: integer,
    outputFormat: { type: 'string', enum: ['csv', 'ndjson'] },
    accepted: flag,
    rate: text,
    maxFailures: integer,
    maxErrorRate: numeric,
    maxDurationMs: integer,
    stopOn: texts,
    canary: {
      type: 'object',
      additionalProperties: false,
      required: ['recipients'],
      properties: { recipients: integer, minAccepted: numeric },
    },
    localWindow: {
      type: 'object',
      additionalProperties: false,
      required: ['hours', 'timezoneColumn'],
      properties: { hours: text, timezoneColumn: text, outside: { type: 'string', enum: ['later', 'hold'] } },
    },
    retry,
    onUnknown: { type: 'string', enum: ['report', 'resend'] },
    stopAtBadTokens: { oneOf: [{ type: 'boolean', enum: [false] }, numeric] },
  };
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(campaignFields.map((name) => [name, known[name] ?? {}])),
  };
}

function schemas(): Schema {
  const pushProperties = { ...ownSchemas, ...messageProperties() };
  const gorushItem = Object.fromEntries(gorushFieldNames.map((name) => [name, {}]));
  return {
    Push: { type: 'object', additionalProperties: false, properties: pushProperties },
    Pushes: {
      type: 'object',
      additionalProperties: false,
      required: ['pushes'],
      properties: { pushes: { type: 'array', items: ref('Push'), minItems: 1, maxItems: maxPushesOfRequest } },
    },
    Outcome: outcome,
    Results: {
      type: 'object',
      required: ['counts', 'results'],
      properties: { counts, results: { type: 'array', items: ref('Outcome') } },
    },
    Accepted: {
      type: 'object',
      required: ['id', 'state', 'pushes'],
      properties: { id: text, state: { type: 'string', enum: ['pending'] }, pushes: integer },
    },
    Kept: {
      type: 'object',
      required: ['id', 'state', 'pushes'],
      properties: {
        id: text,
        state: { type: 'string', enum: ['pending', 'settled'] },
        pushes: integer,
        counts,
        results: { type: 'array', items: ref('Outcome') },
      },
    },
    Campaign: campaignSchema(),
    CampaignBrief: brief,
    CampaignList: {
      type: 'object',
      required: ['campaigns'],
      properties: { campaigns: { type: 'array', items: ref('CampaignBrief') } },
    },
    Rate: {
      type: 'object',
      additionalProperties: false,
      required: ['rate'],
      properties: { rate: { ...nullable('string'), description: "'500/s', '30000/min', a timetable, or 'off'." } },
    },
    Error: {
      type: 'object',
      required: ['error'],
      properties: {
        error: { type: 'object', required: ['code', 'message'], properties: { code: text, message: text } },
      },
    },
    GorushRequest: {
      type: 'object',
      required: ['notifications'],
      properties: {
        notifications: {
          type: 'array',
          minItems: 1,
          items: { type: 'object', required: ['platform'], properties: gorushItem },
        },
      },
    },
    GorushAnswer: {
      type: 'object',
      required: ['success', 'counts', 'logs'],
      properties: {
        success: { type: 'string', enum: ['ok'] },
        counts: integer,
        logs: {
          type: 'array',
          items: {
            type: 'object',
            required: ['type', 'platform', 'token', 'message', 'error'],
            properties: { notif_id: text, type: text, platform: text, token: text, message: text, error: text },
          },
        },
      },
    },
    GorushError: { type: 'object', required: ['code', 'message'], properties: { code: integer, message: text } },
  };
}

const token = 'a1'.repeat(32);
const pushExample = { token, topic: 'com.example.app', alert: { title: 'Hello', body: 'World' }, badge: 1 };
const acceptedExample = {
  ...{ outcome: 'accepted', status: 200, reason: null, apnsId: '8d8a6a5c-2e55-4f0a-9a5d-0c2ef0f4a4f1' },
  ...{ timestampMs: null, retryAfterSeconds: null, attempts: 1, error: null },
};

const json = (schema: Schema, example?: unknown): Schema => ({
  content: { 'application/json': { schema, ...(example !== undefined && { example }) } },
});
const body = (schema: Schema, example: unknown): Schema => ({ required: true, ...json(schema, example) });
const ok = (description: string, schema: Schema, example?: unknown): Schema => ({
  description,
  ...json(schema, example),
});
const failed = (description: string): Schema => ({ $ref: `#/components/responses/${description}` });

/** The problems that every path of a bearer may answer. */
const usualProblems: Schema = {
  401: failed('Unauthorized'),
  429: failed('TooMany'),
  500: failed('Fault'),
  503: failed('Unavailable'),
};
const bodyProblems: Schema = {
  400: failed('BadRequest'),
  408: failed('TooSlow'),
  413: failed('TooLarge'),
  415: failed('UnsupportedType'),
};
const parameter = (name: string): Schema => ({ name, in: 'path', required: true, schema: text });
const wait: Schema = {
  name: 'wait',
  in: 'query',
  description: 'no: answers at once with an id (202), and the outcome is asked for by it.',
  schema: { type: 'string', enum: ['yes', 'no'], default: 'yes' },
};
const open = { security: [] };

function paths(): Schema {
  const id = [parameter('id')];
  const steer = (summary: string): Schema => ({
    post: {
      summary,
      parameters: id,
      responses: {
        200: ok('What shall become of it.', ref('CampaignBrief')),
        404: failed('NotFound'),
        409: failed('Conflict'),
        ...usualProblems,
      },
    },
  });
  return {
    '/v1/push': {
      post: {
        summary: 'Send one notification, or many',
        parameters: [wait],
        requestBody: body({ oneOf: [ref('Push'), ref('Pushes')] }, pushExample),
        responses: {
          200: ok(
            'The outcomes: of a push with token one, otherwise a list in the order of the request.',
            { oneOf: [ref('Outcome'), ref('Results')] },
            acceptedExample,
          ),
          202: ok('Begun, with wait=no.', ref('Accepted'), {
            id: 'Yx3P0bZtq6m7qkqJ5q0e1f2A',
            state: 'pending',
            pushes: 1,
          }),
          ...bodyProblems,
          ...usualProblems,
        },
      },
    },
    '/v1/push/{id}': {
      get: {
        summary: 'Ask for the outcomes of an id that wait=no gave',
        parameters: id,
        responses: {
          200: ok('What is known.', ref('Kept'), {
            ...{ id: 'Yx3P0bZtq6m7qkqJ5q0e1f2A', state: 'settled', pushes: 1 },
            counts: { accepted: 1, rejected: 0, unsent: 0, unknown: 0, invalid: 0 },
            results: [{ push: 0, token: 0, ...acceptedExample }],
          }),
          404: failed('NotFound'),
          410: failed('Gone'),
          ...usualProblems,
        },
      },
    },
    '/api/push': {
      post: {
        summary: 'Send in the form of gorush',
        parameters: [wait],
        requestBody: body(ref('GorushRequest'), {
          notifications: [{ tokens: [token], platform: 1, message: 'Hello World iOS!', topic: 'com.example.app' }],
        }),
        responses: {
          200: ok('What failed.', ref('GorushAnswer'), { counts: 1, logs: [], success: 'ok' }),
          '4XX': ok('A problem, in the form of gorush.', ref('GorushError'), {
            code: 400,
            message: 'Missing notifications field.',
          }),
        },
      },
    },
    '/v1/campaigns': {
      post: {
        summary: 'Begin a campaign',
        description:
          'JSON with files or tokens; or a list as the body (text/plain, text/csv, application/x-ndjson, also packed by ' +
          'gzip), and the campaign as JSON in the query.',
        parameters: [
          { name: 'campaign', in: 'query', description: 'JSON of a Campaign, where the body is a list.', schema: text },
        ],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: ref('Campaign'),
              example: {
                ...{ id: 'spring', message: { topic: 'com.example.app', alert: 'Hello' } },
                ...{ recipients: { files: ['spring.csv'] }, rate: '500/s' },
              },
            },
            'text/plain': { schema: text },
            'text/csv': { schema: text },
            'application/x-ndjson': { schema: text },
          },
        },
        responses: {
          201: ok('It runs.', ref('CampaignBrief')),
          404: failed('NotFound'),
          409: failed('Conflict'),
          ...bodyProblems,
          ...usualProblems,
        },
      },
      get: {
        summary: 'List the campaigns',
        responses: { 200: ok('All of them.', ref('CampaignList')), ...usualProblems },
      },
    },
    '/v1/campaigns/{id}': {
      get: {
        summary: 'Show a campaign',
        parameters: id,
        responses: {
          200: ok('As peal status --json prints it.', ref('CampaignBrief')),
          404: failed('NotFound'),
          ...usualProblems,
        },
      },
      delete: {
        summary: 'Stop a campaign',
        parameters: id,
        responses: {
          202: ok('It ends once what is under way is answered.', ref('CampaignBrief')),
          404: failed('NotFound'),
          ...usualProblems,
        },
      },
    },
    '/v1/campaigns/{id}/pause': steer('Pause a campaign'),
    '/v1/campaigns/{id}/resume': steer('Go on with a campaign that is paused or has stopped'),
    '/v1/campaigns/{id}/rate': {
      post: {
        ...(steer('Change the rate of a campaign').post as object),
        requestBody: body(ref('Rate'), { rate: '500/s' }),
      },
    },
    '/v1/campaigns/{id}/files/{name}': {
      get: {
        summary: 'An output of a campaign, as long as it is now',
        parameters: [parameter('id'), parameter('name')],
        responses: {
          200: { description: 'The file.', content: { 'application/octet-stream': {} } },
          404: failed('NotFound'),
          ...usualProblems,
        },
      },
    },
    '/healthz': {
      get: { summary: 'Whether the process is alive', ...open, responses: { 200: { description: 'It is.' } } },
    },
    '/readyz': {
      get: {
        summary: 'Whether the service takes work',
        ...open,
        responses: { 200: { description: 'It does.' }, 503: failed('Unavailable') },
      },
    },
    '/openapi.json': {
      get: { summary: 'This document', ...open, responses: { 200: { description: 'OpenAPI 3.1.' } } },
    },
    '/metrics': {
      get: {
        summary: 'Metrics for Prometheus',
        responses: {
          200: { description: 'Text of Prometheus.', content: { 'text/plain': {} } },
          ...usualProblems,
        },
      },
    },
  };
}

function responses(): Schema {
  const problem = (description: string, code: string, message: string): Schema =>
    ok(description, ref('Error'), { error: { code, message } });
  return {
    BadRequest: problem('The request is wrong.', 'ERR_PEAL_OPTION', 'A push has no field "alrt": did you mean alert?'),
    Unauthorized: problem('A bearer token is needed.', 'unauthorized', 'The bearer token is not one of this service.'),
    NotFound: problem('There is no such thing.', 'not_found', 'This service gave no such id.'),
    Conflict: problem('It does not go with the state.', 'exists', 'There is a campaign spring already.'),
    Gone: problem('It is not kept any more.', 'gone', 'The outcome is not kept any more.'),
    TooSlow: problem('The body did not come in time.', 'too_slow', 'The body did not come in time.'),
    TooLarge: problem('The body is too large.', 'body_too_large', 'The body is larger than 1048576 bytes.'),
    UnsupportedType: problem(
      'Another type or encoding.',
      'unsupported_type',
      'The field Content-Type must be application/json.',
    ),
    TooMany: problem(
      'Try again, after Retry-After.',
      'too_many_pushes_in_flight',
      'As many pushes are under way as may be.',
    ),
    Fault: problem('A fault of the service.', 'internal', 'The service met a fault of its own.'),
    Unavailable: problem('Try again, or elsewhere.', 'shutting_down', 'The service is being stopped.'),
  };
}

function openApiDocument(version: string): Schema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'peal serve',
      version,
      summary: 'Push notifications to Apple devices over HTTP.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ bearer: [] }],
    paths: paths(),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: schemas(),
      responses: responses(),
    },
  };
}

let written: string | null = null;

/** The document as JSON text. */
export function openApiText(version: string): string {
  written ??= `${JSON.stringify(openApiDocument(version))}\n`;
  return written;
}
