/**
 * Header fields of recipients as templates: `order-{{order}}` as a collapse id, `{{until}}` as an expiration. Owned by
 * a template; its memory is used for one run of rows after another. Main thread.
 */
import { apnsIdBytesOf } from '../../apns/apns-id.js';
import { maxBatchRecipients, maxCollapseIdBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { rowWords, theOption } from '../../base/wording.js';
import type { PersonalFields } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY } from '../../push/personal-fields.js';
import { type FieldContext, type OwnFields, ownFieldsOf } from '../recipients/own-fields.js';
import { cellText, type Rows, type TextColumn } from '../recipients/rows.js';
import { type Placeholder, parseTemplate, type TextTemplate } from './placeholders.js';

/** Texts with placeholders. What comes out empty is left to the message. */
export interface HeaderTemplateOptions {
  /** A UUID for each recipient. */
  readonly apnsId?: string;
  readonly collapseId?: string;
  /** As in a message: epoch seconds, ISO 8601, or a time from now. */
  readonly expiration?: string;
  /** 10, 5 or 1. */
  readonly priority?: string;
}

const names = ['apnsId', 'collapseId', 'expiration', 'priority'] as const;
/** Of the name of a column, in a sentence. */
const maxShownCharacters = 40;
type Name = (typeof names)[number];

/** In a mask, beside the bits of apns/personal-fields. */
export const OWN_APNS_ID = 8;

interface FieldText {
  readonly name: Name;
  readonly template: TextTemplate;
  /** What was read last, and what became of it: neighbours often say the same. */
  latest: { readonly text: string; readonly own: OwnFields | Uint8Array | string | null } | null;
}

/** The fields of the rows at hand, by row. */
export class HeaderTemplates {
  readonly #fields: readonly FieldText[];
  readonly masks = new Uint8Array(maxBatchRecipients);
  readonly #apnsIds = new Uint8Array(maxBatchRecipients * apnsIdBytes);
  readonly #expirations = new Uint32Array(maxBatchRecipients);
  readonly #priorities = new Uint8Array(maxBatchRecipients);
  readonly #collapseIds = new Uint8Array(maxBatchRecipients * maxCollapseIdBytes);
  readonly #collapseIdLengths = new Uint8Array(maxBatchRecipients);

  /** @throws PealError ERR_PEAL_PAYLOAD for placeholders that are not well-formed */
  constructor(options: HeaderTemplateOptions) {
    this.#fields = names
      .filter((name) => options[name] !== undefined)
      .map((name) => ({ name, template: parseTemplate(options[name]!, theOption(name)), latest: null }));
  }

  /** Whether no recipient brings a field of its own. */
  get isEmpty(): boolean {
    return this.#fields.length === 0;
  }

