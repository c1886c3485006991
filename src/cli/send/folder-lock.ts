/**
 * Locks a folder of results for one run: an empty file `.peal-<run>.<holder>.lock` names the run at work there. Two
 * runs never remove each other's file, because each has a name of its own. A run whose process is gone holds no lock.
 * Owned by RunFolder, on the main thread.
 *
 * Why two runs can never both go on: each makes its file before it looks. If neither saw the other, each looked before
 * the other had made its file, which cannot be true of both.
 */
import { unlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FolderSteps } from './folder-steps.js';
import { type Holder, type HolderState, holderOf, holderText, stateOf, thisHolder } from './run-holder.js';

/** How long one of two runs that begin at the same moment waits for the other to give way. */
const patienceMs = 300;
const lookAgainMs = 20;

interface Lock {
  readonly name: string;
  readonly holder: Holder;
  readonly state: HolderState;
}

export class FolderLock {
  readonly #folder: string;
  readonly #name: string;
  readonly #steps: FolderSteps;

  private constructor(folder: string, name: string, steps: FolderSteps) {
    this.#folder = folder;
    this.#name = name;
    this.#steps = steps;
  }

  /**
   * Resolves with the lock, or with a sentence about the run that holds the folder. Throws the error of the file
   * system.
   */
  static async take(folder: string, run: string, steps: FolderSteps): Promise<FolderLock | string> {
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

  /** Locks of runs that may be at work. Locks of dead runs are removed. */
  async #others(here: Holder): Promise<Lock[]> {
    const others: Lock[] = [];
    for (const name of await this.#steps.list(this.#folder)) {
      const [, text] = /^\.peal-[0-9a-f]{8}\.(.+)\.lock$/.exec(name) ?? [];
      const holder = text === undefined || name === this.#name ? null : holderOf(text);
      if (holder === null) continue;
      const state = await stateOf(holder, here);
      if (state === 'dead') await this.#steps.remove(path.join(this.#folder, name));
      else others.push({ name, holder, state });
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

async function sentenceAbout(folder: string, { name, holder, state }: Lock): Promise<string> {
  const since = await stat(path.join(folder, name)).then(
    ({ mtime }) => `, since ${mtime.toISOString()}`,
    () => '',
  );
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
