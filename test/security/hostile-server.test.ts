/**
 * What a hostile gateway can make grow: nothing. Each flood runs against a whole session, for many megabytes or until
 * the connection is given up; the heap is measured with garbage collected, and every recipient has its one outcome.
 */

import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { APNs, Message, Session } from '../../src/index.js';
import * as raw from '../support/frames.js';
import { frame } from '../support/frames.js';

import { hurriedClock } from './canaries.js';
import * as h from './hostile-gateway.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * As much as one connection may hold: its stream state, buffers of 64 KiB, kept answers, tables, and something over.
 */
const allowedBytes = 16 << 20;
/** Floods that nothing ends are cut off here. */
const floodBytes = 24 << 20;
const recipients = 50;
const none = new Uint8Array(0);

interface Flood {
  readonly name: string;
  /** The next bytes; `streamId` of a request that waits, `turn` counts up. */
  readonly next: (streamId: number, turn: number) => Uint8Array;
  /** Whether the client is to end the connection because of it. */
  readonly isFault: boolean;
  readonly isDeaf?: boolean;
  /** Recipients whose status says accepted, whatever follows it. Default 0. */
  readonly accepted?: number;
}

const frames = (type: number, flags: number, streamId: number, payload: Uint8Array): Buffer =>
  h.repeated(frame(type, flags, streamId, payload), Math.max(1, Math.floor(32_000 / (9 + payload.length))));

const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0x40, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);

const floods: readonly Flood[] = [
  {
    name: 'a header-count bomb (one octet a field)',
    next: (id) => frame(raw.HEADERS, raw.END_HEADERS, id, Buffer.alloc(16_000, 0x88)),
    isFault: true,
  },
  {
    name: 'a header-size bomb (a large table entry, named again and again)',
    next: (id) => {
      const large = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 0x62)]);
      return frame(raw.HEADERS, raw.END_HEADERS, id, Buffer.concat([large, Buffer.alloc(120, 0xbe)]));
    },
    isFault: true,
  },
  {
    name: 'CONTINUATION without end',
    next: (id, turn) =>
      turn === 0
        ? frame(raw.HEADERS, 0, id, Buffer.of(0x88))
        : frames(raw.CONTINUATION, 0, id, Buffer.alloc(1000, 0x88)),
    isFault: true,
  },
  {
    name: 'empty CONTINUATION without end',
    next: (id, turn) =>
      turn === 0 ? frame(raw.HEADERS, 0, id, Buffer.of(0x88)) : frames(raw.CONTINUATION, 0, id, none),
    isFault: true,
  },
  { name: 'PING', next: () => frames(raw.PING, 0, 0, Buffer.alloc(8)), isFault: true },
  {
    name: 'PING by a gateway that does not read',
    next: () => frames(raw.PING, 0, 0, Buffer.alloc(8)),
    isFault: true,
    isDeaf: true,
  },
  { name: 'SETTINGS', next: () => frames(raw.SETTINGS, 0, 0, raw.setting(3, 100)), isFault: true },
  {
    name: 'SETTINGS by a gateway that does not read',
    next: () => frames(raw.SETTINGS, 0, 0, raw.setting(3, 100)),
    isFault: true,
    isDeaf: true,
  },
  {
    name: 'SETTINGS of thousands of entries',
    next: () => frame(raw.SETTINGS, 0, 0, h.repeated(raw.setting(0xfafa, 1), 2700)),
    isFault: true,
  },
  {
    name: 'SETTINGS that change the header table to and fro',
    next: () =>
      Buffer.concat([frames(raw.SETTINGS, 0, 0, raw.setting(1, 0)), frames(raw.SETTINGS, 0, 0, raw.setting(1, 4096))]),
    isFault: true,
  },
  {
    name: 'GOAWAY with large debug data',
    next: () =>
      frame(raw.GOAWAY, 0, 0, Buffer.concat([raw.uint32(0x7fffffff), raw.uint32(0), Buffer.alloc(16_000, 0x41)])),
    isFault: false,
  },
  {
    name: 'informational answers',
    next: (id) => frames(raw.HEADERS, raw.END_HEADERS, id, Buffer.of(0x08, 3, 0x31, 0x30, 0x33)),
    isFault: false,
  },
  {
    name: 'empty DATA',
    next: (id, turn) =>
      turn === 0 ? frame(raw.HEADERS, raw.END_HEADERS, id, Buffer.of(0x8c)) : frames(raw.DATA, 0, id, none),
    isFault: true,
  },
  {
    name: 'an endless body of an answer 400',
    next: (id, turn) =>
      turn === 0
        ? frame(raw.HEADERS, raw.END_HEADERS, id, Buffer.of(0x8c))
        : frames(raw.DATA, 0, id, Buffer.alloc(8000, 0x41)),
    isFault: false,
  },
  {
    name: 'an endless body of an answer 200',
    next: (id, turn) =>
      turn === 0
        ? frame(raw.HEADERS, raw.END_HEADERS, id, Buffer.of(0x88))
        : frames(raw.DATA, 0, id, Buffer.alloc(8000, 0x41)),
    isFault: false,
    accepted: 1,
  },
  {
    name: 'field names, each a new one',
    next: (id, turn) => {
      const fields = Array.from({ length: 40 }, (_, index) => literal(`x-${turn}-${index}-${'n'.repeat(60)}`, 'v'));
      return frame(raw.HEADERS, raw.END_HEADERS, id, Buffer.concat([Buffer.of(0x08, 3, 0x31, 0x30, 0x33), ...fields]));
    },
    isFault: false,
  },
  {
    name: 'PUSH_PROMISE',
    next: (id, turn) =>
      frame(raw.PUSH_PROMISE, raw.END_HEADERS, id, Buffer.concat([raw.uint32(2 * turn + 2), Buffer.of(0x82)])),
    isFault: true,
  },
  { name: 'PRIORITY', next: (id) => frames(raw.PRIORITY, 0, id, Buffer.alloc(5)), isFault: false },
  { name: 'frames of an unknown type', next: () => frames(0xbe, 0xff, 0, Buffer.alloc(16_000, 0x41)), isFault: false },
  { name: 'WINDOW_UPDATE of one octet', next: () => frames(raw.WINDOW_UPDATE, 0, 0, raw.uint32(1)), isFault: false },
  {
    name: 'WINDOW_UPDATE beyond the largest window',
    next: () => frame(raw.WINDOW_UPDATE, 0, 0, raw.uint32(0x7fffffff)),
    isFault: true,
  },
  {
    name: 'RST_STREAM of a stream that was never opened',
    next: () => frames(raw.RST_STREAM, 0, 9999, raw.uint32(8)),
    isFault: true,
  },
  { name: 'a frame larger than was allowed', next: () => frame(0xbe, 0, 0, Buffer.alloc(16_385)), isFault: true },
  {
    name: 'bytes that are no frames',
    next: () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(1000)),
    isFault: true,
  },
];

