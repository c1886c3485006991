/**
 * A client that costs little, for load on an HTTP/1.1 service: raw sockets, kept alive, one request at a time on each.
 * Reads of an answer what a load needs: its status and where it ends. In the process of the load.
 */
import { connect, type Socket } from 'node:net';

/** What one request got. */
export type OnAnswer = (status: number, body: string) => void;

class Connection {
  readonly #socket: Socket;
  readonly #onFree: (connection: Connection) => void;
  #onAnswer: OnAnswer | null = null;
  #text = '';
  /** Bytes of the whole answer; null before its header is whole. */
  #length: number | null = null;
  #bodyAt = 0;

  constructor(host: string, port: number, onFree: (connection: Connection) => void, onEnd: () => void) {
    this.#onFree = onFree;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('connect', () => onFree(this));
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#onAnswer?.(0, '');
      this.#onAnswer = null;
      onEnd();
    });
  }

  send(request: string, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#text = this.#text === '' ? text : this.#text + text;
    if (this.#length === null) {
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /content-length: (\d+)/i.exec(this.#text)?.[1] ?? '0';
      this.#bodyAt = end + 4;
      this.#length = this.#bodyAt + Number(length);
    }
    if (this.#text.length < this.#length) return;
    const status = Number(this.#text.slice(9, 12));
    const body = this.#text.slice(this.#bodyAt, this.#length);
    const onAnswer = this.#onAnswer;
    this.#text = '';
    this.#length = null;
    this.#onAnswer = null;
    onAnswer?.(status, body);
    this.#onFree(this);
  }
}

/** So many connections, and requests that wait for one of them in order. */
export class HttpLoad {
  readonly #free: Connection[] = [];
  readonly #all: Connection[] = [];
  readonly #waiting: { readonly request: string; readonly onAnswer: OnAnswer }[] = [];
  /** Connections that have ended. */
  ended = 0;

  constructor(host: string, port: number, connections: number) {
    const onFree = (connection: Connection): void => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(connection);
      else connection.send(next.request, next.onAnswer);
    };
    const onEnd = (): void => {
      this.ended += 1;
    };
    for (let index = 0; index < connections; index++) this.#all.push(new Connection(host, port, onFree, onEnd));
  }

  send(request: string, onAnswer: OnAnswer): void {
    const connection = this.#free.pop();
    if (connection === undefined) this.#waiting.push({ request, onAnswer });
    else connection.send(request, onAnswer);
  }

  close(): void {
    for (const connection of this.#all) connection.end();
  }
}

/** The bytes of a POST of JSON. */
export function postRequest(path: string, json: string, bearer: string | null): string {
  const authorization = bearer === null ? '' : `Authorization: Bearer ${bearer}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${authorization}`;
  return `${head}Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
}
