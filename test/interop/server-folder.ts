/**
 * What every server of the interop tests needs: its program, a folder of its own with a throw-away certificate, a free
 * port on the loopback. Called by servers and server-kinds.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { quietPort } from '../support/quiet-port.js';

export interface ServerFolder {
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Certificate and key in one file, as haproxy wants them. */
  readonly bundleFile: string;
  readonly caFile: string;
  readonly caCertificate: string;
  readonly port: number;
}

/** Whether a program can be run here; Debian keeps servers in a folder that is not in everybody's PATH. */
export function findProgram(name: string): string | null {
  const found = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/usr/local/sbin"; command -v ${name}`], {
    encoding: 'utf8',
  });
  return found.status === 0 ? found.stdout.trim() : null;
}

/** The version that a program tells of itself, such as `1.22.1`. */
export function versionOf(program: string, argument: string): string {
  const { stdout, stderr } = spawnSync(program, [argument], { encoding: 'utf8' });
  return /\d+\.\d+[\w.]*/.exec(`${stdout}${stderr}`)?.[0] ?? '?';
}

export async function serverFolder(): Promise<ServerFolder> {
  // In memory where that can be had: thousands of small files take long on a disk.
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'peal-interop-'));
  const authority = new ThrowAwayAuthority();
  const { cert, key } = authority.issueServer();
  const write = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  return {
    folder,
    certFile: write('server.pem', cert),
    keyFile: write('server.key', key),
    bundleFile: write('server-and-key.pem', `${cert}\n${key}`),
    caFile: write('ca.pem', authority.certificate),
    caCertificate: authority.certificate,
    port: await quietPort(),
  };
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isOpen: boolean) => (): void => {
      socket.destroy();
      // A breath between two attempts, so that asking does not keep the server from starting.
      setTimeout(resolve, 10, isOpen);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}
