/**
 * What each path of a service does. Puts the desks behind the front: reads a request, asks, and writes the answer. Made
 * by the service; main thread.
 */
import { constants, createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { version } from '../base/version.js';
import type { PushOutcome } from '../session/single/push-outcome.js';
import { readRate } from './campaigns/campaign-request.js';
import { listTypes, type ServiceCampaigns } from './campaigns/service-campaigns.js';
import { type HttpAnswer, jsonAnswer, refusal, textAnswer } from './http/answer.js';
import type { BearerRate } from './http/bearer-rate.js';
import type { Exchange } from './http/exchange.js';
import { parseJson } from './http/json-text.js';
import type { RequestBodies } from './http/request-body.js';
import { type HttpRoute, Routes } from './http/routes.js';
import { openApiText } from './open-api.js';
import { gorushText, readGorush } from './push/gorush-form.js';
import type { KeptPushes } from './push/kept-pushes.js';
import type { PushDesk } from './push/push-desk.js';
import type { PushJournal } from './push/push-journal.js';
import { type AskedPushes, readPushes } from './push/push-request.js';
import { resultsText } from './push/push-results.js';

/** What the paths lead to. */
interface Desks {
  readonly bodies: RequestBodies;
  readonly desk: PushDesk;
  readonly kept: KeptPushes;
  /** Null: ids are kept in memory alone. */
  readonly journal: PushJournal | null;
  /** Null: the service has no directory for campaigns. */
  readonly campaigns: ServiceCampaigns | null;
  /** Null: no bearer token has a rate. */
  readonly bearerRate: BearerRate | null;
  readonly usualTopic: string | null;
  /** How long a client may pause while it reads a file. */
  readonly answerMs: number;
  /** Why the service cannot do its work now, as a sentence; null: it can. */
  readonly unready: () => string | null;
  /** The text of metrics and its type. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
  readonly now: () => number;
}

export function routesOf(desks: Desks): Routes {
  const endpoints = new Endpoints(desks);
  const anyTime = { isAnsweredToTheEnd: true };
  const { campaigns } = desks;
  const routes: HttpRoute[] = [
    { method: 'POST', path: '/v1/push', handle: (exchange) => endpoints.push(exchange) },
    { method: 'GET', path: '/v1/push/{id}', ...anyTime, handle: (exchange) => endpoints.outcome(exchange) },
    { method: 'POST', path: '/api/push', isGorush: true, handle: (exchange) => endpoints.gorush(exchange) },
    { method: 'POST', path: '/v1/campaigns', handle: (exchange) => endpoints.beginCampaign(exchange) },
    { method: 'GET', path: '/v1/campaigns', ...anyTime, handle: () => jsonAnswer(200, campaignsOf(campaigns).list()) },
    {
      ...{ method: 'GET', path: '/v1/campaigns/{id}', ...anyTime },
      handle: async ({ params }) => jsonAnswer(200, await campaignsOf(campaigns).view(params[0]!)),
    },
    {
      ...{ method: 'DELETE', path: '/v1/campaigns/{id}' },
      handle: async ({ params }) => jsonAnswer(202, await campaignsOf(campaigns).stop(params[0]!)),
    },
    {
      ...{ method: 'POST', path: '/v1/campaigns/{id}/pause' },
      handle: async ({ params }) => jsonAnswer(200, await campaignsOf(campaigns).pause(params[0]!)),
    },
    {
      ...{ method: 'POST', path: '/v1/campaigns/{id}/resume' },
      handle: async ({ params }) => jsonAnswer(200, await campaignsOf(campaigns).resume(params[0]!)),
    },
    { method: 'POST', path: '/v1/campaigns/{id}/rate', handle: (exchange) => endpoints.changeRate(exchange) },
    {
      ...{ method: 'GET', path: '/v1/campaigns/{id}/files/{name}' },
      handle: (exchange) => endpoints.sendFile(exchange),
    },
    { method: 'GET', path: '/healthz', isOpen: true, ...anyTime, handle: () => textAnswer(200, '{"status":"ok"}') },
    { method: 'GET', path: '/readyz', isOpen: true, ...anyTime, handle: () => endpoints.ready() },
    {
      method: 'GET',
      path: '/openapi.json',
      isOpen: true,
      ...anyTime,
      handle: () => textAnswer(200, openApiText(version)),
    },
    { method: 'GET', path: '/metrics', ...anyTime, handle: (exchange) => endpoints.metrics(exchange) },
  ];
  return new Routes(routes);
}

class Endpoints {
  readonly #desks: Desks;

  constructor(desks: Desks) {
    this.#desks = desks;
  }

  async push(exchange: Exchange): Promise<HttpAnswer> {
    const waits = waitsOf(exchange.search);
    checkJsonType(exchange);
    const body = await this.#desks.bodies.json(exchange);
    const asked = readPushes(body, this.#desks.usualTopic);
    this.#charge(exchange, asked.count);
    if (!waits) {
      const id = await this.#beginUnawaited(asked);
      const text = JSON.stringify({ id, state: 'pending', pushes: asked.count });
      return { status: 202, text, headers: ['Location', `/v1/push/${id}`] };
    }
    const begun = await this.#desks.desk.begin(asked);
    return textAnswer(200, resultsText(asked, await begun.outcomes));
  }

  outcome({ params }: Exchange): HttpAnswer {
    const { kept } = this.#desks;
    const [id = ''] = params;
    kept.expire();
    const found = kept.find(id);
    if (found === undefined) {
      if (!kept.wasGiven(id)) throw refusal(404, 'not_found', 'This service gave no such id.');
      throw refusal(
        410,
        'gone',
        'The outcome is not kept any more: ask sooner, or start the service with --keep-outcomes.',
      );
    }
    const { pushes, results } = found;
    if (results === null) return jsonAnswer(200, { id, state: 'pending', pushes });
    return textAnswer(200, `{"id":"${id}","state":"settled","pushes":${pushes},${results.slice(1)}`);
  }

  /** Any content type, as gorush takes any. */
  async gorush(exchange: Exchange): Promise<HttpAnswer> {
    const waits = waitsOf(exchange.search);
    const body = await this.#desks.bodies.json(exchange);
    const asked = readGorush(body, this.#desks.usualTopic);
    const { count } = asked.asked;
    if (count === 0) return textAnswer(200, gorushText(asked, []));
    this.#charge(exchange, count);
    if (!waits) {
      const id = await this.#beginUnawaited(asked.asked);
      return { ...textAnswer(200, gorushText(asked, [])), headers: ['Location', `/v1/push/${id}`] };
    }
    const begun = await this.#desks.desk.begin(asked.asked);
    return textAnswer(200, gorushText(asked, await begun.outcomes));
  }

  async beginCampaign(exchange: Exchange): Promise<HttpAnswer> {
    const campaigns = campaignsOf(this.#desks.campaigns);
    const type = typeOf(exchange);
    if (listTypes.includes(type)) {
      const text = exchange.query().get('campaign');
      if (text === null) {
        throw refusal(400, 'bad_request', 'With a list as the body, the campaign is JSON in the query: ?campaign={…}.');
      }
      exchange.proceed();
      const { request } = exchange;
      return created(await campaigns.create(parseJson(text), { request, type }));
    }
    if (type !== 'application/json') throw typeRefusal(['application/json', ...listTypes]);
    return created(await campaigns.create(await this.#desks.bodies.json(exchange), null));
  }

  async changeRate(exchange: Exchange): Promise<HttpAnswer> {
    const campaigns = campaignsOf(this.#desks.campaigns);
    checkJsonType(exchange);
    const rate = readRate(await this.#desks.bodies.json(exchange));
    return jsonAnswer(200, await campaigns.rate(exchange.params[0]!, rate));
  }

  /** As long as the file is now: one that grows is sent up to there. */
  async sendFile({ request, response, params }: Exchange): Promise<null> {
    const [id = '', name = ''] = params;
    const file = await open(
      await campaignsOf(this.#desks.campaigns).fileOf(id, name),
      constants.O_RDONLY | constants.O_NOFOLLOW,
    );
    const { size } = await file.stat();
    response.writeHead(200, {
      'Content-Type': fileTypes[path.extname(name)] ?? 'application/octet-stream',
      'Content-Length': size,
      'Content-Security-Policy': "sandbox allow-scripts; default-src 'unsafe-inline' data:",
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    if (request.method === 'HEAD' || size === 0) {
      await file.close();
      response.end();
      return null;
    }
    const { socket } = request;
    const onPause = (): void => void socket.destroy();
    socket.setTimeout(this.#desks.answerMs, onPause);
    const bytes = createReadStream('', { fd: file, start: 0, end: size - 1 });
    // A client that leaves is no fault.
    await pipeline(bytes, response).catch(() => {});
    socket.setTimeout(0);
    socket.off('timeout', onPause);
    return null;
  }

  ready(): HttpAnswer {
    const why = this.#desks.unready();
    if (why === null) return textAnswer(200, '{"status":"ready"}');
    return jsonAnswer(503, { error: { code: 'not_ready', message: why } }, ['Retry-After', '5']);
  }

  async metrics({ response }: Exchange): Promise<null> {
    const { type, text } = await this.#desks.metrics();
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
    return null;
  }

  /** Begins pushes that nobody waits for, under an id that is on disk before them. */
  async #beginUnawaited(asked: AskedPushes): Promise<string> {
    const { desk, kept, journal } = this.#desks;
    const id = kept.begin(asked.count);
    try {
      const begun = await desk.begin(asked, journal === null ? undefined : () => journal.note(id, asked.count));
      void begun.outcomes.then((outcomes) => this.#settle(id, asked, outcomes));
    } catch (error) {
      kept.forget(id);
      throw error;
    }
    return id;
  }

  #settle(id: string, asked: AskedPushes, outcomes: readonly PushOutcome[]): void {
    const settled = this.#desks.kept.settle(id, resultsText(asked, outcomes, true));
    if (settled !== null) this.#desks.journal?.settle(settled);
  }

  /** Throws RefusedRequest 429 for a bearer that asks for more than its rate. */
  #charge({ bearer }: Exchange, count: number): void {
    const waitSeconds = this.#desks.bearerRate?.take(Math.max(0, bearer), count, this.#desks.now()) ?? 0;
    if (waitSeconds === 0) return;
    throw refusal(
      429,
      'rate_exceeded',
      'This bearer token asks for more pushes a second than it may: try again later.',
      [...['Retry-After', String(waitSeconds)]],
    );
  }
}

const fileTypes: Readonly<Record<string, string>> = {
  '.csv': 'text/csv; charset=utf-8',
  '.ndjson': 'application/x-ndjson',
  '.txt': 'text/plain; charset=utf-8',
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
};

function campaignsOf(campaigns: ServiceCampaigns | null): ServiceCampaigns {
  if (campaigns !== null) return campaigns;
  throw refusal(404, 'no_campaigns', 'This service keeps no campaigns: start it with --campaigns DIR.');
}

function created(campaign: object): HttpAnswer {
  const { id } = campaign as { readonly id: string };
  return jsonAnswer(201, campaign, ['Location', `/v1/campaigns/${id}`]);
}

/** Throws RefusedRequest 400 for a query that is not known: a misspelt one would have no effect. */
function waitsOf(search: string): boolean {
  if (search === '' || search === 'wait=yes') return true;
  if (search === 'wait=no') return false;
  throw refusal(400, 'bad_request', 'The query of this path is wait=no or wait=yes, or there is none.');
}

function checkJsonType(exchange: Exchange): void {
  const given = exchange.request.headers['content-type'];
  if (given === 'application/json' || typeOf(exchange) === 'application/json') return;
  throw typeRefusal(['application/json']);
}

/** The content type without its parameters. Throws RefusedRequest 415 for text that is not UTF-8. */
function typeOf({ request }: Exchange): string {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((one) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(one)?.[1])
    .find((name) => name !== undefined);
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii') return type.trim();
  throw refusal(415, 'unsupported_charset', 'Text is sent as UTF-8.', ['Connection', 'close']);
}

function typeRefusal(types: readonly string[]): Error {
  return refusal(415, 'unsupported_type', `The field Content-Type must be ${types.join(' or ')}.`, [
    ...['Accept', types.join(', '), 'Connection', 'close'],
  ]);
}
