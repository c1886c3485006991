/**
 * The simulator's ledger over HTTP/1.1, for programs in any language: only on the loopback interface, and only for
 * programs, not for pages in a browser. On the simulator's thread.
 *
 *     GET  /peal/ledger          the summary, JSON
 *     GET  /peal/ledger/tokens   one JSON object a line for each token
 *     GET  /peal/ledger/requests one JSON object a line for each request, with payload and headers (ledger "full")
 *     GET  /peal/channels        the channels that there are, and the counts of requests about them, JSON
 *     GET  /peal/channels/requests one JSON object a line for each of the newest of those requests
 *     GET  /peal/feedback        the tokens that the feedback service will name, JSON; does not clear the list
 *     GET  /peal/ca.pem          the authority to trust (PEM), if the certificate is a throw-away one
 *     GET  /peal/faults          the faults of the scenario so far, JSON
 *     POST /peal/reset           forgets all requests and answers
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { PealError } from '../../base/errors.js';
import type { FeedbackList } from '../books/feedback-list.js';
import type { SimulatorLedger } from '../books/ledger.js';
import type { ChannelBooks } from '../channels/channel-books.js';
import type { ScenarioRun } from '../faults/scenario-run.js';

const loopback = '127.0.0.1';
/** Lines of tokens in one write. */
const linesPerWrite = 512;
/** Allowed Host fields. Any other comes from a web page whose name was resolved to this machine. */
const allowedHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

/** What can be read beside the ledger; each null where there is none. */
interface FurtherBooks {
  readonly channels: ChannelBooks | null;
  /** The list of the feedback service. */
  readonly feedback: FeedbackList | null;
  /** The running scenario. */
  readonly scenario: ScenarioRun | null;
}

const noFurtherBooks: FurtherBooks = Object.freeze({ channels: null, feedback: null, scenario: null });

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
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        const message = `The simulator's control server cannot listen on ${loopback}:${port}: ${error.message}`;
        reject(new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' }));
      });
      this.#server.listen(port, loopback, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (!allowedHost.test(request.headers.host ?? '') || request.headers.origin !== undefined) {
      reply(response, 403, {
        error: 'only programs on this machine may ask, and they must use localhost, 127.0.0.1 or [::1] as the host',
      });
      return;
    }
    const { channels, feedback, scenario } = this.#further;
    const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    switch (route) {
      case 'GET /peal/ledger':
        reply(response, 200, this.#ledger.summary());
        break;
      case 'GET /peal/ledger/tokens':
        this.#serveTokens(response);
        break;
      case 'GET /peal/ledger/requests':
        this.#serveRequests(request, response);
        break;
      case 'GET /peal/channels':
        reply(response, 200, { summary: channels?.summary() ?? null, channels: channels?.list() ?? [] });
        break;
      case 'GET /peal/channels/requests':
        serveLines(response, channels?.received() ?? []);
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
        reply(response, 200, this.#ledger.summary());
        break;
      default:
        reply(response, 404, {
          error:
            'there are GET /peal/ledger, GET /peal/ledger/tokens, GET /peal/ledger/requests, GET /peal/channels, ' +
            'GET /peal/channels/requests, GET /peal/feedback, GET /peal/faults, GET /peal/ca.pem and POST /peal/reset',
        });
    }
  }

  #serveTokens(response: ServerResponse): void {
    if (this.#ledger.mode === 'counts') {
      reply(response, 409, { error: 'this ledger keeps no tokens: start the simulator with ledger "tokens"' });
      return;
    }
    serveLines(response, this.#ledger.records());
  }

  /** `?token=HEX` selects the requests of one token. */
  #serveRequests(request: IncomingMessage, response: ServerResponse): void {
    if (this.#ledger.mode !== 'full') {
      reply(response, 409, { error: 'this ledger keeps no whole requests: start the simulator with ledger "full"' });
      return;
    }
    const token = new URL(request.url ?? '', 'http://localhost').searchParams.get('token');
    serveLines(response, this.#ledger.received(token ?? undefined));
  }
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