  /** The columns that are needed, each once. */
  get columns(): readonly string[] {
    return [...new Set(this.#placeholders.map(({ field }) => field))];
  }

  /** Those of them that have a default, each once. */
  get columnsWithDefault(): readonly string[] {
    return [...new Set(this.#placeholders.filter(({ fallback }) => fallback !== null).map(({ field }) => field))];
  }

  get #placeholders(): readonly Placeholder[] {
    return this.#fields.flatMap(({ template }) => template.placeholders);
  }

  /**
   * Reads the fields of one row.
   *
   * @returns null, or why they may not be sent: the rest of a sentence about the recipient
   */
  read(rows: Rows, index: number, context: FieldContext): string | null {
    this.masks[index] = 0;
    for (const field of this.#fields) {
      const text = fill(field.template, rows, index);
      if (text.why !== null) return text.why;
      if (text.text === '') continue;
      if (field.latest === null || field.latest.text !== text.text) {
        const own = readField(field.name, text.text, context);
        field.latest = { text: text.text, own: typeof own === 'string' ? inColumns(own, field.template) : own };
      }
      const { own } = field.latest;
      if (typeof own === 'string') return own;
      if (own !== null) this.#keep(index, own);
    }
    return null;
  }

  /** The 16 bytes of the apns-ids of these rows, all of which have one. */
  apnsIdsOf(indexes: ArrayLike<number>): Uint8Array {
    const ids = new Uint8Array(indexes.length * apnsIdBytes);
    for (let i = 0; i < indexes.length; i++) {
      const from = indexes[i]! * apnsIdBytes;
      ids.set(this.#apnsIds.subarray(from, from + apnsIdBytes), i * apnsIdBytes);
    }
    return ids;
  }

  /** The fields of these rows, which all have those of `mask`; null where it names none. */
  fieldsOf(indexes: ArrayLike<number>, mask: number): PersonalFields | null {
    if ((mask & ~OWN_APNS_ID) === 0) return null;
    const collapse = (mask & OWN_COLLAPSE_ID) === 0 ? null : this.#joinCollapseIds(indexes);
    return {
      expirations:
        (mask & OWN_EXPIRATION) === 0 ? null : Uint32Array.from(indexes, (index) => this.#expirations[index]!),
      priorities: (mask & OWN_PRIORITY) === 0 ? null : Uint8Array.from(indexes, (index) => this.#priorities[index]!),
      collapseIds: collapse?.bytes ?? null,
      collapseIdOffsets: collapse?.offsets ?? null,
    };
  }

  #keep(index: number, own: OwnFields | Uint8Array): void {
    if (own instanceof Uint8Array) {
      this.#apnsIds.set(own, index * apnsIdBytes);
      this.masks[index]! |= OWN_APNS_ID;
      return;
    }
    this.masks[index]! |= own.mask;
    if ((own.mask & OWN_EXPIRATION) !== 0) this.#expirations[index] = own.expiration;
    if ((own.mask & OWN_PRIORITY) !== 0) this.#priorities[index] = own.priority;
    if ((own.mask & OWN_COLLAPSE_ID) === 0) return;
    this.#collapseIdLengths[index] = own.collapseId.length;
    const start = index * maxCollapseIdBytes;
    for (let i = 0; i < own.collapseId.length; i++) this.#collapseIds[start + i] = own.collapseId.charCodeAt(i);
  }

  #joinCollapseIds(indexes: ArrayLike<number>): { bytes: Uint8Array; offsets: Uint32Array } {
    const offsets = new Uint32Array(indexes.length + 1);
    for (let i = 0; i < indexes.length; i++) offsets[i + 1] = offsets[i]! + this.#collapseIdLengths[indexes[i]!]!;
    const bytes = new Uint8Array(offsets[indexes.length]!);
    for (let i = 0; i < indexes.length; i++) {
      const start = indexes[i]! * maxCollapseIdBytes;
      bytes.set(this.#collapseIds.subarray(start, start + this.#collapseIdLengths[indexes[i]!]!), offsets[i]!);
    }
    return { bytes, offsets };
  }
}

/** `has in its column until an expiration that …`: what is said of a field, with the columns that it is made of. */
function inColumns(why: string, { placeholders }: TextTemplate): string {
  const columns = [...new Set(placeholders.map(({ field }) => escapeUnprintable(field, maxShownCharacters)))];
  if (columns.length === 0) return why;
  const where = columns.length === 1 ? `column ${columns[0]}` : `columns ${columns.join(', ')}`;
  return why.replace(/^has/, `has in its ${where}`);
}

/** The text of one row, or why it has none. */
function fill(
  { texts, placeholders }: TextTemplate,
  rows: Rows,
  index: number,
): { readonly text: string; readonly why: string | null } {
  let text = texts[0]!;
  for (let i = 0; i < placeholders.length; i++) {
    const { field, fallback } = placeholders[i]!;
    const column: TextColumn | undefined = rows.columns.get(field);
    const cell = column === undefined ? null : cellText(column, index);
    const value = cell ?? fallback;
    if (value === null) return { text: '', why: `has no ${field}, and the template has no default for it` };
    text += value + texts[i + 1]!;
  }
  return { text, why: null };
}

function readField(name: Name, text: string, context: FieldContext): OwnFields | Uint8Array | string | null {
  if (name === 'apnsId') return apnsIdBytesOf(text.trim()) ?? 'has an apnsId that is not a UUID';
  if (name === 'priority') {
    const priority = Number(text) as 10 | 5 | 1;
    return ownFieldsOf({ token: '', priority }, context, rowWords);
  }
  return ownFieldsOf(
    name === 'expiration' ? { token: '', expiration: text.trim() } : { token: '', collapseId: text },
    context,
    rowWords,
  );
}
