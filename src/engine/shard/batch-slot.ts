/**
 * One slot of a shard: its batch, the recipients that wait, and the details of the others. The ledger bytes are shared
 * with the dispatcher. A slot is made once and used for one batch after another, so that a batch allocates nothing but
 * its views of tokens and ledger. Owned by the shard; read by pools as the run to send from. On the shard's thread.
 */
import { assert } from '../../base/assert.js';
import type { TimerHandle } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import { maxBatchRecipients } from '../../base/limits.js';
import type { RequestRun } from '../../connection/request-source.js';
import type { Notification, PersonalParts } from '../../push/notification.js';
import { TokenBlock } from '../../push/token-block.js';
import type { OutcomeDetail } from '../batch.js';
import type { RejectionNotes } from '../ledger.js';
import { LedgerSheet, QUEUED } from '../ledger.js';
import type { BatchMessage } from '../messages.js';
import type { NotificationState } from './notification-state.js';

/** Room of the smallest slot. Others have a power of two. */
const leastRoom = 16;
const noTokens = new TokenBlock(new Uint8Array(0), 1, 0);
const noSheet = new LedgerSheet(new SharedArrayBuffer(0));

/**
 * The room of a slot follows the first batch in it, because a service may have thousands of small batches under way.
 * `order` is filled from its end, so that its waiting part always is `order[head] … order[order.length - 1]`:
 *
 *   order [ . . . . . 0 1 2 3 4 ]      a batch of five        [ . . . . . . . 2 3 4 ]     two taken
 *                     ▲ head                                                ▲ head
 *         [ . . . . . . 1 2 3 4 ]      recipient 1 came back
 *                       ▲ head
 */
export class BatchSlot implements RequestRun {
  readonly slot: number;
  readonly tagBase: number;
  /** The most recipients that a batch in it may have. */
  readonly room: number;
  readonly order: Uint16Array;
  /** How many retries each recipient has had. */
  readonly attempts: Uint8Array;
  head: number;
  /** A byte for each recipient, by index; empty while the slot is free. */
  ledger: Uint8Array = noSheet.bytes;
  tokens: TokenBlock = noTokens;
  personal: PersonalParts | null = null;
  isRetry = false;
  /** Limit of its beginning, counted from the arrival of the batch; null: no limit. */
  beginWithinMs: number | null = null;
  /** The notification being sent, or null while the slot is free. */
  state: NotificationState | null = null;
  /** Recipients that this shard has to send to; those without an outcome; those with another outcome than accepted. */
  due = 0;
  remaining = 0;
  notAccepted = 0;
  details: OutcomeDetail[] = [];
  /** Ids of accepted recipients by index; null until one comes, and always null if ids are not kept. */
  ids: { readonly apnsIds: (string | null)[]; readonly apnsUniqueIds: (string | null)[] } | null = null;
  /** Why recipients are unsent or unknown: the latest cause; null after a cancellation alone. */
  cause: PealError | null = null;
  /** Fires when no further request may begin. Kept by ShardRoute. */
  endTimer: TimerHandle | null = null;
  /** The time to begin is over: recipients that come back unsent are not sent to again. */
  isOver = false;
  /** Recipients whose outcomes are to be told, and the details of those that were rejected. Kept by ShardRoute. */
  told: number[] = [];
  toldDetails: OutcomeDetail[] = [];
  /** Kept by SlotQueue. */
  isQueued = false;
  #buffer: ArrayBuffer | null = null;
  #sheet = noSheet;
  #hasAttempts = false;
  /** How often the stream of each recipient was refused; null if none was. */
  #refusals: Uint8Array | null = null;
  /** Recipients that were withdrawn: if they come back, they are not sent to again. Null if there are none. */
  #withdrawn: Set<number> | null = null;

  /** With room for `count` recipients or a few more. */
  constructor(slot: number, count: number = maxBatchRecipients) {
    this.slot = slot;
    this.tagBase = slot * maxBatchRecipients;
    this.room = Math.max(leastRoom, 2 ** Math.ceil(Math.log2(count)));
    this.order = new Uint16Array(this.room);
    this.attempts = new Uint8Array(this.room);
    this.head = this.room;
  }

  get notification(): Notification {
    return this.state!.notification;
  }

  get notificationId(): number {
    return this.state!.id;
  }

  get keepsIds(): boolean {
    return this.state!.keepsIds;
  }

  get tells(): boolean {
    return this.state!.tells;
  }

  get isTimed(): boolean {
    return this.state!.latencies !== null;
  }

