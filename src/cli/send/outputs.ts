/**
 * The files that `--out DIR` gets. All files get their names together at the end, so that no file of an earlier run is
 * mistaken for one of this run. Owned by the send command, fed by its books, on the main thread.
 *
 *   rejected.csv   token,status,reason,timestamp   APNs answered other than 200; timestamp (ISO 8601) with 410
 *   unsent.txt     one token a line                certainly not processed: for the next `--tokens`
 *   unknown.txt    one token a line                written and never answered: may have been delivered
 *   invalid.csv    line,text,why,list              lines that hold no device token, of which list
 *   accepted.csv   token,apns-id,apns-unique-id    APNs answered 200; only with --accepted
 */
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { TokenBlock } from '../../apns/token-block.js';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { writeHex } from '../../base/hex.js';
import { csvRow } from '../../campaign/outputs/csv.js';
import { type CutFile, cutError } from '../../campaign/outputs/cut-files.js';
import { isAmong, OutputFile } from '../../campaign/outputs/output-file.js';
import { printable } from '../shared/terminal.js';
import { type FolderSteps, folderSteps } from './folder-steps.js';
import { isCut, RunFolder } from './run-folder.js';

const fileNames = ['rejected.csv', 'unsent.txt', 'unknown.txt', 'invalid.csv', 'accepted.csv'] as const;
/** Only with --accepted. */
const acceptedName = 'accepted.csv';
/** Files of recipients that still have to be sent to. */
const toBeSent = ['unsent.txt', 'unknown.txt'] as const;

const lineFeed = 0x0a;

type FourFiles = [OutputFile, OutputFile, OutputFile, OutputFile];

interface OutputsOptions {
  /** Whether unsent recipients of an earlier run may be replaced. Default: refused. */
  readonly force?: boolean;
  /** Whether there is an accepted.csv. Default false. */
  readonly accepted?: boolean;
  /** For tests, which stop a run between two steps. */
  readonly steps?: FolderSteps;
}

export class Outputs {
  readonly folder: string;
  /** How many unfinished files of killed runs were removed. */
  readonly removed: number;
  /** Whether files of an earlier run are there. */
  readonly hasEarlier: boolean;
  readonly #run: RunFolder;
  readonly #rejected: OutputFile;
  readonly #unsent: OutputFile;
  readonly #unknown: OutputFile;
  readonly #invalid: OutputFile;
  /** Null without --accepted. */
  readonly #accepted: OutputFile | null;
  #written: readonly string[] = [];

  private constructor(
    folder: string,
    run: RunFolder,
    removed: number,
    hasEarlier: boolean,
    files: readonly OutputFile[],
  ) {
    this.folder = folder;
    this.removed = removed;
    this.hasEarlier = hasEarlier;
    this.#run = run;
    const [rejected, unsent, unknown, invalid, accepted] = files as [...FourFiles, OutputFile | undefined];
    [this.#rejected, this.#unsent, this.#unknown, this.#invalid] = [rejected, unsent, unknown, invalid];
    this.#accepted = accepted ?? null;
    this.#rejected.append('token,status,reason,timestamp\n', 0);
    this.#invalid.append('line,text,why,list\n', 0);
    this.#accepted?.append('token,apns-id,apns-unique-id\n', 0);
  }

  /**
   * Makes the directory (for its owner only) if it is missing, takes it for this run, and makes the files in it.
   * `inputs` are the files that the command reads, which must not be overwritten. Throws PealError ERR_PEAL_OPTION
   * (naming --out), also if another run is at work there, or if recipients of an earlier run would be lost.
   */
  static async open(folder: string, inputs: readonly string[], options: OutputsOptions = {}): Promise<Outputs> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await refuseInputs(folder, inputs);
      const run = await RunFolder.enter(folder, fileNames, options.steps ?? folderSteps);
      try {
        if (options.force !== true) {
          await refuseLoss(folder);
          if (await run.holdsBrokenRun()) throw brokenRun(folder);
        }
        const removed = await run.begin();
        const hasEarlier = await isThere(folder);
        return new Outputs(
          folder,
          run,
          removed,
          hasEarlier,
          await createAll(folder, run.run, options.accepted === true),
        );
      } catch (error) {
        await run.leave();
        throw error;
      }
    } catch (error) {
      throw inOptionWords(folder, error);
    }
  }

  /**
   * Called before the first notification is sent. If the run is killed from here on, its books are incomplete, and the
   * next run is told. Throws PealError ERR_PEAL_INPUT if that cannot be recorded.
   */
  async sending(): Promise<void> {
    try {
      await this.#run.sending();
    } catch (error) {
      const message = `--out: ${this.folder} ${writeProblem(error)}.`;
      throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: error });
    }
  }

  rejected(token: string, status: number, reason: string, timestampMs: number | null): void {
    const timestamp = timestampMs === null ? '' : new Date(timestampMs).toISOString();
    this.#rejected.append(csvRow([token, status, reason, timestamp]));
  }

  /** Whether accepted recipients are kept. */
  get keepsAccepted(): boolean {
    return this.#accepted !== null;
  }

  accepted(token: string, apnsId: string | null, apnsUniqueId: string | null): void {
    this.#accepted?.append(csvRow([token, apnsId ?? '', apnsUniqueId ?? '']));
  }

  /** Tokens `start` to `end` (exclusive) of the block. */
  unsent(block: TokenBlock, start: number, end: number): void {
    this.#unsent.append(hexLines(block, start, end), end - start);
  }

  unknown(block: TokenBlock, start: number, end: number): void {
    this.#unknown.append(hexLines(block, start, end), end - start);
  }

  /** `list`: its path, or `-`. */
  invalid(line: number, text: string, why: string, list: string): void {
    this.#invalid.append(csvRow([line, text, why, list === '-' ? 'standard input' : printable(list)]));
  }

  /** Why the files are not whole, or null. */
  get failure(): PealError | null {
    return this.#files.find((file) => file.failure !== null)?.failure ?? null;
  }

  /** Null while there is room; otherwise a promise to wait for before more is added. */
  pressure(): Promise<unknown> | null {
    const full = this.#files.map((file) => file.pressure()).filter((wait) => wait !== null);
    return full.length === 0 ? null : Promise.all(full);
  }

  /**
   * Gives all files their names, in place of all those of an earlier run. Throws PealError ERR_PEAL_INPUT, which names
   * each of them, if some could not be written completely: only the others get their names.
   */
  async publish(): Promise<void> {
    const finished = await Promise.all(this.#files.map((file) => file.finish()));
    const cut = finished.filter((file) => file !== null).sort((a, b) => rankOf(a) - rankOf(b));
    if (finished.every((file) => file?.file === null)) {
      await this.#run.leave();
      throw cutError(cut);
    }
    try {
      await this.#run.place();
    } catch (error) {
      throw cut.length === 0 || !(error instanceof PealError) ? error : withCut(cut, error);
    }
    this.#written = this.#files.filter((_, index) => finished[index] === null).map(({ name }) => name);
    if (cut.length > 0) throw cutError(cut);
  }

  /** Names of the files that are complete and have their names; empty before `publish`. */
  get written(): readonly string[] {
    return this.#written;
  }

  /** Removes the files of this run. */
  async discard(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.discard()));
    await this.#run.leave();
  }

  /**
   * For a process that ends at once: writes what was added so far into the unfinished files, and leaves them there. The
   * next run recognises them.
   */
  abandon(): void {
    for (const file of this.#files) file.flushNow();
    this.#run.leaveNow();
  }

  get #files(): OutputFile[] {
    const files = [this.#rejected, this.#unsent, this.#unknown, this.#invalid];
    return this.#accepted === null ? files : [...files, this.#accepted];
  }
}

