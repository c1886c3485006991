/**
 * Rows B: header blocks (RFC 7541, RFC 9113 §4.3). Whatever cannot be decoded ends the connection, because the tables
 * of both sides can no longer be trusted to be equal. The decoder and the encoder have tests of their own beside these.
 */

import assert from 'node:assert/strict';
import { maxHeaderFields, maxHeaderListBytes, maxRememberedNameBytes } from '../../../../src/base/limits.js';
import { ByteWriter } from '../../../../src/codec/byte-writer.js';
import { HpackDecoder } from '../../../../src/codec/hpack/decoder.js';
import { writeLiteral } from '../../../../src/codec/hpack/representation.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { accepted, frame, rstStream } from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { connectionError, goesOn, row, streamError, withRequests } from '../../../support/peer-cases.js';
import { ScriptedPeer } from '../../../support/scripted-peer.js';

const { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, FLAG_END_HEADERS, FLAG_END_STREAM, HEADERS } = frames;

/** HEADERS with END_STREAM and that block, by default on stream 1. */
function answer(block: ArrayLike<number>, streamId = 1): Uint8Array {
  return frame(HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, streamId, block);
}

function undecodable(name: string, block: ArrayLike<number>): void {
  connectionError(name, COMPRESSION_ERROR, answer(block));
}

/** `count` fields of one octet each: accept-encoding of the static table. */
function fields(count: number): Uint8Array {
  return new Uint8Array(count).fill(0x90);
}

/** The first octets of the header block of the next request. */
function nextBlock(peer: ScriptedPeer): number[] {
  assert.equal(peer.submit(1, 100), 1);
  const sent = peer.read().filter(({ type }) => type === HEADERS);
  assert.equal(sent.length, 1);
  return [...sent[0]!.payload.subarray(0, 8)];
}

