/**
 * node's own HTTP/2 client (nghttp2) in front of a byte stream that a test writes: what it makes of the same octets
 * that our client gets, as classes that both can be sorted into. No sockets.
 */

import * as http2 from 'node:http2';
import { Duplex } from 'node:stream';
import * as frames from '../../src/codec/http2/frames.js';
import { readU32 } from '../../src/codec/octets.js';
import { FrameCutter } from './frame-cutter.js';

/**
 * What became of a request: `200` or `other` answered and complete; `error`: the client reset the stream for what the
 * server did; `reset`: the server did, or went away, after an answer had begun, or with a code that says nothing;
 * `unprocessed`: it refused the stream, or its GOAWAY does not cover it; `open`: none of these.
 */
export type StreamVerdict = '200' | 'other' | 'error' | 'reset' | 'unprocessed' | 'open';

interface Seen {
  readonly request: http2.ClientHttp2Stream;
  status: number;
  hasBegun: boolean;
  hasEnded: boolean;
  isClosed: boolean;
}

const settings: http2.Settings = {
  headerTableSize: 4096,
  enablePush: false,
  initialWindowSize: 1 << 17,
  maxFrameSize: 16_384,
  maxHeaderListSize: 16_384,
};

/**
 * What node keeps behind its sessions, of the whole process: node 20's destructor of it fails an assertion, and ends
 * the process, for some that a server broke the protocol with. So none is ever collected.
 */
const handles: unknown[] = [];

export class NodeClient {
  /** The error code of the GOAWAY that it has sent; NO_ERROR without one. */
  goawayCode: number = frames.NO_ERROR;
  /** The stream was ended or destroyed: it reads no more. */
  isOver = false;
  readonly #stream: Duplex;
  readonly #session: http2.ClientHttp2Session;
  readonly #cutter: FrameCutter;
  readonly #resets = new Set<number>();
  readonly #seen: Seen[] = [];
  #isKept = false;

  constructor() {
    this.#cutter = new FrameCutter((type, _flags, streamId, bytes, start) => {
      if (type === frames.RST_STREAM) this.#resets.add(streamId);
      if (type === frames.GOAWAY) this.goawayCode = readU32(bytes, start + 4);
    }, frames.CONNECTION_PREFACE);
    this.#stream = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => {
        this.#cutter.push(Buffer.from(chunk));
        done();
      },
      final: (done) => {
        this.isOver = true;
        done();
      },
    });
    this.#stream.on('close', () => {
      this.isOver = true;
    });
    this.#session = http2.connect('http://api.example.com', { createConnection: () => this.#stream, settings });
    this.#session.on('error', () => {});
  }

  request(body: Uint8Array): void {
    const request = this.#session.request({ ':method': 'POST', ':path': '/3/device/00' });
    const seen: Seen = { request, status: 0, hasBegun: false, hasEnded: false, isClosed: false };
    this.#seen.push(seen);
    request.on('error', () => {});
    request.on('headers', () => {
      seen.hasBegun = true;
    });
    request.on('response', (headers) => {
      seen.hasBegun = true;
      seen.status = headers[':status'] ?? 0;
    });
    request.on('end', () => {
      seen.hasEnded = seen.status !== 0;
    });
    request.on('close', () => {
      seen.isClosed = true;
    });
    request.resume();
    request.end(body);
  }

  /** Hands it octets of the server, and waits until it has dealt with them. */
  async feed(bytes: Uint8Array): Promise<void> {
    if (!this.#isKept) this.#keepHandle();
    if (!this.isOver && !this.#stream.destroyed) this.#stream.push(Buffer.from(bytes));
    await turns(3);
  }

  verdicts(): StreamVerdict[] {
    return this.#seen.map((seen, index) => this.#verdict(seen, 2 * index + 1));
  }

  close(): void {
    this.#session.destroy();
    this.#stream.destroy();
  }

  #keepHandle(): void {
    const symbol = Object.getOwnPropertySymbols(this.#session).find(({ description }) => description === 'kHandle');
    if (symbol === undefined) return;
    const handle: unknown = Reflect.get(this.#session, symbol);
    if (handle === undefined) return;
    handles.push(handle);
    this.#isKept = true;
  }

  #verdict({ request, status, hasBegun, hasEnded, isClosed }: Seen, streamId: number): StreamVerdict {
    // Where it is closed with an error after its end, the end has come from the error.
    if (this.#resets.has(streamId) && request.rstCode !== frames.NO_ERROR) return 'error';
    if (hasEnded && (!isClosed || request.rstCode === frames.NO_ERROR)) return status === 200 ? '200' : 'other';
    if (!isClosed) return 'open';
    return request.rstCode === frames.REFUSED_STREAM && !hasBegun ? 'unprocessed' : 'reset';
  }
}

/** Lets everything run that is due now. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
