/**
 * What must not be lost of pushes that nobody waits for: which ids were given, and what became of them. A client gets
 * an id once it is on disk. Where a run ended without an outcome of an id, its pushes are unknown in the next one, and
 * never sent again. Owned by a service with `--push-journal`; main thread.
 *
 *   pushes-<n>.ndjson   {"key":…}  {"id":…,"pushes":n}  {"id":…,"pushes":n,"settledMs":…,"results":{…}}
 *
 * A file begins with all that is kept then, so that the files before it can go. Tokens and texts are in none.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { durably, newFile } from '../../base/durable.js';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { FolderLock } from '../../base/files/folder-lock.js';
import { maxPushJournalBytes } from '../../base/limits.js';
import { refusal } from '../http/answer.js';
import type { KeptPush } from './kept-pushes.js';

/** What earlier runs have left. */
interface FoundPushes {
  /** By which ids are told from others'. */
  readonly key: Buffer;
  readonly kept: readonly KeptPush[];
  /** How many of them had no outcome when their run ended. */
  readonly lost: number;
}

const keyBytes = 32;
const nameForm = /^pushes-(\d{1,9})\.ndjson$/;

export class PushJournal {
  readonly #folder: string;
  readonly #lock: FolderLock;
  readonly #key: Buffer;
  readonly #kept: () => Iterable<KeptPush>;
  /** Null before the first, and where a write has failed: then the next one begins a new file. */
  #file: FileHandle | null = null;
  #number: number;
  /** Files that the next one takes the place of. */
  #former: number[];
  #bytes = 0;
  /** Lines that are not written yet, and who waits for them. */
  #lines = '';
  #waiting: { readonly done: () => void; readonly failed: (error: unknown) => void }[] = [];
  #writing: Promise<void> | null = null;

  /** @param former numbers of the files of earlier runs, the latest last */
  private constructor(
    folder: string,
    lock: FolderLock,
    key: Buffer,
    former: readonly number[],
    kept: () => Iterable<KeptPush>,
  ) {
    this.#folder = folder;
    this.#lock = lock;
    this.#key = key;
    this.#former = [...former];
    this.#number = (former.at(-1) ?? 0) + 1;
    this.#kept = kept;
  }

