/**
 * A disk in memory, below one path of node:fs: what a campaign does with its directory happens here, in the world's
 * time, and outlives the process that did it. A file operation takes effect when its time has come, so that one under
 * way at a crash has happened as a whole, in part or not at all. A loss of power also takes what was not synced. Other
 * paths are those of the machine. One disk is mounted at a time in a thread, as one world runs at a time.
 */
import { Buffer } from 'node:buffer';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import type { Prng } from '../support/prng.js';

/** Everything below it is on the simulated disk. */
export const mountPoint = '/peal-simulated-disk';

/** The process that uses the disk. */
export interface DiskUser {
  /** Runs `callback` on its thread after so many milliseconds, unless it has ended. */
  after(ms: number, callback: () => void): void;
  /** An operation begins. */
  onOperation(): void;
}

/** What a file is, whatever its name. */
interface Inode {
  readonly number: number;
  data: Buffer;
  /** Its content after a loss of power, at least. */
  synced: Buffer;
  mode: number;
}

/** An operation under way. `applyPart` does some of it. */
interface Pending {
  readonly applyPart: () => void;
}

let mounted: SimulatedDisk | null = null;

export class SimulatedDisk {
  /** Bytes that can still be written; a disk that is full has none. */
  freeBytes = Number.POSITIVE_INFINITY;
  /** Operations so far. */
  operations = 0;
  readonly #random: Prng;
  readonly #slownessMs: number;
  #names = new Map<string, Inode>();
  /** Names as they are after a loss of power, at least. */
  #syncedNames = new Map<string, Inode>();
  readonly #folders = new Set<string>([mountPoint]);
  readonly #pending = new Set<Pending>();
  #user: DiskUser | null = null;
  #inodes = 0;
  readonly #handles = new Map<number, Inode>();
  #nextHandle = 1 << 30;

  /** @param slownessMs how long an operation takes, at the most */
  constructor(random: Prng, slownessMs: number) {
    this.#random = random;
    this.#slownessMs = slownessMs;
  }

  mount(): void {
    mounted = this;
  }

  unmount(): void {
    mounted = null;
  }

