/**
 * Credentials out of environment variables, for containers that get their secrets so: each variable whose name begins
 * with PEAL_CREDENTIAL_ holds one JSON object, or a list of such. Read once, because the environment of a process does
 * not change. Main thread.
 *
 *   PEAL_CREDENTIAL_MAIN={"app":"com.example.app","environment":"production","key":"-----BEGIN …","keyId":…,"teamId":…}
 */
import type { CredentialOptions } from '../../apns/credentials/load-credential.js';
import { optionError } from '../../base/options.js';
import { credentialError } from '../../push/credentials/key-material.js';
import { type CredentialEntry, type CredentialStore, StoredCredential } from './credential-store.js';
import { byPlace, contentVersion, credentialRows, listedEntry } from './listed-entry.js';
import type { NewCredential } from './new-credential.js';
import { type CredentialPlace, checkPlace, placeName } from './place.js';

type Environment = Readonly<Record<string, string | undefined>>;

interface Row {
  readonly place: CredentialPlace;
  readonly stored: StoredCredential;
}

const prefix = 'PEAL_CREDENTIAL_';

export class EnvironmentStore implements CredentialStore {
  readonly name = 'the environment';
  readonly #rows: readonly Row[];

  /** @throws PealError ERR_PEAL_CREDENTIAL, ERR_PEAL_OPTION: names the variable, and quotes nothing of it */
  constructor(env: Environment) {
    const names = Object.keys(env).filter((name) => name.startsWith(prefix) && env[name] !== undefined);
    this.#rows = names.sort().flatMap((name) => rowsIn(name, env[name]!));
  }

  async versionsOf(place: CredentialPlace): Promise<readonly StoredCredential[]> {
    return this.#rows.filter((row) => placeName(row.place) === placeName(place)).map(({ stored }) => stored);
  }

  async list(): Promise<readonly CredentialEntry[]> {
    return byPlace(this.#rows.map(({ place, stored }) => listedEntry(place, stored, null)));
  }

  async put(_credential: NewCredential): Promise<string> {
    throw readOnlyError();
  }

  async remove(_place: CredentialPlace, _version: string | null): Promise<number> {
    throw readOnlyError();
  }

  async reseal(): Promise<number> {
    return 0;
  }

  async migrate(): Promise<void> {}

  subscribe(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}

function readOnlyError(): Error {
  return optionError(
    `The environment cannot be changed by a program: set a variable ${prefix}… where the process is started.`,
  );
}

function rowsIn(name: string, text: string): readonly Row[] {
  const rows = credentialRows(jsonOf(text));
  if (rows === null || rows.length === 0) {
    throw credentialError(
      `The environment variable ${name} must be a JSON object { "app", "environment", "key" … }, or a list of them.`,
    );
  }
  return rows.map(({ app, environment, gateway, ...options }) => {
    let place: CredentialPlace;
    try {
      place = checkPlace(app, environment);
    } catch {
      throw credentialError(
        `The environment variable ${name} needs "app" (a bundle id) and "environment" (production or development).`,
      );
    }
    if (gateway !== undefined && typeof gateway !== 'string') {
      throw credentialError(`The environment variable ${name} must have its "gateway" as text.`);
    }
    const version = contentVersion(JSON.stringify([options, gateway ?? null]));
    const open = () => ({ options: options as unknown as CredentialOptions, gateway: gateway ?? null });
    return { place, stored: new StoredCredential(version, open) };
  });
}

/** Returns null for what is not JSON: the message of the parser would quote it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
