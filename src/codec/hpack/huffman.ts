/**
 * Huffman coded strings (RFC 7541 §5.2), both ways. Pure; called by encoder and decoder of this folder.
 *
 * Decoding is a state machine that takes a whole octet at each step. A state is an inner node of the code's tree, of
 * which there are exactly 256; nodes 0 to 7 are the root and what 1 to 7 bits of ones lead to, because a string may
 * end there and nowhere else (its padding is the start of EOS and shorter than an octet). One step:
 *
 *   bit   28           27      26          25…18    17…16      15…8         7…0
 *       | ends blank | error | forbidden | second | how many | next state | first |
 *         the last             a symbol that    the symbols that the octet
 *         is a blank           is NUL, CR, LF   completes: none, one or two
 *
 * The next state stands where it is needed to find the next step: each step waits for the one before, and a shift
 * less is an eighth of the time.
 *
 * The table takes 256 KiB and is made when the first coded string comes.
 */
import type { ByteWriter } from '../byte-writer.js';
import { codeLengths, codes, EOS } from './huffman-code.js';

const STATE_MASK = 0xff00;
const STATE_SHIFT = 8;
const COUNT_SHIFT = 16;
const SECOND_SHIFT = 18;
const FORBIDDEN = 1 << 26;
const ERROR = 1 << 27;
const ENDS_BLANK = 1 << 28;
/** States below this one are those in which a string may end. */
const ACCEPTING_STATES = 8;
const ACCEPTING_END = ACCEPTING_STATES << STATE_SHIFT;

let steps: Int32Array | null = null;

/**
 * Checks the coded string `bytes[start, end)` to its last bit without decoding it.
 * @returns -1 when it is malformed; otherwise twice the number of octets that it stands for, plus one when no field
 *   value may be like that: one of them is NUL, CR or LF, or the first or last is a blank (RFC 9113 §8.2.1).
 */
export function measureHuffman(bytes: Uint8Array, start: number, end: number): number {
  const table = steps ?? makeSteps();
  let state = 0;
  let seen = 0;
  let count = 0;
  let step = 0;
  for (let position = start; position < end; position++) {
    step = table[state | bytes[position]!]!;
    state = step & STATE_MASK;
    count += (step >> COUNT_SHIFT) & 3;
    seen |= step;
  }
  if ((step & ENDS_BLANK) !== 0 || startsBlank(bytes, start, end)) seen |= FORBIDDEN;
  return measured(state, seen, count);
}

/**
 * As `measureHuffman`; copies the string, still coded, to `to` from `at` on. The copy costs nearly nothing here,
 * where each step waits for the one before; two octets at a time, because of what the loop itself costs.
 */
export function copyHuffman(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const table = steps ?? makeSteps();
  let state = 0;
  let seen = 0;
  let count = 0;
  let next = 0;
  let position = start;
  let target = at;
  for (; position + 1 < end; position += 2) {
    const first = bytes[position]!;
    const second = bytes[position + 1]!;
    to[target] = first;
    to[target + 1] = second;
    target += 2;
    const step = table[state | first]!;
    next = table[(step & STATE_MASK) | second]!;
    state = next & STATE_MASK;
    count += ((step >> COUNT_SHIFT) & 3) + ((next >> COUNT_SHIFT) & 3);
    seen |= step | next;
  }
  if (position < end) {
    to[target] = bytes[position]!;
    next = table[state | bytes[position]!]!;
    state = next & STATE_MASK;
    count += (next >> COUNT_SHIFT) & 3;
    seen |= next;
  }
  if ((next & ENDS_BLANK) !== 0 || startsBlank(bytes, start, end)) seen |= FORBIDDEN;
  return measured(state, seen, count);
}

/** Whether the first symbol is a space (010100) or a tab (ff ff ea). The last octet always completes the last one. */
function startsBlank(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  const first = bytes[start]!;
  if ((first & 0xfc) === 0x50) return true;
  return first === 0xff && end - start > 2 && bytes[start + 1] === 0xff && bytes[start + 2] === 0xea;
}

function measured(state: number, seen: number, count: number): number {
  if (state >= ACCEPTING_END || (seen & ERROR) !== 0) return -1;
  return (count << 1) | ((seen & FORBIDDEN) === 0 ? 0 : 1);
}

