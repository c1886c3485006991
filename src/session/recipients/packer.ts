/**
 * Packs recipients, in whatever form they come, into batches of at most 1,024 of one shape. One packer for each send,
 * driven by it on the main thread: add one recipient, take the batches that this filled, flush at the end.
 */
import { randomFillSync } from 'node:crypto';
import { apnsIdBytesOf } from '../../apns/apns-id.js';
import { deviceTokenOf } from '../../apns/device-token.js';
import { PealError } from '../../base/errors.js';
import { decodeHex } from '../../base/hex.js';
import { maxBatchRecipients } from '../../base/limits.js';
import { recipientWords } from '../../base/wording.js';
import type { Batch } from '../../engine/batch.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import { apnsIdBytes } from '../../push/notification.js';
import { TokenBlock, type TokenEncoding } from '../../push/token-block.js';
import { OpenBatch, shapeOf } from './open-batch.js';
import { fieldsAt, type OwnFields } from './own-fields.js';
import {
  bringsPayload,
  checkBlock,
  type InvalidRecipient,
  isPersonal,
  type OwnPayload,
  type PersonalRecipient,
  type Recipient,
  type StreamedRecipient,
  textOf,
  unknownPropertyOf,
} from './recipient.js';
import { RecipientList } from './recipient-list.js';
import { type RenderedRows, RowBatch } from './row-batch.js';
import { Rows } from './rows.js';

/** Hex digits and bytes of Apple's tokens of today, which take the short way. */
const usualHexDigits = 64;
const usualTokenBytes = 32;
/** A block of at least so many tokens travels as it is; smaller ones are gathered. */
const minBlockInPlace = maxBatchRecipients / 2;

interface PackerOptions {
  /** How the tokens of its service are written and read. Default: APNs' tokens. */
  readonly tokens?: Pick<CompiledMessage, 'encoding' | 'readToken'>;
  /** Turns a personal payload into checked UTF-8 JSON; throws PealError where it may not be sent. */
  readonly encodePayload: (payload: OwnPayload) => Uint8Array;
  /** Header fields of a recipient's own, or why they may not be sent. Default: none are read. */
  readonly readFields?: (recipient: PersonalRecipient) => OwnFields | string | null;
  /** The same for fields that were read for an earlier send: why they may not be sent now. Default: they may. */
  readonly checkKept?: (fields: OwnFields) => string | null;
  /** Makes the batches of `Rows`. Default: their tokens are taken, and no fields. */
  readonly render?: ((rows: Rows) => RenderedRows) | undefined;
  /** The message has no payload: a recipient without one of its own is invalid. */
  readonly needsPayloads?: boolean;
  readonly onInvalid: (recipient: InvalidRecipient) => void;
  /**
   * Whether every recipient gets an apns-id, made here if it brings none, so that all of its requests have the same.
   */
  readonly namesAll?: boolean;
  /** Bytes of the shortest device token; default `minTokenBytes` of base/limits. */
  readonly minTokenBytes?: number;
  /** Fills bytes by chance; default node:crypto. */
  readonly randomBytes?: (bytes: Uint8Array) => unknown;
}

export class Packer {
  readonly #options: PackerOptions;
  readonly #encoding: TokenEncoding;
  readonly #readToken: CompiledMessage['readToken'];
  readonly #needsPayloads: boolean;
  readonly #open = new Map<number, OpenBatch>();
  readonly #usual = new OpenBatch(usualTokenBytes, false, false, 0);
  /** Batches that are full, in the order in which they filled. */
  #full: Batch[] = [];
  /** Recipients seen so far: the index of the next one. */
  #seen = 0;

  constructor(options: PackerOptions) {
    this.#options = options;
    this.#encoding = options.tokens?.encoding ?? 'hex';
    this.#readToken = options.tokens?.readToken ?? deviceTokenOf;
    this.#needsPayloads = options.needsPayloads ?? false;
    this.#open.set(shapeOf(usualTokenBytes, false, false, 0), this.#usual);
  }

