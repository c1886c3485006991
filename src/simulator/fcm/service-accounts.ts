/**
 * The service accounts whose assertions a simulator takes: those of its options, and one of its own, whose key is made
 * when it is first asked for. On the simulator's thread.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { PealError } from '../../base/errors.js';
import { theOption } from '../../base/wording.js';
import type { AcceptedServiceAccount } from '../settings/fcm-options.js';

/** A service account in the form of Google's JSON file. */
export interface ServiceAccountFile {
  readonly type: 'service_account';
  readonly project_id: string;
  readonly private_key_id: string;
  /** PKCS#8, PEM. */
  readonly private_key: string;
  readonly client_email: string;
  readonly client_id: string;
  readonly auth_uri: string;
  /** The simulator's own token endpoint. */
  readonly token_uri: string;
  readonly auth_provider_x509_cert_url: string;
  readonly client_x509_cert_url: string;
  readonly universe_domain: string;
}

/** An account as the token endpoint knows it. */
export interface KnownAccount {
  readonly email: string;
  readonly key: KeyObject;
  /** Null: any. */
  readonly keyId: string | null;
  readonly state: NonNullable<AcceptedServiceAccount['state']>;
}

interface OwnKey {
  readonly pem: string;
  readonly publicKey: KeyObject;
}

/** Bytes of the id of a key, as long as Google's. */
const keyIdBytes = 20;

/** All simulators of a process have the same key, because a key costs a tenth of a second. */
let sharedKey: OwnKey | null = null;

export class ServiceAccounts {
  readonly #given: ReadonlyMap<string, KnownAccount>;
  readonly #project: string;
  readonly #ownEmail: string;
  /**
   * Of this simulator alone: clients keep access tokens by account and address, and one that follows at the same port
   * knows none of those.
   */
  readonly #ownKeyId = randomBytes(keyIdBytes).toString('hex');

  /** @throws PealError `ERR_PEAL_CREDENTIAL` for a key that cannot be used */
  constructor(project: string, given: readonly AcceptedServiceAccount[]) {
    this.#project = project;
    this.#ownEmail = `firebase-adminsdk@${project.replace(/.*:/, '')}.iam.gserviceaccount.com`;
    this.#given = new Map(given.map((account, index) => [account.client_email, knownAccount(account, index)]));
  }

  /** The account with that address, or null. */
  find(email: string): KnownAccount | null {
    const given = this.#given.get(email);
    if (given !== undefined) return given;
    if (email !== this.#ownEmail) return null;
    return { email, key: ownKey().publicKey, keyId: this.#ownKeyId, state: 'active' };
  }

  get ownEmail(): string {
    return this.#ownEmail;
  }

  /** The simulator's own account, for its clients. */
  ownFile(tokenUrl: string): ServiceAccountFile {
    const { pem } = ownKey();
    const email = this.#ownEmail;
    return {
      type: 'service_account',
      project_id: this.#project,
      private_key_id: this.#ownKeyId,
      private_key: pem,
      client_email: email,
      client_id: '100000000000000000001',
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: tokenUrl,
      auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
      client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(email)}`,
      universe_domain: 'googleapis.com',
    };
  }
}

function ownKey(): OwnKey {
  if (sharedKey !== null) return sharedKey;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  sharedKey = { pem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), publicKey };
  return sharedKey;
}

function knownAccount(account: AcceptedServiceAccount, index: number): KnownAccount {
  const { client_email: email, private_key, public_key, private_key_id: keyId = null, state = 'active' } = account;
  const given = public_key ?? private_key ?? '';
  try {
    const key = typeof given === 'string' || given.type === 'private' ? createPublicKey(given) : given;
    if (key.asymmetricKeyType !== 'rsa') throw new Error(`it is of the kind ${key.asymmetricKeyType}, not RSA`);
    return { email, key, keyId, state };
  } catch (cause) {
    const what = `${theOption(`fcm.serviceAccounts[${index}]`)} has a key that cannot be used: `;
    throw new PealError('ERR_PEAL_CREDENTIAL', what + (cause as Error).message, { origin: 'credential', cause });
  }
}
