/**
 * The request templates of one connection: made when a notification is first sent over it, kept while it is in use.
 * Owned by Http2Connection. Bounded: the one that was used longest ago goes first.
 */
import { templatesPerConnection } from '../base/limits.js';
import type { ClientConnection, RequestTemplate } from '../codec/http2/index.js';
import type { RequestRun } from './request-source.js';

export class TemplateCache {
  readonly #codec: ClientConnection;
  /** Oldest use first. */
  readonly #templates = new Map<number, RequestTemplate>();
  #providerToken: string | null = null;
  #lastKey = -1;
  #last: RequestTemplate | null = null;

  constructor(codec: ClientConnection) {
    this.#codec = codec;
  }

  /** Templates hold the provider token: with another one they are all made anew. */
  setProviderToken(token: string | null): void {
    if (token === this.#providerToken) return;
    this.#providerToken = token;
    this.#templates.clear();
    this.#last = null;
  }

  templateFor(run: RequestRun): RequestTemplate {
    const key = keyOf(run);
    if (key === this.#lastKey && this.#last !== null) return this.#last;
    let template = this.#templates.get(key);
    if (template === undefined) template = this.#make(run);
    else this.#templates.delete(key);
    this.#templates.set(key, template);
    this.#lastKey = key;
    this.#last = template;
    return template;
  }

  #make(run: RequestRun): RequestTemplate {
    if (this.#templates.size >= templatesPerConnection) {
      const oldest = this.#templates.keys().next();
      if (oldest.done !== true) this.#templates.delete(oldest.value);
    }
    return this.#codec.template(run.notification, {
      tokenBytes: run.tokens.tokenBytes,
      providerToken: this.#providerToken,
      hasPersonalIds: run.personal !== null && run.personal.apnsIds !== null,
      hasPersonalPayloads: run.personal !== null && run.personal.payloads !== null,
    });
  }
}

/** Token lengths are at most 100 bytes, so the parts do not overlap. */
function keyOf(run: RequestRun): number {
  let kinds = 0;
  if (run.personal !== null) kinds = (run.personal.apnsIds === null ? 0 : 1) + (run.personal.payloads === null ? 0 : 2);
  return (run.notificationId * 128 + run.tokens.tokenBytes) * 4 + kinds;
}
