/** HTTP/2 frames taken apart and put together for tests that stand between two real implementations. */

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

const headerBytes = 9;

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** Cuts a stream of bytes into frames, wherever its chunks begin and end. Knows nothing of padding or order. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): RawFrame[] {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const frames: RawFrame[] = [];
    let at = 0;
    while (at + headerBytes <= bytes.length) {
      const end = at + headerBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      frames.push({
        type: bytes[at + 3]!,
        flags: bytes[at + 4]!,
        streamId,
        payload: bytes.subarray(at + headerBytes, end),
      });
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }
}
