/**
 * Checks that answers carry the apns-id of their request. An answer with another id means that a gateway (or a proxy
 * before it) mixes answers up, and then no outcome of that route can be trusted. Only rejections are checked, because
 * accepted recipients must cost nothing. Owned by a shard's route, on the shard's thread.
 */
import { hexOf } from '../../base/hex.js';
import type { Logger } from '../../base/log.js';
import type { Notification, PersonalParts } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';

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
   * Compares the apns-id of an answer with that of the request, if both are known. Warns with both ids and the count so
   * far at the first mismatch, the tenth, the hundredth …
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

/** The id as it was sent, but without hyphens; null if APNs was to make one. */
function sentId({ headers }: Notification, personal: PersonalParts | null, index: number): string | null {
  const ids = personal?.apnsIds ?? null;
  if (ids === null) return headers.find(([name]) => name === 'apns-id')?.[1] ?? null;
  return hexOf(ids.subarray(index * apnsIdBytes, (index + 1) * apnsIdBytes));
}

/** Compared in lower case, because APNs may answer in capitals. */
function digitsOf(id: string): string {
  return id.replaceAll('-', '').toLowerCase();
}
