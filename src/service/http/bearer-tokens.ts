/**
 * Who may use a service: bearer tokens (RFC 6750), of which only digests are kept. Compared in constant time. Made when
 * a service starts; a file of tokens is read again when it changes. Main thread.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { bearerFileCheckMs, maxBearerCharacters, maxBearerTokens, minBearerCharacters } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';

/** RFC 6750 §2.1. */
const tokenForm = /^[A-Za-z0-9._~+/-]+=*$/;

export class BearerTokens {
  #digests: readonly Buffer[];

  private constructor(digests: readonly Buffer[]) {
    this.#digests = digests;
  }

  /** @param source what the sentences call the place of the tokens; @throws PealError ERR_PEAL_OPTION */
  static of(text: string, source: string): BearerTokens {
    return new BearerTokens(digestsOf(text, source));
  }

  /** @throws PealError ERR_PEAL_OPTION */
  static async fromFile(file: string, source: string, log: Logger): Promise<BearerTokens> {
    return new BearerTokens(digestsOf(await readTokens(file, source, log), source));
  }

  get count(): number {
    return this.#digests.length;
  }

  /**
   * Returns the number of the token that the field `authorization` holds, or -1. Each digest is compared, so that the
   * time says nothing about where they differ.
   */
  find(authorization: string | undefined): number {
    if (authorization === undefined || authorization.length > maxBearerCharacters + 7) return -1;
    if (!/^bearer /i.test(authorization)) return -1;
    const digest = digestOf(authorization.slice(7).trim());
    let found = -1;
    for (let i = 0; i < this.#digests.length; i++) if (timingSafeEqual(this.#digests[i]!, digest)) found = i;
    return found;
  }

  /** Takes what the file holds from now on, as often as it changes. Returns how to end that. */
  watch(file: string, source: string, log: Logger): () => void {
    let seen: string | null = null;
    const look = async (): Promise<void> => {
      const { mtimeMs, size, ino } = await stat(file);
      const now = `${mtimeMs} ${size} ${ino}`;
      if (seen !== null && seen !== now) {
        this.#digests = digestsOf(await readTokens(file, source, log), source);
        log.info({ file, tokens: this.count }, 'the bearer tokens were read again');
      }
      seen = now;
    };
    const timer = setInterval(() => {
      look().catch((error: unknown) => log.warn({ file, err: error }, 'the bearer tokens stay as they are'));
    }, bearerFileCheckMs);
    timer.unref();
    look().catch(() => {});
    return () => clearInterval(timer);
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function readTokens(file: string, source: string, log: Logger): Promise<string> {
  try {
    const { mode, size } = await stat(file);
    if (size > maxBearerTokens * (maxBearerCharacters + 2)) throw bearerError(source, `${file} is too large`);
    if ((mode & 0o004) !== 0) log.warn({ file }, 'every user of this machine may read the file of bearer tokens');
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof PealError) throw cause;
    throw bearerError(source, `the file ${file} ${readProblem(cause)}`, cause);
  }
}

/** One token on a line; empty lines and those that begin with # count for nothing. */
function digestsOf(text: string, source: string): readonly Buffer[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const digests: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const where = lines.length > 1 ? ` on line ${index + 1}` : '';
    if (line.length < minBearerCharacters || line.length > maxBearerCharacters) {
      const range = `${minBearerCharacters} to ${maxBearerCharacters} characters`;
      throw bearerError(
        source,
        `the token${where} must have ${range}, so that nobody guesses it (openssl rand -hex 32)`,
      );
    }
    if (!tokenForm.test(line)) {
      throw bearerError(
        source,
        `the token${where} has a character that a bearer token cannot have (A-Z a-z 0-9 -._~+/=)`,
      );
    }
    digests.push(digestOf(line));
  }
  if (digests.length === 0) throw bearerError(source, 'it holds no token: write one on each line');
  if (digests.length > maxBearerTokens) throw bearerError(source, `it holds more than ${maxBearerTokens} tokens`);
  return digests;
}

function bearerError(source: string, what: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_OPTION', `${source}: ${what}.`, { origin: 'usage', cause });
}
