/**
 * Opens what the machines of a cluster share, by URLs. Called by the commands dispatch, worker and status, and by
 * programs.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PealError } from '../../base/errors.js';
import { longestPatienceMs } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { checkOptions, type OptionRules, test, unchecked, whole } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import { PostgresClient } from '../../stores/postgres-client.js';
import { openRedis, redisConcerns } from '../../stores/redis-client.js';
import type { ClusterStore, SliceBlobs } from './cluster-store.js';
import { FolderBlobs } from './folder-blobs.js';
import { PostgresBlobs, PostgresClusterStore } from './postgres-store.js';
import { RedisBlobs } from './redis-blobs.js';
import { RedisClusterStore } from './redis-store.js';

export interface OpenStoreOptions {
  /**
   * What the names of all keys begin with, so that several clusters share a server. Letters, digits, `-`. Default
   * `peal`.
   */
  readonly prefix?: string;
  /**
   * Where the bytes of slices are: `store:` for the server of the store (default), `redis://…` for another one,
   * `file:/path` for a folder that all machines share, or a kind of one's own.
   */
  readonly blobs?: string | SliceBlobs;
  /** The authority of a server with a private certificate, as PEM. */
  readonly ca?: string | Uint8Array;
  /** How long each step is tried again while the store is away. Default 30 seconds. */
  readonly patienceMs?: number;
  readonly log?: Logger;
}

const blobForms = 'store:, a URL redis://…, or file:/path of a folder that all machines share';

const rules: OptionRules = {
  prefix: test('1 to 64 letters, digits, "-" and "_"', (value) => /^[\w-]{1,64}$/.test(String(value))),
  blobs: test(`${blobForms}, or an object with put, get and remove`, isBlobs),
  ca: unchecked,
  patienceMs: whole(0, longestPatienceMs),
  log: unchecked,
};

function isBlobs(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null && 'put' in value);
}

export interface OpenedStore {
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  /** Closes both. Blobs of one's own are closed by their `close`, if they have it. */
  close(): Promise<void>;
}

/**
 * @param url `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://…` with TLS; or
 *   `postgres://USER:PASSWORD@HOST/DATABASE`
 * @throws PealError ERR_PEAL_OPTION for URLs of other kinds; ERR_PEAL_STORE where it cannot be reached
 */
export async function openClusterStore(url: string, options: OpenStoreOptions = {}): Promise<OpenedStore> {
  checkOptions({ name: 'openClusterStore' }, options, rules);
  const { prefix = 'peal', blobs: blobsOption = 'store:' } = options;
  const { store, ownBlobs } = await openStore(url, prefix, options);
  try {
    const blobs = await openBlobs(blobsOption, ownBlobs, prefix, options);
    const close = async (): Promise<void> => {
      await store.close();
      await blobs.close?.();
    };
    return { store, blobs, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface BareStore {
  readonly store: ClusterStore;
  /** On the same server. */
  ownBlobs(): Promise<SliceBlobs>;
}

async function openStore(url: string, prefix: string, options: OpenStoreOptions): Promise<BareStore> {
  const settings = { ...options, prefix };
  if (/^postgres(ql)?:/.test(String(url))) {
    const { ca, log } = options;
    const given = { ...(ca !== undefined && { ca }), ...(log !== undefined && { log }) };
    const client = await PostgresClient.open({ url, name: 'peal store', ...given });
    const store = await PostgresClusterStore.open(client, settings);
    return { store, ownBlobs: async () => new PostgresBlobs(client, settings) };
  }
  if (!/^rediss?:/.test(String(url))) {
    throw usage(`${theOption('store')} must be a URL redis://HOST:PORT, or postgres://HOST/DATABASE.`);
  }
  const redis = await connect(url, 'peal store', options);
  const store = new RedisClusterStore(redis, settings);
  if (options.log !== undefined) for (const concern of await redisConcerns(redis)) options.log.warn({}, concern);
  // A connection of its own: large values are not in the way of notes and leases.
  return { store, ownBlobs: async () => new RedisBlobs(await connect(url, 'peal blobs', options), settings) };
}

async function openBlobs(
  place: string | SliceBlobs,
  ownBlobs: () => Promise<SliceBlobs>,
  prefix: string,
  options: OpenStoreOptions,
): Promise<SliceBlobs> {
  if (typeof place !== 'string') return place;
  if (place === 'store:') return ownBlobs();
  if (place.startsWith('file:')) return FolderBlobs.open(folderOf(place));
  if (/^rediss?:/.test(place)) {
    return new RedisBlobs(await connect(place, 'peal blobs', options), { ...options, prefix });
  }
  throw usage(`${theOption('blobs')} must be ${blobForms}.`);
}

function folderOf(place: string): string {
  const folder = place.startsWith('file://') ? fileURLOf(place) : place.slice('file:'.length);
  if (path.isAbsolute(folder)) return folder;
  throw usage(`${theOption('blobs')} needs the whole path of the folder: file:/path.`);
}

function fileURLOf(place: string): string {
  try {
    return fileURLToPath(place);
  } catch {
    return '';
  }
}

function connect(url: string, name: string, { ca, log }: OpenStoreOptions) {
  return openRedis({ url, name, ...(ca !== undefined && { ca }), ...(log !== undefined && { log }) });
}

function usage(message: string): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}