/**
 * Tokens `start` to `end` (exclusive) of a block as lines of hex, in one new buffer, because a whole list may stay
 * unsent.
 */
function hexLines(block: TokenBlock, start: number, end: number): Uint8Array {
  const lines = new Uint8Array((end - start) * (block.tokenBytes * 2 + 1));
  const view = new DataView(lines.buffer);
  let to = 0;
  for (let token = start; token < end; token++) {
    writeHex(view, to, block.bytes, token * block.tokenBytes, block.tokenBytes);
    to += block.tokenBytes * 2;
    lines[to++] = lineFeed;
  }
  return lines;
}

/** A file that is read must not be written, under any of its names. */
async function refuseInputs(folder: string, inputs: readonly string[]): Promise<void> {
  for (const name of fileNames) {
    const file = path.join(folder, name);
    if (!(await isAmong(file, inputs))) continue;
    throw optionError(`--out: ${file} is read by this command and would be overwritten; choose another directory.`);
  }
}

async function refuseLoss(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const base of toBeSent) {
    const what = base === 'unsent.txt' ? 'did not send to' : 'got no answer for';
    for (const name of [base, ...names.filter((other) => isCut(other, base))]) {
      const file = path.join(folder, name);
      const there = await stat(file).catch(() => null);
      if (there?.isFile() !== true || there.size === 0) continue;
      const cut = name === base ? '' : ' (an incomplete file: the rest could not be written)';
      const first = `Send to them first (--tokens ${file}, and another directory for --out)`;
      throw optionError(
        `--out: ${file} holds recipients that an earlier run ${what}${cut}. ` +
          `${first}, choose another directory, or give --force to replace its files.`,
      );
    }
  }
}

function brokenRun(folder: string): PealError {
  return optionError(
    `--out: ${folder} holds the files of a run that was ended at once while it was sending (a second Ctrl-C, ` +
      'kill -9, a crash). Nothing records which recipients it sent to. If the same list is sent again, devices may ' +
      'show the notification twice. Choose another directory, or give --force to remove its files.',
  );
}

async function isThere(folder: string): Promise<boolean> {
  const found = await Promise.all(fileNames.map((name) => stat(path.join(folder, name)).catch(() => null)));
  return found.some((file) => file !== null);
}

async function createAll(folder: string, run: string, hasAccepted: boolean): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  const names = fileNames.filter((name) => hasAccepted || name !== acceptedName);
  try {
    for (const name of names) files.push(await OutputFile.create(folder, name, 0o600, run));
    return files;
  } catch (error) {
    await Promise.all(files.map((file) => file.discard()));
    throw error;
  }
}

/** Files of recipients that still have to be sent to come first, because losing them is worst. */
function rankOf({ name }: CutFile): number {
  const rank = (toBeSent as readonly string[]).indexOf(name);
  return rank === -1 ? toBeSent.length : rank;
}

/** An error about incomplete files, and then about an obstacle to the others. */
function withCut(cut: readonly CutFile[], error: PealError): PealError {
  const { message, origin } = cutError(cut);
  return new PealError('ERR_PEAL_INPUT', `${message} ${error.message}`, { origin, cause: error.cause });
}

function inOptionWords(folder: string, error: unknown): PealError {
  if (!(error instanceof PealError)) return optionError(`--out: ${folder} ${writeProblem(error)}.`, error);
  return error.message.startsWith('--out: ') ? error : optionError(`--out: ${error.message}`, error);
}

function optionError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage', cause });
}
