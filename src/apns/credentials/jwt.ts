/**
 * The parts of a provider token, an ES256 JWT (RFC 7519, RFC 7518 §3.4): the text that is signed, the form of its
 * signature, and the claims of a token from elsewhere. Pure; called by everything that mints or accepts provider
 * tokens.
 */
import { Buffer } from 'node:buffer';
import { type KeyObject, verify } from 'node:crypto';
import { maxProviderTokenCharacters } from '../../base/limits.js';
import { INTEGER, partsOf } from '../../push/credentials/der.js';
import type { TokenNames } from '../../push/credentials/token-origin.js';

/** A provider token as it was read, not verified. */
export interface ReadToken extends TokenNames {
  readonly token: string;
  /** The time in its `iat`, on the wall clock. */
  readonly issuedAtMs: number;
}

const form = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Returns the text that is signed: header and claims, up to the second dot. */
export function signingInput({ keyId, teamId }: TokenNames, wallMs: number): string {
  return `${encode({ alg: 'ES256', kid: keyId })}.${encode({ iss: teamId, iat: Math.floor(wallMs / 1000) })}`;
}

export function joinToken(signed: string, signature: Uint8Array): string {
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}

/**
 * Returns the provider token in `text`, with or without "bearer " before it, or null if `text` is not a provider token.
 */
export function readProviderToken(text: string): ReadToken | null {
  const token = text.trim().replace(/^bearer\s+/i, '');
  if (token.length > maxProviderTokenCharacters || !form.test(token)) return null;
  const [header, claims] = token.split('.', 2).map(decode);
  const { kid } = header ?? {};
  const { iss, iat } = claims ?? {};
  if (header?.alg !== 'ES256' || typeof kid !== 'string' || typeof iss !== 'string') return null;
  return Number.isSafeInteger(iat) ? { token, keyId: kid, teamId: iss, issuedAtMs: (iat as number) * 1000 } : null;
}

/** Returns whether `token` was signed by the private half of `publicKey`. */
export function isSignedBy(token: string, publicKey: KeyObject): boolean {
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  return verify('sha256', Buffer.from(token.slice(0, end)), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
}

/**
 * Returns a signature on P-256 in the form of JWTs: r and s side by side, 32 bytes each. Accepts that form, and DER as
 * OpenSSL and most key services write it. Null for anything else.
 */
export function joseSignature(bytes: Uint8Array): Buffer | null {
  const signature = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (signature.length === 64) return signature;
  const parts = partsOf(signature) ?? [];
  if (parts.length !== 2 || parts.some(({ tag }) => tag !== INTEGER)) return null;
  const halves = parts.map(({ content }) => content.subarray(Math.max(0, content.length - 32)));
  if (parts.some(({ content }) => content.length > 33 || (content.length === 33 && content[0] !== 0))) return null;
  return Buffer.concat(halves.flatMap((half) => [Buffer.alloc(32 - half.length), half]));
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