  /** Keeps the ids in an answer 200. */
  keepIds(index: number, apnsId: string | null, apnsUniqueId: string | null): void {
    const { count } = this.tokens;
    this.ids ??= { apnsIds: new Array(count).fill(null), apnsUniqueIds: new Array(count).fill(null) };
    this.ids.apnsIds[index] = apnsId;
    this.ids.apnsUniqueIds[index] = apnsUniqueId;
  }

  /** Recipients that wait to be written. */
  get waiting(): number {
    return this.room - this.head;
  }

  /** Recipients accepted so far. */
  get accepted(): number {
    return this.due - this.remaining - this.notAccepted;
  }

  /** Details of rejections that the ledger byte has no room for, by index. */
  get notes(): RejectionNotes {
    return this.#sheet.notes;
  }

  /** Takes a batch. Only recipients that are QUEUED in its ledger are to be sent to. */
  begin(message: BatchMessage, state: NotificationState): void {
    assert(this.state === null, 'a slot holds one batch at a time');
    const { buffer, tokenBytes, count } = message;
    this.#sheet = new LedgerSheet(message.ledger);
    const ledger = this.#sheet.bytes;
    this.ledger = ledger;
    this.tokens = new TokenBlock(new Uint8Array(buffer, 0, count * tokenBytes), tokenBytes, count);
    this.personal = message.personal;
    this.isRetry = message.isRetry;
    this.beginWithinMs = message.beginWithinMs;
    this.isOver = false;
    this.state = state;
    state.begin(this);
    this.#buffer = buffer;
    assert(count <= this.room, 'a batch comes to a slot with room for it');
    let head = this.room;
    for (let index = count - 1; index >= 0; index--) {
      if (ledger[index] === QUEUED) this.order[--head] = index;
    }
    this.head = head;
    this.due = this.room - head;
    this.remaining = this.due;
    this.notAccepted = 0;
    if (this.#hasAttempts) this.attempts.fill(0);
    this.#hasAttempts = false;
    this.#refusals = null;
    this.#withdrawn = null;
  }

  /** Counts another attempt for a recipient and returns its number of attempts. */
  countAttempt(index: number): number {
    this.#hasAttempts = true;
    this.attempts[index]! += 1;
    return this.attempts[index]!;
  }

  /** Counts another refused stream of a recipient and returns its number of refusals. */
  countRefusal(index: number): number {
    this.#refusals ??= new Uint8Array(this.tokens.count);
    this.#refusals[index]! += 1;
    return this.#refusals[index]!;
  }

  /** Puts a recipient back, in front of all that wait. */
  requeue(index: number): void {
    assert(this.head > 0, 'a recipient comes back to the room that it left');
    this.head -= 1;
    this.order[this.head] = index;
  }

  /** Takes a recipient out of those that wait. Returns false if it does not wait. */
  withdraw(index: number): boolean {
    const { order, head } = this;
    const at = order.indexOf(index, head);
    this.#withdrawn ??= new Set();
    this.#withdrawn.add(index);
    if (at === -1) return false;
    order.copyWithin(head + 1, head, at);
    this.head += 1;
    return true;
  }

  isWithdrawn(index: number): boolean {
    return this.#withdrawn?.has(index) === true;
  }

  /** Moves the first `share` (0 to below 1) of the waiting recipients behind the others. */
  skip(share: number): void {
    const waiting = this.order.subarray(this.head);
    const skipped = waiting.slice(0, Math.floor(share * waiting.length));
    waiting.copyWithin(0, skipped.length);
    waiting.set(skipped, waiting.length - skipped.length);
  }

  /** They are told, or come with the settled batch. The arrays went into a message. */
  forgetTold(): void {
    this.told = [];
    this.toldDetails = [];
  }

  /** Empties the slot after all its recipients have their outcomes, and returns the batch's buffer. */
  end(): ArrayBuffer {
    const buffer = this.#buffer;
    assert(buffer !== null, 'a batch is settled once');
    assert(this.remaining === 0 && !this.isQueued, 'a batch is settled when nothing of it waits or is in flight');
    this.state!.settled(this);
    this.#buffer = null;
    this.#sheet = noSheet;
    this.ledger = noSheet.bytes;
    this.tokens = noTokens;
    this.personal = null;
    this.state = null;
    this.details = [];
    this.ids = null;
    this.cause = null;
    // The last outcome has no entry in `told`, because it comes with the settled batch, but its detail may be there.
    if (this.told.length > 0 || this.toldDetails.length > 0) this.forgetTold();
    return buffer;
  }
}
