/**
 * PEM: the blocks of the given material, and private keys as KeyObjects. Its errors say clearly what is wrong. Pure but
 * for node:crypto; called while credentials are loaded.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { either } from '../../base/wording.js';
import { type PemBlock, readArmour } from './armour.js';
import { credentialError, type Material } from './key-material.js';

/** Returns all blocks of `material` in their order, repaired. Throws ERR_PEAL_CREDENTIAL if there is no block. */
export function pemBlocks(material: Material): readonly PemBlock[] {
  const armour = readArmour(material.bytes);
  if ('blocks' in armour) return armour.blocks;
  throw credentialError(`${material.name} ${armour.problem}${hint(armour.problem, material)}.`);
}

/** Advice for the usual mistakes: a variable that is not set, and a path in place of the text. */
function hint(problem: string, { option, bytes }: Material): string {
  if (option === null) return '';
  if (problem === 'is empty') return ': check that the environment variable it comes from is set';
  if (!problem.startsWith('is not PEM') || !looksLikePath(bytes.toString('utf8'))) return '';
  if (option.endsWith('String')) return `. A path goes to ${option.replace('String', 'File')}`;
  return either('. To name a file, write { file: path }', '. To name a file, write its path instead of env:NAME');
}

function looksLikePath(text: string): boolean {
  return text.length < 1000 && /^\S[^\r\n]*$/.test(text) && /[/\\]|\.(?:p8|pem|key|cer|crt|der|txt)$/i.test(text);
}

export function isPrivateKey(pem: PemBlock): boolean {
  return pem.label.endsWith('PRIVATE KEY');
}

/** Returns whether a private key can be read with a passphrase only. */
export function isEncryptedKey({ label, text }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4,ENCRYPTED/m.test(text);
}

export function isCertificate(pem: PemBlock): boolean {
  return pem.label.endsWith('CERTIFICATE');
}

/** Returns the certificate in `pem`. `name` begins the sentence if it cannot be used. */
export function certificateIn(pem: PemBlock, name: string): X509Certificate {
  if (pem.problem !== null) throw credentialError(`${name} holds a certificate that ${pem.problem}.`);
  try {
    return new X509Certificate(pem.text);
  } catch {
    throw credentialError(`${name} holds a certificate that cannot be read: it is damaged.`);
  }
}

/** Returns the key in `pem`, decrypted. `name` begins the sentence if it cannot be used. */
export function privateKeyOf(pem: PemBlock, passphrase: string | null, name: string): KeyObject {
  if (pem.problem !== null) throw credentialError(`${name} holds a private key that ${pem.problem}.`);
  const isEncrypted = isEncryptedKey(pem);
  if (isEncrypted && passphrase === null) {
    throw credentialError(`${name} holds an encrypted private key: give its passphrase.`);
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(passphrase === null ? pem.text : { key: pem.text, passphrase });
  } catch (error) {
    throw credentialError(`${name} ${keyProblem(error, isEncrypted, passphrase)}`);
  }
  if (belongsTogether(key)) return key;
  throw credentialError(
    `${name} holds a private key that is damaged: its private and public halves do not match. Give the file as it ` +
      'was made.',
  );
}

/**
 * Returns whether the private part of a key matches the public part beside it. OpenSSL reads both and does not compare
 * them, and signatures are checked by the public part. Keys of kinds that are refused later are not tested.
 */
function belongsTogether(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa') return true;
  const data = Buffer.from('peal');
  try {
    return verify('sha256', data, createPublicKey(key), sign('sha256', data, key));
  } catch {
    return false;
  }
}

function keyProblem(error: unknown, isEncrypted: boolean, passphrase: string | null): string {
  // The error of a cipher that OpenSSL lacks. ERR_OSSL_UNSUPPORTED is a different error: a wrong passphrase causes it
  // where the decrypted octets, by chance, end in valid padding, once in some 300 times.
  if (isEncrypted && (error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED') {
    return (
      'holds a private key whose encryption this version of OpenSSL no longer supports: convert it with ' +
      '"openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in OLD.pem -out NEW.pem".'
    );
  }
  if (isEncrypted && passphrase === '') {
    return 'holds an encrypted private key, but the passphrase is empty: check the passphrase.';
  }
  if (isEncrypted) return 'holds an encrypted private key that the passphrase does not decrypt: check the passphrase.';
  return 'holds a private key that cannot be read: it is damaged or of a kind that OpenSSL does not know.';
}
