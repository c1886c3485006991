/** Clients that others wrote for the binary protocol, as tests hold them: each a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryRoot } from '../support/repository.js';
import type { ClientReport, ClientTask } from './other-client.js';

const program = fileURLToPath(new URL('./other-client.js', import.meta.url));

/** Whether `npm ci` was run in test/interop. */
export function isInstalled(name: ClientTask['client']): boolean {
  return existsSync(path.join(repositoryRoot, 'test', 'interop', 'node_modules', name, 'package.json'));
}

export class OtherClient implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** What it has said so far. */
  readonly reports: ClientReport[] = [];
  #stderr = '';

  constructor(task: ClientTask) {
    this.#process = fork(program, { execArgv: ['--no-deprecation'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#process.stderr?.on('data', (text: Buffer) => {
      this.#stderr += text.toString();
    });
    this.#process.on('message', (message) => this.reports.push(message as ClientReport));
    this.#process.send(task);
  }

  /** What it has said of one kind. */
  of<Kind extends ClientReport['kind']>(kind: Kind): Extract<ClientReport, { kind: Kind }>[] {
    return this.reports.filter((item): item is Extract<ClientReport, { kind: Kind }> => item.kind === kind);
  }

  /** Resolves once `isTrue`, looking after each turn of the loop in which something may have happened. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      if (this.#process.exitCode !== null) throw new Error(`the client ended early: ${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}
