/**
 * A binary gateway for tests, over memory streams: reads notifications, and answers as the test's script says, also what
 * no gateway should. One accept function for all connections of a back-end.
 */
import { NotificationDecoder, type ReceivedNotification } from '../../src/codec/binary/notification-decoder.js';
import { STATUS_BYTES, writeStatus } from '../../src/codec/binary/status.js';
import type { ByteStream, ByteStreamListener, OpenOptions } from '../../src/transport/backend.js';

/** What the gateway does about one notification. */
export type BinaryAnswer =
  | 'accept'
  /** Ends without a word. */
  | 'close'
  | 'reset'
  | {
      readonly status: number;
      /** Default: the notification's own. */
      readonly identifier?: number;
      /** Goes on as if nothing were said. Default false: ends and discards the rest. */
      readonly goesOn?: boolean;
    };

export class BinaryRig {
  /** Tokens that were accepted, as hex, in their order. */
  readonly accepted: string[] = [];
  /** Tokens that came, discarded ones too. */
  readonly received: string[] = [];
  connections = 0;
  readonly #script: (token: string, identifier: number) => BinaryAnswer;

  /** @param script decides on a token as hex; an empty token (a flush) gets status 2 without being asked for. */
  constructor(script: (token: string, identifier: number) => BinaryAnswer) {
    this.#script = script;
  }

  readonly accept = (stream: ByteStream, _options: OpenOptions): ByteStreamListener => {
    this.connections += 1;
    const decoder = new NotificationDecoder({ onNotification: (one) => this.#take(stream, one) });
    return {
      onOpen: () => {},
      onBytes: (buffer, length) => decoder.receive(buffer, length),
      onClosed: () => {},
    };
  };

  /** Whether the next notification is read. */
  #take(stream: ByteStream, notification: ReceivedNotification): boolean {
    const token = Buffer.from(notification.token()).toString('hex');
    const { identifier } = notification;
    const answer = token === '' ? { status: 2 } : this.#script(token, identifier);
    if (token !== '') this.received.push(token);
    if (answer === 'accept') {
      this.accepted.push(token);
      return true;
    }
    if (answer === 'reset') stream.destroy();
    else if (answer === 'close') stream.end();
    else return this.#say(stream, answer.status, answer.identifier ?? identifier, answer.goesOn === true, token);
    return false;
  }

  #say(stream: ByteStream, status: number, identifier: number, goesOn: boolean, token: string): boolean {
    const bytes = new Uint8Array(STATUS_BYTES);
    writeStatus(bytes, 0, status, identifier);
    stream.write(bytes, () => {
      if (!goesOn) stream.end();
    });
    if (goesOn) this.accepted.push(token);
    return goesOn;
  }
}