  /** From now on this process uses it. */
  attach(user: DiskUser): void {
    this.#user = user;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  /** Names in a folder, with what they hold. */
  list(folder: string): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const [name, { data }] of this.#names) {
      if (path.dirname(name) === folder) found.set(path.basename(name), data.toString('utf8'));
    }
    return found;
  }

  /**
   * The process ends: what it has under way happens, in part or not. `hasPower`: else what was not synced may be lost.
   */
  crash(hasPower: boolean): void {
    this.#user = null;
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const { applyPart } of pending) if (this.#random.chance(0.5)) applyPart();
    this.#handles.clear();
    if (hasPower) return;
    if (this.#random.chance(0.5)) this.#names = new Map(this.#syncedNames);
    for (const inode of this.#names.values()) {
      const { data, synced } = inode;
      const isAppended = data.length > synced.length && data.subarray(0, synced.length).equals(synced);
      const kept = isAppended ? synced.length + this.#random.int(data.length - synced.length + 1) : synced.length;
      inode.data = Buffer.from(this.#random.chance(0.3) ? data : isAppended ? data.subarray(0, kept) : synced);
    }
  }

  // --- what node:fs asks ---

  open(name: string, flags: string | number = 'r', mode = 0o600): Promise<unknown> {
    return this.#do(() => {
      const { O_CREAT, O_EXCL } = fs.constants;
      const creates = flags === 'wx' || (typeof flags === 'number' && (flags & O_CREAT) !== 0);
      if (typeof flags === 'string' && !['r', 'wx'].includes(flags)) throw new Error(`open with ${flags}`);
      const found = this.#names.get(name);
      if (found === undefined && this.#folders.has(name)) return this.#folderHandle(name);
      if (!creates) return this.#handle(found ?? this.#fail('ENOENT', 'open', name));
      if (found !== undefined) {
        const isExclusive = flags === 'wx' || ((flags as number) & O_EXCL) !== 0;
        return isExclusive ? this.#fail('EEXIST', 'open', name) : this.#handle(found);
      }
      return this.#handle(this.#create(name, mode));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(() => {
      const inode = this.#names.get(from) ?? this.#fail('ENOENT', 'rename', from);
      this.#names.delete(from);
      this.#names.set(to, inode);
    });
  }

  rm(name: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.#do(() => {
      if (!this.#names.delete(name) && options.force !== true) this.#fail('ENOENT', 'rm', name);
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#do(() => {
      const inode = this.#names.get(from) ?? this.#fail('ENOENT', 'link', from);
      if (this.#names.has(to)) this.#fail('EEXIST', 'link', to);
      this.#names.set(to, inode);
    });
  }

  stat(name: string): Promise<unknown> {
    return this.#do(() => this.#statOf(name));
  }

  lstat(name: string): Promise<unknown> {
    return this.stat(name);
  }

  readdir(name: string): Promise<string[]> {
    return this.#do(() => {
      if (!this.#folders.has(name)) this.#fail('ENOENT', 'scandir', name);
      return [...this.#names.keys()].filter((each) => path.dirname(each) === name).map((each) => path.basename(each));
    });
  }

  realpath(name: string): Promise<string> {
    return this.#do(() => {
      this.#statOf(name);
      return name;
    });
  }

  mkdir(name: string): Promise<undefined> {
    return this.#do(() => {
      this.#folders.add(name);
      return undefined;
    });
  }

  /** Neither whole at once nor synced. */
  writeFile(name: string, text: string, options: { readonly flag?: string } = {}): Promise<void> {
    const bytes = Buffer.from(text, 'utf8');
    return this.#do(
      () => {
        if (options.flag !== 'wx') throw new Error(`writeFile with ${options.flag}`);
        if (this.#names.has(name)) this.#fail('EEXIST', 'open', name);
        const inode = this.#create(name, 0o600);
        if (this.#write(inode, bytes, 0) < bytes.length) this.#fail('ENOSPC', 'write', name);
      },
      () => void this.#write(this.#create(name, 0o600), bytes.subarray(0, this.#random.int(bytes.length + 1)), 0),
    );
  }

  existsSync(name: string): boolean {
    return this.#names.has(name) || this.#folders.has(name);
  }

  writeSync(handle: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const inode = this.#handles.get(handle);
    // Of a process that has ended.
    if (inode === undefined) return length;
    const written = this.#write(inode, bytes.subarray(offset, offset + length), position);
    return written > 0 ? written : this.#fail('ENOSPC', 'write', '');
  }

  /** Bytes that are random to the product, and the same in each run of a seed. */
  randomBytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.#random.int(256)));
  }

  #do<T>(effect: () => T, applyPart: () => void = () => void attempt(effect)): Promise<T> {
    const user = this.#user;
    // A process that has ended gets no answer.
    if (user === null) return new Promise(() => {});
    this.operations += 1;
    const pending: Pending = { applyPart };
    const ms = this.#random.chance(0.7) ? 0 : this.#random.next() * this.#slownessMs;
    const done = new Promise<T>((resolve, reject) => {
      this.#pending.add(pending);
      user.after(ms, () => {
        if (!this.#pending.delete(pending)) return;
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      });
    });
    user.onOperation();
    return done;
  }

  #create(name: string, mode: number): Inode {
    if (!this.#folders.has(path.dirname(name))) this.#fail('ENOENT', 'open', name);
    const inode = { number: ++this.#inodes, data: Buffer.alloc(0), synced: Buffer.alloc(0), mode };
    this.#names.set(name, inode);
    return inode;
  }

  #write(inode: Inode, bytes: Uint8Array, position: number): number {
    const count = Math.min(bytes.length, this.freeBytes);
    const end = position + count;
    const data = Buffer.alloc(Math.max(inode.data.length, end));
    inode.data.copy(data);
    data.set(bytes.subarray(0, count), position);
    inode.data = data;
    this.freeBytes -= count;
    return count;
  }

  #statOf(name: string): unknown {
    const inode = this.#names.get(name);
    if (inode === undefined && !this.#folders.has(name)) this.#fail('ENOENT', 'stat', name);
    return statsOf(inode ?? null);
  }

  #handle(inode: Inode): unknown {
    const fd = this.#nextHandle++;
    this.#handles.set(fd, inode);
    const write = (bytes: Uint8Array, position: number): number => this.#write(inode, bytes, position);
    const sync = (): Promise<void> =>
      this.#do(() => {
        if (this.freeBytes < 0) this.#fail('EIO', 'fsync', '');
        inode.synced = Buffer.from(inode.data);
      });
    return {
      fd,
      write: (bytes: Uint8Array, offset: number, length: number, position: number) => {
        const piece = bytes.slice(offset, offset + length);
        return this.#do(
          () => {
            const bytesWritten = write(piece, position);
            if (bytesWritten === 0) this.#fail('ENOSPC', 'write', '');
            return { bytesWritten };
          },
          () => void write(piece.subarray(0, this.#random.int(piece.length + 1)), position),
        );
      },
      writeFile: (text: string) => {
        const bytes = Buffer.from(text, 'utf8');
        return this.#do(
          () => {
            if (write(bytes, 0) < bytes.length) this.#fail('ENOSPC', 'write', '');
          },
          () => void write(bytes.subarray(0, this.#random.int(bytes.length + 1)), 0),
        );
      },
      readFile: () => this.#do(() => inode.data.toString('utf8')),
      stat: () => this.#do(() => statsOf(inode)),
      truncate: (length: number) =>
        this.#do(() => {
          inode.data = Buffer.from(inode.data.subarray(0, length));
        }),
      chmod: () => this.#do(() => {}),
      chown: () => this.#do(() => {}),
      sync,
      datasync: sync,
      close: () => this.#do(() => void this.#handles.delete(fd)),
    };
  }

  #folderHandle(name: string): unknown {
    const sync = (): Promise<void> =>
      this.#do(() => {
        const others = [...this.#syncedNames].filter(([each]) => path.dirname(each) !== name);
        this.#syncedNames = new Map([...others, ...[...this.#names].filter(([each]) => path.dirname(each) === name)]);
      });
    return { sync, close: () => this.#do(() => {}), stat: () => this.#do(() => statsOf(null)) };
  }

  #fail(code: string, syscall: string, name: string): never {
    throw Object.assign(new Error(`${code}: simulated, ${syscall} '${name}'`), { code, syscall, path: name });
  }
}

