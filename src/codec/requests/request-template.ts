/**
 * What all requests for one notification share on one connection: their header fields, ready to be coded, and, as long
 * as the peer's header table stands as it did, the image of a whole request (SlotImage). The first request of a
 * template usually goes out coded field by field, which enters what is shared into the peer's table; from then on the
 * same octets serve every recipient. Made by ClientConnection.template(), kept by its caller, on the same thread.
 *
 * The token of a recipient stands in the path as hex digits, or in the body as text, behind the notification's
 * bodyStart.
 *
 * Indexing follows Apple ("Sending notification requests to APNs"): shared fields by index; `:path` literal where
 * the token is in it;
 * apns-expiration, apns-collapse-id and apns-id indexed the first time only; `authorization` as the owner chooses.
 */
import { PealError } from '../../base/errors.js';
import { headerTableBytes, maxRequestHeaderListBytes, maxTextTokenBytes, maxTokenBytes } from '../../base/limits.js';
import type { Notification } from '../../push/notification.js';
import { isOwnField } from '../../push/personal-fields.js';
import { ByteWriter } from '../byte-writer.js';
import type { EncodedField, HpackEncoder, Indexing } from '../hpack/encoder.js';
import { NAME_PATH } from '../hpack/field-names.js';
import { writeInteger } from '../hpack/integer.js';
import { writeLiteral } from '../hpack/representation.js';
import { staticFieldIndex } from '../hpack/static-table.js';
import {
  DATA,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  HEADERS,
  writeFrameHeader,
} from '../http2/frames.js';
import type { PeerSettings } from '../http2/settings.js';
import { ownFieldsListBytes } from './own-fields.js';

export interface RequestTemplateOptions {
  /** Length of the device tokens, in bytes, 1 to maxTokenBytes; in a body 1 to maxTextTokenBytes. */
  readonly tokenBytes: number;
  /** The token of the field `authorization`, without its scheme, or null. */
  readonly providerToken: string | null;
  /** Each recipient brings an apns-id of its own (PersonalParts.apnsIds). Default false. */
  readonly hasPersonalIds?: boolean;
  /** Each recipient brings a payload of its own (PersonalParts.payloads). Default false. */
  readonly hasPersonalPayloads?: boolean;
  /** Mask of the header fields that each recipient brings (PersonalParts.fields) in place of shared ones. Default 0. */
  readonly ownFields?: number;
}

/** What the connection adds to every template. */
interface ConnectionFields {
  readonly authority: string;
  readonly indexAuthorization: boolean;
  /** The path, or its part before the token. */
  readonly path: string;
  /** The word before the token in `authorization`. */
  readonly authorizationScheme: string;
}

/**
 * One request as it stands in the output: HEADERS and DATA with everything in place but the stream ids, the token and,
 * where used, a personal apns-id or payload. Drawn for one state of the HPACK encoder; never
 * changed after that, so that output buffers know by identity what they hold.
 *
 * Where recipients bring header fields of their own, these follow at `headBytes`, before the payload.
 *
 *   | frame header | constant fields | :path /3/device/<hex> | constant fields | apns-id | frame header | payload |
 *   0              9                            ^ hexOffset                     ^ idOffset ^ headBytes
 *
 *   | frame header | constant fields, :path among them       | frame header | bodyStart | token | payload |
 *   0              9                               headBytes ^                          ^ tokenOffset
 */
export interface SlotImage {
  readonly bytes: Uint8Array;
  /** Length of a whole slot. Without a payload, or with personal ones, it ends at `headBytes`. */
  readonly slotBytes: number;
  /** Length of the HEADERS frame. */
  readonly headBytes: number;
  /** Where the token's first hex digit stands; -1 where it is in the body. */
  readonly hexOffset: number;
  /** Where the token stands in the body; -1 where it is in the path, or the slot ends with the head. */
  readonly tokenOffset: number;
  /** Where the 36 characters of a personal apns-id stand; -1 without one. */
  readonly idOffset: number;
  readonly tokenBytes: number;
  /** Bytes of DATA in the slot. */
  readonly payloadBytes: number;
}

const idCharacters = 36;
/** Overhead of a field in a header list (RFC 7541 §4.1). */
const fieldOverheadBytes = 32;
const indexedOnce = new Set(['apns-expiration', 'apns-collapse-id', 'apns-id']);
const noPayload = new Uint8Array(0);

