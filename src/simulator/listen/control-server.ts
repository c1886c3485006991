/**
 * The simulator's ledger over HTTP/1.1, for programs in any language: only on the loopback interface, and only for
 * programs, not for pages in a browser. On the simulator's thread.
 *
 *     GET  /peal/ledger          the summary, JSON
 *     GET  /peal/ledger/tokens   one JSON object a line for each token
 *     GET  /peal/ledger/requests one JSON object a line for each request, with payload and headers (ledger "full")
 *     GET  /peal/channels        the channels that there are, and the counts of requests about them, JSON
 *     GET  /peal/channels/requests one JSON object a line for each of the newest of those requests
 *     GET  /peal/fcm             the counts of messages and access tokens of FCM, JSON
 *     GET  /peal/fcm/tokens, requests, faults   as those of the ledger, for FCM
 *     GET  /peal/fcm/service-account            a service account that may send, as Google's JSON
 *     GET  /peal/feedback        the tokens that the feedback service will name, JSON; does not clear the list
 *     GET  /peal/ca.pem          the authority to trust (PEM), if the certificate is a throw-away one
 *     GET  /peal/faults          the faults of the scenario so far, JSON
 *     POST /peal/reset           forgets all requests and answers
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { FeedbackList } from '../books/feedback-list.js';
import type { SimulatorLedger } from '../books/ledger.js';
import type { ChannelBooks } from '../channels/channel-books.js';
import type { ScenarioRun } from '../faults/scenario-run.js';
import { closeServer, listenOn } from './http-server.js';

const loopback = '127.0.0.1';
/** Lines of tokens in one write. */
const linesPerWrite = 512;
/** Allowed Host fields. Any other comes from a web page whose name was resolved to this machine. */
const allowedHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

/** What can be read beside the ledger; each null where there is none. */
export interface FurtherBooks {
  readonly channels: ChannelBooks | null;
  /** The list of the feedback service. */
  readonly feedback: FeedbackList | null;
  /** The running scenario. */
  readonly scenario: ScenarioRun | null;
  /** The service of FCM. */
  readonly fcm: FcmBooks | null;
}

/** The service of FCM, as far as it is told of. */
interface FcmBooks {
  readonly ledger: SimulatorLedger;
  readonly serviceAccount: object;
  readonly scenario: ScenarioRun | null;
  summary(): object;
  reset(): void;
}

const noFurtherBooks: FurtherBooks = Object.freeze({ channels: null, feedback: null, scenario: null, fcm: null });

export class ControlServer {
  readonly #ledger: SimulatorLedger;
  readonly #authority: string | null;
  readonly #further: FurtherBooks;
  readonly #server: Server;

  /** @param authority PEM for /peal/ca.pem, or null. */
  constructor(ledger: SimulatorLedger, authority: string | null, further: FurtherBooks = noFurtherBooks) {
    this.#ledger = ledger;
    this.#authority = authority;
    this.#further = further;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  /** Resolves with the port. @throws PealError `ERR_PEAL_OPTION` if it cannot listen on the port */
  listen(port: number): Promise<number> {
    return listenOn(this.#server, 'control server', loopback, port);
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (!allowedHost.test(request.headers.host ?? '') || request.headers.origin !== undefined) {
      reply(response, 403, {
        error: 'only programs on this machine may ask, and they must use localhost, 127.0.0.1 or [::1] as the host',
      });
      return;
    }
    const { channels, fcm, feedback, scenario } = this.#further;
    const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    switch (route) {
      case 'GET /peal/ledger':
        reply(response, 200, this.#ledger.summary());
        break;
      case 'GET /peal/ledger/tokens':
        serveTokens(this.#ledger, response);
        break;
      case 'GET /peal/ledger/requests':
        serveRequests(this.#ledger, request, response);
        break;
      case 'GET /peal/channels':
        reply(response, 200, { summary: channels?.summary() ?? null, channels: channels?.list() ?? [] });
        break;
      case 'GET /peal/channels/requests':
        serveLines(response, channels?.received() ?? []);
        break;
      case 'GET /peal/fcm':
        if (fcm === null) reply(response, 404, noFcm);
        else reply(response, 200, fcm.summary());
        break;
      case 'GET /peal/fcm/tokens':
        if (fcm === null) reply(response, 404, noFcm);
        else serveTokens(fcm.ledger, response);
        break;
      case 'GET /peal/fcm/requests':
        if (fcm === null) reply(response, 404, noFcm);
        else serveRequests(fcm.ledger, request, response);
        break;
      case 'GET /peal/fcm/faults':
        reply(response, 200, { isOver: fcm?.scenario?.isOver ?? true, done: fcm?.scenario?.done ?? [] });
        break;
      case 'GET /peal/fcm/service-account':
        if (fcm === null) reply(response, 404, noFcm);
        else reply(response, 200, fcm.serviceAccount);
        break;
      case 'GET /peal/feedback':
        reply(response, 200, feedback?.pending() ?? []);
        break;
      case 'GET /peal/faults':
        reply(response, 200, { isOver: scenario?.isOver ?? true, done: scenario?.done ?? [] });
        break;
      case 'GET /peal/ca.pem':
        if (this.#authority === null) reply(response, 404, { error: 'the certificate is not a throw-away one' });
        else response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(this.#authority);
        break;
      case 'POST /peal/reset':
        this.#ledger.reset();
        channels?.reset();
        fcm?.reset();
        reply(response, 200, this.#ledger.summary());
        break;
      default:
        reply(response, 404, {
          error:
            'there are GET /peal/ledger, GET /peal/ledger/tokens, GET /peal/ledger/requests, GET /peal/channels, ' +
            'GET /peal/channels/requests, GET /peal/fcm, GET /peal/fcm/tokens, GET /peal/fcm/requests, ' +
            'GET /peal/fcm/faults, GET /peal/fcm/service-account, GET /peal/feedback, GET /peal/faults, ' +
            'GET /peal/ca.pem and POST /peal/reset',
        });
    }
  }
}

const noFcm = Object.freeze({ error: 'this simulator has no service of FCM: start it with fcm' });

function serveTokens(ledger: SimulatorLedger, response: ServerResponse): void {
  if (ledger.mode === 'counts') {
    reply(response, 409, { error: 'this ledger keeps no tokens: start the simulator with ledger "tokens"' });
    return;
  }
  serveLines(response, ledger.records());
}

/** `?token=TOKEN` selects the requests of one token. */
function serveRequests(ledger: SimulatorLedger, request: IncomingMessage, response: ServerResponse): void {
  if (ledger.mode !== 'full') {
    reply(response, 409, { error: 'this ledger keeps no whole requests: start the simulator with ledger "full"' });
    return;
  }
  const token = new URL(request.url ?? '', 'http://localhost').searchParams.get('token');
  serveLines(response, ledger.received(token ?? undefined));
}

/** Writes as fast as the reader takes the lines. A reader that leaves early is not our fault. */
function serveLines(response: ServerResponse, records: Iterable<object>): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  pipeline(Readable.from(linesOf(records)), response, () => {});
}

/** A line for each record, some hundred at a time, so that never all lines are in memory. */
function* linesOf(records: Iterable<object>): Generator<string, void> {
  let lines = '';
  let count = 0;
  for (const record of records) {
    lines += `${JSON.stringify(record)}\n`;
    if (++count % linesPerWrite !== 0) continue;
    yield lines;
    lines = '';
  }
  if (lines !== '') yield lines;
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
