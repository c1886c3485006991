/**
 * What is said to each recipient: a payload with `{{fields}}`, variants of it by a column, and header fields of the
 * recipient's own. Compiled once; then it turns rows into batches. Made by programs; used by sends, on the main thread.
 */
import { inspect } from 'node:util';
import type { RawPayload } from '../../apns/payload.js';
import { pushTypeOfContent } from '../../apns/payload-content.js';
import { type PushType, ruleOf } from '../../apns/push-type.js';
import { assert } from '../../base/assert.js';
import { maxBatchRecipients, maxBinaryPayloadBytes, maxOwnFcmMessageBytes } from '../../base/limits.js';
import {
  checkOptions,
  choice,
  filledText,
  flag,
  type OptionRules,
  optionError,
  test,
  text,
  unchecked,
} from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { theOption } from '../../base/wording.js';
import type { Protocol } from '../../push/address.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import type { FieldContext } from '../recipients/own-fields.js';
import { type RenderedRows, RowBatch, type UnfitRow } from '../recipients/row-batch.js';
import { cellText, type Rows, type TextColumn } from '../recipients/rows.js';
import { type HeaderTemplateOptions, HeaderTemplates, OWN_APNS_ID } from './header-templates.js';
import { apnsForm, fcmForms, type PayloadForm } from './payload-form.js';
import { PayloadBuffer, PayloadTemplate } from './payload-template.js';
import { templateError } from './placeholders.js';

export interface TemplateOptions extends HeaderTemplateOptions {
  /**
   * The push service that its payloads are for. Default `apns`. With `fcm` each payload is a whole message of the HTTP
   * v1 API without its recipient, and the header fields below stand within it.
   */
  readonly service?: 'apns' | 'fcm';
  /** FCM checks the messages, and delivers them to nobody: as `dryRun` of the FcmMessage. Default false. */
  readonly dryRun?: boolean;
  /**
   * The payload of recipients for whom no variant is meant: plain data, or JSON as text or UTF-8, with placeholders.
   */
  readonly payload?: RawPayload;
  /** Payloads by what stands in `variantColumn`: `{ de: …, fr: … }`. */
  readonly variants?: Readonly<Record<string, RawPayload>>;
  /** The column that chooses among `variants`. A recipient with none of them gets `payload`, or is invalid. */
  readonly variantColumn?: string;
}

/** Variants that a sentence names. */
const maxShownVariants = 8;

const rules: OptionRules = {
  service: choice('apns', 'fcm'),
  dryRun: flag,
  payload: unchecked,
  variants: test('an object of payloads', (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)),
  variantColumn: filledText(1000),
  apnsId: text(1000),
  collapseId: text(1000),
  expiration: text(1000),
  priority: text(1000),
};

export class Template {
  /**
   * What it was made of, for a digest of it.
   *
   * @internal for campaigns
   */
  readonly source: TemplateOptions;
  /** The default first, if there is one; then the variants. */
  readonly #payloads: readonly PayloadTemplate[];
  readonly #default: PayloadTemplate | null;
  readonly #variants: ReadonlyMap<string, PayloadTemplate>;
  readonly #variantColumn: string | null;
  readonly #headers: HeaderTemplates;
  readonly #form: PayloadForm;
  readonly #buffer = new PayloadBuffer();
  readonly #offsets = new Uint32Array(maxBatchRecipients + 1);
  readonly #kept = new Uint16Array(maxBatchRecipients);

