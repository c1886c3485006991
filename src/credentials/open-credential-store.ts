/**
 * Opens the store of credentials that a URL names. Called by programs and by commands, on the main thread. The clients
 * of databases are loaded only where a URL names them.
 */
import { fileURLToPath } from 'node:url';
import type { PealError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/log.js';
import { checkOptions, optionError, unchecked } from '../base/options.js';
import { either, theOption } from '../base/wording.js';
import type { KeyMaterial } from '../push/credentials/key-material.js';
import type { CredentialStore } from './kinds/credential-store.js';
import { EnvironmentStore } from './kinds/environment-store.js';
import { FolderStore } from './kinds/folder-store.js';
import { Sealer } from './sealing/sealer.js';

export interface CredentialStoreOptions {
  /**
   * The keys that secrets are sealed with, one a line: `id:` and 32 bytes as base64 or hex; text, bytes or `{ file }`.
   * The first one seals, each one opens. PostgreSQL and Redis need them; the other stores seal nothing.
   */
  readonly sealKeys?: KeyMaterial;
  /** For `env:`. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: silent. */
  readonly log?: Logger;
}

const forms = 'file:FOLDER, env:, postgres://USER@HOST/DATABASE or redis://HOST:PORT';

/**
 * Resolves with the store at `url`:
 *
 * - `file:/etc/peal` or a path: a folder with one folder an app;
 * - `env:`: environment variables PEAL_CREDENTIAL_…;
 * - `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, through the package pg;
 * - `redis://HOST:PORT` and `rediss://…`, through the package ioredis.
 *
 * @throws PealError ERR_PEAL_OPTION: no such kind of store, or no sealing key for a database; ERR_PEAL_CREDENTIAL:
 *   wrong sealing keys; ERR_PEAL_STORE: the database cannot be reached
 */
export async function openCredentialStore(url: string, options: CredentialStoreOptions = {}): Promise<CredentialStore> {
  checkOptions({ name: 'openCredentialStore' }, options, { sealKeys: unchecked, env: unchecked, log: unchecked });
  const { env = process.env, log = silentLogger } = options;
  const scheme = typeof url === 'string' ? (/^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? '') : null;
  switch (scheme) {
    case 'env':
      return new EnvironmentStore(env);
    case 'file':
      return new FolderStore(folderOf(url));
    case 'postgres':
    case 'postgresql': {
      const { PostgresStore } = await import('./kinds/postgres-store.js');
      return PostgresStore.open(url, shownUrl(url), sealerOf(url, options), log);
    }
    case 'redis':
    case 'rediss': {
      const { RedisStore } = await import('./kinds/redis-store.js');
      return RedisStore.open(url, shownUrl(url), sealerOf(url, options), log);
    }
    default:
      throw storeUrlError();
  }
}

/** The address of a database without user, password and parameters, for sentences. */
function shownUrl(url: string): string {
  if (!URL.canParse(url)) throw storeUrlError();
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

function folderOf(url: string): string {
  const rest = url.slice('file:'.length);
  if (rest === '') throw storeUrlError();
  if (!rest.startsWith('//')) return rest;
  try {
    return fileURLToPath(url);
  } catch {
    throw storeUrlError();
  }
}

function sealerOf(url: string, { sealKeys, log }: CredentialStoreOptions): Sealer {
  if (sealKeys !== undefined) return new Sealer(sealKeys, log);
  throw optionError(
    `${shownUrl(url)} keeps credentials sealed, and no sealing key is given: give ` +
      `${either('the option sealKeys', '--seal-key-file or PEAL_SEAL_KEY')}.`,
  );
}

function storeUrlError(): PealError {
  return optionError(`${theOption('store')} must be one of ${forms}.`);
}
