/**
 * A header block as texts for a program, collected while the request reader's fields visit it. Owned by one
 * connection's request reader, and used only with a request log, because it makes strings of everything.
 */
import type { FieldVisitor } from '../../codec/hpack/decoder.js';
import type { FieldNames } from '../../codec/hpack/field-names.js';
import { decodeText } from '../../codec/hpack/field-text.js';

export class HeaderTexts implements FieldVisitor {
  readonly #names: FieldNames;
  readonly #inner: FieldVisitor;
  #found = new Map<string, string>();

  /** @param inner Gets each field first. */
  constructor(names: FieldNames, inner: FieldVisitor) {
    this.#names = names;
    this.#inner = inner;
  }

  begin(): void {
    this.#found = new Map();
  }

  onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    this.#inner.onField(name, bytes, start, length, isHuffman);
    const field = this.#names.nameOf(name);
    if (field.startsWith(':')) return;
    const text = decodeText(bytes, start, length, isHuffman);
    const value = field === 'authorization' ? withoutSecret(text) : text;
    const before = this.#found.get(field);
    this.#found.set(field, before === undefined ? value : `${before}, ${value}`);
  }

  /** Returns what was found since `begin` in a new object, which does not change afterwards. */
  take(): Readonly<Record<string, string>> {
    return Object.freeze(Object.fromEntries(this.#found));
  }
}

/** Only the scheme of a credential. The rest is the right to push. */
function withoutSecret(authorization: string): string {
  return `${/^[A-Za-z]*/.exec(authorization)?.[0] ?? ''} …`;
}
