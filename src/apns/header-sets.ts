/**
 * Checked header fields, found again by value: messages that go to the same topic as the same push type hold the same
 * array, and so a sender finds what it has made of the array by identity. Fields that usually differ from message to
 * message (priority, expiration, collapse id, apns-id) stand apart from it. Filled and asked by headers, main thread.
 *
 * An array that was not asked for again for a while is forgotten. The next message with these fields has another one.
 */
import { maxHeaderSets } from '../base/limits.js';
import type { HeaderField } from '../push/notification.js';
import { isPushType, type PushType } from './push-type.js';

/** The fields that a message has for itself. */
export interface OwnHeaders {
  /** Epoch seconds; 0: one attempt; null: left to APNs. */
  readonly expiration: number | null;
  /** 10, 5 or 1; null: left to APNs. */
  readonly priority: number | null;
  readonly collapseId: string | null;
  /** A UUID in lower case. */
  readonly apnsId: string | null;
}

/** The fields that messages share. */
export class HeaderSet {
  /** Topic, push type and further fields, as far as they were given, in this order. Frozen. */
  readonly fields: readonly HeaderField[];
  /** The push type among them; null without one, or if it is not known. */
  readonly pushType: PushType | null;
  readonly topic: string | null;
  /** How many fields stand before a message's own. */
  readonly #lead: number;
  /** All fields by priority, for messages that have no other field of their own. Slot 0: without a priority. */
  readonly #byPriority: (readonly HeaderField[] | undefined)[] = [];

  /** All values have been checked. */
  constructor(topic: string | undefined, pushType: PushType | null, further: readonly HeaderField[]) {
    const fields: HeaderField[] = [];
    if (topic !== undefined) fields.push(['apns-topic', topic]);
    if (pushType !== null) fields.push(['apns-push-type', pushType]);
    this.#lead = fields.length;
    this.fields = frozen([...fields, ...further]);
    const givenType = further.find(([name]) => name === 'apns-push-type')?.[1];
    this.pushType = pushType ?? (isPushType(givenType) ? givenType : null);
    this.topic = topic ?? null;
  }

  /**
   * Returns all fields of a message in the order in which they are sent: its own stand before further fields. Frozen.
   */
  with(own: OwnHeaders): readonly HeaderField[] {
    if (own.expiration !== null || own.collapseId !== null || own.apnsId !== null) return this.#join(own);
    this.#byPriority[own.priority ?? 0] ??= this.#join(own);
    return this.#byPriority[own.priority ?? 0]!;
  }

  #join({ priority, expiration, collapseId, apnsId }: OwnHeaders): readonly HeaderField[] {
    const fields = this.fields.slice(0, this.#lead);
    if (priority !== null) fields.push(['apns-priority', String(priority)]);
    if (expiration !== null) fields.push(['apns-expiration', String(expiration)]);
    if (collapseId !== null) fields.push(['apns-collapse-id', collapseId]);
    if (apnsId !== null) fields.push(['apns-id', apnsId]);
    for (let i = this.#lead; i < this.fields.length; i++) fields.push(this.fields[i]!);
    return frozen(fields);
  }
}

function frozen(fields: HeaderField[]): readonly HeaderField[] {
  for (const field of fields) Object.freeze(field);
  return Object.freeze(fields);
}

/** What is known of a topic. */
interface KnownTopic {
  /** The push type that it implies (`pushTypeOfTopic`). */
  readonly implied: PushType | null;
  /** The sets without further fields; `none` stands for a set without a push type. At most one for each push type. */
  readonly sets: Map<PushType | 'none', HeaderSet>;
}

/** Holds what was asked for last: at least `size / 2` entries, and at most `size`. */
class RecentMap<K, V> {
  readonly #half: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(size: number) {
    this.#half = size >> 1;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old);
    return old;
  }

  /** `key` is new. */
  set(key: K, value: V): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}

export class HeaderSets {
  readonly #topics: RecentMap<string | undefined, KnownTopic>;
  /** The sets with further fields. */
  readonly #further: RecentMap<string, HeaderSet>;

  constructor(size: number = maxHeaderSets) {
    this.#topics = new RecentMap(size >> 1);
    this.#further = new RecentMap(size >> 1);
  }

  /** How many topics, and sets with further fields, are kept. */
  get size(): number {
    return this.#topics.size + this.#further.size;
  }

  /** Returns what is known of a topic, or undefined. A topic that is known has been checked; undefined: no topic. */
  topic(topic: string | undefined): KnownTopic | undefined {
    return this.#topics.get(topic);
  }

  /**
   * Returns the set with these fields, or undefined.
   *
   * @param topic need not be checked: a set is kept only once its topic has been checked
   * @param known what `topic` returned for it
   */
  find(
    topic: unknown,
    pushType: PushType | null,
    further: readonly HeaderField[],
    known: KnownTopic | undefined,
  ): HeaderSet | undefined {
    if (further.length === 0) return known?.sets.get(pushType ?? 'none');
    const isText = topic === undefined || typeof topic === 'string';
    return isText ? this.#further.get(keyOf(topic, pushType, further)) : undefined;
  }

  /**
   * Keeps a set that was not found.
   *
   * @param implied the push type that the topic implies
   */
  add(
    topic: string | undefined,
    pushType: PushType | null,
    further: readonly HeaderField[],
    implied: PushType | null,
  ): HeaderSet {
    const set = new HeaderSet(topic, pushType, further);
    if (further.length > 0) {
      this.#further.set(keyOf(topic, pushType, further), set);
      return set;
    }
    const known = this.#topics.get(topic);
    if (known !== undefined) known.sets.set(pushType ?? 'none', set);
    else this.#topics.set(topic, { implied, sets: new Map([[pushType ?? 'none', set]]) });
    return set;
  }
}

/**
 * Further fields and push types have been checked, so no line feed is in them. The topic comes last: whatever it
 * holds, two keys are the same only for the same fields.
 */
function keyOf(topic: string | undefined, pushType: PushType | null, further: readonly HeaderField[]): string {
  let key = `${pushType ?? 'none'}\n${further.length}`;
  for (const [name, value] of further) key += `\n${name}\n${value}`;
  return topic === undefined ? key : `${key}\n${topic}`;
}
