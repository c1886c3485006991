/** HTTP/2 servers written by others, each in a directory of its own with a throw-away certificate, on the loopback. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ThrowAwayAuthority } from '../../src/simulator/certificate.js';

/** Whether a program can be run here; Debian keeps servers in a folder that is not in everybody's PATH. */
export function findProgram(name: string): string | null {
  const found = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/usr/local/sbin"; command -v ${name}`], {
    encoding: 'utf8',
  });
  return found.status === 0 ? found.stdout.trim() : null;
}

export interface ServerFolder {
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly port: number;
}

/** A server that runs, and what it has logged of the requests that it answered. */
export class OtherServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #log: () => string;
  readonly url: string;
  readonly caFile: string;

  private constructor(
    readonly place: ServerFolder,
    child: ChildProcess,
    log: () => string,
  ) {
    this.#process = child;
    this.#log = log;
    this.url = `https://localhost:${place.port}`;
    this.caFile = place.caFile;
  }

  /** nginx that reads each body and answers 200, and logs each request path. */
  static async nginx(program: string, options: { readonly keepaliveRequests: number }): Promise<OtherServer> {
    const place = await serverFolder();
    const config = path.join(place.folder, 'nginx.conf');
    writeFileSync(config, nginxConfig(place, options.keepaliveRequests));
    const child = spawn(program, ['-c', config, '-p', place.folder, '-e', path.join(place.folder, 'error.log')]);
    const log = (): string => readFileSync(path.join(place.folder, 'access.log'), 'utf8');
    return OtherServer.#whenListening(place, child, log);
  }

  /**
   * nghttpd, the server of nghttp2, which prints each header field. It answers 200 where there is a file, so there is
   * one for each token. (Its --echo-upload would do as well, but takes a millisecond for each request.)
   */
  static async nghttpd(program: string, tokens: readonly string[]): Promise<OtherServer> {
    const place = await serverFolder();
    const files = path.join(place.folder, '3', 'device');
    mkdirSync(files, { recursive: true });
    for (const token of tokens) writeFileSync(path.join(files, token), '');
    const limits = ['--max-concurrent-streams=1000', '--workers=1'];
    const address = ['--address=127.0.0.1', String(place.port), place.keyFile, place.certFile];
    const child = spawn(program, ['--verbose', `--htdocs=${place.folder}`, ...limits, ...address]);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    return OtherServer.#whenListening(place, child, () => Buffer.concat(chunks).toString('latin1'));
  }

  static async #whenListening(place: ServerFolder, child: ChildProcess, log: () => string): Promise<OtherServer> {
    let complaint = '';
    child.stderr?.on('data', (text: Buffer) => {
      complaint += text.toString();
    });
    while (!(await isListening(place.port))) {
      if (child.exitCode !== null) throw new Error(`the server did not start: ${complaint}`);
    }
    return new OtherServer(place, child, log);
  }

  /** Stops the server, so that its log is whole, and counts how often each device token was asked for. */
  async requestsByToken(): Promise<Map<string, number>> {
    await this.#stop();
    const counts = new Map<string, number>();
    for (const [, token] of this.#log().matchAll(/\/3\/device\/([0-9a-f]+)/g)) {
      counts.set(token!, (counts.get(token!) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    rmSync(this.place.folder, { recursive: true, force: true });
  }

  async #stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'close');
    this.#process.kill('SIGTERM');
    await ended;
  }
}

async function serverFolder(): Promise<ServerFolder> {
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
    caFile: write('ca.pem', authority.certificate),
    port: await freePort(),
  };
}

/** Bodies are read because they are passed on, to a second server of the same nginx that answers 200. */
function nginxConfig({ folder, port, certFile, keyFile }: ServerFolder, keepaliveRequests: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    events { worker_connections 16384; }
    http {
      log_format paths '$request_uri $status'; access_log off; ${temporary.join(' ')}
      upstream ok { server unix:${folder}/ok.sock; keepalive 256; }
      server { listen unix:${folder}/ok.sock backlog=4096; keepalive_requests 1000000; location / { return 200; } }
      server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
        keepalive_requests ${keepaliveRequests};
        location /3/device/ {
          access_log ${folder}/access.log paths;
          proxy_pass http://ok; proxy_http_version 1.1; proxy_set_header Connection "";
        }
      }
    }`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
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
