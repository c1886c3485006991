/**
 * A service that sends single pushes: POST /push takes one notification for one device, waits for the answer of APNs and
 * gives it back as an HTTP status that its caller can act on. main.ts starts it; README.md says how to call it.
 *
 * | what became of the push | status | what the caller does |
 * |---|---|---|
 * | accepted | 200 | nothing |
 * | rejected: the device token is gone | 410 | deletes the token, unless it was registered after `goneSince` |
 * | rejected: token or notification | 422 | never sends it again; `reason` says what is wrong |
 * | rejected: too many for this device | 429, Retry-After | sends it later, or never |
 * | rejected: a fault of APNs that passes | 503, Retry-After | sends it again later |
 * | rejected: credential or topic of this service | 502 | nothing: whoever runs this service is told by its log |
 * | unsent: certainly not delivered | 503, Retry-After | sends it again later |
 * | unknown: written, and never answered | 504 | decides: the device may have shown it |
 * | invalid: APNs was not asked | 400 | mends the request |
 * | the service is full, or about to stop | 503, Retry-After | sends it again later |
 */
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import {
  APNs,
  adviceOf,
  type CredentialOptions,
  classOf,
  type MessageOptions,
  PealError,
  type PushOutcome,
  type RejectedPush,
  Session,
  shortToken,
} from 'peal';

export interface ServiceOptions {
  /** `api_production`, `api_sandbox` or the URL of a simulator. */
  readonly gateway: string;
  /** Null for a simulator that asks for none. */
  readonly credential: CredentialOptions | null;
  /** The bundle id of the app. */
  readonly topic: string;
  /** The authority of a simulator, as PEM. */
  readonly ca?: string;
  /**
   * Most pushes under way. More of them would only wait here, while their callers give up: a caller that is told at once
   * can wait, or ask another instance. A push takes a round trip, so 1,000 allow 10,000 a second at 100 ms.
   */
  readonly maxUnderWay?: number;
  /** How long one push may take, with retries, in milliseconds. Below what callers and proxies wait. */
  readonly pushTimeoutMs?: number;
  readonly logger?: FastifyServerOptions['logger'];
}

