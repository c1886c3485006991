/**
 * Turns header blocks into requests: the device token, and the answer that the rest of the headers earns. One for each
 * connection, on the simulator's thread.
 *
 * All notifications of a sender share their headers, so the last block is remembered. A block that differs from it only
 * in the path is not decoded again:
 *
 *     | before          | path: H, length, octets  | behind          |
 *       equal octets      may differ                 equal octets
 *
 * That is safe only if neither block touches the dynamic table (`leavesTableAlone`): then equal octets mean equal
 * fields. A path that stands in a table, as FCM's senders have it, is no octets of the block: then the whole blocks are
 * equal.
 */
import { Buffer } from 'node:buffer';
import { maxPayloadBytes, maxTokenBytes } from '../../base/limits.js';
import { HpackDecoder } from '../../codec/hpack/decoder.js';
import { IntegerReader } from '../../codec/hpack/integer.js';
import { apnsNames } from '../../codec/requests/apns-names.js';
import { apnsIdCharacters } from '../faults/apns-ids.js';
import type { HeaderRules, OtherRequest, OtherRules } from '../rules/other-request.js';
import { APNS_ID, AUTHORITY, METHOD, NO_LENGTH, PATH, RequestFields, SCHEME } from '../rules/request-fields.js';
import { type ClientIdentity, payloadLimitOf } from '../rules/request-rules.js';
import {
  ACCEPTED_ANSWER,
  BAD_DEVICE_TOKEN,
  BAD_MESSAGE_ID,
  METHOD_NOT_ALLOWED,
  MISSING_DEVICE_TOKEN,
} from '../settings/answers.js';
import { HeaderTexts } from './header-texts.js';

const pathPrefix = '/3/device/';
const pathPrefixOctets = Uint8Array.from(pathPrefix, (character) => character.charCodeAt(0));
/** Bits of the fields that a request must have: method, scheme, path (RFC 9113 §8.3.1). */
const requiredFields = (1 << METHOD) | (1 << SCHEME) | (1 << PATH);
const pseudoFields = requiredFields | (1 << AUTHORITY);

/** Value of a hex digit by its octet; 0x80 for other octets. */
const nibbles = new Uint8Array(256).fill(0x80);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  nibbles[digit.charCodeAt(0)] = value;
  nibbles[digit.toUpperCase().charCodeAt(0)] = value;
}

const integers = new IntegerReader();

export class RequestReader {
  readonly #decoder = new HpackDecoder({ ownNames: apnsNames });
  readonly #fields = new RequestFields(this.#decoder.names);
  readonly #rules: HeaderRules;
  readonly #client: ClientIdentity;
  /** For requests that are not device pushes. */
  readonly #others: OtherRules;
  readonly #takesPushes: boolean;

  // The last request's:
  /** RFC 9113 demands RST_STREAM, not an answer. */
  isMalformed = false;
  /** ACCEPTED_ANSWER, or the answer that headers and path earn (answers.ts). */
  answer = ACCEPTED_ANSWER;
  /** Length of the device token in bytes; 0 if the path holds no possible token. */
  tokenLength = 0;
  /** The device token's bytes. */
  readonly token = new Uint8Array(maxTokenBytes);
  payloadLimit = maxPayloadBytes;
  /** The request, if it is not a device push of APNs; null for those. */
  served: OtherRequest | null = null;
  /** The content-length, or NO_LENGTH. Unchanged while blocks equal the remembered one. */
  contentLength = NO_LENGTH;

  // For the request log, where there is one:
  readonly #texts: HeaderTexts | null;
  /** The header fields of the last request, and its path, as texts. */
  headers: Readonly<Record<string, string>> = {};
  path = '';

  // The remembered block.
  #block = new Uint8Array(512);
  #blockLength = -1;
  /** Offset of the octet with the path's length, and of the octets behind the path. */
  #pathAt = 0;
  #behindAt = 0;
  /** The answer that the headers without path and apns-id earn, and until when. */
  #verdict = ACCEPTED_ANSWER;
  #present = -1;
  #hadDuplicates = false;
  #holdsUntilMs = Number.NEGATIVE_INFINITY;

  /** @param keepsTexts Whether `headers` and `path` will be read. */
  constructor(rules: HeaderRules, client: ClientIdentity, others: OtherRules, keepsTexts = false) {
    this.#rules = rules;
    this.#client = client;
    this.#others = others;
    this.#takesPushes = others.served.pushes;
    this.#texts = keepsTexts ? new HeaderTexts(this.#decoder.names, this.#fields) : null;
  }

  /** The apns-id that came with the last request (36 characters in `bytes`), or null. */
  get apnsId(): Uint8Array | null {
    return this.#fields.has(APNS_ID) && this.#fields.apnsId.length === apnsIdCharacters
      ? this.#fields.apnsId.bytes
      : null;
  }

