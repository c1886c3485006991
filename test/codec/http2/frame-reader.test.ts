import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConnectionFault } from '../../../src/codec/http2/connection-fault.js';
import { FrameReader } from '../../../src/codec/http2/frame-reader.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { frame } from '../../support/frames.js';

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: string;
}

function collect(): { seen: Seen[]; reader: FrameReader; buffers: Set<Uint8Array> } {
  const seen: Seen[] = [];
  const buffers = new Set<Uint8Array>();
  const reader = new FrameReader(
    {
      onFrame(type, flags, streamId, bytes, start, end) {
        buffers.add(bytes);
        seen.push({ type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)).toString('hex') });
      },
    },
    16_384,
  );
  return { seen, reader, buffers };
}

// biome-ignore format: one field to a row
const settings = Uint8Array.of(
  0, 0, 6,          // length
  4,                // SETTINGS
  0,                // flags
  0, 0, 0, 0,       // stream 0
  0, 3,             // MAX_CONCURRENT_STREAMS
  0, 0, 3, 0xe8,    // 1,000
);

describe('codec/http2/frame-reader', () => {
  it('writes and reads a frame header octet by octet', () => {
    const bytes = new Uint8Array(9);
    frames.writeFrameHeader(bytes, 0, 0x012345, frames.HEADERS, 0x25, 0x7fffffff);
    // biome-ignore format: one field to a row
    assert.deepEqual([...bytes], [
      0x01, 0x23, 0x45,       // length
      0x01,                   // HEADERS
      0x25,                   // PRIORITY, END_HEADERS, END_STREAM
      0x7f, 0xff, 0xff, 0xff, // stream 2^31 - 1
    ]);
  });

  it('ignores the reserved bit of a stream id', () => {
    const { reader, seen } = collect();
    reader.read(settings, settings.length);
    const bytes = frame(frames.DATA, 0, 0x80000005, []);
    reader.read(bytes, bytes.length);
    assert.equal(seen[1]?.streamId, 5);
  });

  it('sees the same frames however the stream is split', () => {
    const piece = fc.tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.uint8Array({ maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (pieces, cuts) => {
        const all = [settings, ...pieces.map(([type, flags, payload], i) => frame(type, flags, i, payload))];
        const bytes = new Uint8Array(Buffer.concat(all));
        const whole = collect();
        whole.reader.read(bytes, bytes.length);
        const split = collect();
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const part = Uint8Array.from(bytes.subarray(at, at + cuts[cut % cuts.length]!));
          split.reader.read(part, part.length);
          part.fill(0xee);
          at += part.length;
        }
        assert.equal(whole.seen.length, all.length);
        assert.deepEqual(split.seen, whole.seen);
      }),
    );
  });

  it('hands whole frames on where they lie, without a copy', () => {
    const { reader, buffers } = collect();
    const bytes = new Uint8Array(Buffer.concat([settings, settings, settings]));
    reader.read(bytes, bytes.length);
    assert.deepEqual([...buffers], [bytes]);
  });

  it('takes a frame of exactly 16,384 bytes, split anywhere', () => {
    const { reader, seen } = collect();
    const large = frame(frames.DATA, 0, 1, new Uint8Array(16_384).fill(7));
    reader.read(settings, settings.length);
    reader.read(large, 10_000);
    reader.read(large.slice(10_000), large.length - 10_000);
    assert.equal(seen[1]?.payload.length, 2 * 16_384);
  });

  it('refuses a frame above the limit as soon as its header is known', () => {
    for (let split = 0; split <= 8; split++) {
      const { reader } = collect();
      reader.read(settings, settings.length);
      const header = frame(frames.DATA, 0, 1, []);
      header.set([0x00, 0x40, 0x01]);
      reader.read(header, split);
      assert.throws(
        () => reader.read(header.slice(split), 9 - split),
        (error) => error instanceof ConnectionFault && error.errorCode === frames.FRAME_SIZE_ERROR,
      );
    }
  });

  it('refuses anything but SETTINGS as the first frame', () => {
    const text = new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n');
    for (const first of [
      text,
      frame(frames.SETTINGS, frames.FLAG_ACK, 0),
      frame(frames.PING, 0, 0, new Uint8Array(8)),
    ]) {
      assert.throws(
        () => collect().reader.read(first, first.length),
        (error) => error instanceof ConnectionFault && error.errorCode === frames.PROTOCOL_ERROR,
      );
    }
  });
});