  /** Whether recipients wait in a batch that is not full. */
  get isOpen(): boolean {
    if (this.#usual.count > 0) return true;
    if (this.#open.size === 1) return false;
    for (const batch of this.#open.values()) if (batch.count > 0) return true;
    return false;
  }

  /** Whether `takeFull` has something to give. */
  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  /**
   * Adds one recipient, or one block or list of them. Tells `onInvalid` of each that fails the checks, and of one that
   * throws while it is read; that error is thrown on.
   */
  add(recipient: StreamedRecipient): void {
    try {
      this.#read(recipient);
    } catch (error) {
      this.#refuse(recipient, 'cannot be read');
      throw error;
    }
  }

  #read(recipient: StreamedRecipient): void {
    if (recipient instanceof Rows) this.#addRows(recipient);
    else if (recipient instanceof RowBatch) this.#addRowBatch(recipient);
    else if (this.#needsPayloads && !bringsPayload(recipient)) this.#refuseSilent(recipient);
    else if (typeof recipient === 'string') this.#addText(recipient);
    else if (recipient instanceof TokenBlock) this.#addBlock(recipient);
    else if (recipient instanceof RecipientList) for (const batch of recipient.batches) this.#addBatch(batch);
    else if (recipient instanceof Uint8Array || !isPersonal(recipient)) this.#addToken(recipient);
    else this.#addPersonal(recipient);
  }

  /** The batches that are full, oldest first; they are the caller's from now on. */
  takeFull(): Batch[] {
    const full = this.#full;
    this.#full = [];
    return this.#options.namesAll === true ? full.map((batch) => this.#named(batch)) : full;
  }

  /** All that was added and not yet taken, full or not. */
  flush(): Batch[] {
    for (const open of this.#open.values()) if (open.count > 0) this.#full.push(open.take());
    return this.takeFull();
  }

  #named(batch: Batch): Batch {
    const { tokens, personal } = batch;
    if (personal !== null && personal.apnsIds !== null) return batch;
    const apnsIds = randomApnsIds(tokens.count, this.#options.randomBytes ?? randomFillSync);
    const named = { payloads: null, payloadOffsets: null, ...personal, apnsIds };
    return batch instanceof RowBatch ? new RowBatch(batch.rows, batch.indexes, named) : { tokens, personal: named };
  }

  #addText(text: string): void {
    const batch = this.#usual;
    if (this.#encoding !== 'hex' || text.length !== usualHexDigits || !decodeHex(text, batch.reserve(), batch.offset)) {
      this.#addToken(text);
      return;
    }
    this.#seen++;
    batch.commit();
    if (batch.isFull) this.#full.push(batch.take());
  }

  #addToken(token: unknown): void {
    const bytes = this.#readToken(token, this.#options.minTokenBytes);
    if (typeof bytes === 'string') this.#refuse(token, bytes);
    else this.#place(bytes, null, null, null);
  }

  #addPersonal(recipient: PersonalRecipient): void {
    const { token, apnsId, payload } = recipient;
    const bytes = this.#readToken(token, this.#options.minTokenBytes);
    if (typeof bytes === 'string') {
      this.#refuse(token, bytes);
      return;
    }
    const unknownProperty = unknownPropertyOf(recipient);
    if (unknownProperty !== null) {
      this.#refuse(token, unknownProperty);
      return;
    }
    const id = apnsId === undefined ? null : apnsIdBytesOf(apnsId);
    if (apnsId !== undefined && id === null) {
      this.#refuse(token, 'has an apnsId that is not a UUID');
      return;
    }
    const fields = this.#options.readFields?.(recipient) ?? null;
    if (typeof fields === 'string') {
      this.#refuse(token, fields);
      return;
    }
    try {
      this.#place(bytes, id, payload === undefined ? null : this.#options.encodePayload(payload), fields);
    } catch (error) {
      this.#refuse(token, payloadProblem(error));
    }
  }

  #place(token: Uint8Array, apnsId: Uint8Array | null, payload: Uint8Array | null, fields: OwnFields | null): void {
    this.#seen++;
    const batch = this.#openFor(token.length, apnsId !== null, payload !== null, fields?.mask ?? 0);
    batch.add(token, 0, apnsId, payload, fields);
    if (batch.isFull) this.#full.push(batch.take());
  }

