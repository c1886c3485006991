/**
 * The session of the picture: a campaign from a list of CSV to a simulator beside it, killed in the middle, resumed,
 * and the gateway's own books. Everything is real: list, key and gateway are made in a temporary folder, the commands
 * are typed into a shell, and frames are what its terminal showed, at the speed at which it showed it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createThrowAwayProviderKey } from '../../src/simulator/listen/certificate.js';
import type { Frame } from './film.js';
import { Terminal } from './terminal.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface SessionOptions {
  readonly recipients: number;
  /** Recipients a second. Low enough that a process is killed in the middle of its list. */
  readonly rate: number;
  readonly killAfterSeconds: number;
  readonly columns: number;
  readonly rows: number;
  readonly frameMs: number;
  /** How long a reader has for what a command printed. */
  readonly readingMs: number;
  /** Of the gateway and of its ledger; null: free ones. */
  readonly ports: { readonly gateway: number; readonly ledger: number } | null;
}

const names = ['Ada', 'Alan', 'Barbara', 'Donald', 'Edsger', 'Grace', 'Katherine', 'Tim'];

/** Resolves with what the terminal showed. */
export async function recordSession(options: SessionOptions): Promise<readonly Frame[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'peal-picture-'));
  try {
    await writeFile(path.join(folder, 'users.csv'), listOf(options.recipients));
    await writeFile(path.join(folder, 'AuthKey.p8'), createThrowAwayProviderKey().p8, { mode: 0o600 });
    await writePealCommand(path.join(folder, 'bin'));
    const simulator = await Simulator.start(folder, options.ports);
    try {
      return await typeIn(folder, simulator, options);
    } finally {
      await simulator.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function typeIn(
  folder: string,
  simulator: Simulator,
  { columns, rows, frameMs, rate, killAfterSeconds, readingMs }: SessionOptions,
): Promise<readonly Frame[]> {
  const env = { HOME: folder, PATH: [path.join(folder, 'bin'), process.env.PATH].join(path.delimiter) };
  const terminal = await Terminal.open({ columns, rows, frameMs, folder, env });
  try {
    await terminal.record();
    await terminal.type(
      [
        `timeout --foreground -s KILL ${killAfterSeconds} peal send users.csv --out run-1 \\`,
        `--alert 'Hi {{name}}, doors open at eight' --topic com.example.app \\`,
        '--key AuthKey.p8 --key-id ABCDE12345 --team-id FGHIJ67890 \\',
        `--gateway ${simulator.gateway} --ca ca.pem --rate ${rate}/s`,
      ].join('\n'),
    );
    await terminal.see(({ rows: shown }) => shown.some(({ text }) => text.startsWith('sending')));
    await terminal.prompt();
    await terminal.rest(readingMs / 2);
    await terminal.type('peal resume run-1   # it was killed: go on, and send to nobody twice');
    await terminal.see(({ rows: shown }) => shown.some(({ text }) => text.includes('what to do next')));
    await terminal.prompt();
    await terminal.rest(readingMs);
    await terminal.type(`curl -s ${simulator.ledger} | tr , '\\n' | grep -E 'distinct|dup'`);
    await terminal.see(({ rows: shown }) => shown.some(({ text }) => text.startsWith('"duplicates"')));
    await terminal.prompt();
    return await terminal.cut();
  } finally {
    await terminal.close();
  }
}

function listOf(recipients: number): string {
  const tokens = randomBytes(recipients * 32).toString('hex');
  const rows = Array.from(
    { length: recipients },
    (_, index) => `${tokens.slice(index * 64, index * 64 + 64)},${names[index % names.length]}`,
  );
  return `token,name\n${rows.join('\n')}\n`;
}

/** What npm would put into node_modules/.bin. */
async function writePealCommand(folder: string): Promise<void> {
  await mkdir(folder);
  const script = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
  await writeFile(path.join(folder, 'peal'), script, { mode: 0o755 });
}

/** A gateway in a process of its own, which rejects one in a hundred. */
class Simulator {
  readonly gateway: string;
  readonly ledger: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, gateway: string, ledger: string) {
    this.#process = process;
    this.gateway = gateway;
    this.ledger = ledger;
  }

  static async start(folder: string, ports: SessionOptions['ports']): Promise<Simulator> {
    const where = ports === null ? [] : ['--port', String(ports.gateway), '--control-port', String(ports.ledger)];
    const args = ['simulate', '--json', ...where, '--ca-out', 'ca.pem', '--reject-fraction', '0.01'];
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { url, ledgerUrl } = JSON.parse(line) as { url: string; ledgerUrl: string };
    return new Simulator(
      child,
      url.replace('127.0.0.1', 'localhost'),
      ledgerUrl.replace('http://127.0.0.1', 'localhost'),
    );
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill();
    await gone;
  }
}
