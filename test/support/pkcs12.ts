/**
 * PKCS#12 files, and keys with old encryption, for tests. Node reads them but does not write them, so this needs the openssl command; tests that use
 * it skip themselves where it is missing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pkcs12Contents {
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase: string;
  /** With the RC2 encryption of old exports. */
  readonly legacy?: boolean;
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
    const env = { ...process.env, PEAL_TEST_PASSPHRASE: contents.passphrase };
    execFileSync('openssl', options, { env, stdio: 'pipe' });
    return readFileSync(out);
  } finally {
    rmSync(directory, { recursive: true });
  }
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