  /**
   * @throws PealError ERR_PEAL_OPTION for an unknown option or variants without their column; ERR_PEAL_PAYLOAD for a
   *   payload
   * that could not be sent whatever the fields are, or placeholders that are not well-formed
   */
  constructor(options: TemplateOptions) {
    checkOptions({ name: 'Template' }, options, rules);
    const { payload, variants, variantColumn } = options;
    this.source = options;
    if ((variants === undefined) !== (variantColumn === undefined)) {
      throw optionError(
        `The options ${theOption('variants')} and ${theOption('variantColumn')} of Template come together.`,
      );
    }
    this.#form = formOf(options);
    this.#default = payload === undefined ? null : new PayloadTemplate(payload, this.#form);
    this.#variants = new Map(
      Object.entries(variants ?? {}).map(([name, variant]) => [name, new PayloadTemplate(variant, this.#form)]),
    );
    this.#variantColumn = variantColumn ?? null;
    this.#payloads = [...(this.#default === null ? [] : [this.#default]), ...this.#variants.values()];
    this.#headers = new HeaderTemplates(options);
  }

  /** The columns that it needs, each once: recipients without one of them get its default, or are invalid. */
  get columns(): readonly string[] {
    const variant = this.#variantColumn === null ? [] : [this.#variantColumn];
    const all = [...variant, ...this.#payloads.flatMap(({ fields }) => fields), ...this.#headers.columns];
    return [...new Set(all)];
  }

  /**
   * How many of the rows at `indexes` (null: all) get the default of a column, by column: all that have one, in their
   * order. Each row has to be one that was rendered.
   *
   * @internal for dry runs
   */
  countDefaults(rows: Rows, indexes: Uint16Array | null, counts: Map<string, number>): void {
    const columns = new Map<PayloadTemplate | null, readonly string[]>([[null, this.#headers.columnsWithDefault]]);
    for (const payload of this.#payloads) {
      columns.set(payload, [...new Set([...payload.fieldsWithDefault, ...this.#headers.columnsWithDefault])]);
    }
    const all = [...this.#payloads.flatMap((payload) => columns.get(payload)!), ...columns.get(null)!];
    for (const name of all) if (!counts.has(name)) counts.set(name, 0);
    for (const index of indexes ?? allRows.subarray(0, rows.count)) {
      for (const name of columns.get(this.#renderedWith(rows, index))!) {
        const column = rows.columns.get(name);
        if (column === undefined || isEmptyCell(column, index)) counts.set(name, counts.get(name)! + 1);
      }
    }
  }

  /** The payload that a row was rendered with; null where it gets the message's. */
  #renderedWith(rows: Rows, index: number): PayloadTemplate | null {
    if (!this.hasPayloads) return null;
    const payload = this.#variantColumn === null ? this.#default : this.#payloadFor(rows, index);
    assert(payload !== null && typeof payload !== 'string', 'a row that was rendered has a payload');
    return payload;
  }

  /** @internal Whether recipients get payloads made by it; else the message's. */
  get hasPayloads(): boolean {
    return this.#payloads.length > 0;
  }

  /** The push type that its payloads ask for; null where it has none, or they differ. */
  get pushType(): PushType | null {
    const types = new Set(this.#payloads.map(({ content }) => (content === null ? null : pushTypeOfContent(content))));
    return types.size === 1 ? [...types][0]! : null;
  }

  /**
   * @internal Throws PealError ERR_PEAL_PAYLOAD where its payloads are for another service than a message with these
   *   parts.
   */
  checkFor({ encoding, dryRun = false }: Pick<CompiledMessage, 'encoding' | 'dryRun'>): void {
    if (!this.hasPayloads) return;
    if (this.#form.encoding !== encoding) {
      const service = encoding === 'text' ? 'fcm' : 'apns';
      const rule = `${theOption('service')} of the template has to be '${service}', as the message is for that service.`;
      throw templateError(rule);
    }
    if (this.#form.dryRun === dryRun) return;
    throw templateError(`${theOption('dryRun')} of the template has to be ${dryRun}, as that of the message is.`);
  }

  /** @internal Throws PealError ERR_PEAL_PAYLOAD where a payload of its does not go with the push type. */
  check(pushType: PushType): void {
    for (const payload of this.#payloads) payload.check(pushType);
  }

  /**
   * Turns rows into batches, one for each set of header fields that recipients bring.
   *
   * @param context what the message and the way of it allow
   * @param due the rows that are to be sent, by index, in rising order. Default: all
   * @internal for sends
   */
  render(rows: Rows, context: FieldContext, due: Uint16Array = allRows.subarray(0, rows.count)): RenderedRows {
    const invalid: UnfitRow[] = [];
    if (this.#headers.isEmpty) return { batches: this.#renderAll(rows, due, 0, context, invalid), invalid };
    const byMask = new Map<number, number[]>();
    for (const index of due) {
      const why = this.#headers.read(rows, index, context);
      if (why !== null) {
        invalid.push({ index, why });
        continue;
      }
      const mask = this.#headers.masks[index]!;
      const same = byMask.get(mask);
      if (same === undefined) byMask.set(mask, [index]);
      else same.push(index);
    }
    const batches = [...byMask].flatMap(([mask, indexes]) =>
      this.#renderAll(rows, Uint16Array.from(indexes), mask, context, invalid),
    );
    return { batches, invalid: invalid.sort((a, b) => a.index - b.index) };
  }

  /** Shows its columns, and nothing that is said. */
  [inspect.custom](): string {
    return `Template [ ${this.columns.join(', ')} ]`;
  }

  /** The rows at `indexes`, all of which bring the fields of `mask`. No batch, or one. */
  #renderAll(
    rows: Rows,
    indexes: Uint16Array,
    mask: number,
    { pushType, protocol }: FieldContext,
    invalid: UnfitRow[],
  ): RowBatch[] {
    const kept = this.hasPayloads
      ? this.#writePayloads(rows, indexes, maxPayloadBytesOf(pushType, protocol), invalid)
      : indexes;
    if (kept.length === 0) return [];
    const payloads = this.hasPayloads ? this.#buffer.bytes.slice(0, this.#buffer.length) : null;
    const payloadOffsets = this.hasPayloads ? this.#offsets.slice(0, kept.length + 1) : null;
    const apnsIds = (mask & OWN_APNS_ID) === 0 ? null : this.#headers.apnsIdsOf(kept);
    const personal = { apnsIds, payloads, payloadOffsets, fields: this.#headers.fieldsOf(kept, mask) };
    return [new RowBatch(rows, kept.length === rows.count ? null : kept.slice(), personal)];
  }

  /** Writes the payloads into the buffer; returns the rows that have one. */
  #writePayloads(rows: Rows, indexes: Uint16Array, maxBytes: number, invalid: UnfitRow[]): Uint16Array {
    const buffer = this.#buffer;
    const columns = new Map<PayloadTemplate, readonly (TextColumn | null)[]>(
      this.#payloads.map((payload) => [payload, payload.columnsOf(rows)]),
    );
    const only = this.#variantColumn === null ? this.#default : null;
    const onlyColumns = only === null ? null : columns.get(only)!;
    let kept = 0;
    buffer.length = 0;
    for (let at = 0; at < indexes.length; at++) {
      const index = indexes[at]!;
      const payload = only ?? this.#payloadFor(rows, index);
      const start = buffer.length;
      const why =
        typeof payload === 'string' ? payload : payload.write(onlyColumns ?? columns.get(payload)!, index, buffer);
      const length = buffer.length - start;
      if (why !== null || length > maxBytes) {
        buffer.length = start;
        invalid.push({ index, why: why ?? `has a payload of ${length} bytes, and ${maxBytes} are allowed` });
        continue;
      }
      this.#kept[kept++] = index;
      this.#offsets[kept] = buffer.length;
    }
    return this.#kept.subarray(0, kept);
  }

  /** The payload that is meant for a row, or why there is none. */
  #payloadFor(rows: Rows, index: number): PayloadTemplate | string {
    const cells = rows.columns.get(this.#variantColumn!);
    const name = cells === undefined ? null : cellText(cells, index);
    const variant = name === null ? undefined : this.#variants.get(name);
    if (variant !== undefined) return variant;
    if (this.#default !== null) return this.#default;
    const column = escapeUnprintable(this.#variantColumn!, 40);
    if (name === null) return `has no ${column}, and there is no payload for those without a variant`;
    const names = [...this.#variants.keys()].slice(0, maxShownVariants).map((one) => escapeUnprintable(one, 40));
    const all = `${names.join(', ')}${this.#variants.size > names.length ? ', …' : ''}`;
    return `has a ${column} that is not the name of a variant (${all}), and there is no payload for the others`;
  }
}

/** The form of the payloads. Throws PealError ERR_PEAL_OPTION for options of another service. */
function formOf(options: TemplateOptions): PayloadForm {
  if (options.service !== 'fcm') {
    if (options.dryRun !== true) return apnsForm;
    throw optionError(`${theOption('dryRun')} of Template is for FCM: APNs has no such thing.`);
  }
  const field = headerFields.find((name) => options[name] !== undefined);
  if (field !== undefined) {
    throw optionError(
      `${theOption(field)} of Template is for APNs: with FCM write it into the payload, as ${inMessage[field]}.`,
    );
  }
  return options.dryRun === true ? fcmForms.dryRun : fcmForms.send;
}

const inMessage = {
  apnsId: 'data',
  collapseId: 'android.collapse_key',
  expiration: 'android.ttl',
  priority: 'android.priority',
} as const;
const headerFields = Object.keys(inMessage) as (keyof typeof inMessage)[];

function isEmptyCell({ spans, first, step }: TextColumn, index: number): boolean {
  const place = first + index * step;
  return spans[place] === spans[place + 1];
}

const allRows = Uint16Array.from({ length: maxBatchRecipients }, (_, index) => index);

/** Bytes that a payload may have. */
export function maxPayloadBytesOf(pushType: PushType | null, protocol: Protocol): number {
  if (protocol === 'fcm') return maxOwnFcmMessageBytes;
  return protocol === 'binary' ? maxBinaryPayloadBytes : ruleOf(pushType ?? 'alert').maxPayloadBytes;
}
