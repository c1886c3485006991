/**
 * Reads the body of a request within bounds: of one body, of all bodies at hand, of what gzip unpacks to, and of time.
 * A client that is too slow is found by one timer for all. Main thread; asked by handlers.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { maxHeldBodyBytes } from '../../base/limits.js';
import { type RefusedRequest, refusal } from './answer.js';
import type { Exchange } from './exchange.js';
import { parseJson } from './json-text.js';
import type { ServiceBooks } from './service-books.js';

const unpack = promisify(gunzip);

/** One body that is being read. */
class Reading {
  readonly pieces: Buffer[] = [];
  bytes = 0;

  constructor(
    readonly untilMs: number,
    readonly refuse: (why: RefusedRequest) => void,
  ) {}
}

export class RequestBodies {
  readonly #maxBytes: number;
  readonly #patienceMs: number;
  readonly #books: ServiceBooks;
  readonly #now: () => number;
  readonly #readings = new Set<Reading>();

  /** @param patienceMs how long a body may take */
  constructor(maxBytes: number, patienceMs: number, books: ServiceBooks, now: () => number) {
    this.#maxBytes = maxBytes;
    this.#patienceMs = patienceMs;
    this.#books = books;
    this.#now = now;
  }

  /**
   * The JSON in the body.
   *
   * @throws RefusedRequest 400, 408, 413, 415 or 429 (as a rejection)
   */
  async json(exchange: Exchange): Promise<unknown> {
    const { request } = exchange;
    const packing = bodyPacking(request.headers['content-encoding']);
    const declared = request.headers['content-length'];
    if (declared !== undefined && Number(declared) > this.#maxBytes) throw this.#tooLarge();
    exchange.proceed();
    const bytes = await this.#read(request);
    const plain = packing === 'gzip' ? await this.#unpacked(bytes) : bytes;
    if (!isUtf8(plain)) throw refusal(400, 'bad_json', 'The body is not UTF-8, which JSON has to be.');
    return parseJson(plain.toString('utf8'));
  }

  /** Refuses those that have taken too long. */
  sweep(): void {
    const nowMs = this.#now();
    for (const reading of this.#readings) if (reading.untilMs < nowMs) reading.refuse(tooSlow());
  }

  #read(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#readings.delete(reading);
        this.#books.bodyBytes -= reading.bytes;
        request.off('data', onData).off('end', onEnd).off('close', onClose);
      };
      const refuse = (why: RefusedRequest): void => {
        end();
        // What still comes is dropped unread; the answer ends the connection.
        request.pause();
        reject(why);
      };
      const reading = new Reading(this.#now() + this.#patienceMs, refuse);
      const onData = (piece: Buffer): void => {
        reading.pieces.push(piece);
        reading.bytes += piece.length;
        this.#books.bodyBytes += piece.length;
        if (reading.bytes > this.#maxBytes) refuse(this.#tooLarge());
        else if (this.#books.bodyBytes > maxHeldBodyBytes) refuse(tooMuchAtOnce());
      };
      const onEnd = (): void => {
        end();
        resolve(reading.pieces.length === 1 ? reading.pieces[0]! : Buffer.concat(reading.pieces));
      };
      const onClose = (): void => refuse(cutOff());
      this.#readings.add(reading);
      request.on('data', onData).on('end', onEnd).on('close', onClose);
    });
  }

  async #unpacked(bytes: Buffer): Promise<Buffer> {
    // What it may become counts before it is there.
    const held = this.#maxBytes;
    if (this.#books.bodyBytes + held > maxHeldBodyBytes) throw tooMuchAtOnce();
    this.#books.bodyBytes += held;
    try {
      return await unpack(bytes, { maxOutputLength: this.#maxBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw this.#tooLarge();
      throw refusal(400, 'bad_encoding', 'The body is not gzip, which its field Content-Encoding says.');
    } finally {
      this.#books.bodyBytes -= held;
    }
  }

  #tooLarge(): RefusedRequest {
    return refusal(413, 'body_too_large', `The body is larger than ${this.#maxBytes} bytes: send less at a time.`, [
      ...['Connection', 'close'],
    ]);
  }
}

/**
 * How a body is packed: gzip or not at all.
 *
 * @throws RefusedRequest 415
 */
export function bodyPacking(encoding: string | undefined): 'gzip' | null {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return null;
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  throw refusal(415, 'unsupported_encoding', 'A body is sent as it is or packed by gzip, not in another encoding.', [
    ...['Accept-Encoding', 'gzip', 'Connection', 'close'],
  ]);
}

function tooSlow(): RefusedRequest {
  return refusal(408, 'too_slow', 'The body did not come in time: nothing was done with it.', ['Connection', 'close']);
}

export function cutOff(): RefusedRequest {
  return refusal(400, 'cut_off', 'The connection ended within the body: nothing was done with it.');
}

function tooMuchAtOnce(): RefusedRequest {
  return refusal(429, 'too_much_at_once', 'The service holds as many bytes of requests as it may: try again.', [
    ...['Retry-After', '1', 'Connection', 'close'],
  ]);
}