  /** `TEAMID/KEYID` of the valid provider token that the connection has shown, or null. */
  get providerKey(): string | null {
    return this.#client.keyName;
  }

  /** Whether the last request showed a valid provider token, or the connection did before. */
  get hasProvenKey(): boolean {
    return this.#client.keyName !== null;
  }

  /**
   * Reads the header block `bytes[start, end)`.
   * @throws PealError `ERR_PEAL_COMPRESSION` or `ERR_PEAL_LIMIT`: the connection cannot go on
   */
  read(bytes: Uint8Array, start: number, end: number, wallMs: number): void {
    const pathAt = this.#matchBlock(bytes, start, end, wallMs);
    if (pathAt < 0) {
      this.#readWhole(bytes, start, end, wallMs);
      return;
    }
    if (pathAt === end) {
      const { path } = this.#fields;
      this.#readPath(path.bytes, 0, path.length, wallMs);
      return;
    }
    const length = bytes[pathAt]! & 0x7f;
    if (bytes[pathAt]! < 0x80) {
      this.#readPath(bytes, pathAt + 1, length, wallMs);
      return;
    }
    const { path } = this.#fields;
    path.take(bytes, pathAt + 1, length, true);
    if (path.length < 0)
      this.#readWhole(bytes, start, end, wallMs); // finds the fault and reports it
    else this.#readPath(path.bytes, 0, path.length, wallMs);
  }

