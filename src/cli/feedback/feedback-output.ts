/**
 * The output of `peal feedback`: a file that gets its name once it is whole, or standard output. Owned by the command,
 * on the main thread.
 *
 *   csv      token,when                                         when as ISO 8601; the first line is this head
 *   ndjson   {"token":"…","when":"…"}                           one object a line
 */
import path from 'node:path';
import type { Writable } from 'node:stream';
import { csvRow } from '../../campaign/outputs/csv.js';
import { isAmong, OutputFile } from '../../campaign/outputs/output-file.js';
import { credentialFiles, namedFiles } from '../shared/credential-options.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import type { FeedbackFlags, FeedbackFormat } from './feedback-options.js';

export class FeedbackOutput {
  readonly #file: OutputFile | null;
  readonly #stdout: Terminal['stdout'];
  readonly #format: FeedbackFormat;
  #count = 0;

  private constructor(file: OutputFile | null, stdout: Terminal['stdout'], format: FeedbackFormat) {
    this.#file = file;
    this.#stdout = stdout;
    this.#format = format;
  }

  /** Throws PealError ERR_PEAL_INPUT when the file of --out cannot be written, ERR_PEAL_OPTION when it is read. */
  static async open(options: FeedbackFlags, { stdout }: Terminal): Promise<FeedbackOutput> {
    const { out, format, ca } = options;
    const inputs = [...credentialFiles(options), ...namedFiles([ca])];
    if (out !== undefined && (await isAmong(out, inputs))) {
      throw usageError(`--out: ${out} is read by this command and would be overwritten; choose another name.`);
    }
    const file = out === undefined ? null : await OutputFile.create(path.dirname(out), path.basename(out));
    return new FeedbackOutput(file, stdout, format);
  }

  /** Tokens written so far. */
  get count(): number {
    return this.#count;
  }

  /** @param token Hex. */
  async write(token: string, when: Date): Promise<void> {
    if (this.#count++ === 0) await this.#put(this.#head());
    const time = when.toISOString();
    await this.#put(this.#format === 'csv' ? csvRow([token, time]) : `${JSON.stringify({ token, when: time })}\n`);
  }

  /**
   * Gives the file its name. If `isFailed` and no token came, the file is dropped and replaces nothing. Throws
   * PealError ERR_PEAL_INPUT if it could not be written.
   */
  async close(isFailed: boolean): Promise<void> {
    if (this.#count === 0 && isFailed) {
      await this.#file?.discard();
      return;
    }
    if (this.#count === 0) await this.#put(this.#head());
    await this.#file?.publish();
  }

  #head(): string {
    return this.#format === 'csv' ? 'token,when\n' : '';
  }

  async #put(text: string): Promise<void> {
    if (this.#file !== null) {
      this.#file.append(text);
      await this.#file.pressure();
      return;
    }
    if (text !== '' && !this.#stdout.write(text)) await drained(this.#stdout);
  }
}

/** Also resolves when the reader of a pipe has left. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    if (stream.destroyed) resolve();
    else stream.on('drain', done).on('close', done);
  });
}
