/**
 * One fuzz case of the HPACK decoder alone: a few header blocks of one encoder, mutated or not, decoded one after the
 * other as a connection would.
 */
import { PealError } from '../../src/base/errors.js';
import { maxHeaderFields, maxHeaderListBytes, maxRememberedNameBytes } from '../../src/base/limits.js';
import { ByteWriter } from '../../src/codec/byte-writer.js';
import { HpackDecoder } from '../../src/codec/hpack/decoder.js';
import { type EncodedField, HpackEncoder, type Indexing } from '../../src/codec/hpack/encoder.js';
import { headerListBytes } from '../support/header-rules.js';
import { Prng } from '../support/prng.js';

const names = [':status', 'apns-id', 'x', 'server', 'retry-after', '', 'X-Upper', 'a-rather-long-name-of-a-field'];
const indexings: readonly Indexing[] = ['shared', 'first', 'none', 'never'];
const alphabets = ['0123456789abcdef-', 'abcdefghijklmnopqrstuvwxyz', '\0\r\n\t \x7f~^', '\u00e9\u00ff\u0080'];
const tableBytes = 4096;

/**
 * Runs the case of a seed.
 * @returns how the last block ended, in a few words
 * @throws Error when something does not hold
 */
export function runHpackCase(seed: number): string {
  const prng = new Prng(seed);
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const isUntouched = prng.chance(0.2);
  for (let blocks = 1 + prng.int(4); blocks > 0; blocks--) {
    if (prng.chance(0.2)) encoder.setPeerTableBytes(prng.pick([0, 60, 500, tableBytes]));
    const fields = drawFields(prng);
    const out = new ByteWriter(512);
    encoder.encode(fields, out, prng.chance(0.5) ? 'raw' : 'compact');
    const bytes = isUntouched ? out.view() : mutated(out.view(), prng);
    const verdict = decode(decoder, bytes, isUntouched ? fields : null);
    if (verdict !== '') return `hpack: ${verdict}`;
  }
  return 'hpack: decoded';
}

function drawFields(prng: Prng): EncodedField[] {
  return Array.from({ length: prng.int(7) }, () => ({
    name: prng.pick(names),
    value: text(prng),
    indexing: prng.pick(indexings),
  }));
}

function text(prng: Prng): string {
  const alphabet = prng.pick(alphabets);
  const length = prng.chance(0.03) ? prng.int(3000) : prng.int(20);
  let value = '';
  for (let i = 0; i < length; i++) value += alphabet[prng.int(alphabet.length)];
  return value;
}

function mutated(bytes: Uint8Array, prng: Prng): Uint8Array {
  if (prng.chance(0.05)) return Uint8Array.from({ length: prng.int(100) }, () => prng.int(256));
  let changed = bytes.slice();
  for (let n = prng.int(4); n > 0 && changed.length > 0; n--) {
    const at = prng.int(changed.length);
    if (prng.chance(0.6)) changed[at]! ^= 1 << prng.int(8);
    else if (prng.chance(0.5)) changed = changed.slice(0, at);
    else {
      // The same octets again and again: references to what one of them has entered.
      const piece = changed.slice(at, at + 1 + prng.int(8));
      const times = prng.chance(0.1) ? 300 : 1 + prng.int(4);
      const parts = [changed.slice(0, at), ...Array.from({ length: times }, () => piece), changed.slice(at)];
      changed = new Uint8Array(Buffer.concat(parts));
    }
  }
  return changed;
}

/** Decodes a block; returns what was wrong with it, or ''. */
function decode(decoder: HpackDecoder, bytes: Uint8Array, sent: readonly EncodedField[] | null): string {
  try {
    const list = decoder.decode(bytes);
    check(list.length <= maxHeaderFields, `${list.length} fields`);
    check(headerListBytes(list) <= maxHeaderListBytes, `a list of ${headerListBytes(list)} bytes`);
    const isMarked = list.some(([, value]) => /[\0\r\n]|^[ \t]|[ \t]$/.test(value));
    check(decoder.hasForbiddenOctets === isMarked, 'forbidden octets were not noticed, or were where none are');
    if (sent !== null) {
      const isSame = list.length === sent.length && list.every(([name, value], i) => isField(sent[i]!, name, value));
      check(isSame, 'what was decoded is not what was encoded');
    }
    return '';
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    check(error.code === 'ERR_PEAL_COMPRESSION' || error.code === 'ERR_PEAL_LIMIT', `the error ${error.code}`);
    check(sent === null, `a good block was refused: ${error.message}`);
    return error.message;
  } finally {
    check(decoder.tableBytes <= tableBytes, `a table of ${decoder.tableBytes} bytes`);
    const { peerBytes } = decoder.names;
    check(peerBytes <= maxRememberedNameBytes + maxHeaderListBytes, `${peerBytes} bytes of names are remembered`);
  }
}

function isField(sent: EncodedField, name: string, value: string): boolean {
  return sent.name === name && sent.value === value;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
