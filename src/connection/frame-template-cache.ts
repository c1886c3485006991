/**
 * The frame templates of one binary connection: made when a notification is first sent over it, kept while it is in
 * use. Owned by BinaryConnection. Bounded: the one that was used longest ago goes first.
 */
import { templatesPerConnection } from '../base/limits.js';
import { FrameTemplate } from '../codec/binary/index.js';
import type { RequestRun } from './request-source.js';

export class FrameTemplateCache {
  /** Oldest use first. */
  readonly #templates = new Map<number, FrameTemplate>();
  #lastKey = -1;
  #last: FrameTemplate | null = null;

  /** @throws PealError for a notification that the binary protocol cannot carry. */
  templateFor(run: RequestRun): FrameTemplate {
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

  #make(run: RequestRun): FrameTemplate {
    if (this.#templates.size >= templatesPerConnection) {
      const oldest = this.#templates.keys().next();
      if (oldest.done !== true) this.#templates.delete(oldest.value);
    }
    const { tokenBytes } = run.tokens;
    return new FrameTemplate(run.notification, { tokenBytes, hasPersonalPayloads: hasPersonalPayloads(run) });
  }
}

/** Token lengths are at most 100 bytes, so the parts do not overlap. */
function keyOf(run: RequestRun): number {
  return (run.notificationId * 128 + run.tokens.tokenBytes) * 2 + (hasPersonalPayloads(run) ? 1 : 0);
}

function hasPersonalPayloads({ personal }: RequestRun): boolean {
  return personal !== null && personal.payloads !== null;
}