/** The body of POST /push. The schema below checks it. */
interface PushRequest {
  readonly token: string;
  readonly title?: string;
  readonly body: string;
  readonly badge?: number;
  readonly sound?: string;
  readonly collapseId?: string;
  /** How long APNs may keep it for a device that is off. 0: one attempt. */
  readonly ttlSeconds?: number;
  /** A UUID of the caller's own, which becomes the apns-id. */
  readonly id?: string;
  /** For the app, beside `aps`. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Lengths are bounded, so that a request is refused before work is done for it. */
const pushSchema = {
  body: {
    type: 'object',
    required: ['token', 'body'],
    additionalProperties: false,
    properties: {
      token: { type: 'string', pattern: '^(?:[0-9a-fA-F]{2}){16,100}$' },
      title: { type: 'string', minLength: 1, maxLength: 1_000 },
      body: { type: 'string', minLength: 1, maxLength: 4_000 },
      badge: { type: 'integer', minimum: 0, maximum: 1_000_000 },
      sound: { type: 'string', minLength: 1, maxLength: 100 },
      collapseId: { type: 'string', minLength: 1, maxLength: 64 },
      ttlSeconds: { type: 'integer', minimum: 0, maximum: 30 * 86_400 },
      id: { type: 'string', pattern: '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' },
      data: { type: 'object' },
    },
  },
} as const;

const retryAfterSeconds = 2;

/** Resolves at the end of `listen`. `close()` stops listening, answers what is under way, and closes the session. */
export function createService(options: ServiceOptions): FastifyInstance {
  const { gateway, credential, topic, ca, maxUnderWay = 1_000, pushTimeoutMs = 10_000, logger = true } = options;
  const app = Fastify({
    logger,
    // A line for each request would be one for each push. What goes wrong is logged below.
    logController: new LogController({ disableRequestLogging: true }),
    // A payload has 4,096 bytes.
    bodyLimit: 16_384,
    // The hooks below answer what comes meanwhile, with Retry-After.
    return503OnClosing: false,
    // A caller that sends its request slowly does not hold a connection for ever.
    requestTimeout: 15_000,
    // Unknown fields are refused, not dropped, and "5" is not 5: a misspelt field must not become a push without it.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  const session = new Session({ logger: app.log, ...(ca !== undefined && { ca }) });
  const apns = new APNs(session.getConnection(gateway, credential));
  /** Pushes without an outcome. Clients that leave do not end theirs. */
  const underWay = new Set<Promise<unknown>>();
  let isClosing = false;

  app.post<{ Body: PushRequest }>(
    '/push',
    {
      schema: pushSchema,
      // Before the body is read, so that a refusal costs as little as possible.
      onRequest: async (_request, reply) => {
        if (isFull()) return refuseForNow(reply);
      },
    },
    async ({ body }, reply) => {
      // Again: many requests may have come between the first question and now.
      if (isFull()) return refuseForNow(reply);
      const push = apns.push(messageOf(body, topic), body.token, { timeoutMs: pushTimeoutMs, retry: { attempts: 3 } });
      underWay.add(push);
      try {
        const outcome = await push;
        tell(app.log, outcome, body.token);
        return answer(reply, outcome);
      } finally {
        underWay.delete(push);
      }
    },
  );

  // A load balancer that sees 503 sends no more requests here, while those that came are still answered.
  app.get('/healthz', async (_request, reply) => {
    return reply.code(isClosing ? 503 : 200).send({ status: isClosing ? 'closing' : 'ok', underWay: underWay.size });
  });

  app.setErrorHandler(async (error: Error & { statusCode?: number; code?: string }, request, reply) => {
    // A notification that cannot be sent, such as one with a payload of more than 4,096 bytes. peal never quotes it.
    if (error instanceof PealError && error.origin === 'usage') return reply.code(400).send(problem(error));
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: error.code, message: error.message });
    request.log.error(error);
    return reply.code(500).send({ error: 'INTERNAL', message: 'The service failed. Its log says why.' });
  });

  app.addHook('preClose', async () => {
    isClosing = true;
  });
  // Clients keep connections open for their next request. One that is asked to close lets the server end in time.
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
  // Now nothing listens any more and every request has its answer. Pushes are left whose clients went away: they were
  // taken, so they are sent. Only then is the session closed, which would leave them unsent.
  app.addHook('onClose', async () => {
    await Promise.allSettled(underWay);
    await session.close();
  });

  function isFull(): boolean {
    return isClosing || underWay.size >= maxUnderWay;
  }
  return app;
}

function refuseForNow(reply: FastifyReply): FastifyReply {
  const message = 'Too many pushes are under way. The push was not sent.';
  return reply.code(503).header('retry-after', 1).send({ error: 'FULL', message });
}

function messageOf(body: PushRequest, topic: string): MessageOptions {
  const { title, badge, sound, collapseId, ttlSeconds, id, data } = body;
  return {
    topic,
    alert: title === undefined ? body.body : { title, body: body.body },
    ...(badge !== undefined && { badge }),
    ...(sound !== undefined && { sound }),
    ...(collapseId !== undefined && { collapseId }),
    ...(ttlSeconds !== undefined && { expiration: ttlSeconds === 0 ? 0 : { seconds: ttlSeconds } }),
    ...(id !== undefined && { apnsId: id }),
    ...(data !== undefined && { extra: data }),
  };
}

function answer(reply: FastifyReply, push: PushOutcome): FastifyReply {
  const { outcome, apnsId } = push;
  // The id by which this service, its caller and Apple mean the same push.
  if (apnsId !== null) reply.header('apns-id', apnsId);
  switch (push.outcome) {
    case 'accepted':
      return reply.code(200).send({ outcome, apnsId });
    case 'rejected': {
      const { reason, timestampMs } = push;
      const status = statusOf(push);
      if (status === 429 || status === 503) reply.header('retry-after', push.retryAfterSeconds ?? retryAfterSeconds);
      const goneSince = timestampMs === null ? undefined : new Date(timestampMs).toISOString();
      return reply.code(status).send({ outcome, apnsId, reason, goneSince, message: adviceOf(push.status, reason) });
    }
    case 'unsent':
      return reply
        .code(503)
        .header('retry-after', retryAfterSeconds)
        .send({ outcome, apnsId, ...problem(push.error) });
    case 'unknown':
      return reply.code(504).send({ outcome, apnsId, ...problem(push.error) });
    case 'invalid':
      return reply.code(400).send({ outcome, ...problem(push.error) });
  }
}

/** The topic is not the caller's but this service's. */
const reasonsOfOurs = ['TopicDisallowed', 'BadTopic', 'MissingTopic'];

function statusOf({ status, reason }: RejectedPush): number {
  if (reasonsOfOurs.includes(reason)) return 502;
  switch (classOf(status, reason)) {
    case 'gone':
      return 410;
    case 'token':
    case 'request':
      return 422;
    case 'credential':
      return 502;
    default:
      return status === 429 ? 429 : 503;
  }
}

/** What went wrong, once for each push that was not accepted. A whole device token is never in a log. */
function tell(log: FastifyBaseLogger, push: PushOutcome, token: string): void {
  if (push.outcome === 'accepted') return;
  const { outcome, reason, apnsId } = push;
  const fields = { outcome, reason, code: push.error?.code, apnsId, device: shortToken(token) };
  // What whoever runs the service has to mend is an error, what callers are told is none.
  const isOurs = push.outcome === 'rejected' && statusOf(push) === 502;
  if (isOurs || push.error?.origin === 'credential') log.error(fields, 'the credential or the topic was refused');
  else log.info(fields, 'a push was not accepted');
}

function problem({ code, message }: PealError): { readonly error: string; readonly message: string } {
  return { error: code, message };
}
