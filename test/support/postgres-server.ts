/**
 * A PostgreSQL server of its own, as Debian has it (package postgresql), in a temporary folder: on a Unix socket there,
 * and on a free port of 127.0.0.1. A test can stop it, crash it and start it again with what it had.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificatePair } from '../../src/simulator/index.js';
import { quietPort } from './quiet-port.js';

/** Debian keeps the programs of each version in a folder of their own. */
const versions = '/usr/lib/postgresql';

/** Who runs the server: it refuses to be run by root. */
interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

export interface PostgresServerOptions {
  /** What the user `peal` needs over TCP. Default: no password is needed. */
  readonly password?: string;
  /** With a certificate it takes connections with TLS only. Default: it speaks no TLS. */
  readonly tls?: CertificatePair;
}

export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #programs: string;
  readonly #owner: Owner;
  readonly #options: PostgresServerOptions;
  #server: ChildProcess | null = null;
  readonly #killAtExit = (): void => {
    this.#server?.kill('SIGQUIT');
  };

  private constructor(port: number, folder: string, options: PostgresServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#programs = programsOf()!;
    this.#owner = ownerOf()!;
    this.#options = options;
    process.once('exit', this.#killAtExit);
  }

  /** Returns false where it is not installed, or where root has no user to run it as: tests are skipped then. */
  static get isInstalled(): boolean {
    return programsOf() !== null && ownerOf() !== null;
  }

  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-postgres-'));
    const postgres = new PostgresServer(await quietPort(), folder, options);
    try {
      postgres.#create();
      await postgres.#run();
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    return postgres;
  }

  /** Where programs find it by its socket. */
  get env(): Readonly<Record<string, string>> {
    return { PGHOST: this.#folder, PGPORT: String(this.port), PGUSER: 'peal', PGDATABASE: 'postgres' };
  }

  get url(): string {
    return this.urlAt(this.port);
  }

  /** The same server by another way, such as a proxy in front of it. */
  urlAt(port: number): string {
    const { password } = this.#options;
    const user = password === undefined ? 'peal' : `peal:${encodeURIComponent(password)}`;
    return `postgres://${user}@127.0.0.1:${port}/postgres`;
  }

  /** Runs statements; returns the rows of the last one, their cells divided by `|`. */
  run(statements: string): string[] {
    const { status, stdout, stderr } = this.#ask(statements);
    if (status !== 0) throw new Error(stderr);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.shutDown();
    process.off('exit', this.#killAtExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Cuts its connections and ends it; what it has stays on disk. */
  async shutDown(): Promise<void> {
    await this.#end('SIGINT');
  }

  /** Ends it without a checkpoint, as a power cut would: its next start recovers from the log. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  /** Starts it again, on the same port and with what is on disk, after ending it if it still runs. */
  async restart(): Promise<void> {
    await this.shutDown();
    await this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #create(): void {
    const { uid, gid } = this.#owner;
    const secret = path.join(this.#folder, 'password');
    const { password } = this.#options;
    writeFileSync(secret, `${password ?? 'none'}\n`, { mode: 0o600 });
    if (uid !== undefined) for (const file of [this.#folder, secret]) chownSync(file, uid, gid!);
    const auth = ['--auth-local=trust', `--auth-host=${password === undefined ? 'trust' : 'scram-sha-256'}`];
    const init = [
      '-D',
      this.#data,
      '-U',
      'peal',
      ...auth,
      `--pwfile=${secret}`,
      '-E',
      'UTF8',
      '--no-locale',
      '--no-sync',
    ];
    const common = { cwd: this.#folder, ...this.#owner };
    const made = spawnSync(path.join(this.#programs, 'initdb'), init, { encoding: 'utf8', ...common });
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    this.#takeTls();
  }

  #takeTls(): void {
    const { tls, password } = this.#options;
    if (tls === undefined) return;
    const files = {
      'server.crt': tls.cert,
      'server.key': tls.key,
      'pg_hba.conf': `local all all trust\nhostssl all all all ${password === undefined ? 'trust' : 'scram-sha-256'}\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.#data, name);
      writeFileSync(file, text, { mode: 0o600 });
      if (this.#owner.uid !== undefined) chownSync(file, this.#owner.uid, this.#owner.gid!);
    }
  }

  async #run(): Promise<void> {
    const settings = {
      ssl: this.#options.tls === undefined ? 'off' : 'on',
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      fsync: 'off',
      unix_socket_directories: this.#folder,
    };
    const args = ['-D', this.#data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const server = spawn(path.join(this.#programs, 'postgres'), args, {
      stdio: 'ignore',
      cwd: this.#folder,
      ...this.#owner,
    });
    this.#server = server;
    for (let tries = 0; this.#ask('SELECT 1').status !== 0; tries++) {
      if (tries === 200 || server.exitCode !== null) throw new Error('the PostgreSQL server does not answer');
      await sleep(50);
    }
  }

  get #data(): string {
    return path.join(this.#folder, 'data');
  }

  #ask(statements: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const args = ['--quiet', '--no-align', '--tuples-only', '-v', 'ON_ERROR_STOP=1'];
    const env = { ...process.env, ...this.env };
    return spawnSync(path.join(this.#programs, 'psql'), args, { encoding: 'utf8', input: statements, env });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  }
}

function programsOf(): string | null {
  if (!existsSync(versions)) return null;
  const folders = readdirSync(versions).map((version) => path.join(versions, version, 'bin'));
  return (
    folders.find((folder) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(path.join(folder, name)))) ??
    null
  );
}

function ownerOf(): Owner | null {
  if (process.getuid!() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim(),
  );
  return uid === '' || gid === '' ? null : { uid: Number(uid), gid: Number(gid) };
}
