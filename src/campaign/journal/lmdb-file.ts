/**
 * Whether a file is one that LMDB may open. LMDB maps its file into memory and follows what is written there: with one
 * that was cut, damaged or written by another program it ends the process (SIGSEGV, SIGBUS). So the pages that its
 * latest transaction uses are followed here first. Called by lmdb-store before it opens a file that no process has
 * open.
 *
 *   page      0 number (8) │ 8 transaction (8) │ 18 flags (2) │ 20 lower (2) │ 22 upper (2) │ 24 places of nodes (2 each) …
 *   meta      page, 24 magic (4) │ 28 version (4) │ 48 tree of free pages (48) │ 96 main tree (48) │ 144 last page (8)
 *             │ 152 transaction (8)
 *   tree      0 page size, in the first one (4) │ 6 depth (2) │ 40 root page (8)
 *   node      0 low (2) │ 2 high (2) │ 4 flags (2) │ 6 key bytes (2) │ 8 key, data
 *
 * A node of a branch names a page by its first three fields, one of a leaf the length of its data by two of them. The
 * format is that of the LMDB within lmdb 3 (mdb.c); numbers are little-endian.
 */
import { readSync } from 'node:fs';

const magic = 0xbeefc0de;
const pageHead = 24;
const nodeHead = 8;
const metaBytes = 160;
const noPage = 0xffff_ffff_ffff_ffffn;
const maxDepth = 32;
/** A file that a process had begun to make room in. */
export const maxEmptyBytes = 256 * 1024;
/** Flags of a page. */
const [branch, leaf, overflow] = [0x01, 0x02, 0x04];
/** Flags of a node: its data is on pages of its own; it is a tree or a list itself, which a journal has none of. */
const [bigData, notData] = [0x01, 0x02 | 0x04];

/**
 * What is wrong: "empty": nothing was written to it, or nothing but zeros to make room; "foreign": written by another
 * program; "damaged": it cannot be read as a whole.
 */
export type FileFault = 'empty' | 'foreign' | 'damaged';

/**
 * @param size of the open file, in bytes
 * @param isInUse pages of a file that is written meanwhile are not followed: that process has done so
 */
export function lmdbFileFault(descriptor: number, size: number, isInUse: boolean): FileFault | null {
  if (size <= maxEmptyBytes && readAt(descriptor, 0, size).every((byte) => byte === 0)) return 'empty';
  const head = readAt(descriptor, 0, metaBytes);
  if (head.length < 32 || head.readUInt32LE(24) !== magic) return 'foreign';
  if (head.length < metaBytes) return 'damaged';
  const pageBytes = head.readUInt32LE(48);
  if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0) return 'damaged';
  return isInUse || new Walk(descriptor, size, pageBytes).isSound() ? null : 'damaged';
}

class Walk {
  readonly #seen = new Set<number>();
  #lastPage = 0;

  constructor(
    readonly descriptor: number,
    readonly size: number,
    readonly pageBytes: number,
  ) {}

  isSound(): boolean {
    const metas = [0, this.pageBytes].map((at) => readAt(this.descriptor, at, metaBytes));
    if (metas.some((meta) => meta.length < metaBytes || meta.readUInt32LE(24) !== magic)) return false;
    const [one, other] = metas as [Buffer, Buffer];
    const meta = other.readBigUInt64LE(152) > one.readBigUInt64LE(152) ? other : one;
    const lastPage = meta.readBigUInt64LE(144);
    if ((lastPage + 1n) * BigInt(this.pageBytes) > BigInt(this.size)) return false;
    this.#lastPage = Number(lastPage);
    return this.#isTree(meta, 48) && this.#isTree(meta, 96);
  }

  #isTree(meta: Buffer, at: number): boolean {
    const root = meta.readBigUInt64LE(at + 40);
    const depth = meta.readUInt16LE(at + 6);
    if (root === noPage) return depth === 0;
    return depth >= 1 && depth <= maxDepth && this.#isSubtree(root, depth);
  }

  #isSubtree(number: bigint, depth: number): boolean {
    if (number < 2n || number > BigInt(this.#lastPage) || this.#seen.has(Number(number))) return false;
    this.#seen.add(Number(number));
    const page = readAt(this.descriptor, Number(number) * this.pageBytes, this.pageBytes);
    if (page.length < this.pageBytes || page.readBigUInt64LE(0) !== number) return false;
    if ((page.readUInt16LE(18) & (branch | leaf | overflow)) !== (depth > 1 ? branch : leaf)) return false;
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    if (lower > upper || upper + pageHead > this.pageBytes || lower % 2 !== 0) return false;
    for (let index = 0; index < lower / 2; index++) {
      const place = page.readUInt16LE(pageHead + index * 2) + pageHead;
      if (place < upper + pageHead || place + nodeHead > this.pageBytes) return false;
      if (!this.#isNode(page, place, depth)) return false;
    }
    return true;
  }

  #isNode(page: Buffer, place: number, depth: number): boolean {
    const low = page.readUInt32LE(place);
    const flags = page.readUInt16LE(place + 4);
    const data = place + nodeHead + page.readUInt16LE(place + 6);
    if (data > this.pageBytes) return false;
    if (depth > 1) return this.#isSubtree(BigInt(low) + (BigInt(flags) << 32n), depth - 1);
    if ((flags & notData) !== 0) return false;
    if ((flags & bigData) === 0) return data + low <= this.pageBytes;
    return data + 24 <= this.pageBytes && this.#isOverflow(page.readBigUInt64LE(data), low);
  }

  /** Whether so many bytes begin on a page of data. */
  #isOverflow(number: bigint, bytes: number): boolean {
    const pages = Math.ceil((bytes + pageHead) / this.pageBytes);
    if (number < 2n || number + BigInt(pages) - 1n > BigInt(this.#lastPage)) return false;
    const head = readAt(this.descriptor, Number(number) * this.pageBytes, pageHead);
    return head.length === pageHead && head.readBigUInt64LE(0) === number && (head.readUInt16LE(18) & overflow) !== 0;
  }
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}
