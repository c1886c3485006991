/**
 * A provider token in a file that several processes share. The file is readable by its owner only. The process that
 * holds the lock beside it renews the token and replaces the file at once by a rename. Main thread; nothing here
 * blocks.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { durably, newFile } from '../../base/durable.js';
import { readProblem } from '../../base/file-errors.js';
import { maxProviderTokenCharacters, tokenLockPollMs, tokenLockStaleMs } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { escapeUnprintable } from '../../base/text.js';
import { option } from '../../base/wording.js';
import { credentialError } from '../../push/credentials/key-material.js';
import type { TokenNames } from '../../push/credentials/token-origin.js';
import { type ReadToken, readProviderToken } from './jwt.js';

interface TokenFileOptions {
  readonly path: string;
  /** The key and team whose tokens are in it; null for any. */
  readonly names: TokenNames | null;
  /** Returns whether our key signed a token in it, as far as that can be told. */
  readonly isOurs: (token: string) => boolean;
  readonly log: Logger;
}

type Renewal = (current: ReadToken | null) => Promise<string>;

export class TokenFile {
  readonly #options: TokenFileOptions;
  readonly #lockPath: string;
  #hasWarned = false;
  #isWaiting = false;

  constructor(options: TokenFileOptions) {
    this.#options = options;
    this.#lockPath = `${options.path}.lock`;
  }

  /** The beginning of sentences about the file. */
  get name(): string {
    return `The file ${escapeUnprintable(this.#options.path, 1000)} (${option('providerTokenFile', 'option ')})`;
  }

  /**
   * Returns the token in the file. Null if there is no file, if it is empty, or if our key did not sign its token.
   * Rejects with ERR_PEAL_CREDENTIAL if the file cannot be read, or holds anything but a token of our key: such a
   * file is not ours to replace.
   */
  async read(): Promise<ReadToken | null> {
    const text = await this.#text();
    if (text === null || text.trim() === '') return null;
    const found = readProviderToken(text);
    if (found === null) {
      throw credentialError(
        `${this.name} holds something other than a provider token: name a file of its own for the token.`,
      );
    }
    const { names, isOurs } = this.#options;
    if (names !== null && (found.keyId !== names.keyId || found.teamId !== names.teamId)) {
      throw credentialError(
        `${this.name} holds a provider token of another key or team than ${names.keyId} of ${names.teamId}: ` +
          'give each key a file of its own.',
      );
    }
    return isOurs(found.token) ? found : null;
  }

  /** Under the lock, writes the result of `make` to the file. Waits while another process renews it. */
  async renew(make: Renewal): Promise<string> {
    const lock = await this.#lock();
    try {
      const current = await this.read();
      const token = await make(current);
      if (token !== current?.token) await this.#write(token);
      return token;
    } finally {
      await lock.close();
      await rm(this.#lockPath, { force: true });
    }
  }

  /** While another process holds the lock: a sentence that names the lock and says what to do. Otherwise null. */
  get waitsFor(): string | null {
    if (!this.#isWaiting) return null;
    const lock = escapeUnprintable(this.#lockPath, 1000);
    return `another process holds ${lock}. Once no process that uses this token runs any more, remove that file.`;
  }

  async #text(): Promise<string | null> {
    let file: FileHandle | null = null;
    try {
      file = await open(this.#options.path, 'r');
      const { mode } = await file.stat();
      if (process.platform !== 'win32' && (mode & 0o077) !== 0 && !this.#hasWarned) {
        this.#hasWarned = true;
        this.#options.log.warn(
          { file: this.#options.path },
          'other users may read this provider token: restrict it (chmod 600)',
        );
      }
      const room = Buffer.alloc(maxProviderTokenCharacters + 100);
      const { bytesRead } = await file.read(room, 0, room.length, 0);
      return room.toString('latin1', 0, bytesRead);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw credentialError(`${this.name} ${readProblem(error)}.`);
    } finally {
      await file?.close();
    }
  }

  async #write(token: string): Promise<void> {
    const partial = `${this.#options.path}.${randomBytes(6).toString('hex')}.partial`;
    try {
      const file = await durably.open(partial, newFile, 0o600);
      try {
        await file.writeFile(`${token}\n`);
        await durably.sync(file);
      } finally {
        await file.close();
      }
      await rename(partial, this.#options.path);
    } catch (error) {
      await rm(partial, { force: true });
      throw this.#writeError(error);
    }
  }

  async #lock(): Promise<FileHandle> {
    for (;;) {
      try {
        this.#isWaiting = false;
        const lock = await open(this.#lockPath, 'wx', 0o600);
        await lock.writeFile(`${process.pid} ${hostname()}\n`);
        return lock;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw this.#writeError(error);
      }
      if (await this.#isLeftOver()) await this.#removeLeftOver();
      else {
        this.#isWaiting = true;
        await sleep(tokenLockPollMs);
      }
    }
  }

  /** Returns whether the process of the lock is dead: making a token does not take that long. */
  async #isLeftOver(): Promise<boolean> {
    try {
      const { mtimeMs } = await stat(this.#lockPath);
      return Date.now() - mtimeMs > tokenLockStaleMs || (await this.#holderIsGone());
    } catch {
      return false;
    }
  }

  async #holderIsGone(): Promise<boolean> {
    const file = await open(this.#lockPath, 'r');
    try {
      const [pid = '', host = ''] = (await file.readFile('utf8')).trim().split(' ');
      if (host !== hostname() || !/^\d+$/.test(pid)) return false;
      process.kill(Number(pid), 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    } finally {
      await file.close();
    }
  }

  /** Uses a rename, which only one process succeeds in. At worst two processes make a token, which APNs tolerates. */
  async #removeLeftOver(): Promise<void> {
    const aside = `${this.#lockPath}.${randomBytes(6).toString('hex')}`;
    try {
      await rename(this.#lockPath, aside);
    } catch {
      // Another process was faster.
    }
    await rm(aside, { force: true });
  }

  #writeError(error: unknown): Error {
    const code = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    return credentialError(`${this.name} cannot be written (${code}): its directory has to be writable.`);
  }
}
