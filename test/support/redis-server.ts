/**
 * A Redis server of its own, as Debian has it (package redis-server), on a free port of 127.0.0.1, with its append-only
 * file in a temporary folder. A test can stop it, kill it, start it again with what it had, and make it stand still.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quietPort } from './quiet-port.js';

const program = 'redis-server';

export interface RedisServerOptions {
  /** Such as `64mb`. Default: no bound. */
  readonly maxMemory?: string;
  /** The password of the user `default`. Default: none is needed. */
  readonly password?: string;
  /** Further settings by their names in redis.conf, such as `{ 'maxmemory-policy': 'allkeys-lru' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #server: ChildProcess | null = null;
  readonly #killAtExit = (): void => {
    this.#server?.kill('SIGKILL');
  };

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
    process.once('exit', this.#killAtExit);
  }

  /** Returns false where the program is missing: tests are skipped then. */
  static get isInstalled(): boolean {
    return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-redis-'));
    const redis = new RedisServer(await quietPort(), folder, options);
    try {
      await redis.#run();
    } catch (error) {
      await redis.stop();
      throw error;
    }
    return redis;
  }

  get url(): string {
    const { password } = this.#options;
    return `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${this.port}`;
  }

  /** The same server by another way, such as a proxy in front of it. */
  urlAt(port: number): string {
    return this.url.replace(/:\d+$/, `:${port}`);
  }

  get pid(): number | null {
    return this.#server?.pid ?? null;
  }

  /** Runs one command with redis-cli; returns what it prints. */
  cli(...command: readonly string[]): string {
    const { password } = this.#options;
    const env = { ...process.env, ...(password !== undefined && { REDISCLI_AUTH: password }) };
    const { status, stdout, stderr } = spawnSync('redis-cli', ['-p', String(this.port), ...command], {
      encoding: 'utf8',
      env,
    });
    if (status !== 0) throw new Error(`redis-cli: ${stderr}${stdout}`);
    return stdout.trimEnd();
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    process.off('exit', this.#killAtExit);
    for (let tries = 0; existsSync(this.#folder); tries++) {
      try {
        rmSync(this.#folder, { recursive: true, force: true });
      } catch (error) {
        // A child that rewrites the append-only file may outlive its parent for a moment.
        if (tries === 100) throw error;
        await sleep(50);
      }
    }
  }

  /** Kills it; what it has stays on disk. Resolves once it is gone. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it as an operator would; what it has stays on disk. Resolves once it is gone. */
  async shutDown(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Starts it again, on the same port and with what is on disk, after killing it if it still runs. */
  async restart(): Promise<void> {
    await this.#end('SIGKILL');
    await this.#run();
  }

  /** It keeps its connections and answers nothing until `resume`. */
  pause(): void {
    this.#server?.kill('SIGSTOP');
  }

  resume(): void {
    this.#server?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const { maxMemory, password, settings } = this.#options;
    const all: Record<string, string> = {
      bind: '127.0.0.1',
      port: String(this.port),
      dir: this.#folder,
      appendonly: 'yes',
      // While the disk is busy, 'everysec' writes for up to two seconds after it has answered: a kill would lose that.
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      save: '',
      ...(maxMemory !== undefined && { maxmemory: maxMemory }),
      ...(password !== undefined && { requirepass: password }),
      ...settings,
    };
    const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#server = server;
    let output = '';
    server.stdout.on('data', (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-4000);
    });
    for (let tries = 0; !(await this.#answers()); tries++) {
      if (tries === 400 || server.exitCode !== null) throw new Error(`redis-server does not answer:\n${output}`);
      await sleep(25);
    }
  }

  /** Returns true once it answers PING, also by asking for a password; false while it loads its data. */
  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.setTimeout(1000, () => socket.destroy());
      socket.once('data', (answer) => {
        resolve(/^(\+PONG|-NOAUTH)/.test(answer.toString()));
        socket.destroy();
      });
      socket.once('error', () => {});
      socket.once('close', () => resolve(false));
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    server.kill('SIGCONT');
    await exited;
  }
}
