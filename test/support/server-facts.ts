/**
 * What stands in the octets of a server that two HTTP/2 clients may come to different verdicts about. Reads frames and
 * header blocks by itself, and judges nothing.
 */

import { maxInformationalResponses } from '../../src/base/limits.js';
import { HpackDecoder } from '../../src/codec/hpack/decoder.js';
import * as frames from '../../src/codec/http2/frames.js';
import { readU31, readU32 } from '../../src/codec/octets.js';
import { FrameCutter } from './frame-cutter.js';

/** What there was in the octets that a known difference can be about. */
export interface Facts {
  readonly hasPingAck: boolean;
  readonly hasGoaway: boolean;
  readonly hasGoawayWithError: boolean;
  /** ALTSVC, ORIGIN or PRIORITY_UPDATE. */
  readonly hasExtension: boolean;
  readonly hasShortPriority: boolean;
  readonly hasZeroUpdate: boolean;
  /** A GOAWAY whose lastStreamId is above that of one before. */
  readonly hasRaisedGoaway: boolean;
  /** A GOAWAY whose lastStreamId is no stream of ours: even, and not 0. */
  readonly hasEvenGoaway: boolean;
  /** A WINDOW_UPDATE that is too large for any stream. */
  readonly hasLargeUpdate: boolean;
  /** A forbidden value in SETTINGS, and an allowed one for the same in the same frame behind it. */
  readonly hasReplacedValue: boolean;
  /** An INITIAL_WINDOW_SIZE with which stream windows may overflow. */
  readonly hasLargeWindow: boolean;
  /** Streams with padding that is too long. */
  readonly badPadding: ReadonlySet<number>;
  /** Settings that came after RFC 9113. */
  readonly hasOtherSetting: boolean;
  readonly isTooLarge: boolean;
  /** Pieces at whose end a frame is not whole, or a field block. */
  readonly withinFrame: ReadonlySet<number>;
  readonly withinBlock: ReadonlySet<number>;
  /** The same at the end of all. */
  readonly isWithinBlock: boolean;
  /** Streams with more informational answers than we take. */
  readonly manyInformational: ReadonlySet<number>;
  /** Streams with DATA before a final answer; with RST_STREAM(NO_ERROR); with fields that node passes over. */
  readonly dataFirst: ReadonlySet<number>;
  readonly endedByReset: ReadonlySet<number>;
  readonly passedOver: ReadonlySet<number>;
}

const extensions = new Set([0x0a, 0x0c, 0x10]);

