/**
 * Loads a provider-token key: the .p8 file that Apple hands out once, with its key id and team id. Main thread, once
 * for each credential.
 */
import { createHash, createPublicKey, KeyObject } from 'node:crypto';
import type { Logger } from '../base/log.js';
import { Credential } from './credential.js';
import { credentialError, type FileReference, type KeyMaterial, readMaterial, readPassphrase } from './key-material.js';
import { isPrivateKey, pemBlocks, privateKeyOf } from './pem.js';

/** A provider-token key (.p8). */
export interface ProviderKeyOptions {
  readonly key: KeyMaterial | KeyObject;
  /** The key's id, 10 characters: it is part of the name of the file that Apple hands out (AuthKey_KEYID.p8). */
  readonly keyId: string;
  /** The team's id, 10 characters: on the membership page of the developer account. */
  readonly teamId: string;
  /** Only where the key was encrypted afterwards; Apple's files are not. */
  readonly passphrase?: string | FileReference;
}

const idPattern = /^[A-Z0-9]{10}$/;

/** Throws ERR_PEAL_CREDENTIAL with one sentence that says which option or file, what is wrong, and what to do. */
export function loadProviderKey(options: ProviderKeyOptions, log: Logger): Credential {
  const keyId = checkId('keyId', options.keyId);
  const teamId = checkId('teamId', options.teamId);
  const signingKey = readSigningKey(options, log);
  const publicKey = createPublicKey(signingKey).export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('sha256').update(`${teamId}.${keyId}.`).update(publicKey).digest('hex');
  return new Credential({ data: { kind: 'token', fingerprint }, signingKey, keyId, teamId });
}

function readSigningKey(options: ProviderKeyOptions, log: Logger): KeyObject {
  if (options.key instanceof KeyObject) return checkSigningKey(options.key, 'The option key');
  const material = readMaterial('key', options.key, log, true);
  const blocks = pemBlocks(material);
  const pems = blocks.filter(isPrivateKey);
  if (pems.length === 0) {
    throw credentialError(
      `${material.name} holds ${article(blocks[0]!.label)}, not a private key: give the .p8 file that Apple handed out.`,
    );
  }
  const passphrase = readPassphrase(options.passphrase, log);
  const keys = pems.map((pem) => checkSigningKey(privateKeyOf(pem, passphrase, material.name), material.name));
  if (!keys.every((key) => key.equals(keys[0]!))) {
    throw credentialError(`${material.name} holds ${keys.length} private keys: leave the one that the key id names.`);
  }
  return keys[0]!;
}

function checkSigningKey(key: KeyObject, name: string): KeyObject {
  if (key.type !== 'private') {
    throw credentialError(`${name} is a ${key.type} key: provider tokens are signed with the private key.`);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== 'ec' || curve !== 'prime256v1') {
    const kind = curve === undefined ? key.asymmetricKeyType : `EC ${curve}`;
    throw credentialError(
      `${name} is a key of the kind ${kind}, but provider tokens need EC P-256: give the .p8 file that Apple handed out.`,
    );
  }
  return key;
}

/** Blanks and quotes around it come with environment variables and are no part of it. */
function checkId(option: 'keyId' | 'teamId', value: unknown): string {
  const id = typeof value === 'string' ? value.replace(/^[\s"'\ufeff]+|[\s"']+$/g, '') : '';
  if (idPattern.test(id)) return id;
  const where = option === 'keyId' ? 'the file name AuthKey_KEYID.p8' : 'the membership page of the developer account';
  throw credentialError(`The option ${option} must be 10 characters of A–Z and 0–9, as in ${where}.`);
}

function article(label: string): string {
  const words = label.toLowerCase();
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}
