/**
 * The output of a connection in buffers of 64 KiB. A chunk is filled by one connection, waits for the round-trip time,
 * is written, and goes back to the pool that all connections of a simulator share.
 */
import { maxSpareChunks, outputBufferBytes } from '../../base/limits.js';

export class Chunk {
  readonly bytes = new Uint8Array(outputBufferBytes);
  /** A view of the same memory, for writes of more than one octet. */
  readonly view = new DataView(this.bytes.buffer);
  length = 0;
  /** Streams that end in this chunk. For the client they are open until it is sent. */
  endedStreams = 0;
  /** Bytes that the chunk's WINDOW_UPDATEs give back to the connection's receive window. */
  creditBytes = 0;
  /** When it may be sent, by the simulator's clock. */
  dueMs = 0;
}

export class ChunkPool {
  readonly #spare: Chunk[] = [];

  take(): Chunk {
    return this.#spare.pop() ?? new Chunk();
  }

  giveBack(chunk: Chunk): void {
    if (this.#spare.length >= maxSpareChunks) return;
    chunk.length = 0;
    chunk.endedStreams = 0;
    chunk.creditBytes = 0;
    this.#spare.push(chunk);
  }
}

/** The output of one connection. */
export class OutputChunks {
  readonly #pool: ChunkPool;
  #current: Chunk | null = null;
  #full: Chunk[] = [];

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /**
   * Returns the chunk to write to, with room for `bytes`, at most 64 KiB, behind its `length`. The caller moves
   * `length`.
   */
  room(bytes: number): Chunk {
    const current = this.#current;
    if (current !== null && current.length + bytes <= outputBufferBytes) return current;
    if (current !== null) this.#full.push(current);
    const next = this.#pool.take();
    this.#current = next;
    return next;
  }

  get isEmpty(): boolean {
    return this.#current === null;
  }

  /** Returns all that was written, in order. Later output goes to new chunks. */
  takeAll(): Chunk[] {
    const taken = this.#full;
    if (this.#current !== null) taken.push(this.#current);
    this.#current = null;
    this.#full = [];
    return taken;
  }
}
