/**
 * What one connection has laid out for each kind of run: made with the first run of its kind, and kept for the next
 * ones. Owned by Http2Connection and BinaryConnection. Bounded: the template that was used longest ago gives way.
 */
import { assert } from '../base/assert.js';
import { maxTextTokenBytes, templatesPerConnection } from '../base/limits.js';
import { fieldMask, fieldMasks } from '../push/personal-fields.js';
import type { RequestRun } from './request-source.js';

export class TemplateCache<Template> {
  readonly #make: (run: RequestRun) => Template;
  /** Oldest use first. */
  readonly #templates = new Map<number, Template>();
  #lastKey = -1;
  #last: Template | null = null;

  /** `make` may throw for a notification that the protocol cannot carry. */
  constructor(make: (run: RequestRun) => Template) {
    this.#make = make;
  }

  /** @throws what `make` throws */
  templateFor(run: RequestRun): Template {
    const key = keyOf(run);
    if (key === this.#lastKey && this.#last !== null) return this.#last;
    const template = this.#templates.get(key) ?? this.#made(run);
    if (!this.#templates.delete(key)) this.#makeRoom();
    this.#templates.set(key, template);
    this.#lastKey = key;
    this.#last = template;
    return template;
  }

  #made(run: RequestRun): Template {
    assert(run.tokens.tokenBytes < tokenLengths, 'a key has room for the token length beside its other parts');
    return this.#make(run);
  }

  /** Something that all of them hold has changed: they are made anew. */
  clear(): void {
    this.#templates.clear();
    this.#last = null;
  }

  #makeRoom(): void {
    if (this.#templates.size < templatesPerConnection) return;
    const oldest = this.#templates.keys().next();
    if (oldest.done !== true) this.#templates.delete(oldest.value);
  }
}

/** Personal parts that runs of one kind have. */
export function personalKinds({ personal }: RequestRun): {
  hasPersonalIds: boolean;
  hasPersonalPayloads: boolean;
  ownFields: number;
} {
  return {
    ownFields: fieldMask(personal?.fields),
    hasPersonalIds: personal !== null && personal.apnsIds !== null,
    hasPersonalPayloads: personal !== null && personal.payloads !== null,
  };
}

/** Token lengths that a key tells apart, from 0. */
const tokenLengths = 2 * maxTextTokenBytes;

function keyOf(run: RequestRun): number {
  let kinds = 0;
  if (run.personal !== null) kinds = (run.personal.apnsIds === null ? 0 : 1) + (run.personal.payloads === null ? 0 : 2);
  return (
    ((run.notificationId * tokenLengths + run.tokens.tokenBytes) * fieldMasks + fieldMask(run.personal?.fields)) * 4 +
    kinds
  );
}