  /** What the headers earn may have changed by itself. */
  forgetVerdict(): void {
    this.#holdsUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Decodes a block of trailers only for the table's sake. @returns whether it is well-formed. */
  readTrailers(bytes: Uint8Array, start: number, end: number): boolean {
    this.#blockLength = -1;
    this.#present = -1;
    this.#fields.begin(bytes);
    this.#decoder.walk(bytes, start, end, this.#fields);
    // Pseudo-fields are not allowed in trailers (§8.1).
    const hasPseudo = (this.#fields.present & pseudoFields) !== 0;
    return !this.#fields.isMalformed && !this.#decoder.hasForbiddenOctets && !hasPseudo;
  }

  /**
   * Returns the offset of the path's length if the block differs from the remembered one only in the path; its end if
   * it is the same and has the path out of a table; otherwise -1.
   */
  #matchBlock(bytes: Uint8Array, start: number, end: number, wallMs: number): number {
    const known = this.#block;
    const knownLength = this.#blockLength;
    if (knownLength < 0 || wallMs >= this.#holdsUntilMs) return -1;
    const pathAt = this.#pathAt;
    if (pathAt < 0) return end - start === knownLength && equals(bytes, start, known, knownLength) ? end : -1;
    const behindBytes = knownLength - this.#behindAt;
    const here = start + pathAt;
    if (here >= end) return -1;
    const pathLength = bytes[here]! & 0x7f;
    if (pathLength === 0x7f || here + 1 + pathLength + behindBytes !== end) return -1;
    for (let i = 0; i < pathAt; i++) if (bytes[start + i] !== known[i]) return -1;
    let at = end - behindBytes;
    for (let i = this.#behindAt; i < knownLength; i++) if (bytes[at++] !== known[i]) return -1;
    return here;
  }

  #readWhole(bytes: Uint8Array, start: number, end: number, wallMs: number): void {
    const fields = this.#fields;
    this.#blockLength = -1;
    fields.begin(bytes);
    this.#texts?.begin();
    this.#decoder.walk(bytes, start, end, this.#texts ?? fields);
    if (this.#texts !== null) this.headers = this.#texts.take();
    this.isMalformed =
      fields.isMalformed || this.#decoder.hasForbiddenOctets || (fields.present & requiredFields) !== requiredFields;
    if (this.isMalformed) {
      this.#present = -1;
      return;
    }
    this.contentLength = fields.contentLength;
    this.#judge(wallMs);
    this.#readPath(fields.path.bytes, 0, fields.path.length, wallMs);
    if (fields.has(APNS_ID) && !isUuid(fields.apnsId.bytes, fields.apnsId.length)) {
      // Not remembered, because with another path the wrong id decides the answer.
      if (this.answer === ACCEPTED_ANSWER) this.answer = BAD_MESSAGE_ID;
    } else {
      this.#remember(bytes, start, end);
    }
  }

  #judge(wallMs: number): void {
    const fields = this.#fields;
    const isSame =
      !fields.hasChanged && fields.present === this.#present && fields.hasDuplicates === this.#hadDuplicates;
    if (isSame && wallMs < this.#holdsUntilMs) return;
    this.#verdict = this.#rules.judge(fields, this.#client, wallMs);
    this.#holdsUntilMs = this.#rules.holdsUntilMs;
    this.#present = fields.present;
    this.#hadDuplicates = fields.hasDuplicates;
    this.payloadLimit = payloadLimitOf(fields);
  }

  #remember(bytes: Uint8Array, start: number, end: number): void {
    const { pathStart, pathLength } = this.#fields;
    if ((pathStart >= 0 && pathLength >= 0x7f) || !leavesTableAlone(bytes, start, end)) return;
    const length = end - start;
    if (length > this.#block.length) this.#block = new Uint8Array(length * 2);
    this.#block.set(bytes.subarray(start, end));
    this.#blockLength = length;
    // A path that came out of a table is the same in an equal block.
    this.#pathAt = pathStart < 0 ? -1 : pathStart - 1 - start;
    this.#behindAt = pathStart < 0 ? 0 : pathStart + pathLength - start;
  }

  /** Reads the device token from the path and decides the answer. */
  #readPath(path: Uint8Array, start: number, length: number, wallMs: number): void {
    this.isMalformed = length === 0; // §8.3.1
    this.tokenLength = 0;
    this.served = null;
    if (this.#texts !== null) this.path = textOf(path, start, length);
    this.answer = this.#verdict;
    const digits = length - pathPrefixOctets.length;
    if (digits < 0 || !this.#takesPushes || !hasPrefix(path, start)) {
      this.#readOther(textOf(path, start, length), wallMs);
      return;
    }
    const found = this.#readToken(path, start + pathPrefixOctets.length, digits);
    if (this.answer === ACCEPTED_ANSWER) this.answer = found;
  }

  /** The path is not that of a device push. */
  #readOther(path: string, wallMs: number): void {
    const others = this.#others;
    // After a block that differs in the path alone, the fields are still those of the remembered block, its equals.
    others.read(path, this.#fields, this.#client, wallMs);
    this.served = others.request;
    if (this.served !== null || this.answer !== METHOD_NOT_ALLOWED) this.answer = others.answer;
  }

  #readToken(path: Uint8Array, start: number, digits: number): number {
    if (digits === 0) return MISSING_DEVICE_TOKEN;
    const length = digits >> 1;
    if ((digits & 1) !== 0 || length > maxTokenBytes) return BAD_DEVICE_TOKEN;
    const token = this.token;
    let seen = 0;
    for (let i = 0, at = start; i < length; i++, at += 2) {
      const high = nibbles[path[at]!]!;
      const low = nibbles[path[at + 1]!]!;
      seen |= high | low;
      token[i] = (high << 4) | low;
    }
    if (seen >= 0x80) return BAD_DEVICE_TOKEN;
    this.tokenLength = length;
    return ACCEPTED_ANSWER;
  }
}

function equals(bytes: Uint8Array, start: number, known: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[start + i] !== known[i]) return false;
  return true;
}

function hasPrefix(path: Uint8Array, start: number): boolean {
  for (let i = 0; i < pathPrefixOctets.length; i++) if (path[start + i] !== pathPrefixOctets[i]) return false;
  return true;
}

function textOf(octets: Uint8Array, start: number, length: number): string {
  return Buffer.from(octets.buffer, octets.byteOffset + start, Math.max(0, length)).toString('latin1');
}

/** Canonical form, 8-4-4-4-12 hex digits in either case, as APNs accepts. */
function isUuid(bytes: Uint8Array, length: number): boolean {
  if (length !== apnsIdCharacters) return false;
  for (let i = 0; i < apnsIdCharacters; i++) {
    const isDash = i === 8 || i === 13 || i === 18 || i === 23;
    if (isDash ? bytes[i] !== 0x2d : nibbles[bytes[i]!]! >= 0x80) return false;
  }
  return true;
}

/**
 * Returns whether the block `bytes[start, end)`, which was decoded without fault, leaves the dynamic table as it is:
 * inserts nothing and keeps its size (RFC 7541 §6). Then an equal block that follows means the same.
 */
function leavesTableAlone(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at]!;
    if (first >= 0x80) {
      integers.read(bytes, at, end, 0x7f); // indexed field
      at = integers.end;
    } else if (first >= 0x20) {
      return false; // literal with incremental indexing, or size update
    } else {
      const nameIndex = integers.read(bytes, at, end, 0x0f);
      at = integers.end;
      if (nameIndex === 0) at = skipString(bytes, at, end);
      at = skipString(bytes, at, end);
    }
  }
  return true;
}

function skipString(bytes: Uint8Array, at: number, end: number): number {
  const length = integers.read(bytes, at, end, 0x7f);
  return integers.end + length;
}
