/**
 * PKCS#12 files, and keys with old encryption, for tests. Node reads them but does not write them, so this needs the
 * openssl command; tests that use it skip themselves where it is missing.
 */
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bmpText, deriveSha1 } from '../../src/apns/credentials/pkcs12.js';
import { octetsOf, partsOf, readDer, SEQUENCE } from '../../src/push/credentials/der.js';
import { der, objectId, octetString, unsignedInteger } from '../../src/simulator/listen/der.js';

export interface Pkcs12Contents {
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase: string;
  /** With the RC2 encryption of old exports. */
  readonly legacy?: boolean;
  /** Further options of `openssl pkcs12 -export`. */
  readonly options?: readonly string[];
}

export function hasOpenssl(): boolean {
  try {
    return /^OpenSSL 3/.test(execFileSync('openssl', ['version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

export function makePkcs12(contents: Pkcs12Contents): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'peal-pkcs12-'));
  const pem = join(directory, 'in.pem');
  const out = join(directory, 'out.p12');
  try {
    writeFileSync(pem, `${contents.key ?? ''}${contents.cert ?? ''}`, { mode: 0o600 });
    const options = ['pkcs12', '-export', '-in', pem, '-out', out, '-passout', 'env:PEAL_TEST_PASSPHRASE'];
    if (contents.key === undefined) options.push('-nokeys');
    if (contents.cert === undefined) options.push('-nocerts', '-inkey', pem);
    if (contents.legacy === true) options.push('-legacy');
    options.push(...(contents.options ?? []));
    const env = { ...process.env, PEAL_TEST_PASSPHRASE: contents.passphrase };
    execFileSync('openssl', options, { env, stdio: 'pipe' });
    return readFileSync(out);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What stands between the outermost sequence of an inner file: see {@link joinPkcs12}. */
function contentsOf(pfx: Buffer): Buffer {
  const data = partsOf(partsOf(pfx)![1]!.whole)![1]!;
  return readDer(octetsOf(partsOf(data.whole)![0])!)!.content;
}

/** One file with the identities of all, as keychains export them; openssl does not write such. */
export function joinPkcs12(passphrase: string, ...files: readonly Buffer[]): Buffer {
  const safe = der(SEQUENCE, ...files.map(contentsOf));
  const info = der(SEQUENCE, objectId('1.2.840.113549.1.7.1'), der(0xa0, octetString(safe)));
  const salt = Buffer.alloc(8, 7);
  const key = deriveSha1(bmpText(passphrase), salt, { id: 3, iterations: 2048, bytes: 20 });
  const digest = createHmac('sha1', key).update(safe).digest();
  const sha1 = der(SEQUENCE, objectId('1.3.14.3.2.26'), der(5));
  const mac = der(SEQUENCE, der(SEQUENCE, sha1, octetString(digest)), octetString(salt), der(2, [8, 0]));
  return der(SEQUENCE, unsignedInteger(Buffer.of(3)), info, mac);
}

/** The key encrypted with RC2 as PKCS#8, which OpenSSL 3 opens no longer. */
export function encryptWithRc2(key: string, passphrase: string): string {
  const options = ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-RC2-40', '-provider', 'legacy', '-provider', 'default'];
  const env = { ...process.env, PEAL_TEST_PASSPHRASE: passphrase };
  return execFileSync('openssl', [...options, '-passout', 'env:PEAL_TEST_PASSPHRASE'], {
    env,
    input: key,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}