/** Looks through what a server has sent. */
export function factsOf(pieces: readonly Uint8Array[]): Facts {
  const facts = {
    hasPingAck: false,
    hasGoaway: false,
    hasGoawayWithError: false,
    hasExtension: false,
    hasShortPriority: false,
    hasZeroUpdate: false,
    hasRaisedGoaway: false,
    hasEvenGoaway: false,
    hasLargeUpdate: false,
    hasReplacedValue: false,
    hasLargeWindow: false,
    badPadding: new Set<number>(),
    hasOtherSetting: false,
    isTooLarge: false,
    withinFrame: new Set<number>(),
    withinBlock: new Set<number>(),
    isWithinBlock: false,
    manyInformational: new Set<number>(),
    dataFirst: new Set<number>(),
    endedByReset: new Set<number>(),
    passedOver: new Set<number>(),
  };
  let lastStreamId = Number.POSITIVE_INFINITY;
  const answered = new Set<number>();
  const informational = new Map<number, number>();
  const blocks = new Blocks((streamId, fields) => {
    if (fields.some(([name, value]) => name === ':status' && !value.startsWith('1'))) answered.add(streamId);
    else informational.set(streamId, (informational.get(streamId) ?? 0) + 1);
    if ((informational.get(streamId) ?? 0) > maxInformationalResponses) facts.manyInformational.add(streamId);
    if (fields.some(isPassedOver)) facts.passedOver.add(streamId);
  });
  const cutter = new FrameCutter((type, flags, streamId, bytes, start, end) => {
    const code = end - start >= 4 ? readU32(bytes, end - 4) : 0;
    if (type === frames.PING && (flags & frames.FLAG_ACK) !== 0) facts.hasPingAck = true;
    if (type === frames.GOAWAY && end - start >= 8) {
      const last = readU31(bytes, start);
      if (last !== 0 && last % 2 === 0) facts.hasEvenGoaway = true;
      if (last > lastStreamId) facts.hasRaisedGoaway = true;
      lastStreamId = Math.min(lastStreamId, last);
      facts.hasGoaway = true;
      if (readU32(bytes, start + 4) !== frames.NO_ERROR) facts.hasGoawayWithError = true;
    }
    if (type === frames.SETTINGS) {
      const entries = entriesOf(bytes, start, end);
      if (new Set(entries.map(([identifier]) => identifier)).size < entries.length) facts.hasReplacedValue = true;
      for (const [identifier, value] of entries) {
        if (identifier === 8 || identifier === 9) facts.hasOtherSetting = true;
        if (identifier === frames.SETTINGS_INITIAL_WINDOW_SIZE && value > 0x7fff0000) facts.hasLargeWindow = true;
      }
    }
    if (type === frames.DATA && (flags & frames.FLAG_PADDED) !== 0 && (end === start || bytes[start]! >= end - start)) {
      facts.badPadding.add(streamId);
    }
    if (extensions.has(type)) facts.hasExtension = true;
    if (type === frames.PRIORITY && end - start !== 5) facts.hasShortPriority = true;
    if (type === frames.WINDOW_UPDATE && streamId !== 0) {
      if ((code & 0x7fffffff) === 0) facts.hasZeroUpdate = true;
      if ((code & 0x7fffffff) > 0x7fff0000) facts.hasLargeUpdate = true;
    }
    if (type === frames.RST_STREAM && code === frames.NO_ERROR) facts.endedByReset.add(streamId);
    if (type === frames.DATA && !answered.has(streamId)) facts.dataFirst.add(streamId);
    blocks.onFrame(type, flags, streamId, bytes, start, end);
  });
  for (const [index, piece] of pieces.entries()) {
    cutter.push(piece);
    if (!cutter.isAtBoundary) facts.withinFrame.add(index);
    if (blocks.isOpen) facts.withinBlock.add(index);
  }
  facts.isTooLarge = cutter.isBroken;
  facts.isWithinBlock = blocks.isOpen || !cutter.isAtBoundary;
  return facts;
}

function entriesOf(bytes: Uint8Array, start: number, end: number): [identifier: number, value: number][] {
  const entries: [number, number][] = [];
  for (let at = start; at + frames.SETTINGS_ENTRY_BYTES <= end; at += frames.SETTINGS_ENTRY_BYTES) {
    entries.push([(bytes[at]! << 8) | bytes[at + 1]!, readU32(bytes, at + 2)]);
  }
  return entries;
}

/**
 * A regular field that nghttp2 leaves out, with a forbidden character or blank: an upper-case name it does not forgive.
 */
function isPassedOver([name, value]: readonly [string, string]): boolean {
  if (name.startsWith(':') || /[A-Z]/.test(name)) return false;
  return !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || /^[ \t]|[ \t]$/.test(value) || hasControl(value);
}

function hasControl(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}

/** Decodes the field blocks of a server, as far as they can be. */
class Blocks {
  readonly #decoder = new HpackDecoder({ maxFields: 10_000, maxHeaderListBytes: 1 << 20 });
  readonly #onBlock: (streamId: number, fields: readonly (readonly [string, string])[]) => void;
  #parts: Uint8Array[] = [];
  #isBroken = false;

  constructor(onBlock: (streamId: number, fields: readonly (readonly [string, string])[]) => void) {
    this.#onBlock = onBlock;
  }

  /** HEADERS have come, and the last of their block has not. */
  get isOpen(): boolean {
    return this.#parts.length > 0;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isBroken || (type !== frames.HEADERS && type !== frames.CONTINUATION)) return;
    const isHeaders = type === frames.HEADERS;
    const padding = isHeaders && (flags & frames.FLAG_PADDED) !== 0 ? bytes[start]! : -1;
    const priorityBytes = isHeaders && (flags & frames.FLAG_PRIORITY) !== 0 ? 5 : 0;
    const from = start + (padding >= 0 ? 1 : 0) + priorityBytes;
    this.#parts.push(bytes.slice(from, Math.max(from, end - Math.max(0, padding))));
    if ((flags & frames.FLAG_END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#parts);
    this.#parts = [];
    try {
      this.#onBlock(streamId, this.#decoder.decode(block));
    } catch {
      this.#isBroken = true;
    }
  }
}
