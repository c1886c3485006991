/** The gateway that a benchmark sends to, and the throw-away credentials that its contenders send with. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';

export type Protocol = 'http2' | 'binary';

export const topic = 'com.example.bench';

/** The gateway and the credential. Plain data, because it goes to other processes. */
export interface Target {
  readonly protocol: Protocol;
  /** `https://…` or `binary://…`. */
  readonly url: string;
  readonly topic: string;
  readonly ca: string;
  readonly caFile: string;
  /** Provider token key, for HTTP/2. */
  readonly keyFile: string;
  readonly keyId: string;
  readonly teamId: string;
  /** Client certificate, for the binary protocol. */
  readonly certFile: string;
  readonly certKeyFile: string;
}

/** What the senders of a benchmark need, written to a folder. */
export type CredentialFiles = Pick<Target, 'keyFile' | 'keyId' | 'teamId' | 'certFile' | 'certKeyFile'> & {
  readonly clientCaFile: string;
};

export function writeCredentials(folder: string): CredentialFiles {
  const write = (name: string, content: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  const authority = new ThrowAwayAuthority('peal bench', Date.now());
  const { cert, key } = authority.issueClient(topic);
  return {
    ...{ keyId, teamId, keyFile: write('key.p8', p8) },
    clientCaFile: write('client-ca.pem', authority.certificate),
    certFile: write('client.pem', cert),
    certKeyFile: write('client.key', key),
  };
}