export class RequestTemplate {
  readonly tokenBytes: number;
  readonly hasPersonalIds: boolean;
  readonly hasPersonalPayloads: boolean;
  readonly ownFields: number;
  /** The shared payload; empty where recipients bring their own. */
  readonly payload: Uint8Array;
  /** What of the body comes before the token; null where the token is in the path. */
  readonly bodyStart: Uint8Array | null;
  /** Bytes of a body beside the payload: what comes before the token, and the token. */
  readonly bodyOverheadBytes: number;
  /** Size of the header list as RFC 7541 §4.1 counts, in bytes. */
  readonly headerListBytes: number;
  readonly #path: string;
  readonly #fieldsBeforePath: readonly EncodedField[];
  readonly #fieldsAfterPath: readonly EncodedField[];
  // The same, with 'none' for those that the peer's table has no room for.
  #beforePath: readonly EncodedField[] = [];
  #afterPath: readonly EncodedField[] = [];
  #tableBytes = -1;
  #image: SlotImage | null = null;
  /** Revision of the encoder that `#image` was made for; -1 when images have to wait for an insertion. */
  #revision = -1;
  #refusal: PealError | null = null;
  #refusedAbove = 0;
  /** Why its fields cannot be sent to any recipient; null where they can. */
  readonly #unsendable: PealError | null;

  constructor(notification: Notification, connection: ConnectionFields, options: RequestTemplateOptions) {
    this.tokenBytes = options.tokenBytes;
    this.hasPersonalIds = options.hasPersonalIds ?? false;
    this.hasPersonalPayloads = options.hasPersonalPayloads ?? false;
    this.ownFields = options.ownFields ?? 0;
    this.payload = this.hasPersonalPayloads ? noPayload : notification.payload;
    this.bodyStart = notification.bodyStart ?? null;
    this.bodyOverheadBytes = this.bodyStart === null ? 0 : this.bodyStart.length + this.tokenBytes;
    this.#path = connection.path;
    const fixed: EncodedField[] = [
      { name: ':method', value: 'POST', indexing: 'shared' },
      { name: ':scheme', value: 'https', indexing: 'shared' },
      { name: ':authority', value: connection.authority, indexing: 'shared' },
    ];
    const wholePath: EncodedField = { name: ':path', value: connection.path, indexing: 'shared' };
    this.#fieldsBeforePath = this.bodyStart === null ? fixed : [...fixed, wholePath];
    const shared = notification.headers.filter(([name]) => !isOwnField(this.ownFields, name));
    this.#fieldsAfterPath = [...authorization(connection, options.providerToken), ...shared.map(indexed)];
    this.headerListBytes = this.#listBytes();
    this.#unsendable = unsendableField([...this.#fieldsBeforePath, ...this.#fieldsAfterPath]);
    const most = this.bodyStart === null ? maxTokenBytes : maxTextTokenBytes;
    if (!(this.tokenBytes >= 1 && this.tokenBytes <= most)) {
      throw new PealError('ERR_PEAL_TOKEN', `device tokens of ${this.tokenBytes} bytes: 1 to ${most} can be`, {
        origin: 'usage',
      });
    }
  }

  /** Whether a request holds more of its own than a token and an id of fixed length. */
  get isPersonal(): boolean {
    return this.hasPersonalPayloads || this.ownFields !== 0;
  }

  /**
   * Why no request of this template may be sent on its connection: its fields are larger than the peer, or an HTTP/2
   * frame, allows. Null while they may. It can change whenever the peer changes its SETTINGS.
   */
  get refusal(): PealError | null {
    return this.#refusal;
  }