/** The most octets that a coded string of `codedBytes` can stand for, plus what `decodeHuffman` needs to spare. */
export function huffmanRoom(codedBytes: number): number {
  return Math.floor((codedBytes * 8) / 5) + 2;
}

/**
 * Decodes `bytes[start, end)` into `out`, which has `huffmanRoom(end - start)` bytes from `outStart`.
 * @returns The number of octets decoded, or -1 when the string is malformed.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
): number {
  const table = steps ?? makeSteps();
  let state = 0;
  let seen = 0;
  let at = outStart;
  for (let position = start; position < end; position++) {
    const step = table[state | bytes[position]!]!;
    state = step & STATE_MASK;
    seen |= step;
    // Written whether there are symbols or not: what is too much is written over by the next step.
    out[at] = step;
    out[at + 1] = step >> SECOND_SHIFT;
    at += (step >> COUNT_SHIFT) & 3;
  }
  if (state >= ACCEPTING_END || (seen & ERROR) !== 0) return -1;
  return at - outStart;
}

/** Octets that `text` takes when it is coded; Infinity when it has a character above U+00FF, which has no code. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    if (symbol > 0xff) return Number.POSITIVE_INFINITY;
    bits += codeLengths[symbol]!;
  }
  return Math.ceil(bits / 8);
}

/**
 * Appends `text`, for which `huffmanLength` is finite, coded and padded with ones to a whole octet.
 * @param codedBytes What `huffmanLength` said of it.
 */
export function writeHuffman(out: ByteWriter, text: string, codedBytes: number = huffmanLength(text)): void {
  let at = out.skip(codedBytes);
  const { bytes } = out;
  let pending = 0; // fewer than 8 bits that are not yet written, in the low bits
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const code = codes[symbol]!;
    let bits = codeLengths[symbol]!;
    while (bits > 0) {
      // 7 pending bits and 15 more stay well within the 31 that bit operators have.
      const taken = bits > 15 ? bits - 15 : bits;
      bits -= taken;
      pending = (pending << taken) | ((code >>> bits) & ((1 << taken) - 1));
      pendingBits += taken;
      while (pendingBits >= 8) {
        pendingBits -= 8;
        bytes[at++] = pending >>> pendingBits;
      }
      pending &= (1 << pendingBits) - 1;
    }
  }
  if (pendingBits > 0) bytes[at] = (pending << (8 - pendingBits)) | (0xff >> pendingBits);
}

/** The tree: for inner node n and bit b, `children[2 * n + b]` is an inner node, or -1 - symbol for a leaf. */
function makeTree(): Int16Array {
  const children = new Int16Array(2 * 256);
  for (let ones = 0; ones < ACCEPTING_STATES - 1; ones++) children[2 * ones + 1] = ones + 1;
  let nodes = ACCEPTING_STATES;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = codeLengths[symbol]! - 1; bit > 0; bit--) {
      const slot = 2 * node + ((codes[symbol]! >>> bit) & 1);
      if (children[slot] === 0) children[slot] = nodes++;
      node = children[slot]!;
    }
    children[2 * node + (codes[symbol]! & 1)] = -1 - symbol;
  }
  return children;
}

function makeSteps(): Int32Array {
  const children = makeTree();
  const table = new Int32Array(256 * 256);
  for (let state = 0; state < 256; state++) {
    for (let octet = 0; octet < 256; octet++) table[(state << STATE_SHIFT) | octet] = makeStep(children, state, octet);
  }
  steps = table;
  return table;
}

function makeStep(children: Int16Array, state: number, octet: number): number {
  let node = state;
  let symbols = 0;
  let count = 0;
  let marks = 0;
  let endsBlank = 0;
  for (let bit = 7; bit >= 0; bit--) {
    const child = children[2 * node + ((octet >> bit) & 1)]!;
    if (child >= 0) {
      node = child;
      continue;
    }
    const symbol = -1 - child;
    if (symbol === EOS) return ERROR;
    if (symbol === 0 || symbol === 0x0a || symbol === 0x0d) marks = FORBIDDEN;
    endsBlank = symbol === 0x20 || symbol === 0x09 ? ENDS_BLANK : 0;
    symbols |= count === 0 ? symbol : symbol << SECOND_SHIFT;
    count++;
    node = 0;
  }
  return endsBlank | marks | symbols | (count << COUNT_SHIFT) | (node << STATE_SHIFT);
}
