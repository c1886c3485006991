/**
 * PEM: finds the blocks of a text (RFC 7468) and turns a private key into a KeyObject, saying clearly what is wrong
 * with it. Pure but for node:crypto; called while credentials are loaded.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { credentialError, type Material } from './key-material.js';

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `EC PRIVATE KEY` … */
  readonly label: string;
  /** From BEGIN to END, without what stands around. */
  readonly text: string;
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** All blocks of `material`, in their order. Throws ERR_PEAL_CREDENTIAL where there is none. */
export function pemBlocks(material: Material): readonly PemBlock[] {
  const text = material.bytes.toString('latin1');
  const blocks = [...text.matchAll(block)].map((match) => ({ label: match[1]!, text: match[0] }));
  if (blocks.length > 0) return blocks;
  if (material.bytes[0] === 0x30) {
    throw credentialError(
      `${material.name} is binary (DER or PKCS#12), not PEM: give a .p12 file as option pfx, or convert it to PEM with openssl.`,
    );
  }
  if (text.includes('-----BEGIN ')) {
    throw credentialError(`${material.name} is PEM that is cut off: a BEGIN line has no END line of its own.`);
  }
  throw credentialError(`${material.name} is not PEM: it has no BEGIN line.${fileHint(material.name)}`);
}

/** A path in place of the text is the usual mistake. */
function fileHint(name: string): string {
  if (!name.startsWith('The option')) return '';
  const option = name.slice('The option '.length);
  if (option.endsWith('String')) return ` A path goes to ${option.replace('String', 'File')}.`;
  return ' To name a file, write { file: path }.';
}

export function isPrivateKey(pem: PemBlock): boolean {
  return pem.label.endsWith('PRIVATE KEY');
}

/** The key in `pem`, decrypted. `name` begins the sentence if it cannot be used. */
export function privateKeyOf(pem: PemBlock, passphrase: string | null, name: string): KeyObject {
  const isEncrypted = pem.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4,ENCRYPTED/m.test(pem.text);
  if (isEncrypted && passphrase === null) {
    throw credentialError(`${name} holds an encrypted private key: give its passphrase.`);
  }
  try {
    return createPrivateKey(passphrase === null ? pem.text : { key: pem.text, passphrase });
  } catch (error) {
    throw credentialError(`${name} ${keyProblem(error, isEncrypted)}`);
  }
}

function keyProblem(error: unknown, isEncrypted: boolean): string {
  const said = `${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`;
  if (isEncrypted && /unsupported/i.test(said)) {
    return (
      'holds a private key whose encryption this version of OpenSSL no longer supports: convert it with ' +
      '"openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in OLD.pem -out NEW.pem".'
    );
  }
  if (isEncrypted) return 'holds an encrypted private key that the passphrase does not open: check the passphrase.';
  return 'holds a private key that cannot be read: it is damaged or of a kind that OpenSSL does not know.';
}