function statsOf(inode: Inode | null): unknown {
  return {
    ino: inode?.number ?? 0,
    size: inode?.data.length ?? 0,
    mode: inode?.mode ?? 0o700,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeMs: 0,
    isFile: () => inode !== null,
    isDirectory: () => inode === null,
    isSymbolicLink: () => false,
  };
}

function attempt(effect: () => unknown): void {
  try {
    effect();
  } catch {
    // What fails has no effect.
  }
}

type AnyFunction = (...args: never[]) => unknown;

/** Calls for paths below the mount point go to the disk. */
function divert(functions: object, names: readonly string[], isOurs: (first: unknown) => boolean): void {
  const all = functions as Record<string, AnyFunction>;
  for (const name of names) {
    const real = all[name]!;
    all[name] = (...args: never[]) => {
      if (mounted === null || !isOurs(args[0])) return real.apply(functions, args);
      const disk = mounted as unknown as Record<string, AnyFunction>;
      return disk[name]!(...args);
    };
  }
}

function isBelow(name: unknown): boolean {
  return typeof name === 'string' && (name === mountPoint || name.startsWith(`${mountPoint}/`));
}

const names = ['open', 'rename', 'rm', 'link', 'stat', 'lstat', 'readdir', 'realpath', 'mkdir', 'writeFile'];
divert(fs.promises, names, isBelow);
divert(fs, ['existsSync'], isBelow);
divert(fs, ['writeSync'], (handle) => typeof handle === 'number' && handle >= 1 << 30);
divert(crypto, ['randomBytes'], (count) => typeof count === 'number');
syncBuiltinESMExports();
