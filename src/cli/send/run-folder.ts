/**
 * The folder of `--out` while a run holds it: one run at a time, and the files of a run get their names as a whole. The
 * next run cleans up after a killed run. Owned by Outputs, on the main thread.
 *
 *   NAME.<run>.partial      a file that is being written
 *   NAME.<run>.cut          a file that could not be completed; removed with the files of an earlier run
 *   .peal-<run>.writing     the run is writing: its files are not whole
 *   .peal-<run>.sending     the same, and the run has begun to send: its outcomes are only in these files
 *   .peal-<run>.whole       its files are whole and durable; files of earlier runs are being removed
 *   .peal-<run>.placing     those are removed; its files are getting their names
 *
 * So wherever a run stops, the names belong to files of one run only, the earlier or this one. From `whole` on, the
 * next run finishes what this one began. A mark is renamed and not written anew, because that works on a full disk,
 * too.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { assert } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { FolderLock } from '../../base/folder-lock.js';
import { partialName } from '../../campaign/outputs/output-file.js';
import { type FolderSteps, folderSteps } from './folder-steps.js';

type Phase = 'writing' | 'sending' | 'whole' | 'placing';

export class RunFolder {
  /** Random, so that the names of the run's files cannot be guessed. */
  readonly run = randomBytes(4).toString('hex');
  readonly #folder: string;
  /** Every name that a run may give, in the order in which it gives them. */
  readonly #names: readonly string[];
  readonly #steps: FolderSteps;
  #lock: FolderLock | null = null;
  /** Null before `begin`. */
  #phase: 'writing' | 'sending' | null = null;

  private constructor(folder: string, names: readonly string[], steps: FolderSteps) {
    this.#folder = folder;
    this.#names = names;
    this.#steps = steps;
  }

  /**
   * Takes the folder, which exists, and gives the files of an earlier run their names if that was interrupted.
   *
   * @throws PealError ERR_PEAL_OPTION if another run holds it; otherwise the error of the file system
   */
  static async enter(folder: string, names: readonly string[], steps = folderSteps): Promise<RunFolder> {
    const entered = new RunFolder(folder, names, steps);
    const lock = await FolderLock.take(folder, entered.run, steps);
    if (typeof lock === 'string') throw new PealError('ERR_PEAL_OPTION', `--out: ${lock}`, { origin: 'usage' });
    entered.#lock = lock;
    try {
      await entered.#finishEarlier();
    } catch (error) {
      await lock.release();
      throw error;
    }
    return entered;
  }

  /** Whether a run was killed after it had begun to send, so that its files are incomplete. */
  async holdsBrokenRun(): Promise<boolean> {
    return (await this.#steps.list(this.#folder)).some((name) => /^\.peal-[0-9a-f]{8}\.sending$/.test(name));
  }

  /** Called once, before the first notification is sent. */
  async sending(): Promise<void> {
    assert(this.#phase === 'writing', 'a run begins to send once, after it has begun to write');
    await this.#steps.rename(this.#mark(this.run, 'writing'), this.#mark(this.run, 'sending'));
    this.#phase = 'sending';
    await this.#steps.sync(this.#folder);
  }

  /** Removes the unfinished files of dead runs, and begins to write. Resolves with the number of files removed. */
  async begin(): Promise<number> {
    assert(this.#phase === null, 'a run begins to write once');
    let removed = 0;
    const marks: string[] = [];
    for (const name of await this.#steps.list(this.#folder)) {
      if (/^\.peal-[0-9a-f]{8}\.(?:writing|sending)$/.test(name)) marks.push(name);
      if (!this.#isLeftOver(name)) continue;
      await this.#steps.remove(path.join(this.#folder, name));
      removed++;
    }
    for (const mark of marks) await this.#steps.remove(path.join(this.#folder, mark));
    this.#phase = 'writing';
    await this.#steps.create(this.#mark(this.run, 'writing'));
    return removed;
  }

  /**
   * Gives the whole and durable files of this run their names, in place of all files of an earlier run, and leaves the
   * folder.
   *
   * @throws PealError ERR_PEAL_INPUT if something is in the way; the next run finishes it then
   */
  async place(): Promise<void> {
    const phase = this.#phase;
    assert(phase !== null, 'files get their names after they were written');
    try {
      await this.#advance(this.run, phase, 'whole');
      await this.#placeFrom(this.run, 'whole');
    } catch (error) {
      throw error instanceof PealError ? error : this.#problem(this.#folder, this.run, error);
    } finally {
      await this.#release();
    }
  }

  /** Leaves the folder as it was. The files of this run must have been removed. */
  async leave(): Promise<void> {
    await this.#steps.remove(this.#mark(this.run, this.#phase ?? 'writing')).catch(() => {});
    await this.#release();
  }

  /** For a process that ends at once: its files stay unfinished. */
  leaveNow(): void {
    this.#lock?.releaseNow();
  }

  async #release(): Promise<void> {
    await this.#lock?.release();
  }

  async #finishEarlier(): Promise<void> {
    for (const name of await this.#steps.list(this.#folder)) {
      const [, run, phase] = /^\.peal-([0-9a-f]{8})\.(whole|placing)$/.exec(name) ?? [];
      if (run !== undefined) await this.#placeFrom(run, phase as Phase);
    }
  }

  async #placeFrom(run: string, phase: Phase): Promise<void> {
    if (phase === 'whole') {
      await this.#refuseDirectories(run);
      for (const name of this.#names) await this.#try(run, name, this.#steps.remove(this.#at(name)));
      for (const name of await this.#steps.list(this.#folder)) {
        const isEarlier = this.#names.some((base) => isCut(name, base)) && name.split('.').at(-2) !== run;
        if (isEarlier) await this.#try(run, name, this.#steps.remove(this.#at(name)));
      }
      await this.#advance(run, 'whole', 'placing');
    }
    for (const name of this.#names) {
      const placed = this.#steps.rename(this.#at(partialName(name, run)), this.#at(name)).catch(unlessMissing);
      await this.#try(run, name, placed);
    }
    await this.#steps.sync(this.#folder);
    await this.#steps.remove(this.#mark(run, 'placing'));
  }

  /** Before the first file of an earlier run is removed. */
  async #refuseDirectories(run: string): Promise<void> {
    for (const name of this.#names) {
      if (!(await this.#steps.isDirectory(this.#at(name)))) continue;
      throw this.#problem(this.#at(name), run, { code: 'EISDIR' });
    }
  }

  async #try(run: string, name: string, step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      throw this.#problem(this.#at(name), run, error);
    }
  }

  #problem(what: string, run: string, cause: unknown): PealError {
    const files = `The files of the run are complete, under the names ${this.#at(`*.${run}.partial`)}`;
    const then = 'Remove what is in their way, and the next run with the same --out gives them their final names';
    return new PealError('ERR_PEAL_INPUT', `${what} ${writeProblem(cause)}. ${files}. ${then}.`, {
      origin: 'input',
      cause,
    });
  }

  async #advance(run: string, from: Phase, to: Phase): Promise<void> {
    await this.#steps.sync(this.#folder);
    await this.#steps.rename(this.#mark(run, from), this.#mark(run, to));
    await this.#steps.sync(this.#folder);
  }

  /** Whether it is a file of a dead run. Its `*.cut` files are removed with the other files of that run. */
  #isLeftOver(name: string): boolean {
    const [, base] = /^(.+)\.[0-9a-f]{8}\.partial$/.exec(name) ?? [];
    return base !== undefined && this.#names.includes(base);
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }

  #mark(run: string, phase: Phase): string {
    return this.#at(`.peal-${run}.${phase}`);
  }
}

/** Returns whether `name` is an incomplete version of the file `base`. */
export function isCut(name: string, base: string): boolean {
  return name.startsWith(`${base}.`) && /^[0-9a-f]{8}\.cut$/.test(name.slice(base.length + 1));
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