describe('codec/http2/cases: B, HPACK', () => {
  undecodable('B1 index 0', octets('80'));
  undecodable('B1 index 62 of an empty dynamic table', octets('88 be'));
  undecodable('B1 an index far beyond the table', octets('88 ff 80 01')); // 127 + 128
  undecodable('B1 a name by an index beyond the table', octets('88 7e 01 61')); // literal, name 62

  undecodable('B2 Huffman: eight bits of padding', octets('88 0f 21 82 1f ff')); // via, "a" and 3 bits, then 8
  undecodable('B2 Huffman: an octet of ones behind a code that ends with an octet', octets('88 0f 21 82 f8 ff')); // "&"
  undecodable('B2 Huffman: padding that is not the start of EOS', octets('88 0f 21 81 1e')); // "a", 110
  undecodable('B2 Huffman: EOS within a string', octets('88 0f 21 84 ff ff ff ff')); // 30 bits of ones and 2
  undecodable('B2 Huffman: a name that ends within a code', octets('88 00 81 fe 01 61'));

  undecodable('B3 an integer of six octets', octets('88 ff ff ff ff ff 0f'));
  undecodable('B3 an integer with zeros that do not end', octets('88 ff 80 80 80 80 80 80 00'));
  undecodable('B3 a small integer with one zero too many', octets('3f 80 80 80 80 00 88')); // table size 31
  goesOn('B3 a small integer with as many zeros as may be', '0 accepted', [], answer(octets('3f 80 80 80 00 88')));
  undecodable('B3 a string length that overflows', octets('88 00 7f ff ff ff ff 7f'));

  undecodable('B4 a value beyond the end of the block', octets('88 0f 21 05 61 62')); // 5 announced, 2 there
  undecodable('B4 a value one octet beyond the end of the block', octets('88 0f 21 03 61 62'));
  connectionError(
    'B4 a block that ends within an integer, which the next octet would complete',
    COMPRESSION_ERROR,
    answer(octets('3f')), // table size 31 and more …
    accepted(3), // … and 0
  );
  undecodable('B4 a name beyond the end of the block', octets('88 00 03 61'));
  undecodable('B4 a block that ends within an integer', octets('88 ff'));
  undecodable('B4 a block that ends before a value', octets('88 0f 21'));

  undecodable('B5 a table size above the 4,096 that we announced', octets('3f e2 1f 88')); // 4,097
  undecodable('B5 a table size behind a field', octets('88 20'));
  goesOn('B5 two table sizes at the start of a block', '0 accepted', [], answer(octets('20 3f e1 1f 88'))); // 0, 4,096

  row('B6 we never lower the table that we announced, so no block has to follow', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    const sent = peer.read();
    peer.announce([]);
    sent.push(...peer.read());
    peer.request(1);
    peer.send(accepted(1));
    sent.push(...peer.read());
    const settings = sent.filter(({ type, flags }) => type === frames.SETTINGS && flags === 0);
    assert.equal(settings.length, 1);
  });

  row('B7 the peer lowers our table twice between two blocks: the smallest size first, then the final one', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.announce([[1, 0]]);
    peer.announce([[1, 60]]);
    assert.deepEqual(nextBlock(peer).slice(0, 3), [...octets('20 3f 1d')]); // 0, then 60
    assert.ok(![0x20, 0x3f].includes(nextBlock(peer)[0]!), 'the next block begins with a field');
  });
  row('B7 the peer lowers our table and raises it again in one frame', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.announce([
      [1, 100],
      [1, 4096],
    ]);
    assert.deepEqual(nextBlock(peer).slice(0, 5), [...octets('3f 45 3f e1 1f')]); // 100, then 4,096
  });
  row('B7 no block goes by the new size before the SETTINGS are acknowledged', () => {
    const peer = ScriptedPeer.opened();
    peer.submit(2);
    peer.announce([[1, 0]]);
    peer.submit(2, 10);
    // ScriptedPeer's decoder insists on the size from the acknowledgement on, and not before.
    peer.read();
    assert.equal(peer.requests.size, 4);
    assert.equal(peer.decoder.tableEntries, 0);
  });

  row('B8 the peer raises our table to 65,536: we stay at 4,096 and say nothing of it', () => {
    const peer = ScriptedPeer.opened([[1, 65_536]]);
    assert.ok(![0x20, 0x3f].includes(nextBlock(peer)[0]!));
    for (let i = 0; i < 40; i++) {
      const template = peer.template({ providerToken: `${i}.${'x'.repeat(300)}` });
      assert.equal(peer.submit(1, 200 + i, template), 1);
      peer.read();
      assert.ok(peer.decoder.tableBytes <= 4096, `${peer.decoder.tableBytes} bytes`);
      peer.send(accepted(2 * i + 3));
    }
  });

  const small = octets(`
    3f 21           // table size 64
    88              // :status 200
    40 01 61 01 62  // a: b, entered: 34 bytes
    7e 01 63        // name 62 (a), value c, entered: the entry that gave its name is evicted
    be              // a: c
    40 01 61 01 63  // a: c once more: a duplicate
    be              // a: c
  `);
  goesOn('B9 eviction of the entry that a name refers to, and duplicates', '0 accepted', [], answer(small));
  const tooLarge = octets(`
    3f 21           // table size 64
    88
    40 01 61 01 62  // a: b, entered
    40 01 61 21     // a, and a value of 33 bytes: 66 in all, larger than the table, which it empties
    78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78
  `);
  goesOn('B9 an entry larger than the table empties it', '0 accepted', [], answer(tooLarge));
  undecodable('B9 nothing is left of the table after that', [...tooLarge, 0xbe]);

  const entersStatus = octets('48 03 34 30 34'); // :status 404, entered
  for (const [name, before] of [
    ['that has ended', accepted(1)],
    ['that the peer has reset', rstStream(1, frames.CANCEL)],
    ['that we have reset', frame(HEADERS, FLAG_END_HEADERS, 1, octets('80').fill(0x82))], // :method: malformed
  ] as const) {
    row(`B10 the table follows a block on a stream ${name}`, () => {
      const peer = withRequests();
      peer.send(before, answer(entersStatus), answer(octets('be'), 3));
      const report = peer.listener.reports.get(1);
      assert.equal(report?.kind === 'rejected' && report.status, 404);
    });
    connectionError(`B10 a bad block on a stream ${name}`, COMPRESSION_ERROR, before, answer(octets('80')));
  }

  // An entry of 4,001 bytes, and references of one octet to it.
  const entry = [0x88, 0x40, 0x01, 0x61, 0x7f, 0x81, 0x1e, ...new Uint8Array(3968).fill(0x61)];
  const bomb = (references: number): Uint8Array => answer([...entry, ...new Uint8Array(references).fill(0xbe)]);
  goesOn(`B11 a list below ${maxHeaderListBytes} bytes once decoded`, '0 accepted', [], bomb(3));
  connectionError(`B11 a list above ${maxHeaderListBytes} bytes once decoded`, ENHANCE_YOUR_CALM, bomb(4));

  goesOn(`B12 ${maxHeaderFields} fields`, '0 accepted', [], answer([0x88, ...fields(maxHeaderFields - 1)]));
  connectionError('B12 one field more', ENHANCE_YOUR_CALM, answer([0x88, ...fields(maxHeaderFields)]));
  row('B12 names that a peer brings are forgotten again', () => {
    const decoder = new HpackDecoder();
    for (let i = 0; i < 300; i++) {
      const out = new ByteWriter();
      writeLiteral(out, 'without-indexing', 0, `${i}`.padEnd(16_000, 'n'), '', 'raw');
      decoder.decode(out.view());
      assert.ok(decoder.names.peerBytes <= maxRememberedNameBytes, `${decoder.names.peerBytes} bytes`);
    }
  });

  connectionError(
    'B13 names and values of no octets, one more than there may be fields',
    ENHANCE_YOUR_CALM,
    answer([0x88, ...new Uint8Array(3 * maxHeaderFields)]),
  );
  streamError('B13 a name of no octets is malformed', frames.PROTOCOL_ERROR, answer(octets('88 00 00 01 61')));
  goesOn('B13 an empty value is allowed', '0 accepted', [], answer(octets('88 00 01 61 00')));
});
