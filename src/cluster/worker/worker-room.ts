/**
 * How much this process may have under way: one window of recipients that are noted and have no outcome, for all slices
 * that it has, and its share of each campaign's limit. Slices reserve what they are about to note. Main thread.
 */
import type { Clock } from '../../base/clock.js';
import { DispatchWindow } from '../../campaign/journal/dispatch-window.js';

/** A slice that this process sends. */
export interface RoomMember {
  readonly campaign: string;
  /** Recipients that are noted and have no outcome. */
  readonly underWay: number;
  /** Something may be possible that was not. */
  wake(): void;
}

export class WorkerRoom {
  readonly #clock: Clock;
  readonly #window = new DispatchWindow();
  readonly #members = new Set<RoomMember>();
  readonly #reserved = new Map<RoomMember, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Recipients that are noted and have no outcome, or are about to be noted. */
  get underWay(): number {
    return this.#sum(() => true);
  }

  get window(): number {
    return this.#window.recipients;
  }

  join(member: RoomMember): void {
    this.#members.add(member);
  }

  leave(member: RoomMember): void {
    this.#members.delete(member);
    this.#reserved.delete(member);
    this.wake();
  }

  /** A connection stands, or something was answered. */
  noteConnected(): void {
    this.#window.open();
  }

  /**
   * Reserves recipients for a slice, in place of what it had reserved; the next call of `note` gives them back.
   *
   * @param wanted as many at most
   * @param share recipients of the campaign that may be under way in this process
   * @returns how many; 0 where others have to come back first
   */
  reserve(member: RoomMember, wanted: number, share: number): number {
    this.#reserved.delete(member);
    const ofCampaign = this.#sum(({ campaign }) => campaign === member.campaign);
    const room = Math.min(wanted, this.#window.room(this.underWay), share - ofCampaign);
    if (room <= 0) return 0;
    this.#reserved.set(member, room);
    return room;
  }

  /** What was reserved is noted now, or was not needed. */
  release(member: RoomMember): void {
    this.#reserved.delete(member);
  }

  /**
   * Called when recipients are about to be handed to the engine.
   *
   * @param queued recipients that the engine has, and has not written yet
   */
  sample(queued: number): void {
    this.#window.sample(queued, this.#clock.now());
  }

  wake(): void {
    for (const member of this.#members) member.wake();
  }

  #sum(belongs: (member: RoomMember) => boolean): number {
    let sum = 0;
    for (const member of this.#members) {
      if (belongs(member)) sum += member.underWay + (this.#reserved.get(member) ?? 0);
    }
    return sum;
  }
}
