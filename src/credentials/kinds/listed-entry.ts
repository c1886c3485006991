/**
 * The rows of credentials that a person keeps, in a manifest or in a variable, and what may be shown of them. Used by
 * the stores of files and of the environment, which hold no summary beside a key: it is loaded to be listed. Main
 * thread.
 */
import { createHash } from 'node:crypto';
import { loadCredential } from '../../apns/credentials/load-credential.js';
import { PealError } from '../../base/errors.js';
import { maxCredentialVersions, storeVersionCharacters } from '../../base/limits.js';
import type { CredentialEntry, KeptSummary, StoredCredential } from './credential-store.js';
import { type CredentialPlace, placeName } from './place.js';

/** Returns the rows of one place: an object is one version, a list several, the newest first. Null if it is neither. */
export function credentialRows(value: unknown): readonly Readonly<Record<string, unknown>>[] | null {
  if (value === undefined) return [];
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (rows.length > maxCredentialVersions) return null;
  const isRow = (row: unknown): row is Readonly<Record<string, unknown>> =>
    typeof row === 'object' && row !== null && !Array.isArray(row);
  return rows.every(isRow) ? rows : null;
}

/** The name of a version: a digest of all that makes it, so that another key under the same name is another version. */
export function contentVersion(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, storeVersionCharacters);
}

/** Loads the credential to show what it is. One that cannot be loaded is listed with its problem. */
export function listedEntry(place: CredentialPlace, stored: StoredCredential, addedAt: string | null): CredentialEntry {
  const shared = { app: place.app, environment: place.environment, version: stored.version, addedAt, sealedWith: null };
  try {
    const { options, gateway } = stored.open();
    const { kind, fingerprint, keyId, teamId, subject, expiresAt } = loadCredential(options).toJSON();
    return { ...shared, gateway, kind, fingerprint, keyId, teamId, subject, expiresAt, problem: null };
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    return { ...shared, gateway: null, ...unknownSummary, problem: error.message };
  }
}

const unknownSummary: KeptSummary = {
  kind: 'none',
  fingerprint: '',
  keyId: null,
  teamId: null,
  subject: null,
  expiresAt: null,
};

/** Sorts by app and environment. What belongs to one place keeps its order. */
export function byPlace(entries: readonly CredentialEntry[]): readonly CredentialEntry[] {
  return [...entries].sort((a, b) => (placeName(a) < placeName(b) ? -1 : placeName(a) > placeName(b) ? 1 : 0));
}