  #addBlock(block: TokenBlock): void {
    const { bytes, tokenBytes, count } = block;
    this.#checkBlock(block);
    this.#seen += count;
    const open = this.#openFor(tokenBytes, false, false, 0);
    for (let index = 0; index < count; ) {
      const start = index * tokenBytes;
      const inPlace = Math.min(count - index, maxBatchRecipients);
      if (inPlace >= minBlockInPlace) {
        const tokens = new TokenBlock(
          bytes.subarray(start, start + inPlace * tokenBytes),
          tokenBytes,
          inPlace,
          this.#encoding,
        );
        this.#full.push({ tokens, personal: null });
        index += inPlace;
      } else {
        index += open.addRun(bytes, start, count - index);
        if (open.isFull) this.#full.push(open.take());
      }
    }
  }

  #checkBlock(block: TokenBlock): void {
    checkBlock(block, this.#options.minTokenBytes);
    if (block.encoding === this.#encoding) return;
    const [given, wanted] = block.encoding === 'hex' ? ['APNs', 'FCM'] : ['FCM', 'APNs'];
    const message = `These are tokens of ${given}, and the message is for ${wanted}: give each message its own tokens.`;
    throw new PealError('ERR_PEAL_TOKEN', message, { origin: 'usage' });
  }

  /** Rows travel as they are: as one batch, or as one for each set of header fields that they bring. */
  #addRows(rows: Rows): void {
    const { tokens, count } = rows;
    this.#checkBlock(tokens);
    const { render } = this.#options;
    if (render === undefined && this.#needsPayloads) {
      this.#refuseSilent(tokens);
      return;
    }
    const { batches, invalid } = render?.(rows) ?? { batches: [new RowBatch(rows, null, null)], invalid: [] };
    const first = this.#seen;
    for (const { index, why } of invalid) {
      this.#options.onInvalid({ index: first + index, text: tokens.textAt(index), why });
    }
    this.#full.push(...batches);
    this.#seen = first + count;
  }

  /** Its payloads were checked when it was made. */
  #addRowBatch(batch: RowBatch): void {
    this.#checkBlock(batch.tokens);
    this.#seen += batch.tokens.count;
    this.#full.push(batch);
  }

  /** A batch of an earlier send: as it is where it holds personal parts that fit, otherwise like any block. */
  #addBatch(batch: Batch): void {
    if (batch.personal === null) {
      this.#addBlock(batch.tokens);
      return;
    }
    this.#checkBlock(batch.tokens);
    const problems = this.#keptProblems(batch);
    if (problems !== null) {
      this.#addFitting(batch, problems);
      return;
    }
    this.#seen += batch.tokens.count;
    this.#full.push(batch);
  }

  /**
   * Why each recipient may not be sent to, or null for one that may; null where all may. The list may have been kept
   * from a send with another message, or to a gateway of another protocol.
   */
  #keptProblems({ tokens, personal }: Batch): (string | null)[] | null {
    const { fields = null, payloads, payloadOffsets: offsets } = personal!;
    if (fields === null && offsets === null) return null;
    let isAnyUnfit = false;
    const problems = Array.from({ length: tokens.count }, (_, index) => {
      const ofFields = fields === null ? null : (this.#options.checkKept?.(fieldsAt(fields, index)) ?? null);
      const problem =
        ofFields ??
        (offsets === null ? null : this.#payloadProblem(payloads!.subarray(offsets[index], offsets[index + 1])));
      isAnyUnfit ||= problem !== null;
      return problem;
    });
    return isAnyUnfit ? problems : null;
  }

  /** Those of the batch that have no problem go on, the others are refused. */
  #addFitting({ tokens, personal }: Batch, problems: readonly (string | null)[]): void {
    const { apnsIds, payloads, payloadOffsets: offsets, fields = null } = personal!;
    problems.forEach((problem, index) => {
      if (problem !== null) {
        this.#refuse(tokens.textAt(index), problem);
        return;
      }
      const start = index * tokens.tokenBytes;
      this.#place(
        tokens.bytes.subarray(start, start + tokens.tokenBytes),
        apnsIds?.subarray(index * apnsIdBytes, (index + 1) * apnsIdBytes) ?? null,
        offsets === null ? null : payloads!.slice(offsets[index], offsets[index + 1]),
        fields === null ? null : fieldsAt(fields, index),
      );
    });
  }

  #payloadProblem(payload: Uint8Array): string | null {
    try {
      this.#options.encodePayload(payload);
      return null;
    } catch (error) {
      return payloadProblem(error);
    }
  }

  #openFor(tokenBytes: number, hasApnsId: boolean, hasPayload: boolean, fields: number): OpenBatch {
    const shape = shapeOf(tokenBytes, hasApnsId, hasPayload, fields);
    let batch = this.#open.get(shape);
    if (batch === undefined) {
      batch = new OpenBatch(tokenBytes, hasApnsId, hasPayload, fields, this.#encoding);
      this.#open.set(shape, batch);
    }
    return batch;
  }

  /** Refuses those that bring no payload, because the message has none. */
  #refuseSilent(recipient: Recipient): void {
    const why = 'has no payload of its own, and the message has none';
    if (recipient instanceof TokenBlock) {
      this.#checkBlock(recipient);
      for (let index = 0; index < recipient.count; index++) this.#refuse(recipient.textAt(index), why);
    } else if (recipient instanceof RecipientList) {
      for (const batch of recipient.batches) {
        if (batch.personal?.payloads != null) this.#addBatch(batch);
        else this.#refuseSilent(batch.tokens);
      }
    } else {
      const token = isPersonal(recipient) ? recipient.token : recipient;
      const bytes = this.#readToken(token, this.#options.minTokenBytes);
      this.#refuse(token, typeof bytes === 'string' ? bytes : why);
    }
  }

  #refuse(token: unknown, why: string): void {
    this.#options.onInvalid({ index: this.#seen++, text: textOf(token), why });
  }
}

/** Returns the rest of a sentence about the recipient. Throws an error that is not a refusal. */
function payloadProblem(error: unknown): string {
  if (!(error instanceof PealError)) throw error;
  return `has a payload that may not be sent: ${error.inWords(recipientWords)}`;
}

/** Version 4 UUIDs (RFC 9562 §5.4), 16 bytes each. */
function randomApnsIds(count: number, fill: (bytes: Uint8Array) => unknown): Uint8Array {
  const ids = new Uint8Array(count * apnsIdBytes);
  fill(ids);
  for (let at = 0; at < ids.length; at += apnsIdBytes) {
    ids[at + 6] = 0x40 | (ids[at + 6]! & 0x0f);
    ids[at + 8] = 0x80 | (ids[at + 8]! & 0x3f);
  }
  return ids;
}
