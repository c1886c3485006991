/**
 * What HPACK costs: a whole answer's block (200 and an apns-id), as servers code it in different ways, checked in full
 * and reported field by field; and a Huffman coded apns-id alone.
 */

import { ByteWriter } from '../../src/codec/byte-writer.js';
import { type FieldVisitor, HpackDecoder } from '../../src/codec/hpack/decoder.js';
import { type EncodedField, HpackEncoder, type Indexing } from '../../src/codec/hpack/encoder.js';
import { NAME_STATUS } from '../../src/codec/hpack/field-names.js';
import { decodeHuffman, huffmanRoom, measureHuffman } from '../../src/codec/hpack/huffman.js';
import { writeString } from '../../src/codec/hpack/representation.js';
import { apnsNames, NAME_APNS_ID } from '../../src/codec/requests/apns-names.js';
import type { MicroItem } from './suite.js';

const items = 256;

function apnsId(index: number): string {
  return `eabeae54-14a8-11e5-b60b-${(0x1697f925ec00 + index * 2654435761).toString(16)}`;
}

/** Reads the fields as a reader of answers does. */
class AnswerFields implements FieldVisitor {
  statuses = 0;
  idBytes = 0;
  onField(name: number, _bytes: Uint8Array, _start: number, length: number): void {
    if (name === NAME_STATUS) this.statuses++;
    else if (name === NAME_APNS_ID) this.idBytes += length;
  }
}

/** Blocks end to end, and where each ends. */
interface Blocks {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

function encodeBlocks(encoder: HpackEncoder, fieldsOf: (index: number) => EncodedField[], isRaw: boolean): Blocks {
  const out = new ByteWriter();
  const ends = new Uint32Array(items);
  for (let i = 0; i < items; i++) {
    encoder.encode(fieldsOf(i), out, isRaw ? 'raw' : 'compact');
    ends[i] = out.length;
  }
  return { bytes: out.view().slice(), ends };
}

function walkItem(
  name: string,
  idOf: ((index: number) => string) | null,
  indexing: Indexing,
  isRaw = false,
): MicroItem {
  const fieldsOf = (index: number): EncodedField[] => {
    const status: EncodedField = { name: ':status', value: '200', indexing: 'shared' };
    return idOf === null ? [status] : [status, { name: 'apns-id', value: idOf(index), indexing }];
  };
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder({ ownNames: apnsNames });
  const visitor = new AnswerFields();
  const walkAll = ({ bytes, ends }: Blocks): void => {
    let start = 0;
    for (let i = 0; i < items; i++) {
      decoder.walk(bytes, start, ends[i]!, visitor);
      start = ends[i]!;
    }
  };
  // The first round spells out what later ones refer to.
  walkAll(encodeBlocks(encoder, fieldsOf, isRaw));
  const later = encodeBlocks(encoder, fieldsOf, isRaw);
  return {
    name: `hpack: ${name}`,
    bytesPerItem: later.bytes.length / items,
    itemsPerRun: items,
    run: () => walkAll(later),
  };
}

function huffmanItems(): MicroItem[] {
  const text = apnsId(1);
  const out = new ByteWriter();
  writeString(out, text);
  const coded = out.view().slice(1);
  const decoded = new Uint8Array(huffmanRoom(coded.length));
  const repeat = (work: () => number): (() => void) => {
    return () => {
      let sum = 0;
      for (let i = 0; i < items; i++) sum += work();
      if (sum <= 0) throw new Error('a string was not read');
    };
  };
  const item = (name: string, work: () => number): MicroItem => {
    return { name: `huffman: ${name}`, bytesPerItem: coded.length, itemsPerRun: items, run: repeat(work) };
  };
  return [
    item('check an apns-id', () => measureHuffman(coded, 0, coded.length)),
    item('decode an apns-id', () => decodeHuffman(coded, 0, coded.length, decoded, 0)),
    item('encode an apns-id', () => {
      out.reset();
      writeString(out, text);
      return out.length;
    }),
  ];
}

export function register(): readonly MicroItem[] {
  return [
    walkItem('200 alone', null, 'shared'),
    walkItem('200, apns-id entered into the table', apnsId, 'shared'),
    walkItem('200, apns-id entered, not Huffman coded', apnsId, 'shared', true),
    walkItem('200, apns-id as a literal', apnsId, 'first'),
    walkItem('200, apns-id as a literal, name spelled out', apnsId, 'none'),
    walkItem('200, apns-id from the table', () => apnsId(0), 'shared'),
    ...huffmanItems(),
  ];
}
