/**
 * The four files that `--out DIR` gets. All are always there at the end, so that no file of an earlier run is taken
 * for one of this run. Owned by the send command, fed by its books, on the main thread.
 *
 *   rejected.csv   token,status,reason,timestamp   APNs answered other than 200; timestamp (ISO 8601) with 410
 *   unsent.txt     one token a line                certainly not processed: fit for the next `--tokens`
 *   unknown.txt    one token a line                written and never answered: may have been delivered
 *   invalid.csv    line,text,why,list              lines that hold no device token, of which list
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { TokenBlock } from '../apns/token-block.js';
import { PealError } from '../base/errors.js';
import { csvRow } from './csv.js';
import { hexLines } from './hex-lines.js';
import { isAmong, OutputFile } from './output-file.js';
import { printable } from './terminal.js';
import { writeProblem } from './write-problem.js';

const fileNames = ['rejected.csv', 'unsent.txt', 'unknown.txt', 'invalid.csv'] as const;

export class Outputs {
  readonly folder: string;
  readonly #rejected: OutputFile;
  readonly #unsent: OutputFile;
  readonly #unknown: OutputFile;
  readonly #invalid: OutputFile;

  private constructor(folder: string, files: readonly OutputFile[]) {
    this.folder = folder;
    [this.#rejected, this.#unsent, this.#unknown, this.#invalid] = files as [
      OutputFile,
      OutputFile,
      OutputFile,
      OutputFile,
    ];
    this.#rejected.append('token,status,reason,timestamp\n');
    this.#invalid.append('line,text,why,list\n');
  }

  /**
   * Makes the directory (for its owner only) where it is missing, and the files in it.
   * `inputs` are the files that the command reads: none of them may be overwritten.
   * Throws PealError ERR_PEAL_OPTION (naming --out).
   */
  static async open(folder: string, inputs: readonly string[]): Promise<Outputs> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw optionError(`--out: ${folder} ${writeProblem(error)}.`, error);
    }
    await refuseInputs(folder, inputs);
    const files: OutputFile[] = [];
    try {
      for (const name of fileNames) files.push(await OutputFile.create(folder, name));
    } catch (error) {
      await Promise.all(files.map((file) => file.discard()));
      throw optionError(`--out: ${(error as Error).message}`, error);
    }
    return new Outputs(folder, files);
  }

  rejected(token: string, status: number, reason: string, timestampMs: number | null): void {
    const timestamp = timestampMs === null ? '' : new Date(timestampMs).toISOString();
    this.#rejected.append(csvRow([token, status, reason, timestamp]));
  }

  /** Tokens `start` to `end` (exclusive) of the block. */
  unsent(block: TokenBlock, start: number, end: number): void {
    this.#unsent.append(hexLines(block, start, end));
  }

  unknown(block: TokenBlock, start: number, end: number): void {
    this.#unknown.append(hexLines(block, start, end));
  }

  /** `list`: its path, or `-`. */
  invalid(line: number, text: string, why: string, list: string): void {
    this.#invalid.append(csvRow([line, text, why, list === '-' ? 'standard input' : printable(list)]));
  }

  /** Why the files are not whole, or null. */
  get failure(): PealError | null {
    return this.#files.find((file) => file.failure !== null)?.failure ?? null;
  }

  /** Null while there is room; otherwise a promise to wait for before more is handed in. */
  pressure(): Promise<unknown> | null {
    const full = this.#files.map((file) => file.pressure()).filter((wait) => wait !== null);
    return full.length === 0 ? null : Promise.all(full);
  }

  /** Gives all files their names. Throws PealError ERR_PEAL_INPUT if one could not be written; the others are whole. */
  async publish(): Promise<void> {
    const results = await Promise.allSettled(this.#files.map((file) => file.publish()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Removes what was written: nothing of this run is worth keeping. */
  async discard(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.discard()));
  }

  get #files(): OutputFile[] {
    return [this.#rejected, this.#unsent, this.#unknown, this.#invalid];
  }
}

/** What is read may not be written, under whatever name it was given. */
async function refuseInputs(folder: string, inputs: readonly string[]): Promise<void> {
  for (const name of fileNames) {
    const file = path.join(folder, name);
    if (!(await isAmong(file, inputs))) continue;
    throw optionError(`--out: ${file} is read by this command and would be overwritten; choose another directory.`);
  }
}

function optionError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage', cause });
}
