/**
 * An HPACK decoder as a peer has it that announces other sizes of its dynamic table in the middle of a connection, and
 * insists that what it reads follows them (RFC 7541 §4.2, RFC 9113 §4.3.1). peal announces one size for good, so its
 * own decoder does not know how.
 */
import assert from 'node:assert/strict';
import { type FieldVisitor, HpackDecoder, type HpackDecoderOptions } from '../../src/codec/hpack/decoder.js';
import { IntegerReader } from '../../src/codec/hpack/integer.js';

/** More than any test announces. */
const capacityBytes = 1 << 16;
const startBytes = 4096;

export class PeerDecoder extends HpackDecoder {
  readonly #integers = new IntegerReader();
  /** What was announced and acknowledged last. */
  #mostBytes = startBytes;
  /** What the client uses: the last size that it named. */
  #usedBytes = startBytes;
  /** The least that was announced since the last block, where it is less than what is used. */
  #dueBytes: number | null = null;

  constructor(options: Omit<HpackDecoderOptions, 'maxTableBytes'> = {}) {
    super({ ...options, maxTableBytes: capacityBytes });
    this.reset();
  }

  /** As at the start of a connection. */
  reset(): void {
    this.#mostBytes = startBytes;
    this.#dueBytes = null;
    this.#usedBytes = startBytes;
    super.walk(Uint8Array.of(0x20, 0x3f, 0xe1, 0x1f), 0, 4, { onField: () => {} }); // 0, then 4,096
  }

  /** SETTINGS_HEADER_TABLE_SIZE is acknowledged. Below what is used, the next block has to open with a size update. */
  announced(maxTableBytes: number): void {
    assert.ok(maxTableBytes <= capacityBytes);
    this.#mostBytes = maxTableBytes;
    if (maxTableBytes < this.#usedBytes) this.#dueBytes = Math.min(this.#dueBytes ?? maxTableBytes, maxTableBytes);
  }

  override walk(bytes: Uint8Array, start: number, end: number, visitor: FieldVisitor): void {
    for (let at = start; at < end && (bytes[at]! & 0xe0) === 0x20; at = this.#integers.end) {
      const size = this.#integers.read(bytes, at, end, 0x1f);
      const most = this.#dueBytes ?? this.#mostBytes;
      assert.ok(size <= most, `the table is set to ${size} bytes where ${most} are allowed`);
      this.#dueBytes = null;
      this.#usedBytes = size;
    }
    assert.equal(this.#dueBytes, null, 'the table is not lowered as was announced');
    super.walk(bytes, start, end, visitor);
  }
}
