/**
 * Watches whether answers name the notification that they are for: APNs gives the apns-id of a request back. One that it
 * does not is the answer to something else, so that a gateway (or a proxy before it) mixes answers up, and no outcome of
 * that route can be relied on. Only rejections are looked at: what is accepted must not cost anything. Owned by a
 * shard's route, on the shard's thread.
 */
import { apnsIdBytes } from '../../apns/apns-id.js';
import type { Notification, PersonalParts } from '../../apns/notification.js';
import { hexOf } from '../../base/hex.js';
import type { Logger } from '../../base/log.js';

export class EchoedIds {
  readonly #log: Logger;
  readonly #fields: object;
  #mismatches = 0;

  /** @param fields name the route in the log */
  constructor(log: Logger, fields: object) {
    this.#log = log;
    this.#fields = fields;
  }

  /**
   * Compares the apns-id of an answer with that of the request, where both are there. Warns with both of them and the
   * number so far, for the first that differs, the tenth, the hundredth …
   */
  check(
    request: { readonly notification: Notification; readonly personal: PersonalParts | null },
    index: number,
    answered: string | null,
  ): void {
    if (answered === null) return;
    const sent = sentId(request.notification, request.personal, index);
    if (sent === null || digitsOf(sent) === digitsOf(answered)) return;
    this.#mismatches += 1;
    if (!/^10*$/.test(String(this.#mismatches))) return;
    this.#log.warn(
      { ...this.#fields, sent, answered, mismatches: this.#mismatches },
      'answer with the apns-id of another request',
    );
  }
}

/** Text, as sent but for hyphens; null where APNs was to make one. */
function sentId({ headers }: Notification, personal: PersonalParts | null, index: number): string | null {
  const ids = personal?.apnsIds ?? null;
  if (ids === null) return headers.find(([name]) => name === 'apns-id')?.[1] ?? null;
  return hexOf(ids.subarray(index * apnsIdBytes, (index + 1) * apnsIdBytes));
}

/** APNs may write an id in capitals that was sent in small letters. */
function digitsOf(id: string): string {
  return id.replaceAll('-', '').toLowerCase();
}
