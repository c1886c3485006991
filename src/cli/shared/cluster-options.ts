/**
 * How the commands of a cluster find what its machines share. Read by `peal dispatch`, `peal worker` and `peal status`;
 * pure.
 */
import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { readProblem } from '../../base/file-errors.js';
import { pealVariable } from './peal-variables.js';
import { type Terminal, usageError } from './terminal.js';

export interface ClusterFlags {
  readonly redis?: string;
  readonly redisCa?: string;
  readonly blobs?: string;
}

/** Where a cluster is. */
interface ClusterUrls {
  readonly redis: string;
  readonly ca?: string;
  /** Null: in Redis. */
  readonly blobs: string | null;
}

export function clusterOptions(): Option[] {
  return [
    new Option(
      '--redis <url>',
      'the Redis of the cluster: redis://HOST:PORT or rediss://HOST:PORT; with a password in PEAL_REDIS only',
    ),
    new Option('--redis-ca <file>', 'certificate of the authority that signed the certificate of Redis (PEM)'),
    new Option('--blobs <url>', 'where slices wait: file:///shared/folder (default: in Redis)'),
  ];
}

/** @throws PealError ERR_PEAL_OPTION where there is no Redis, or its password is on the command line */
export function clusterUrls({ redis, redisCa, blobs }: ClusterFlags, env: Terminal['env']): ClusterUrls {
  const url = redis ?? pealVariable('PEAL_REDIS', env);
  if (url === null) throw usageError('no cluster is given. Give --redis redis://HOST:PORT, or set PEAL_REDIS.');
  if (redis !== undefined && /^[a-z]+:\/\/[^/]*@/i.test(redis)) {
    throw usageError(
      '--redis: every user of this machine can read the command line: set PEAL_REDIS to a URL with a password.',
    );
  }
  if (!/^rediss?:/i.test(url)) {
    throw usageError(
      '--redis or PEAL_REDIS must be a URL redis://HOST:PORT or rediss://HOST:PORT. peal connects to one address: in ' +
        'front of Sentinel, give a name that follows the primary.',
    );
  }
  if (redisCa !== undefined && !/^rediss:/i.test(url)) {
    throw usageError('--redis-ca goes with a URL rediss://HOST:PORT: a connection to redis:// is not encrypted.');
  }
  return { redis: url, blobs: blobs ?? null, ...(redisCa !== undefined && { ca: readCa(redisCa) }) };
}

function readCa(file: string): string {
  const text = readText(file);
  // TLS would trust nothing then, and blame the server.
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw usageError(`--redis-ca: the file ${file} holds no certificate in PEM ("BEGIN CERTIFICATE").`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`--redis-ca: the file ${file} ${readProblem(error)}.`);
  }
}