describe('security: what a hostile gateway makes grow', () => {
  for (const flood of floods) {
    it(`malicious server: ${flood.name}`, async () => {
      const { most, gateways, counts } = await suffer(flood);
      const grown = `${(most / 1e6).toFixed(1)} MB`;
      assert.ok(most < allowedBytes, `the heap grew by ${grown}`);
      assert.equal(counts.accepted + counts.rejected + counts.unsent + counts.unknown, recipients, 'books balance');
      assert.equal(counts.accepted, flood.accepted ?? 0);
      const first = gateways[0]!;
      if (flood.isFault) {
        // One that does not read does not hear that it was given up, and goes on until the stream is closed.
        const isSoon = flood.isDeaf === true || first.written < 2 << 20;
        assert.ok(first.isClosed && isSoon, `given up, after ${first.written} bytes`);
      }
    });
  }
});

async function suffer({ next, isDeaf = false }: Flood) {
  const gateways: h.HostileGateway[] = [];
  let most = 0;
  let turns = 0;
  collect();
  const before = used();
  const abort = new AbortController();
  const onRequest = (gateway: h.HostileGateway, streamId: number): void => {
    if (gateway.written > 1000) return;
    let turn = 0;
    gateway.flood(() => {
      if (++turns % 50 === 0) {
        collect();
        most = Math.max(most, used() - before);
      }
      if (gateway.written < floodBytes) return next(streamId, turn++);
      abort.abort();
      gateway.destroy();
      return null;
    });
  };
  const backend = h.hostileBackend({ onRequest, isDeaf }, gateways);
  const session = new Session({ backend, clock: hurriedClock, maxConnections: 1 });
  try {
    const apns = new APNs(session.getConnection('https://gateway.example', null));
    const tokens = Array.from({ length: recipients }, (_, index) => index.toString(16).padStart(64, '0'));
    const message = new Message(tokens, { alert: 'Hello', topic: 'com.example.app' });
    const { counts } = await apns.send(message, { signal: abort.signal, retry: false } as object);
    collect();
    most = Math.max(most, used() - before);
    return { most, gateways, counts };
  } finally {
    await session.shutdown();
    // The other end of a memory stream hears of a close a turn later.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** `external` holds the array buffers. */
function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
