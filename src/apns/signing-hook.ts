/**
 * Signatures of a hook, checked: what a key service returns is not always what a JWT needs. Called on the main thread when
 * a provider token is made.
 */

import { type KeyObject, verify } from 'node:crypto';
import { theOption } from '../base/wording.js';
import { joseSignature, type TokenNames } from './jwt.js';
import { credentialError } from './key-material.js';
import type { SignHook, TokenSigner } from './token-origin.js';

/** Signs by `hook`; checks with `publicKey` where it is known. Rejects with ERR_PEAL_CREDENTIAL for what is no signature. */
export function signerOf(hook: SignHook, publicKey: KeyObject | null, { keyId }: TokenNames): TokenSigner {
  return async (data) => {
    // A copy: whatever a hook does to it, what is sent is what was to be signed.
    const returned: unknown = await hook(Uint8Array.from(data));
    if (!(returned instanceof Uint8Array)) {
      throw credentialError(
        `${theOption('sign')} returned ${kindOf(returned)}. Expected the signature as a Uint8Array.`,
      );
    }
    const signature = joseSignature(returned);
    if (signature === null) {
      throw credentialError(
        `${theOption('sign')} returned ${returned.length} bytes that are no ES256 signature. ` +
          'Expected r and s side by side (64 bytes), or DER.',
      );
    }
    if (publicKey === null || verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
      return signature;
    }
    throw credentialError(
      `${theOption('sign')} returned a signature that the option publicKey does not verify. Check that it uses the key ${keyId}, ` +
        'and that the data it is given is hashed once with SHA-256.',
    );
  };
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return `a value of type ${typeof value}`;
}