  /**
   * Reads what is there, and begins a new file.
   *
   * @param nowMs when pushes that were left without an outcome count as settled
   * @param take gets what is there, and returns what gives all that has to be kept
   * @throws PealError ERR_PEAL_INPUT, or ERR_PEAL_OPTION where another process uses the folder
   */
  static async open(
    folder: string,
    nowMs: number,
    take: (found: FoundPushes) => () => Iterable<KeptPush>,
  ): Promise<PushJournal> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const lock = await FolderLock.take(folder, randomBytes(4).toString('hex'));
      if (typeof lock === 'string') throw new PealError('ERR_PEAL_OPTION', lock, { origin: 'usage' });
      const names = (await readdir(folder)).filter((name) => nameForm.test(name));
      const numbers = names.map((name) => Number(nameForm.exec(name)![1])).sort((a, b) => a - b);
      const found = await readAll(folder, numbers, nowMs);
      const kept = take(found);
      const journal = new PushJournal(folder, lock, found.key, numbers, kept);
      await journal.#begin();
      return journal;
    } catch (cause) {
      if (cause instanceof PealError) throw cause;
      throw new PealError('ERR_PEAL_INPUT', `${folder} ${writeProblem(cause)}.`, { origin: 'input', cause });
    }
  }

  /** Resolves once the id is on disk. Throws RefusedRequest (503, as a rejection) where it cannot be written. */
  note(id: string, pushes: number): Promise<void> {
    this.#lines += `${JSON.stringify({ id, pushes })}\n`;
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ done: resolve, failed: reject });
    });
    this.#write();
    return written;
  }

  /** Written soon; a crash before that makes it unknown. */
  settle({ id, pushes, settledMs, results }: KeptPush): void {
    this.#lines += settledLine(id, pushes, settledMs!, results!);
    this.#write();
  }

  /** Writes what is left, and gives the folder up. */
  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    // Outcomes that could not be written may find room by now.
    if (this.#file === null) await this.#begin().catch(() => {});
    await this.#file?.close();
    await this.#lock.release();
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
      if (this.#lines !== '') this.#write();
    });
  }

  /** What comes while a write runs shares the next one. */
  async #writeAll(): Promise<void> {
    const [lines, waiting] = [this.#lines, this.#waiting];
    this.#lines = '';
    this.#waiting = [];
    try {
      if (this.#file === null || this.#bytes > maxPushJournalBytes) await this.#begin();
      // Not write: a disk that is nearly full takes a part of it without an error.
      await this.#file!.appendFile(lines);
      this.#bytes += Buffer.byteLength(lines);
      if (waiting.length > 0) await durably.syncData(this.#file!);
      for (const { done } of waiting) done();
    } catch (error) {
      // The next write begins a new file with all that is kept.
      await this.#file?.close().catch(() => {});
      this.#file = null;
      const why = `The push journal ${writeProblem(error)}: nothing can be sent with wait=no.`;
      for (const { failed } of waiting) failed(refusal(503, 'journal_failed', why, ['Retry-After', '5']));
    }
  }

  async #begin(): Promise<void> {
    const number = this.#number++;
    const flags = newFile | constants.O_APPEND;
    const file = await durably.open(fileOf(this.#folder, number), flags, 0o600);
    try {
      let text = `${JSON.stringify({ key: this.#key.toString('base64') })}\n`;
      for (const { id, pushes, settledMs, results } of this.#kept()) {
        text +=
          settledMs === null ? `{"id":"${id}","pushes":${pushes}}\n` : settledLine(id, pushes, settledMs, results!);
      }
      await file.appendFile(text);
      await durably.syncData(file);
      this.#bytes = Buffer.byteLength(text);
    } catch (error) {
      await file.close().catch(() => {});
      await rm(fileOf(this.#folder, number), { force: true }).catch(() => {});
      throw error;
    }
    const [before, former] = [this.#file, this.#former];
    this.#file = file;
    this.#former = [number];
    await before?.close();
    for (const one of former) await rm(fileOf(this.#folder, one), { force: true });
  }
}

function settledLine(id: string, pushes: number, settledMs: number, results: string): string {
  return `{"id":"${id}","pushes":${pushes},"settledMs":${settledMs},"results":${results}}\n`;
}

function fileOf(folder: string, number: number): string {
  return path.join(folder, `pushes-${number}.ndjson`);
}

async function readAll(folder: string, numbers: readonly number[], nowMs: number): Promise<FoundPushes> {
  const found = new Map<string, KeptPush>();
  let key: Buffer | null = null;
  for (const number of numbers) {
    const file = fileOf(folder, number);
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new PealError('ERR_PEAL_INPUT', `${file} ${readProblem(cause)}.`, { origin: 'input', cause });
    });
    for (const line of text.split('\n')) {
      // The end of the last line may be missing.
      const record = recordOf(line);
      if (record === null) continue;
      if (typeof record.key === 'string') key ??= Buffer.from(record.key, 'base64');
      const { id, pushes, settledMs, results } = record;
      if (typeof id !== 'string' || typeof pushes !== 'number') continue;
      const isSettled = typeof settledMs === 'number' && typeof results === 'object';
      if (!isSettled && found.has(id)) continue;
      // Settled again: it comes behind the others.
      found.delete(id);
      found.set(id, {
        id,
        pushes,
        settledMs: isSettled ? settledMs : null,
        results: isSettled ? JSON.stringify(results) : null,
      });
    }
  }
  const isLost = ({ settledMs }: KeptPush): boolean => settledMs === null;
  const all = [...found.values()];
  const lost = all.filter(isLost);
  const ended = lost.map((one) => ({ ...one, settledMs: nowMs, results: lostResults(one.pushes) }));
  return {
    key: key?.length === keyBytes ? key : randomBytes(keyBytes),
    kept: [...all.filter((one) => !isLost(one)), ...ended],
    lost: lost.length,
  };
}

function recordOf(line: string): Readonly<Record<string, unknown>> | null {
  if (line === '') return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const lostMessage = 'The service ended before it knew the outcome: the notification may have been sent.';

/** What becomes of pushes whose run was killed. */
function lostResults(pushes: number): string {
  const none = { status: null, reason: null, apnsId: null, timestampMs: null, retryAfterSeconds: null, attempts: 0 };
  const error = { code: 'ERR_PEAL_CLOSED', message: lostMessage };
  const results = Array.from({ length: pushes }, () => ({ outcome: 'unknown', ...none, error }));
  return JSON.stringify({ counts: { accepted: 0, rejected: 0, unsent: 0, unknown: pushes, invalid: 0 }, results });
}
