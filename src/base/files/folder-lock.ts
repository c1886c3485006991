/**
 * Holds a folder of results for one run: an empty file `.peal-<run>.<holder>.lock` says who is at work there. Two runs
 * never remove each other's file, because each has a name of its own; a run whose process is gone holds nothing. Owned
 * by the run's folder or journal, on the main thread.
 *
 * Why two runs can never both go on: each makes its file before it looks. If neither saw the other, each looked before
 * the other had made its file, which cannot be true of both.
 */
import { constants, unlinkSync } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Holder, type HolderState, holderOf, holderText, stateOf, thisHolder } from './run-holder.js';

/** How long one of two runs that begin at the same moment waits for the other to give way. */
const patienceMs = 300;
const lookAgainMs = 20;

/** What a lock does to its folder: each is one call of the file system, and a test stops between any two. */
interface LockSteps {
  /** The names in the folder. */
  list(folder: string): Promise<string[]>;
  /** Makes an empty file, readable by its owner only. Fails where something has its name. */
  create(file: string): Promise<void>;
  /** Removes a file or a link, if it is there; never a directory. */
  remove(file: string): Promise<void>;
}

const lockSteps: LockSteps = {
  list: (folder) => readdir(folder),
  create: async (file) => {
    const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await handle.close();
  },
  remove: (file) => rm(file, { force: true }),
};

interface Lock {
  readonly name: string;
  readonly holder: Holder;
  readonly state: HolderState;
}

/** Who holds a folder, for those who only look. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Whether that process was seen running here; false where it is on another machine or in another container. */
  readonly isHere: boolean;
  /** By the file system's clock; null where that is not known. */
  readonly sinceMs: number | null;
}

export class FolderLock {
  readonly #folder: string;
  readonly #name: string;
  readonly #steps: LockSteps;

  private constructor(folder: string, name: string, steps: LockSteps) {
    this.#folder = folder;
    this.#name = name;
    this.#steps = steps;
  }

  /**
   * Resolves with the lock, or with a sentence about the run that holds the folder. Throws the error of the file
   * system.
   */
  static async take(folder: string, run: string, steps = lockSteps): Promise<FolderLock | string> {
    const here = await thisHolder();
    const lock = new FolderLock(folder, `.peal-${run}.${holderText(here)}.lock`, steps);
    await steps.create(path.join(folder, lock.#name));
    try {
      for (let waitedMs = 0; ; waitedMs += lookAgainMs) {
        const others = await lock.#others(here);
        const [first] = others;
        if (first === undefined) return lock;
        // The run whose lock comes first by name waits; the other gives way at once.
        if (waitedMs < patienceMs && others.every(({ name }) => lock.#name < name)) {
          await sleep(lookAgainMs);
          continue;
        }
        const sentence = await sentenceAbout(folder, first);
        await lock.release();
        return sentence;
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** The run that holds the folder now; null where none does. Changes nothing. */
  static async look(folder: string, steps = lockSteps): Promise<LockHolder | null> {
    const locks = await locksIn(folder, await thisHolder(), steps);
    const lock = locks.find(({ state }) => state !== 'dead');
    if (lock === undefined) return null;
    const { holder, state, name } = lock;
    return { pid: holder.pid, host: holder.host, isHere: state === 'running', sinceMs: await takenMs(folder, name) };
  }

  /** Locks of runs that may be at work; those of dead ones are removed. */
  async #others(here: Holder): Promise<Lock[]> {
    const others: Lock[] = [];
    for (const lock of await locksIn(this.#folder, here, this.#steps)) {
      if (lock.name === this.#name) continue;
      if (lock.state === 'dead') await this.#steps.remove(path.join(this.#folder, lock.name));
      else others.push(lock);
    }
    return others;
  }

  async release(): Promise<void> {
    await this.#steps.remove(path.join(this.#folder, this.#name)).catch(() => {});
  }

  /** Releases the lock in a process that ends at once. */
  releaseNow(): void {
    try {
      unlinkSync(path.join(this.#folder, this.#name));
    } catch {
      // The lock will be a dead process's in a moment.
    }
  }
}

async function locksIn(folder: string, here: Holder, steps: LockSteps): Promise<Lock[]> {
  const locks: Lock[] = [];
  for (const name of await steps.list(folder)) {
    const [, text] = /^\.peal-[0-9a-f]{8}\.(.+)\.lock$/.exec(name) ?? [];
    const holder = text === undefined ? null : holderOf(text);
    if (holder !== null) locks.push({ name, holder, state: await stateOf(holder, here) });
  }
  return locks;
}

/** When the lock was taken, by the file system's clock; null where its file is gone. */
async function takenMs(folder: string, name: string): Promise<number | null> {
  return stat(path.join(folder, name)).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}

async function sentenceAbout(folder: string, { name, holder, state }: Lock): Promise<string> {
  const sinceMs = await takenMs(folder, name);
  const since = sinceMs === null ? '' : `, since ${new Date(sinceMs).toISOString()}`;
  const choice = 'choose another directory';
  if (state === 'running') {
    return `${folder} is in use by another run (process ${holder.pid}${since}): wait for its end, or ${choice}.`;
  }
  const who = `process ${holder.pid} on ${holder.host}${since}`;
  return (
    `${folder} is in use by a run on another machine or in another container (${who}): ` +
    `wait for its end, or ${choice}. If that run is over, remove ${path.join(folder, name)}.`
  );
}
