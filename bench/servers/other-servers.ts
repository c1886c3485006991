/**
 * nginx and h2o as gateways that answer 200 to whatever they are posted, tuned for one connection with many requests,
 * and count by a log of statuses: four bytes for each request, which costs them little.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { type Target, topic, writeCredentials } from '../lib/target.js';
import type { Server, ServerKind } from './server.js';

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly logFile: string;
}

/** How long a server may take until it listens. */
const startLimitMs = 30_000;
/** A log that has not grown for so long is complete: nginx writes its own within 100 ms. */
const quietLogMs = 200;
const isRoot = process.getuid?.() === 0;

/**
 * It reads the bodies, because it passes the requests on to a second server of the same process. Without that it would
 * end a stream with RST_STREAM after each answer, and take a well compressed connection for a flood. The index of
 * streams is as large as many requests at a time on one connection need: with the default of 32, nginx spends more time
 * on looking for streams than a sender on all of its work.
 */
const nginxConfig = ({ folder, port, certFile, keyFile, logFile }: Place): string => `
${isRoot ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http {
  log_format status '$status'; access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  upstream ok { server unix:${folder}/ok.sock; keepalive 1024; }
  server { listen unix:${folder}/ok.sock backlog=4096; keepalive_requests 1000000000; location / { return 200; } }
  server {
    listen 127.0.0.1:${port} ssl http2; ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
    access_log ${logFile} status buffer=64k flush=100ms; keepalive_requests 1000000000;
    http2_max_concurrent_streams 1000; http2_streams_index_size 8192;
    location / { proxy_pass http://ok; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}`;

/** One thread, as all others have. It announces 100 streams, whatever it is told. */
const h2oConfig = ({ folder, port, certFile, keyFile, logFile }: Place): string => `
${isRoot ? 'user: root' : ''}
num-threads: 1
listen: {host: 127.0.0.1, port: ${port}, ssl: {certificate-file: ${certFile}, key-file: ${keyFile}}}
access-log: {path: ${logFile}, format: "%s"}
error-log: ${folder}/error.log
hosts:
  default:
    paths:
      "/":
        mruby.handler: "Proc.new {|env| [200, {'apns-id' => '5ca1ab1e-0000-4000-8000-000000000000'}, []]}"
`;

/** A server does not end with the process that started it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});
process.once('SIGTERM', () => process.exit(143));

export const nginx = kindOf('nginx', '-v', nginxConfig, ({ folder }, config) => {
  return ['-c', config, '-p', folder, '-e', `${folder}/error.log`];
});

export const h2o = kindOf('h2o', '--version', h2oConfig, (_, config) => ['-c', config]);

function kindOf(
  name: string,
  versionArgument: string,
  configOf: (place: Place) => string,
  argsOf: (place: Place, configFile: string) => readonly string[],
): ServerKind {
  const missing = (): string | null =>
    findProgram(name) === null ? `It is not installed: on Debian, apt-get install ${name}` : null;
  const start = async (): Promise<Server> => {
    const program = findProgram(name);
    if (program === null) throw new Error(`${name} is not installed`);
    const [place, target] = await newPlace(name);
    const configFile = path.join(place.folder, `${name}.conf`);
    writeFileSync(configFile, configOf(place));
    const child = spawn(program, argsOf(place, configFile), { stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    await untilListening(name, child, place.port);
    return {
      ...{ label: `${name} ${versionOf(program, versionArgument)}`, target },
      accepted: () => acceptedIn(place.logFile),
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGTERM');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        rmSync(place.folder, { recursive: true, force: true });
      },
    };
  };
  return { name, missing, start };
}

/** Debian keeps servers in a folder that is not in everybody's PATH. */
export function findProgram(name: string): string | null {
  const command = `PATH="$PATH:/usr/sbin:/usr/local/sbin"; command -v ${name}`;
  const found = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : null;
}

export function versionOf(program: string, argument: string): string {
  const { stdout, stderr } = spawnSync(program, [argument], { encoding: 'utf8' });
  return /\d+\.\d+[\w.]*/.exec(`${stdout}${stderr}`)?.[0] ?? '?';
}

async function newPlace(name: string): Promise<[Place, Target]> {
  const folder = mkdtempSync(path.join(tmpdir(), `peal-bench-${name}-`));
  const authority = new ThrowAwayAuthority('peal bench', Date.now());
  const { cert, key } = authority.issueServer();
  const write = (file: string, text: string): string => {
    writeFileSync(path.join(folder, file), text, { mode: 0o600 });
    return path.join(folder, file);
  };
  const port = await freePort();
  const place: Place = {
    ...{ folder, port, logFile: write('statuses.log', '') },
    ...{ certFile: write('server.pem', cert), keyFile: write('server.key', key) },
  };
  const target: Target = {
    ...{ protocol: 'http2', url: `https://localhost:${port}`, topic },
    ...{ ca: authority.certificate, caFile: write('ca.pem', authority.certificate) },
    ...writeCredentials(folder),
  };
  return [place, target];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilListening(name: string, child: ChildProcess, port: number): Promise<void> {
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const deadlineMs = performance.now() + startLimitMs;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`${name} did not start: ${said}`);
    await sleep(10);
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Counts the lines of a log that say 200, once it has stopped growing. */
async function acceptedIn(logFile: string): Promise<number> {
  for (let bytes = readFileSync(logFile); ; ) {
    await sleep(quietLogMs);
    const now = readFileSync(logFile);
    if (now.length === bytes.length)
      return now
        .toString('latin1')
        .split('\n')
        .filter((line) => line === '200').length;
    bytes = now;
  }
}
