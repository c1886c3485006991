/**
 * A gateway in memory that accepts every broadcast: node's own HTTP/2 server over one end of a pair of memory streams.
 */
import { createServer, type Http2Server } from 'node:http2';
import { Duplex } from 'node:stream';
import type { ByteStream, ByteStreamListener } from '../../src/transport/backend.js';

export class MemoryService {
  requests = 0;
  readonly #server: Http2Server;

  constructor() {
    this.#server = createServer();
    this.#server.on('sessionError', () => {});
    this.#server.on('stream', (stream) => {
      this.requests += 1;
      stream.on('error', () => {});
      stream.resume();
      stream.respond({ ':status': 200 }, { endStream: true });
    });
  }

  /** The listener of the gateway's end of one connection. */
  accept(stream: ByteStream): ByteStreamListener {
    const socket = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => stream.write(chunk, () => done()),
      final: (done) => {
        stream.end();
        done();
      },
      destroy: (error, done) => {
        stream.destroy();
        done(error);
      },
    });
    socket.on('error', () => {});
    return {
      onOpen: () => this.#server.emit('connection', socket),
      onBytes: (buffer, length) => socket.push(Buffer.from(buffer.subarray(0, length))),
      onClosed: () => socket.destroy(),
    };
  }
}
