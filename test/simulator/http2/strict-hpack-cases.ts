/**
 * Header blocks for a strict receiver, by the section of RFC 7541: what h2spec tries (generic 5, hpack), and more of
 * its kinds.
 */
import { tokenNumber } from '../../support/push-client.js';
import { block, type Case, concat, data, END_HEADERS, headers } from './strict-vocabulary.js';

/**
 * `:method: POST` and so on by the static table, then the token's path, and a topic that goes into the dynamic table.
 */
const indexed = Buffer.concat([
  Buffer.from([0x83, 0x87, 0x04, 74]),
  Buffer.from(`/3/device/${tokenNumber(1)}`, 'latin1'),
  Buffer.from([0x40, 10]),
  Buffer.from('apns-topic', 'latin1'),
  Buffer.from([15]),
  Buffer.from('com.example.app', 'latin1'),
]);
const plainValue = [...Buffer.from('h2spec')];
const huffmanValue = [0x9c, 0x48, 0xac, 0xa4];
const huffmanName = [0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff];
const huffmanForms: readonly (readonly [string, ...number[]])[] = [
  ['plain', 6, ...Buffer.from('x-test'), 6, ...plainValue],
  ['name in Huffman code', ...huffmanName, 6, ...plainValue],
  ['value in Huffman code', 6, ...Buffer.from('x-test'), 0x84, ...huffmanValue],
  ['both in Huffman code', ...huffmanName, 0x84, ...huffmanValue],
];
const bad = (...octets: number[]): Buffer => headers(concat(block, Buffer.from(octets)));

export const hpack: readonly Case[] = [
  ['7541 6.1', 'indexed fields', 200, headers(indexed), data()],
  ['7541 6.2', 'literals with and without indexing', 200, headers(indexed), data(), headers(block, END_HEADERS, 3)],
  ['7541 6.2.3', 'a literal never indexed', 200, bad(0x10, 1, 0x78, 1, 0x79), data()],
  // x-test: h2spec (a new name) and user-agent: h2spec (a name of the static table), plain and in Huffman code.
  ...[0x40, 0x00, 0x10].flatMap((form) =>
    huffmanForms.map(([what, ...octets]): Case => {
      const kind = form === 0x40 ? 'indexed' : form === 0 ? 'not indexed' : 'never indexed';
      return [
        `7541 6.2.${[0x40, 0x00, 0x10].indexOf(form) + 1}`,
        `a literal, ${kind}, ${what}`,
        200,
        bad(form, ...octets),
        data(),
      ];
    }),
  ),
  ['7541 6.2.1', 'a name of the static table, indexed', 200, bad(0x7a, 6, ...plainValue), data()],
  ['7541 6.2.2', 'a name of the static table, not indexed', 200, bad(0x0f, 0x2b, 6, ...plainValue), data()],
  ['7541 6.2.3', 'a name of the static table, never indexed', 200, bad(0x1f, 0x2b, 0x84, ...huffmanValue), data()],
  ['7541 6.1', 'a field of the static table without a value', 200, bad(0xba), data()],
  ['7541 6.3', 'a table of no octet', 200, headers(concat(Buffer.from([0x20]), block)), data()],
  [
    '7541 6.3',
    'size updates before the first field',
    200,
    headers(concat(Buffer.from([0x20, 0x3f, 0xe1, 0x1f]), block)),
    data(),
  ],
  ['7541 2.3.3', 'an index that no table has', 'goaway COMPRESSION_ERROR', bad(0xff, 0x80, 0x01)],
  ['7541 2.3.3', 'a name index that no table has', 'goaway COMPRESSION_ERROR', bad(0x7f, 0x80, 0x01, 1, 0x78)],
  ['7541 4.2', 'a size update behind a field', 'goaway COMPRESSION_ERROR', bad(0x3e)],
  ['7541 4.2', 'a size update to 1 behind a field', 'goaway COMPRESSION_ERROR', bad(0x21)],
  ['7541 5.1', 'an integer without end', 'goaway COMPRESSION_ERROR', bad(0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80)],
  ['7541 5.2', 'more than 7 bits of padding', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 0x82, 0xf3, 0xff)],
  ['7541 5.2', 'padding of zeros', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 0x81, 0xf2)],
  ['7541 5.2', 'a string that reaches out of the block', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 9, 0x79)],
  ['7541 5.2', 'EOS within a string', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 0x84, 0xff, 0xff, 0xff, 0xff)],
  ['7541 6.1', 'index 0', 'goaway COMPRESSION_ERROR', bad(0x80)],
  ['7541 6.1', 'the first index that no table has', 'goaway COMPRESSION_ERROR', bad(0xbe)],
  [
    '7541 6.3',
    'a table above what was announced',
    'goaway COMPRESSION_ERROR',
    headers(concat(Buffer.from([0x3f, 0xe2, 0x1f]), block)),
  ],
];