  /** Follows the peer's SETTINGS; false when the fields are larger than it takes (MAX_HEADER_LIST_SIZE). */
  adapt(settings: PeerSettings): boolean {
    const tableBytes = Math.min(settings.headerTableBytes, headerTableBytes);
    if (tableBytes !== this.#tableBytes) this.#planIndexing(tableBytes);
    const most = Math.min(settings.maxHeaderListBytes, maxRequestHeaderListBytes);
    if (this.#unsendable !== null) this.#refusal = this.#unsendable;
    else if (this.headerListBytes <= most) this.#refusal = null;
    else if (this.#refusal === null || this.#refusedAbove !== most) this.#refuse(most);
    return this.#refusal === null;
  }

  /** The image that holds now, or null when a request has to be coded field by field first. */
  imageFor(encoder: HpackEncoder): SlotImage | null {
    if (this.#revision === encoder.revision) return this.#image;
    this.#image = null;
    if (!encoder.canEncodeWithoutInsertion(this.#beforePath)) return null;
    if (!encoder.canEncodeWithoutInsertion(this.#afterPath)) return null;
    this.#image = this.#drawImage(encoder);
    this.#revision = encoder.revision;
    return this.#image;
  }

  /**
   * Appends the header block of one request. What it enters into the peer's table counts at once, so it has to be sent.
   * Returns the offset of the token's hex digits, -1 where the token is in the body; a personal apns-id is the last 36
   * octets. Both are for the caller to fill; header fields of the recipient's own go behind it.
   */
  writeBlock(encoder: HpackEncoder, out: ByteWriter): number {
    encoder.encode(this.#beforePath, out);
    const hexOffset = this.bodyStart === null ? this.#writePath(out) : -1;
    encoder.encode(this.#afterPath, out);
    if (this.hasPersonalIds) {
      writeLiteral(out, 'without-indexing', encoder.nameIndexOf('apns-id'), 'apns-id', '0'.repeat(idCharacters), 'raw');
    }
    return hexOffset;
  }

  /** Never indexed, because the token is in it. Returns the offset of its hex digits. */
  #writePath(out: ByteWriter): number {
    const hexCharacters = 2 * this.tokenBytes;
    writeInteger(out, 0x00, 4, NAME_PATH);
    writeInteger(out, 0x00, 7, this.#path.length + hexCharacters);
    out.ascii(this.#path);
    return out.skip(hexCharacters);
  }

  #drawImage(encoder: HpackEncoder): SlotImage {
    const out = new ByteWriter(512 + this.payload.length);
    const payloadBytes = this.isPersonal ? 0 : this.bodyOverheadBytes + this.payload.length;
    const endsWithHeaders = this.bodyOverheadBytes + this.payload.length === 0 && !this.hasPersonalPayloads;
    let tokenOffset = -1;
    out.skip(FRAME_HEADER_BYTES);
    const hexOffset = this.writeBlock(encoder, out);
    const headBytes = out.length;
    const flags = FLAG_END_HEADERS | (endsWithHeaders ? FLAG_END_STREAM : 0);
    writeFrameHeader(out.bytes, 0, headBytes - FRAME_HEADER_BYTES, HEADERS, flags, 0);
    if (payloadBytes > 0) {
      const at = out.skip(FRAME_HEADER_BYTES);
      writeFrameHeader(out.bytes, at, payloadBytes, DATA, FLAG_END_STREAM, 0);
      if (this.bodyStart !== null) {
        out.append(this.bodyStart);
        tokenOffset = out.skip(this.tokenBytes);
      }
      out.append(this.payload);
    }
    return {
      bytes: out.bytes.slice(0, out.length),
      slotBytes: out.length,
      headBytes,
      hexOffset,
      tokenOffset,
      idOffset: this.hasPersonalIds ? headBytes - idCharacters : -1,
      tokenBytes: this.tokenBytes,
      payloadBytes,
    };
  }

  #refuse(most: number): void {
    this.#refusedAbove = most;
    this.#refusal = new PealError(
      'ERR_PEAL_HEADER',
      `the request's header fields take ${this.headerListBytes} bytes and the gateway allows ${most}; shorten them`,
      { origin: 'usage' },
    );
  }

  /**
   * Keeps fields out of the peer's table that do not fit into it beside the others: each would push out what the next
   * request needs, and no image would ever hold.
   */
  #planIndexing(tableBytes: number): void {
    let room = tableBytes;
    const plan = (field: EncodedField): EncodedField => {
      if (field.indexing === 'never' || staticFieldIndex(field.name, field.value) !== 0) return field;
      const entryBytes = fieldBytes(field.name, field.value);
      if (entryBytes > room) return { ...field, indexing: 'none' };
      room -= entryBytes;
      return field;
    };
    this.#tableBytes = tableBytes;
    this.#beforePath = this.#fieldsBeforePath.map(plan);
    this.#afterPath = this.#fieldsAfterPath.map(plan);
    this.#image = null;
    this.#revision = -1;
  }

  #listBytes(): number {
    const fields = [...this.#fieldsBeforePath, ...this.#fieldsAfterPath];
    let bytes = this.bodyStart === null ? fieldBytes(':path', this.#path) + 2 * this.tokenBytes : 0;
    for (const { name, value } of fields) bytes += fieldBytes(name, value);
    if (this.hasPersonalIds) bytes += fieldBytes('apns-id', '') + idCharacters;
    return bytes + ownFieldsListBytes(this.ownFields);
  }
}

const sendableName = /^:?[a-z0-9!#$%&'*+.^_`|~-]+$/;
const sendableValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** A second look at what apns/headers has checked: many peers would take a line feed in a value for another field. */
function unsendableField(fields: readonly EncodedField[]): PealError | null {
  const bad = fields.find(({ name, value }) => !sendableName.test(name) || !sendableValue.test(value));
  if (bad === undefined) return null;
  const name = sendableName.test(bad.name) ? `the header ${bad.name}` : 'the name of a header';
  return new PealError('ERR_PEAL_HEADER', `${name} holds what no header may: give visible ASCII characters`, {
    origin: 'usage',
  });
}

function fieldBytes(name: string, value: string): number {
  return name.length + value.length + fieldOverheadBytes;
}

function authorization(connection: ConnectionFields, providerToken: string | null): EncodedField[] {
  if (providerToken === null) return [];
  const indexing: Indexing = connection.indexAuthorization ? 'shared' : 'never';
  return [{ name: 'authorization', value: `${connection.authorizationScheme} ${providerToken}`, indexing }];
}

function indexed([name, value]: readonly [string, string]): EncodedField {
  return { name, value, indexing: indexedOnce.has(name) ? 'first' : 'shared' };
}
