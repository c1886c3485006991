/**
 * A PostgreSQL server of its own, as Debian has it (package postgresql), on a Unix socket in a temporary folder. Nobody else can
 * reach it, and nothing is left of it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian keeps the programs of each version in a folder of their own. */
const versions = '/usr/lib/postgresql';

/** Who runs the server: it refuses to be run by root. */
interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

export class PostgresServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #programs: string;
  readonly #server: ChildProcess;

  private constructor(folder: string, programs: string, server: ChildProcess) {
    this.#folder = folder;
    this.#programs = programs;
    this.#server = server;
  }

  /** Null where it is not installed, or where root has no user to run it as. */
  static async start(): Promise<PostgresServer | null> {
    const programs = programsOf();
    const owner = ownerOf();
    if (programs === null || owner === null) return null;
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-postgres-'));
    if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
    const data = path.join(folder, 'data');
    const common = { cwd: folder, ...owner };
    const init = ['-D', data, '-U', 'peal', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
    const made = spawnSync(path.join(programs, 'initdb'), init, { encoding: 'utf8', ...common });
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const settings = ['-c', 'listen_addresses=', '-c', 'fsync=off', '-c', `unix_socket_directories=${folder}`];
    const server = spawn(path.join(programs, 'postgres'), ['-D', data, ...settings], { stdio: 'ignore', ...common });
    const postgres = new PostgresServer(folder, programs, server);
    for (let tries = 0; postgres.#ask('SELECT 1').status !== 0; tries++) {
      if (tries === 200 || server.exitCode !== null) {
        await postgres[Symbol.asyncDispose]();
        throw new Error('the PostgreSQL server does not answer');
      }
      await sleep(50);
    }
    return postgres;
  }

  /** Where programs find it. */
  get env(): Readonly<Record<string, string>> {
    return { PGHOST: this.#folder, PGUSER: 'peal', PGDATABASE: 'postgres' };
  }

  /** Runs statements; returns the rows of the last one, their cells divided by `|`. */
  run(statements: string): string[] {
    const { status, stdout, stderr } = this.#ask(statements);
    if (status !== 0) throw new Error(stderr);
    return stdout.split('\n').filter((line) => line !== '');
  }

  #ask(statements: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const args = ['--quiet', '--no-align', '--tuples-only', '-v', 'ON_ERROR_STOP=1'];
    const env = { ...process.env, ...this.env };
    return spawnSync(path.join(this.#programs, 'psql'), args, { encoding: 'utf8', input: statements, env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.exitCode === null) {
      const exited = once(this.#server, 'exit');
      // SIGINT: connections are cut, and the server ends.
      this.#server.kill('SIGINT');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
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
