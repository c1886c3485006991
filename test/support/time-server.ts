/** A time server on loopback (SNTP, RFC 4330), as wrong as a test wants it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Seconds from 1900 to 1970. */
const ntpEpochSeconds = 2_208_988_800;

export interface TimeServerOptions {
  /** How far its time is ahead of this machine's, in milliseconds. */
  readonly aheadMs?: number;
  /** 0: it refuses; 16: it does not know the time. */
  readonly stratum?: number;
  /** Questions that it leaves without an answer. */
  readonly unanswered?: number;
  /** Sends this before each answer: what somebody else would send. */
  readonly before?: (question: Buffer) => Buffer;
}

export class LoopbackTimeServer implements AsyncDisposable {
  questions = 0;
  readonly #socket: Socket;

  private constructor({ aheadMs = 0, stratum = 1, unanswered = 0, before }: TimeServerOptions) {
    this.#socket = createSocket('udp4');
    this.#socket.on('message', (question, { port, address }) => {
      this.questions += 1;
      if (this.questions <= unanswered) return;
      if (before !== undefined) this.#socket.send(before(question), port, address);
      const answer = Buffer.alloc(48);
      answer[0] = 0b00_100_100;
      answer[1] = stratum;
      question.copy(answer, 24, 40, 48);
      for (const at of [32, 40]) writeTime(answer, at, Date.now() + aheadMs);
      this.#socket.send(answer, port, address);
    });
  }

  static async open(options: TimeServerOptions = {}): Promise<LoopbackTimeServer> {
    const server = new LoopbackTimeServer(options);
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  /** As `--time-server`. */
  get name(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

function writeTime(packet: Buffer, at: number, wallMs: number): void {
  const seconds = wallMs / 1000 + ntpEpochSeconds;
  // In the era after 2036 the seconds begin anew.
  packet.writeUInt32BE(Math.floor(seconds) % 2 ** 32, at);
  packet.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), at + 4);
}
