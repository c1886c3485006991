/**
 * The sealed form of a credential, for stores that others may read. Everything that decides what is sent where is
 * within the seal, the gateway too: who could change that outside of it would get provider tokens. Called by the stores
 * of PostgreSQL and Redis; main thread.
 */
import { PealError } from '../../base/errors.js';
import { credentialError } from '../../push/credentials/key-material.js';
import { type Sealer, sealingKeyIdOf } from '../sealing/sealer.js';
import type { OpenedCredential } from './credential-store.js';
import { materialFrom, type NewCredential, optionsOf } from './new-credential.js';
import type { CredentialPlace } from './place.js';

/** What a record is, and where it belongs. It opens nowhere else. */
function contextOf({ app, environment }: CredentialPlace, version: string): string {
  return `credential\n${app}\n${environment}\n${version}`;
}

export function sealCredential(sealer: Sealer, credential: NewCredential, version: string): string {
  const { material, gateway } = credential;
  const plain = Buffer.from(JSON.stringify({ ...material, gateway }));
  try {
    return sealer.seal(plain, contextOf(credential, version));
  } finally {
    plain.fill(0);
  }
}

/** @throws PealError ERR_PEAL_CREDENTIAL */
export function unsealCredential(
  sealer: Sealer,
  sealed: unknown,
  place: CredentialPlace,
  version: string,
): OpenedCredential {
  const plain = Buffer.from(sealer.open(sealed as string, contextOf(place, version)));
  const data = JSON.parse(plain.toString()) as { readonly gateway?: unknown };
  plain.fill(0);
  const gateway = data.gateway ?? null;
  if (gateway !== null && typeof gateway !== 'string') throw credentialError('The gateway in the store is not text.');
  return { options: optionsOf(materialFrom(data)), gateway };
}

/** Returns the record sealed with the first key; null where it is. Throws like {@link unsealCredential}. */
export function resealed(sealer: Sealer, sealed: string, place: CredentialPlace, version: string): string | null {
  if (sealingKeyIdOf(sealed) === sealer.keyId) return null;
  const plain = sealer.open(sealed, contextOf(place, version));
  try {
    return sealer.seal(plain, contextOf(place, version));
  } finally {
    plain.fill(0);
  }
}

/** The id of the key of a record; null where it is not a sealed record. */
export function sealedWith(sealed: unknown): string | null {
  try {
    return sealingKeyIdOf(sealed as string);
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    return null;
  }
}
