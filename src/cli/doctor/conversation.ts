/**
 * One connection to a gateway, opened by the back-end that pushes take, with its trust, pins and proxy, and then spoken
 * to by Node's own HTTP/2, step by step. Made by doctor, on the main thread; each wait is bounded by its caller.
 */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { doctorStepMs, maxResponseBodyBytes, readBufferSize } from '../../base/limits.js';
import { endedError, goawayError } from '../../connection/connection-errors.js';
import { type Address, authority, isOverHttp2 } from '../../push/address.js';
import type { Answer } from '../../push/answer.js';
import type { CertificateCredential } from '../../push/credentials/credential.js';
import { http2PushProtocolOf } from '../../push-services/push-protocols.js';
import { DuplexStream } from '../../services/duplex-stream.js';
import type { Backend } from '../../transport/backend.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import type { Trust } from './trust.js';

/** What a gateway announces of itself (RFC 9113 §6.5.2). */
interface Announced {
  /** Null: no limit. */
  readonly maxStreams: number | null;
  readonly streamWindow: number | null;
}

/** An answer with its own time. */
export interface TimedAnswer extends Answer {
  /** The field `date`, as it came; null without one. */
  readonly date: string | null;
}

export class Conversation {
  readonly where: string;
  readonly stream: DuplexStream;
  readonly #address: Address;
  readonly #opened: Promise<void>;
  #session: ClientHttp2Session | null = null;
  #goaway: PealError | null = null;
  /** Called with why the connection is over. */
  readonly #onOver = new Set<(error: PealError) => void>();

  constructor(backend: Backend, address: Address, trust: Trust, certificate: CertificateCredential | null) {
    this.#address = address;
    this.where = hostAndPort(address);
    const alpnProtocol = isOverHttp2(address.protocol) ? 'h2' : null;
    const terms = { ...trust, connectTimeoutMs: doctorStepMs, readBufferSize };
    let onOpened = (): void => {};
    this.#opened = new Promise((resolve) => {
      onOpened = resolve;
    });
    this.stream = new DuplexStream(backend, { ...terms, address, certificate, alpnProtocol }, systemClock, {
      onOpened: () => onOpened(),
      onEnded: () => {},
    });
    // Node tells of a GOAWAY and of the end in the same turn, in an order of its own.
    this.stream.once('close', () => systemClock.defer(() => this.#end()));
  }

  /** Resolves once TLS is up and the protocol is agreed on. */
  opened(): Promise<void> {
    return this.#orOver(this.#opened);
  }

  /** Begins HTTP/2, and resolves with the SETTINGS of the gateway. */
  settings(): Promise<Announced> {
    const session = connect(`https://${authority(this.#address)}`, {
      createConnection: () => this.stream,
      settings: { enablePush: false },
    });
    this.#session = session;
    session.on('error', () => {});
    session.on('close', () => this.stream.destroy());
    const { reasonOfGoaway } = http2PushProtocolOf(this.#address.protocol);
    session.on('goaway', (code, _last, debug?: Uint8Array) => {
      const reason = reasonOfGoaway(debug ?? new Uint8Array());
      this.#goaway = goawayError(this.where, code, reason, this.#address.protocol);
      this.close();
    });
    return this.#orOver(
      new Promise((resolve) => {
        session.once('remoteSettings', ({ maxConcurrentStreams, initialWindowSize }) =>
          resolve({ maxStreams: maxConcurrentStreams ?? null, streamWindow: initialWindowSize ?? null }),
        );
      }),
    );
  }

  /** Resolves with the milliseconds from a PING to its answer. */
  roundTrip(): Promise<number> {
    const beganMs = performance.now();
    return this.#orOver(
      new Promise((resolve) => {
        this.#session!.ping((error) => {
          if (error === null) resolve(performance.now() - beganMs);
        });
      }),
    );
  }

  /** Makes one POST. Rejects with a PealError if there is no whole answer. */
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    token: string | null,
    body: string,
  ): Promise<TimedAnswer> {
    const { authorizationScheme, answerOf } = http2PushProtocolOf(this.#address.protocol);
    const headers: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':scheme': 'https',
      ':authority': authority(this.#address),
      ':path': path,
      ...fields,
      ...(token !== null && {
        authorization: `${authorizationScheme} ${token}`,
        [sensitiveHeaders]: ['authorization'],
      }),
    };
    return this.#orOver(
      new Promise((resolve, reject) => {
        const stream = this.#session!.request(headers);
        const pieces: Buffer[] = [];
        let length = 0;
        let answered: { readonly status: number; readonly retryAfter: string | null; readonly date: string | null };
        stream.on('response', (given) => {
          const field = (name: string): string | null => (typeof given[name] === 'string' ? given[name] : null);
          answered = { status: Number(given[':status']), retryAfter: field('retry-after'), date: field('date') };
        });
        stream.on('data', (piece: Buffer) => {
          length += piece.length;
          if (length <= maxResponseBodyBytes) pieces.push(piece);
        });
        stream.on('error', () => {});
        stream.on('close', () => {
          if (answered === undefined || stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
            systemClock.defer(() =>
              reject(this.#goaway ?? this.stream.endCause ?? resetError(this.where, stream.rstCode)),
            );
            return;
          }
          const { status, retryAfter, date } = answered;
          const names = { apnsId: null, retryAfter, uniqueId: null };
          const explained = status < 300 ? new Uint8Array() : Buffer.concat(pieces);
          resolve({ ...answerOf(status, explained, names, systemClock), date });
        });
        stream.end(body);
      }),
    );
  }

  close(): void {
    this.#session?.destroy();
    this.stream.destroy();
  }

  #end(): void {
    const error = this.#goaway ?? this.stream.endCause ?? endedError(this.where);
    for (const tell of this.#onOver) tell(error);
    this.#onOver.clear();
  }

  #orOver<T>(waiting: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = (error: PealError): void => reject(error);
      if (this.stream.closed) over(this.#goaway ?? this.stream.endCause ?? endedError(this.where));
      this.#onOver.add(over);
      waiting.then(resolve, reject).finally(() => this.#onOver.delete(over));
    });
  }
}

function resetError(where: string, code: number): PealError {
  const message = `${where} reset the request (RST_STREAM, error code ${code}) before its answer was whole.`;
  return new PealError('ERR_PEAL_RESET', message, { origin: 'gateway', retryable: true });
}
