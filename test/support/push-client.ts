/**
 * A client of the simulator that shares no code with peal: node:http2, one request at a time or many. For tests.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';

export interface PushAnswer {
  /** 0 when the stream ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly reason: string;
  readonly timestamp: number | undefined;
  /** Error code of RST_STREAM; 0 after a complete answer. */
  readonly resetCode: number;
}

export interface PushClientOptions {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export class PushClient {
  readonly session: ClientHttp2Session;

  constructor(url: string, options: PushClientOptions) {
    this.session = connect(url, { ...options, settings: { enablePush: false } });
    this.session.on('error', () => {});
  }

  /** Waits for the gateway's first SETTINGS. */
  async ready(): Promise<void> {
    if (this.session.remoteSettings?.maxConcurrentStreams === undefined) await once(this.session, 'remoteSettings');
  }

  /** Pushes to a token; fields with the value undefined are left out. */
  push(token: string, fields: OutgoingHttpHeaders = {}, payload: string | Buffer = '{"aps":{}}'): Promise<PushAnswer> {
    return this.request({ ':path': `/3/device/${token}`, 'apns-topic': 'com.example.app', ...fields }, payload);
  }

  request(fields: OutgoingHttpHeaders, payload: string | Buffer): Promise<PushAnswer> {
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    const stream = this.session.request({ ':method': 'POST', ...Object.fromEntries(given) }, { endStream: false });
    stream.end(payload);
    return answerOf(stream);
  }

  close(): void {
    this.session.destroy();
  }
}

export function answerOf(stream: ClientHttp2Stream): Promise<PushAnswer> {
  return new Promise((resolve) => {
    let headers: PushAnswer['headers'] = {};
    let body = '';
    stream.setEncoding('utf8');
    stream.on('response', (fields) => {
      headers = fields as unknown as PushAnswer['headers'];
    });
    stream.on('data', (chunk: string) => {
      body += chunk;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      const said = body === '' ? {} : (JSON.parse(body) as { reason?: string; timestamp?: number });
      resolve({
        status: Number(headers[':status'] ?? 0),
        headers,
        reason: said.reason ?? '',
        timestamp: said.timestamp,
        resetCode: stream.rstCode ?? 0,
      });
    });
  });
}

/** A device token of 32 bytes, different for each number. */
export function tokenNumber(index: number): string {
  return index.toString(16).padStart(8, '0').repeat(8);
}
