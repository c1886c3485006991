/**
 * What a store of credentials is to those who use it: certificates and keys by app and environment, in versions, with
 * notice of changes. The built-in stores are in this folder; a program may bring one of its own. Called by the cache
 * and by `peal credentials`, on the main thread.
 */
import { inspect } from 'node:util';
import type { CredentialOptions } from '../../apns/credentials/load-credential.js';
import type { CredentialSummary } from '../../push/credentials/credential.js';
import type { NewCredential } from './new-credential.js';
import type { CredentialPlace } from './place.js';

/** What stores keep beside a credential, so that it can be listed without being opened. */
export type KeptSummary = Omit<CredentialSummary, 'topics' | 'environments'>;

/** What may be shown of one version of a credential. */
export interface CredentialEntry extends CredentialPlace, KeptSummary {
  /** Differs from the versions before it. A whole number in databases; in files and the environment, a digest. */
  readonly version: string;
  /** When it was added, as ISO 8601; null where the store does not know. */
  readonly addedAt: string | null;
  /** The address of the gateway; null for Apple's gateway of the environment. */
  readonly gateway: string | null;
  /** The id of the key that it is sealed with; null in stores that seal nothing. */
  readonly sealedWith: string | null;
  /** Why it cannot be used, as a sentence; null where the store knows of no reason. */
  readonly problem: string | null;
}

/** What of a version is secret, and where it is used. */
export interface OpenedCredential {
  /** As `loadCredential` takes it. */
  readonly options: CredentialOptions;
  /** The address of the gateway; null for Apple's gateway of the environment. */
  readonly gateway: string | null;
}

/**
 * One version of a credential as a store hands it out. It is opened when it is needed, and keeps nothing of what it
 * opens. Safe to log.
 */
export class StoredCredential {
  readonly version: string;
  readonly #open: () => OpenedCredential;

  /** @param open opens the secret part. Throws PealError where that fails */
  constructor(version: string, open: () => OpenedCredential) {
    this.version = version;
    this.#open = open;
  }

  /**
   * @throws PealError ERR_PEAL_CREDENTIAL: no sealing key for it, a record that was changed, a field that is no text
   */
  open(): OpenedCredential {
    return this.#open();
  }

  toJSON(): { readonly version: string } {
    return { version: this.version };
  }

  [inspect.custom](): string {
    return `StoredCredential ${inspect(this.toJSON())}`;
  }
}

/** Hears which credential has changed; null where any may have. */
export type CredentialListener = (changed: CredentialPlace | null) => void;

/** Certificates and keys by app and environment. */
export interface CredentialStore {
  /** Names the store in sentences, such as `postgres://db.example/push`. Holds no password. */
  readonly name: string;
  /**
   * All versions, the newest first; an empty list where there is none.
   *
   * @throws PealError where the store cannot be reached or read now
   */
  versionsOf(place: CredentialPlace): Promise<readonly StoredCredential[]>;
  /** What there is, by app and environment, the newest version first. */
  list(): Promise<readonly CredentialEntry[]>;
  /** Adds a version, which is the newest from then on. Returns its name. */
  put(credential: NewCredential): Promise<string>;
  /** Removes one version, or all for null. Returns how many there were. */
  remove(place: CredentialPlace, version: string | null): Promise<number>;
  /** Seals anew each record that is not sealed with the first key. Returns how many; 0 in stores that seal nothing. */
  reseal(): Promise<number>;
  /** Makes what the store needs, such as tables, or brings it up to date. Does nothing where all is there. */
  migrate(): Promise<void>;
  /**
   * Calls `listener` after changes, within seconds, and once with null when the store begins to be watched. Returns a
   * function that ends that.
   */
  subscribe(listener: CredentialListener): () => void;
  close(): Promise<void>;
}
