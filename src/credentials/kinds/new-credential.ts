/**
 * A credential on its way into a store: loaded and checked first, so that no store holds one that cannot be used, then
 * reduced to text. Made by programs and by `peal credentials`; main thread, reads files once.
 */
import { KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { parseAddress } from '../../apns/address.js';
import { type CredentialOptions, loadCredential } from '../../apns/credentials/load-credential.js';
import type { PealError } from '../../base/errors.js';
import { maxCredentialVersions } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { checkOptions, filledText, optionError, unchecked } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import type { CredentialSummary } from '../../push/credentials/credential.js';
import { credentialError, readMaterial, readPassphrase } from '../../push/credentials/key-material.js';
import { type CredentialEnvironment, type CredentialPlace, checkPlace } from './place.js';

/** The text of a credential, as stores keep it. */
export interface CredentialMaterial {
  /** PEM. */
  readonly key?: string;
  readonly keyId?: string;
  readonly teamId?: string;
  /** PEM. */
  readonly cert?: string;
  /** Base64. */
  readonly pfx?: string;
  readonly passphrase?: string;
  readonly identity?: string;
}

/** What is to be stored, and where. */
export interface NewCredentialOptions {
  /** The bundle id of the app, which is the topic of its notifications. */
  readonly app: string;
  readonly environment: CredentialEnvironment | 'sandbox';
  /**
   * `{ key, keyId, teamId }`, `{ cert, key }` or `{ pfx }`, with `passphrase` and `identity` as `loadCredential` takes
   * them.
   */
  readonly credential: CredentialOptions;
  /** The address of the gateway. Default: Apple's gateway of the environment. */
  readonly gateway?: string;
  /** Gets warnings about files that others may read, and certificates that end soon. Default: silent. */
  readonly log?: Logger;
}

const fields = ['key', 'keyId', 'teamId', 'cert', 'pfx', 'passphrase', 'identity'] as const;
const secretFields: ReadonlySet<string> = new Set(['key', 'pfx']);

/** A credential that was checked, and is to be stored. Safe to log. */
export class NewCredential implements CredentialPlace {
  readonly app: string;
  readonly environment: CredentialEnvironment;
  readonly gateway: string | null;
  readonly summary: CredentialSummary;
  readonly #material: CredentialMaterial;

  /**
   * Reads the files and checks the credential.
   *
   * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_ADDRESS (the gateway), ERR_PEAL_CREDENTIAL as loadCredential
   */
  constructor(options: NewCredentialOptions) {
    const { app, environment, credential, gateway = null, log = silentLogger } = options;
    const rules = { app: unchecked, environment: unchecked, credential: unchecked, log: unchecked };
    checkOptions({ name: 'NewCredential' }, options, { ...rules, gateway: filledText(1000) });
    const place = checkPlace(app, environment);
    if (gateway !== null) parseAddress(gateway);
    const loaded = loadCredential(credential, { log });
    this.#material = materialOf(credential);
    // What is stored is text. It has to load as what was given does.
    if (loadCredential(optionsOf(this.#material)).fingerprint !== loaded.fingerprint) {
      throw credentialError('The credential cannot be kept as text: convert it to PEM.');
    }
    this.app = place.app;
    this.environment = place.environment;
    this.gateway = gateway;
    this.summary = loaded.toJSON();
  }

  /** Holds the private key in clear: for stores alone. */
  get material(): CredentialMaterial {
    return this.#material;
  }

  toJSON(): object {
    const { app, environment, gateway, summary } = this;
    return { app, environment, gateway, ...summary };
  }

  [inspect.custom](): string {
    return `NewCredential ${inspect(this.toJSON())}`;
  }
}

/** Material is a form of the options of loadCredential. */
export function optionsOf(material: CredentialMaterial): CredentialOptions {
  return { ...material } as CredentialOptions;
}

/**
 * Returns the known fields of `data`, which came out of a store.
 *
 * @throws PealError ERR_PEAL_CREDENTIAL that names a field that is not text, and quotes nothing
 */
export function materialFrom(data: object): CredentialMaterial {
  const found = fields.flatMap((name) => {
    const value = (data as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) return [];
    if (typeof value === 'string') return [[name, value]];
    throw credentialError(`${theOption(name)} in the store is not text.`);
  });
  return Object.fromEntries(found) as CredentialMaterial;
}

function materialOf(options: CredentialOptions): CredentialMaterial {
  const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  const isKept = 'pfx' in given || 'cert' in given || ('key' in given && 'keyId' in given);
  const stranger = Object.keys(given).find((name) => !fields.includes(name as never));
  if (!isKept || stranger !== undefined) {
    throw credentialError(
      'A store keeps { key, keyId, teamId }, { cert, key } or { pfx }, with passphrase and identity.',
    );
  }
  const texts = Object.entries(given).map(([name, value]) => [name, textOf(name, value)]);
  return Object.fromEntries(texts) as CredentialMaterial;
}

function textOf(name: string, value: unknown): string {
  if (name === 'keyId' || name === 'teamId' || name === 'identity') return value as string;
  if (name === 'passphrase') return readPassphrase(value, silentLogger)!;
  if (value instanceof KeyObject) return value.export({ type: 'pkcs8', format: 'pem' }) as string;
  const { bytes } = readMaterial(name, value, silentLogger, secretFields.has(name));
  // PEM and base64 are ASCII. DER and PKCS#12 are not, and base64 of them is read as they are.
  return bytes.every((byte) => byte < 0x80 && byte !== 0) ? bytes.toString('latin1') : textOfBytes(name, bytes);
}

function textOfBytes(name: string, bytes: Buffer): string {
  const isText = name !== 'pfx' && bytes.includes('-----BEGIN');
  return isText ? bytes.toString('utf8') : bytes.toString('base64');
}

/** Refuses one version more. */
export function tooManyError(count: number): PealError {
  return optionError(
    `There are ${count} versions of this credential, and a store keeps up to ${maxCredentialVersions}: remove old ones.`,
  );
}
