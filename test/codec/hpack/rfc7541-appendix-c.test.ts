/** Every example of RFC 7541 Appendix C, read and written, with the dynamic table that it leaves behind. */
import assert from 'node:assert/strict';
import { ByteWriter } from '../../../src/codec/byte-writer.js';
import { HpackDecoder } from '../../../src/codec/hpack/decoder.js';
import { HpackEncoder, type Indexing } from '../../../src/codec/hpack/encoder.js';
import type { StringForm } from '../../../src/codec/hpack/representation.js';
import { hexOf, octets } from '../../support/hex.js';

type Field = [name: string, value: string, indexing?: Indexing];

interface Example {
  readonly section: string;
  readonly block: string;
  readonly fields: readonly Field[];
  /** The dynamic table afterwards, the newest first. */
  readonly table: readonly Field[];
  readonly tableBytes: number;
}

const authority: Field = [':authority', 'www.example.com'];
const noCache: Field = ['cache-control', 'no-cache'];
const custom: Field = ['custom-key', 'custom-value'];
const isPrivate: Field = ['cache-control', 'private'];
const date21: Field = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'];
const date22: Field = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const location: Field = ['location', 'https://www.example.com'];
const gzip: Field = ['content-encoding', 'gzip'];
const cookie: Field = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];

const single: readonly Example[] = [
  {
    section: 'C.2.1 literal with indexing',
    block: `
      40                                    // literal, incremental indexing, new name
      0a 6375 7374 6f6d 2d6b 6579           // 10 octets: custom-key
      0d 6375 7374 6f6d 2d68 6561 6465 72   // 13 octets: custom-header`,
    fields: [['custom-key', 'custom-header']],
    table: [['custom-key', 'custom-header']],
    tableBytes: 55,
  },
  {
    section: 'C.2.2 literal without indexing',
    block: `
      04                                    // literal, not indexed, name of index 4
      0c 2f73 616d 706c 652f 7061 7468      // 12 octets: /sample/path`,
    fields: [[':path', '/sample/path', 'none']],
    table: [],
    tableBytes: 0,
  },
  {
    section: 'C.2.3 literal never indexed',
    block: `
      10                                    // literal, never indexed, new name
      08 7061 7373 776f 7264                // 8 octets: password
      06 7365 6372 6574                     // 6 octets: secret`,
    fields: [['password', 'secret', 'never']],
    table: [],
    tableBytes: 0,
  },
  {
    section: 'C.2.4 indexed',
    block: '82 // index 2',
    fields: [[':method', 'GET']],
    table: [],
    tableBytes: 0,
  },
];

/** The lists of C.3 and C.4 are the same, and so are their tables. */
function requests(section: string, blocks: readonly [string, string, string]): Example[] {
  const begin: Field[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
  ];
  return [
    {
      section: `${section}.1`,
      block: blocks[0],
      fields: [...begin, authority],
      table: [authority],
      tableBytes: 57,
    },
    {
      section: `${section}.2`,
      block: blocks[1],
      fields: [...begin, authority, noCache],
      table: [noCache, authority],
      tableBytes: 110,
    },
    {
      section: `${section}.3`,
      block: blocks[2],
      fields: [[':method', 'GET'], [':scheme', 'https'], [':path', '/index.html'], authority, custom],
      table: [custom, noCache, authority],
      tableBytes: 164,
    },
  ];
}

/** The lists of C.5 and C.6 are the same, and so are their tables of 256 bytes. */
function responses(section: string, blocks: readonly [string, string, string]): Example[] {
  return [
    {
      section: `${section}.1`,
      block: blocks[0],
      fields: [[':status', '302'], isPrivate, date21, location],
      table: [location, date21, isPrivate, [':status', '302']],
      tableBytes: 222,
    },
    {
      section: `${section}.2`,
      block: blocks[1],
      fields: [[':status', '307'], isPrivate, date21, location],
      table: [[':status', '307'], location, date21, isPrivate],
      tableBytes: 222,
    },
    {
      section: `${section}.3`,
      block: blocks[2],
      fields: [[':status', '200'], isPrivate, date22, location, gzip, cookie],
      table: [cookie, gzip, date22],
      tableBytes: 215,
    },
  ];
}

const rawRequests = requests('C.3', [
  `82 86 84                                          // indices 2, 6, 4
   41 0f 7777 772e 6578 616d 706c 652e 636f 6d       // name of index 1, 15 octets: www.example.com`,
  `82 86 84 be                                       // indices 2, 6, 4, 62
   58 08 6e6f 2d63 6163 6865                         // name of index 24, 8 octets: no-cache`,
  `82 87 85 bf                                       // indices 2, 7, 5, 63
   40 0a 6375 7374 6f6d 2d6b 6579                    // new name, 10 octets: custom-key
   0c 6375 7374 6f6d 2d76 616c 7565                  // 12 octets: custom-value`,
]);

