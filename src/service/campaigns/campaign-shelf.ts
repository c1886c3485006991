/**
 * The folders of a service's campaigns: one for each, named by its id, with what was asked for, an uploaded list, and
 * all that the campaign itself keeps there. Owned by the campaigns of a service; main thread.
 *
 *   <id>/request.json            what was asked for, and what shall become of it
 *   <id>/recipients.<ending>     the list that was uploaded
 *   <id>/…                       journal, outcomes, summary.json, report.html
 */
import { randomBytes } from 'node:crypto';
import { mkdir, type open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { durably, newFile } from '../../base/durable.js';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { FolderLock } from '../../base/files/folder-lock.js';
import { maxCampaignRequestBytes, uploadPauseTimeoutMs } from '../../base/limits.js';
import { optionError } from '../../base/options.js';
import { among, anyNumber, anyText, anyValue, fieldsOf, namesTo, orNull } from '../../base/shape.js';
import { escapeUnprintable } from '../../base/text.js';
import { theOption } from '../../base/wording.js';
import { refusal } from '../http/answer.js';
import { cutOff } from '../http/request-body.js';
import { type CampaignRequest, campaignIdForm } from './campaign-request.js';

/** What shall become of a campaign: `ended` is one whose run ended by itself. */
export type WantedState = 'running' | 'paused' | 'stopped' | 'ended';

/** What lies in request.json. */
export interface ShelvedCampaign {
  readonly version: 1;
  readonly id: string;
  readonly createdMs: number;
  readonly wanted: WantedState;
  /** The name of the list in its folder; null: it is below the directory of lists. */
  readonly upload: string | null;
  readonly request: CampaignRequest;
}

/** The request itself is checked where its campaign begins. */
const isShelved = fieldsOf<ShelvedCampaign>({
  version: among(1),
  id: anyText,
  createdMs: anyNumber,
  wanted: among('running', 'paused', 'stopped', 'ended'),
  upload: orNull(anyText),
  request: fieldsOf<Pick<CampaignRequest, 'recipients' | 'message'>>({
    recipients: namesTo(anyValue),
    message: namesTo(anyValue),
  }),
});

const requestName = 'request.json';

export class CampaignShelf {
  readonly folder: string;
  readonly #lists: string | null;
  readonly #lock: FolderLock;

  private constructor(folder: string, lists: string | null, lock: FolderLock) {
    this.folder = folder;
    this.#lists = lists;
    this.#lock = lock;
  }

  /** @throws PealError ERR_PEAL_INPUT, or ERR_PEAL_OPTION where another service uses the folder */
  static async open(folder: string, lists: string | null): Promise<CampaignShelf> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const real = await realpath(folder);
      const realLists =
        lists === null
          ? null
          : await realpath(lists).catch((cause: unknown) => {
              throw new PealError('ERR_PEAL_INPUT', `${lists} ${readProblem(cause)}.`, { origin: 'input', cause });
            });
      const lock = await FolderLock.take(real, randomBytes(4).toString('hex'));
      if (typeof lock === 'string') throw optionError(lock);
      return new CampaignShelf(real, realLists, lock);
    } catch (error) {
      throw error instanceof PealError ? error : folderError(folder, error);
    }
  }

  async close(): Promise<void> {
    await this.#lock.release();
  }

  /** All that can be read; `onBad` is told of the others. */
  async all(onBad: (id: string, error: unknown) => void): Promise<readonly ShelvedCampaign[]> {
    const found: ShelvedCampaign[] = [];
    for (const entry of await readdir(this.folder, { withFileTypes: true })) {
      if (!entry.isDirectory() || !campaignIdForm.test(entry.name)) continue;
      try {
        const shelved = await this.#read(entry.name);
        if (shelved !== null) found.push(shelved);
      } catch (error) {
        onBad(entry.name, error);
      }
    }
    return found.sort((a, b) => a.createdMs - b.createdMs);
  }

  folderOf(id: string): string {
    return path.join(this.folder, id);
  }

  /** Makes the folder of a new campaign. Resolves with false where it is taken. */
  async reserve(id: string): Promise<boolean> {
    try {
      await mkdir(this.folderOf(id), { mode: 0o700 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw folderError(this.folder, error);
    }
  }

  /** Removes the folder of a campaign that did not come to be. */
  async remove(id: string): Promise<void> {
    await rm(this.folderOf(id), { recursive: true, force: true });
  }

  /** Replaces request.json in one step. */
  async write(shelved: ShelvedCampaign): Promise<void> {
    const folder = this.folderOf(shelved.id);
    const partial = path.join(folder, `.request.${randomBytes(8).toString('hex')}.partial`);
    try {
      const file = await durably.open(partial, newFile, 0o600);
      try {
        await file.writeFile(`${JSON.stringify(shelved)}\n`);
        await durably.syncData(file);
      } finally {
        await file.close();
      }
      await rename(partial, path.join(folder, requestName));
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {});
      throw folderError(folder, error);
    }
  }

  /**
   * The paths of a campaign's lists. Throws PealError ERR_PEAL_OPTION for one that is not below the directory of lists.
   */
  async listsOf({ id, upload, request }: ShelvedCampaign): Promise<readonly string[]> {
    if (upload !== null) return [path.join(this.folderOf(id), upload)];
    const paths: string[] = [];
    for (const [index, name] of (request.recipients.files ?? []).entries()) {
      paths.push(await this.#listAt(name, theOption(`recipients.files[${index}]`)));
    }
    return paths;
  }

  async #listAt(name: string, subject: string): Promise<string> {
    if (this.#lists === null) {
      throw optionError(`${subject}: this service reads no lists, because it was started without a directory of them.`);
    }
    const shown = `"${escapeUnprintable(name, 80)}"`;
    if (/[*?[\]{}!\\]/.test(name))
      throw optionError(`${subject}: ${shown} must be the name of one file, not a pattern.`);
    const file = await realpath(path.join(this.#lists, name)).catch((cause: unknown) => {
      throw optionError(`${subject}: ${shown} ${readProblem(cause)}.`);
    });
    if (!file.startsWith(this.#lists + path.sep)) {
      throw optionError(`${subject}: ${shown} is not below the directory of lists.`);
    }
    if (!(await stat(file)).isFile()) throw optionError(`${subject}: ${shown} is not a file.`);
    return file;
  }

  /** Writes tokens of a request as a list. */
  async writeTokens(id: string, tokens: readonly string[]): Promise<string> {
    const name = 'recipients.txt';
    const file = await this.#newFile(id, name);
    try {
      await file.writeFile(tokens.map((token) => `${token.replace(/[\r\n]/g, ' ')}\n`).join(''));
      await durably.syncData(file);
    } finally {
      await file.close();
    }
    return name;
  }

  /**
   * Writes a list as it comes. Throws RefusedRequest 400, 413 (as a rejection). A client that pauses for too long loses
   * its connection.
   */
  async writeUpload(id: string, name: string, request: IncomingMessage, maxBytes: number): Promise<void> {
    const file = await this.#newFile(id, name);
    const { socket } = request;
    const onPause = (): void => void request.destroy();
    socket.setTimeout(uploadPauseTimeoutMs, onPause);
    let bytes = 0;
    try {
      // Leaving the loop must not end the connection, which still needs its answer.
      for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += piece.length;
        if (bytes > maxBytes) {
          throw refusal(
            413,
            'body_too_large',
            `The list is larger than ${maxBytes} bytes: put it into the directory of lists.`,
            [...['Connection', 'close']],
          );
        }
        await file.write(piece);
      }
      if (!request.complete) throw cutOff();
      await durably.syncData(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') throw cutOff();
      throw (error as NodeJS.ErrnoException).syscall === 'write' ? folderError(this.folder, error) : error;
    } finally {
      socket.setTimeout(0);
      socket.off('timeout', onPause);
      await file.close();
    }
    if (bytes === 0) throw refusal(400, 'bad_request', 'The list is empty.');
  }

  async #newFile(id: string, name: string): Promise<Awaited<ReturnType<typeof open>>> {
    return durably.open(path.join(this.folderOf(id), name), newFile, 0o600);
  }

  /** Null: it did not come to be. */
  async #read(id: string): Promise<ShelvedCampaign | null> {
    const file = path.join(this.folderOf(id), requestName);
    const found = await stat(file).catch(() => null);
    if (found === null) return null;
    if (found.size > maxCampaignRequestBytes) throw optionError(`${file} is too large for a campaign.`);
    const shelved: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (isShelved(shelved) && shelved.id === id) return shelved;
    throw optionError(`${file} is not of this campaign or this version.`);
  }
}

function folderError(folder: string, cause: unknown): PealError {
  return new PealError('ERR_PEAL_INPUT', `${folder} ${writeProblem(cause)}.`, { origin: 'input', cause });
}
