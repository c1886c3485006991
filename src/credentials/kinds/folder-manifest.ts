/**
 * The manifest of one app in a folder of credentials, and the files that it names. Read and written by the folder
 * store, on the main thread.
 *
 *   FOLDER/com.example.app/credentials.json
 *   { "production":  { "key": "AuthKey_ABCDE12345.p8", "keyId": "ABCDE12345", "teamId": "FGHIJ67890" },
 *     "development": [ { "cert": "dev-2.pem", "key": "dev-2.key", "passphrase": "dev-2.pass" },
 *                      { "cert": "dev-1.pem" } ] }
 *
 * `key`, `cert`, `pfx` and `passphrase` name files, beside the manifest or by their paths, so that the manifest itself
 * holds no secret. Several versions are a list, the newest first.
 */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { CredentialOptions } from '../../apns/credentials/load-credential.js';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { maxCredentialFileBytes, maxManifestBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { credentialError, type FileReference } from '../../push/credentials/key-material.js';
import { StoredCredential } from './credential-store.js';
import { contentVersion, credentialRows } from './listed-entry.js';
import type { CredentialEnvironment } from './place.js';

export const manifestName = 'credentials.json';

/** One version in a manifest, as it is written there. */
export type ManifestRow = Readonly<Record<string, string>>;

export type Manifest = Readonly<Partial<Record<CredentialEnvironment, readonly ManifestRow[]>>>;

const fileFields = ['key', 'cert', 'pfx', 'passphrase'] as const;
const rowFields: readonly string[] = [...fileFields, 'keyId', 'teamId', 'identity', 'gateway', 'addedAt'];

/**
 * Returns what the manifest in `folder` holds; null where there is no such file.
 *
 * @throws PealError ERR_PEAL_INPUT (it cannot be read), ERR_PEAL_CREDENTIAL (it is not a manifest)
 */
export async function readManifest(folder: string): Promise<Manifest | null> {
  const file = path.join(folder, manifestName);
  const name = `The file ${escapeUnprintable(file, 1000)}`;
  let text: string;
  try {
    if ((await stat(file)).size > maxManifestBytes) throw credentialError(`${name} is larger than a manifest.`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof PealError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new PealError('ERR_PEAL_INPUT', `${name} ${readProblem(error)}.`, { origin: 'input', retryable: true });
  }
  return manifestOf(text, name);
}

function manifestOf(text: string, name: string): Manifest {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw credentialError(`${name} is not JSON.`);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw credentialError(`${name} must be a JSON object with "production" or "development".`);
  }
  const { production, development, sandbox, ...others } = given as Record<string, unknown>;
  const stranger = Object.keys(others)[0];
  if (stranger !== undefined || (development !== undefined && sandbox !== undefined)) {
    const what = stranger === undefined ? 'both "development" and "sandbox"' : `"${escapeUnprintable(stranger, 40)}"`;
    throw credentialError(`${name} has ${what}. Expected "production" and "development".`);
  }
  return { production: checkedRows(production, name), development: checkedRows(development ?? sandbox, name) };
}

function checkedRows(value: unknown, name: string): readonly ManifestRow[] {
  const rows = credentialRows(value);
  if (rows === null) throw credentialError(`${name} must have an object, or a list of objects, for an environment.`);
  for (const row of rows) {
    const stranger = Object.keys(row).find((field) => !rowFields.includes(field) || typeof row[field] !== 'string');
    if (stranger === undefined) continue;
    const shown = `"${escapeUnprintable(stranger, 40)}"`;
    throw credentialError(`${name} has ${shown}, where only these may stand, as text: ${rowFields.join(', ')}.`);
  }
  return rows as readonly ManifestRow[];
}

/** A version as a store hands it out. Its name is a digest over the contents of its files. */
export async function storedRow(row: ManifestRow, folder: string): Promise<StoredCredential> {
  const { gateway = null, addedAt: _addedAt, ...fields } = row;
  const parts: (string | Uint8Array)[] = [JSON.stringify([gateway, fields])];
  const options: Record<string, string | FileReference> = {};
  for (const [name, value] of Object.entries(fields)) {
    const file = fileIn(folder, name, value);
    options[name] = file === null ? value : { file };
    if (file !== null) parts.push(await contentOf(file));
  }
  const opened = { options: options as unknown as CredentialOptions, gateway };
  return new StoredCredential(contentVersion(...parts), () => opened);
}

/** The files that a row names, by their paths. */
export function filesOf(row: ManifestRow, folder: string): readonly string[] {
  return Object.entries(row).flatMap(([name, value]) => fileIn(folder, name, value) ?? []);
}

function fileIn(folder: string, field: string, value: string): string | null {
  return fileFields.includes(field as never) ? path.resolve(folder, value) : null;
}

/** A file that cannot be read is a version, too: loading it says what is wrong. */
async function contentOf(file: string): Promise<Uint8Array | string> {
  try {
    return (await stat(file)).size > maxCredentialFileBytes ? 'too large' : await readFile(file);
  } catch (error) {
    return readProblem(error);
  }
}
