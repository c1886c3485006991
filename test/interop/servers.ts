/**
 * A server written by others that runs for a test: started, stopped in good order, killed and started again on the same
 * port, one process group for each run; and what its logs say of all its runs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findProgram, isListening, type ServerFolder, serverFolder, versionOf } from './server-folder.js';
import type { GracefulStop, LoggedAnswer, ServerKind } from './server-kinds.js';

/** How long a server may take to start, or to stop listening. */
const patienceMs = 240_000;

const running = new Set<ChildProcess>();
// A process group does not end with the process that made it.
process.once('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});

/** The program that a kind of server is, or null where it is not installed. */
export function programOf({ program }: ServerKind): string | null {
  return program === null ? process.execPath : findProgram(program);
}

export class OtherServer implements AsyncDisposable {
  readonly kind: ServerKind;
  readonly place: ServerFolder;
  readonly url: string;
  readonly #program: string;
  readonly #tokens: readonly string[];
  /** Every process, the one that listens last. */
  readonly #runs: ChildProcess[] = [];

  private constructor(kind: ServerKind, program: string, place: ServerFolder, tokens: readonly string[]) {
    this.kind = kind;
    this.place = place;
    this.url = `https://localhost:${place.port}`;
    this.#program = program;
    this.#tokens = tokens;
  }

  /** Starts a server that is to be sent to `tokens`. */
  static async start(kind: ServerKind, program: string, tokens: readonly string[]): Promise<OtherServer> {
    const server = new OtherServer(kind, program, await serverFolder(), tokens);
    await server.#start();
    return server;
  }

  /** Name and version. */
  get label(): string {
    return `${this.kind.name} ${versionOf(this.#program, this.kind.versionArgument)}`;
  }

  /** Asks it to stop in good order, and resolves once there is a server on the port again. */
  async stopGracefully({ signal, comesBack }: GracefulStop): Promise<void> {
    this.#current.kill(signal);
    if (comesBack) return;
    await this.#untilDeaf();
    await this.#start();
  }

  /** Ends it and its workers as a crash would, and resolves once there is a server on the port again. */
  async killAndRestart(): Promise<void> {
    signalGroup(this.#current, 'SIGKILL');
    await this.#untilDeaf();
    await this.#start();
  }

  /** Stops what still runs, so that its logs are whole, and reads them. */
  async answers(): Promise<LoggedAnswer[]> {
    await this.#stop();
    return this.#runs.flatMap((_, run) => this.kind.answers(this.place, run));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    rmSync(this.place.folder, { recursive: true, force: true });
  }

  get #current(): ChildProcess {
    return this.#runs.at(-1)!;
  }

  async #start(): Promise<void> {
    const run = this.#runs.length;
    const args = this.kind.prepare(this.place, run, this.#tokens);
    const output = openSync(path.join(this.place.folder, `run${run}.out`), 'a');
    const errors = openSync(path.join(this.place.folder, `run${run}.err`), 'a');
    const child = spawn(this.#program, args, { detached: true, stdio: ['ignore', output, errors] });
    closeSync(output);
    closeSync(errors);
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#runs.push(child);
    const deadline = Date.now() + patienceMs;
    while (!(await isListening(this.place.port))) {
      if (hasEnded(child) || Date.now() > deadline) {
        const said = readFileSync(path.join(this.place.folder, `run${run}.err`), 'utf8');
        throw new Error(`${this.kind.name} did not start: ${said}`);
      }
    }
  }

  async #untilDeaf(): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (await isListening(this.place.port)) {
      if (Date.now() > deadline) throw new Error(`${this.kind.name} listens though it was asked to stop`);
    }
  }

  async #stop(): Promise<void> {
    await Promise.all(
      this.#runs.map(async (child) => {
        if (hasEnded(child)) return;
        const ended = once(child, 'exit');
        // Those that were asked already wait for the last connection, which is gone by now.
        child.kill('SIGTERM');
        const force = setTimeout(() => signalGroup(child, 'SIGKILL'), 3_000);
        await ended;
        clearTimeout(force);
      }),
    );
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
