/**
 * Differential tests: what our encoder writes, node:http2 (nghttp2) reads; what node:http2 writes, our decoder reads.
 * In process, over a pair of streams in memory.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { ByteWriter } from '../../../src/codec/byte-writer.js';
import { type EncodedField, HpackEncoder, type Indexing } from '../../../src/codec/hpack/encoder.js';
import type { HeaderField } from '../../../src/push/notification.js';
import { FrameSplitter, frame, type RawFrame, settingsFrame } from '../../support/frames.js';
import { PeerDecoder } from '../../support/peer-decoder.js';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const CONTINUATION = 9;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const PRIORITY = 0x20; // five octets of priority stand in front of the block
const HEADER_TABLE_SIZE = 1;

/** Names and values that every HTTP implementation passes on as they are. */
const name = fc.oneof(
  fc.constantFrom('apns-topic', 'apns-id', 'apns-collapse-id', 'x-a', 'accept', 'user-agent', 'authorization'),
  fc.stringMatching(/^x-[a-z0-9_.]{1,30}$/),
);
const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
const value = fc.oneof(
  fc.constantFrom('', 'com.example.app', 'eabeae54-14a8-11e5-b60b-1697f925ec7b', 'x'.repeat(2100)),
  fc.string({ unit: visible, maxLength: 200 }),
);
const tableBytes = fc.constantFrom(0, 1, 40, 100, 1000, 4096, 20_000);

function requestFields(extra: readonly EncodedField[]): EncodedField[] {
  return [
    { name: ':method', value: 'POST', indexing: 'shared' },
    { name: ':scheme', value: 'https', indexing: 'shared' },
    { name: ':authority', value: 'api.push.apple.com', indexing: 'shared' },
    { name: ':path', value: `/3/device/${'0123456789abcdef'.repeat(4)}`, indexing: 'none' },
    ...extra,
  ];
}

/** Our side of a connection: every frame that the other side sends, in order, as it comes. */
class Wire {
  readonly #waiting: RawFrame[] = [];
  #wake: (() => void) | null = null;

  constructor(
    readonly stream: Duplex,
    side: 'client' | 'server' = 'server',
  ) {
    const splitter = new FrameSplitter(side);
    stream.on('data', (chunk: Buffer) => {
      this.#waiting.push(...splitter.push(chunk));
      this.#wake?.();
    });
  }

  async next(isWanted: (frame: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const found = this.#waiting.shift();
      if (found === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (isWanted(found)) {
        return found;
      }
    }
  }
}

describe('HPACK against node:http2', () => {
  it('its decoder reads what our encoder writes, with any table and any change of its size', async () => {
    const indexing = fc.constantFrom<Indexing>('shared', 'first', 'none', 'never');
    const list = fc.array(fc.record({ name, value, indexing }), { maxLength: 8 });
    const script = fc.array(fc.record({ list, newTableBytes: fc.option(tableBytes) }), { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(script, tableBytes, async (steps, firstTableBytes) => {
        const [ours, theirs] = duplexPair();
        const session = http2.performServerHandshake(theirs, { settings: { headerTableSize: firstTableBytes } });
        try {
          await checkEncoder(new Wire(ours), session, steps);
        } finally {
          session.destroy();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('its encoder writes what our decoder reads, with any table and any change of its size', async () => {
    const field = fc.record({ name, value, isSensitive: fc.boolean() });
    const list = fc.uniqueArray(field, { maxLength: 8, selector: (one) => one.name });
    const script = fc.array(fc.record({ list, newTableBytes: fc.option(tableBytes) }), { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const [ours, theirs] = duplexPair();
        const session = http2.connect('https://api.push.apple.com', { createConnection: () => theirs });
        try {
          await checkDecoder(new Wire(ours, 'client'), session, steps);
        } finally {
          session.destroy();
        }
      }),
      { numRuns: 60 },
    );
  });
});

interface EncoderStep {
  readonly list: readonly EncodedField[];
  readonly newTableBytes: number | null;
}

async function checkEncoder(wire: Wire, session: http2.ServerHttp2Session, steps: readonly EncoderStep[]) {
  const encoder = new HpackEncoder();
  const followSettings = async (): Promise<void> => {
    const { payload } = await wire.next(({ type, flags }) => type === SETTINGS && (flags & ACK) === 0);
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === HEADER_TABLE_SIZE) encoder.setPeerTableBytes(payload.readUInt32BE(at + 2));
    }
    wire.stream.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
  };
  wire.stream.write(Buffer.concat([preface, frame(SETTINGS, 0, 0, Buffer.alloc(0))]));
  await followSettings();
  let streamId = -1;
  for (const { list, newTableBytes } of steps) {
    if (newTableBytes !== null) {
      session.settings({ headerTableSize: newTableBytes });
      await followSettings();
    }
    streamId += 2;
    const fields = requestFields(list);
    const out = new ByteWriter();
    encoder.encode(fields, out);
    const arrived = once(session, 'stream');
    wire.stream.write(frame(HEADERS, END_HEADERS | END_STREAM, streamId, Buffer.from(out.view())));
    const [stream, , , rawHeaders] = (await arrived) as [http2.ServerHttp2Stream, unknown, unknown, string[]];
    assert.equal(stream.id, streamId);
    assert.deepEqual(
      rawHeaders,
      fields.flatMap((one) => [one.name, one.value]),
    );
  }
}

interface DecoderStep {
  readonly list: readonly { name: string; value: string; isSensitive: boolean }[];
  readonly newTableBytes: number | null;
}

async function checkDecoder(wire: Wire, session: http2.ClientHttp2Session, steps: readonly DecoderStep[]) {
  const decoder = new PeerDecoder({ maxHeaderListBytes: 1 << 16 });
  wire.stream.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  for (const { list, newTableBytes } of steps) {
    if (newTableBytes !== null) {
      const isAcknowledged = once(session, 'remoteSettings');
      wire.stream.write(settingsFrame([[HEADER_TABLE_SIZE, newTableBytes]]));
      await isAcknowledged;
      decoder.announced(newTableBytes);
    }
    const headers: http2.OutgoingHttpHeaders = { ':method': 'POST', ':path': '/3/device/00' };
    for (const one of list) headers[one.name] = one.value;
    const sensitive = list.filter((one) => one.isSensitive).map((one) => one.name);
    const request = session.request({ ...headers, [http2.sensitiveHeaders]: sensitive }, { endStream: true });
    request.on('error', () => {}); // the session is destroyed with its requests open
    const decoded = new Map<string, string>(decoder.decode(await headerBlock(wire)) as HeaderField[]);
    assert.equal(decoded.get(':authority'), 'api.push.apple.com:443');
    for (const [key, expected] of Object.entries(headers)) assert.equal(decoded.get(key), expected, key);
    assert.equal(decoded.size, list.length + 4);
  }
}

async function headerBlock(wire: Wire): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const next = await wire.next(({ type }) => type === HEADERS || type === CONTINUATION || type === DATA);
    assert.ok(next.type === HEADERS || next.type === CONTINUATION);
    pieces.push((next.flags & PRIORITY) === 0 ? next.payload : next.payload.subarray(5));
    if ((next.flags & END_HEADERS) !== 0) return Buffer.concat(pieces);
  }
}
