/**
 * The referee of a binary connection: knows, from the bytes alone, what is proven of each notification, worked out a
 * second time and without the sender's window. Called as the one of HTTP/2 is (referee).
 *
 *   written ─ a later one is answered, status 0 or 10 names it or a later one, the flush is answered ─▶ proven
 *      │ ─ a status names it ──────────▶ refused
 *      │ ─ a status names an earlier one ▶ discarded
 *      │ ─ silence, where silence counts ▶ assumed
 *      └ ─ nothing of that before the connection is over: unknown
 */
import { NotificationDecoder, type ReceivedNotification } from '../../src/codec/binary/notification-decoder.js';
import type { LinkWatcher } from './link.js';
import { numberIn } from './recipients.js';
import type { Outcome, WireConnection, WireRequest } from './wire-request.js';

export type NotificationState = 'written' | 'proven' | 'assumed' | 'refused' | 'discarded';

export class SentNotification implements WireRequest {
  state: NotificationState = 'written';

  constructor(
    readonly connection: BinaryReferee,
    readonly identifier: number,
    readonly recipient: number,
  ) {}

  get isAssumed(): boolean {
    return this.state === 'assumed';
  }

  judge(outcome: Outcome): boolean {
    if (outcome === 'accepted') return this.state === 'proven' || this.connection.assume(this);
    if (outcome === 'rejected') return this.state === 'refused';
    return this.state === (outcome === 'unsent' ? 'discarded' : 'written');
  }
}

export interface BinaryRefereeRoom {
  onNotification(sent: SentNotification, notification: ReceivedNotification): void;
  onFault(link: number, what: string): void;
}

export interface BinaryRefereeOptions {
  /** Silence for so long after the last write counts as acceptance; null: nothing but an answer does. */
  readonly tailMs: number | null;
  /** The world's time. */
  readonly now: () => number;
  /** Octets that have arrived and were not read. */
  readonly unread: () => number;
}

const statusBytes = 6;
const missingToken = 2;
const shutdown = 10;

export class BinaryReferee implements WireConnection, Omit<LinkWatcher, 'onHole'> {
  requests = 0;
  /** Statuses that were of some use to the sender. */
  answers = 0;
  wedged: string | null = null;
  mayBeBroken = false;
  unreadAtEnd = 0;
  isOver = false;
  readonly #link: number;
  readonly #room: BinaryRefereeRoom;
  readonly #options: BinaryRefereeOptions;
  readonly #decoder = new NotificationDecoder({ onNotification: (each) => this.#onNotification(each) });
  /** All that were written, by identifier; those below `#first` have their verdict. */
  readonly #sent: SentNotification[] = [];
  readonly #status: number[] = [];
  #first = 1;
  #flush = 0;
  #lastWriteMs = 0;

  constructor(link: number, room: BinaryRefereeRoom, options: BinaryRefereeOptions) {
    this.#link = link;
    this.#room = room;
    this.#options = options;
  }

  /** Notifications that wait for a proof. Where silence is one, nothing is ever waited for. */
  get awaited(): number {
    return this.#options.tailMs === null && this.wedged === null ? this.#sent.length + 1 - this.#first : 0;
  }

  onClientBytes(bytes: Uint8Array): void {
    if (this.isOver) this.#fault('a write to a connection that is over');
    if (this.wedged !== null) this.#fault('a write to a connection that was answered');
    this.#lastWriteMs = this.#options.now();
    this.#decoder.receive(bytes, bytes.length);
    if (this.#decoder.failure !== null) this.#fault(this.#decoder.failure.message);
    if (this.#decoder.isPartial) this.#fault('a write that ends within a notification');
  }

  onServerBytes(bytes: Uint8Array, length: number): void {
    for (let at = 0; at < length && this.wedged === null; at++) {
      this.#status.push(bytes[at]!);
      if (this.#status.length < statusBytes) continue;
      const [, status, ...identifier] = this.#status.splice(0) as [number, number, ...number[]];
      this.#onStatus(
        status,
        identifier.reduce((value, octet) => value * 256 + octet, 0),
      );
    }
  }

  onClientClosed(): void {
    this.isOver = true;
  }

  /** Silence is taken for acceptance: whether there was any. */
  assume(sent: SentNotification): boolean {
    const { tailMs, now, unread } = this.#options;
    if (sent.state === 'assumed') return true;
    if (tailMs === null || sent.state !== 'written' || sent.identifier !== this.#first) return false;
    if (this.#status.length > 0 || unread() > 0) return false;
    // Sums of fractions of milliseconds are not exact.
    if (Math.ceil(now() - this.#lastWriteMs) < tailMs) return false;
    this.#settle(this.#sent.length, 'assumed');
    return true;
  }

  #onNotification(notification: ReceivedNotification): boolean {
    const { identifier, tokenBytes } = notification;
    if (this.#flush !== 0) this.#fault('a notification behind a flush');
    if (identifier !== this.#sent.length + 1) this.#fault(`identifier ${identifier} after ${this.#sent.length}`);
    if (tokenBytes === 0) {
      this.#flush = identifier;
      return true;
    }
    const sent = new SentNotification(this, identifier, numberIn(notification.token(), 0));
    this.requests += 1;
    this.#sent.push(sent);
    this.#room.onNotification(sent, notification);
    return true;
  }

  #onStatus(status: number, identifier: number): void {
    const isOpen = identifier >= this.#first && identifier <= this.#sent.length;
    const answersFlush = identifier === this.#flush || (identifier === 0 && status === missingToken);
    if (status === 0 && isOpen) {
      this.#settle(identifier, 'proven');
      return;
    }
    this.wedged = `status ${status}`;
    if (this.#flush !== 0 && answersFlush) {
      this.#settle(this.#sent.length, 'proven');
    } else if (status === shutdown && identifier > 0 && (isOpen || identifier === this.#first - 1)) {
      this.#settle(identifier, 'proven');
      this.#settle(this.#sent.length, 'discarded');
    } else if (status !== shutdown && isOpen) {
      this.#settle(identifier - 1, 'proven');
      this.#settle(identifier, 'refused');
      this.#settle(this.#sent.length, 'discarded');
    } else {
      this.answers -= 1;
    }
    this.answers += 1;
  }

  /** All up to `identifier` that have no verdict yet. */
  #settle(identifier: number, state: NotificationState): void {
    for (; this.#first <= identifier; this.#first++) this.#sent[this.#first - 1]!.state = state;
  }

  #fault(what: string): void {
    this.#room.onFault(this.#link, what);
  }
}