const codedRequests = requests('C.4', [
  `82 86 84                                          // indices 2, 6, 4
   41 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff               // name of index 1, 12 coded octets: www.example.com`,
  `82 86 84 be                                       // indices 2, 6, 4, 62
   58 86 a8eb 1064 9cbf                              // name of index 24, 6 coded octets: no-cache`,
  `82 87 85 bf                                       // indices 2, 7, 5, 63
   40 88 25a8 49e9 5ba9 7d7f                         // new name, 8 coded octets: custom-key
   89 25a8 49e9 5bb8 e8b4 bf                         // 9 coded octets: custom-value`,
]);

const rawResponses = responses('C.5', [
  `48 03 3330 32                                     // name of index 8, 3 octets: 302
   58 07 7072 6976 6174 65                           // name of index 24, 7 octets: private
   61 1d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133     // name of index 33, 29 octets: Mon, 21 Oct 2013
         2032 303a 3133 3a32 3120 474d 54            //   20:13:21 GMT
   6e 17 6874 7470 733a 2f2f 7777 772e 6578 616d     // name of index 46, 23 octets: https://www.exam
         706c 652e 636f 6d                           //   ple.com`,
  `48 03 3330 37                                     // name of index 8, 3 octets: 307; 302 is evicted
   c1 c0 bf                                          // indices 65, 64, 63`,
  `88 c1                                             // indices 8, 65
   61 1d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133     // name of index 33, 29 octets: Mon, 21 Oct 2013
         2032 303a 3133 3a32 3220 474d 54            //   20:13:22 GMT
   c0                                                // index 64
   5a 04 677a 6970                                   // name of index 26, 4 octets: gzip
   77 38 666f 6f3d 4153 444a 4b48 514b 425a 584f     // name of index 55, 56 octets: foo=ASDJKHQKBZXO
         5157 454f 5049 5541 5851 5745 4f49 553b     //   QWEOPIUAXQWEOIU;
         206d 6178 2d61 6765 3d33 3630 303b 2076     //   max-age=3600; v
         6572 7369 6f6e 3d31                         //   ersion=1`,
]);

const codedResponses = responses('C.6', [
  `48 82 6402                                        // name of index 8, 2 coded octets: 302
   58 85 aec3 771a 4b                                // name of index 24, 5 coded octets: private
   61 96 d07a be94 1054 d444 a820 0595 040b 8166     // name of index 33, 22 coded octets: Mon, 21 Oct
         e082 a62d 1bff                              //   2013 20:13:21 GMT
   6e 91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3  // name of index 46, 17 coded octets: https://www…`,
  `48 83 640e ff                                     // name of index 8, 3 coded octets: 307; 302 is evicted
   c1 c0 bf                                          // indices 65, 64, 63`,
  `88 c1                                             // indices 8, 65
   61 96 d07a be94 1054 d444 a820 0595 040b 8166     // name of index 33, 22 coded octets: Mon, 21 Oct
         e084 a62d 1bff                              //   2013 20:13:22 GMT
   c0                                                // index 64
   5a 83 9bd9 ab                                     // name of index 26, 3 coded octets: gzip
   77 ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960     // name of index 55, 45 coded octets: foo=ASDJKHQK…
         d5af 2708 7f36 72c1 ab27 0fb5 291f 9587     //
         3160 65c0 03ed 4ee5 b106 3d50 07            //`,
]);

/** What the table holds, read by the index of each entry. */
function tableOf(decoder: HpackDecoder): string[][] {
  return Array.from({ length: decoder.tableEntries }, (_, age) => [
    ...decoder.decode(Uint8Array.of(0x80 | (62 + age)))[0]!,
  ]);
}

const bare = (fields: readonly Field[]): string[][] => fields.map(([name, value]) => [name, value]);

function check(examples: readonly Example[], tableBytes: number, strings: StringForm): void {
  const decoder = new HpackDecoder({ maxTableBytes: tableBytes });
  const encoder = new HpackEncoder(tableBytes);
  encoder.encode([], new ByteWriter()); // the size update of a table that is smaller than the default
  for (const example of examples) {
    it(`${example.section} is read`, () => {
      assert.deepEqual(decoder.decode(octets(example.block)), bare(example.fields));
      assert.deepEqual(tableOf(decoder), bare(example.table));
      assert.equal(decoder.tableBytes, example.tableBytes);
    });

    it(`${example.section} is written`, () => {
      const out = new ByteWriter();
      const fields = example.fields.map(([name, value, indexing]) => ({ name, value, indexing: indexing ?? 'shared' }));
      encoder.encode(fields, out, strings);
      assert.equal(hexOf(out.view()), hexOf(octets(example.block)));
      assert.equal(encoder.tableEntries, example.table.length);
      assert.equal(encoder.tableBytes, example.tableBytes);
    });
  }
}

describe('RFC 7541 Appendix C', () => {
  for (const example of single) check([example], 4096, 'raw');
  check(rawRequests, 4096, 'raw');
  check(codedRequests, 4096, 'compact');
  check(rawResponses, 256, 'raw');
  check(codedResponses, 256, 'compact');
});
