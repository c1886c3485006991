/**
 * The reference of `--json`: each kind of line with its keys, as commands write them. The commands run against a
 * simulator of their own on the loopback while the site is built, so that no key is left out or made up. Called by the
 * staging.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import { block, code, page, table } from '../markdown.js';
import type { MadeText } from './made-text.js';

type Line = Readonly<Record<string, unknown>>;

/** A command that was run, as the page calls it, and the lines that it wrote. */
interface Run {
  readonly command: string;
  readonly lines: readonly Line[];
}

const topic = 'com.example.app';

export async function jsonLinePage(root: string): Promise<MadeText> {
  const runs = await runsOf(root);
  const sections = runs.flatMap(({ command, lines }) => [
    `## ${command}`,
    ...kindsOf(lines).flatMap(([kind, ofKind]) => [
      `### ${kind}`,
      block('json', JSON.stringify(ofKind.at(-1))),
      keys(ofKind),
    ]),
  ]);
  const text = page(
    'JSON lines',
    'With `--json` a command prints one JSON object a line on standard output, and `messageType` says which kind it is. Readers ' +
      'skip kinds and keys that they do not know: new ones may come at any time.',
    'The lines below were written by these commands, against a simulator, while this page was made. A key may be null in other ' +
      'runs. [The command line](../cli.md#output) says what the keys mean.',
    ...sections,
  );
  return { address: 'reference/json-lines', title: 'JSON lines', text };
}

/** The kinds of lines that the source of the commands names. */
export function kindsInSource(root: string): string[] {
  const folder = path.join(root, 'src/cli');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(path.join(folder, name), 'utf8'));
  return [
    ...new Set(texts.flatMap((text) => [...text.matchAll(/\bmessageType: '([\w-]+)'/g)].map(([, kind]) => kind!))),
  ];
}

function kindsOf(lines: readonly Line[]): [kind: string, lines: Line[]][] {
  const kinds = new Map<string, Line[]>();
  for (const line of lines)
    kinds.set(line.messageType as string, [...(kinds.get(line.messageType as string) ?? []), line]);
  return [...kinds];
}

/** All keys that lines of one kind have, with what their values were. */
function keys(lines: readonly Line[]): string {
  const kinds = new Map<string, Set<string>>();
  for (const line of lines) {
    for (const [key, value] of Object.entries(line)) {
      kinds.set(key, (kinds.get(key) ?? new Set<string>()).add(kindOf(value)));
    }
  }
  const rows = [...kinds].map(([key, found]) => [code(key), [...found].join(' or ')]);
  return table(['key', 'value'], rows);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value === 'string' ? 'text' : typeof value;
}

/** Runs each command that has `--json`. */
async function runsOf(root: string): Promise<Run[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-lines-'));
  const program = path.join(root, 'dist/src/cli/main.js');
  const env = { PATH: process.env.PATH, PEAL_CONFIG: 'none' };
  const key = createThrowAwayProviderKey();
  writeFileSync(path.join(folder, 'key.p8'), key.p8);
  const list = Array.from({ length: 300 }, (_, at) => at.toString(16).padStart(64, '0'));
  writeFileSync(path.join(folder, 'tokens.txt'), list.join('\n'));
  writeFileSync(path.join(folder, 'scenario.json'), JSON.stringify(scenario));
  const options = ['--port', '0', '--channels-port', '0', '--fcm', '--scenario', 'scenario.json'];
  const refusing = ['--reject-fraction', '0.6', '--reject-reason', 'BadDeviceToken', '--round-trip', '100ms'];
  const given = [program, 'simulate', '--json', '--ca-out', 'ca.pem', ...options, ...refusing];
  const simulator = spawn(process.execPath, given, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const lines: Line[] = [];
    const reader = createInterface({ input: simulator.stdout });
    const closed = new Promise<void>((resolve) => reader.once('close', resolve));
    await new Promise<void>((resolve) =>
      reader.on('line', (line) => {
        lines.push(JSON.parse(line) as Line);
        resolve();
      }),
    );
    const { url, channelsUrl } = lines[0] as { url: string; channelsUrl: string };
    const credential = ['--ca', 'ca.pem', '--key', 'key.p8', '--key-id', key.keyId, '--team-id', key.teamId];
    const run = (...args: string[]): Promise<Line[]> =>
      new Promise((resolve, reject) => {
        // A command whose recipients were not all accepted ends with another code than 0.
        execFile(process.execPath, [program, ...args, '--json'], { cwd: folder, env }, (_, stdout, stderr) => {
          const said = stdout.split('\n').filter((line) => line !== '');
          if (said.length === 0) reject(new Error(`peal ${args.join(' ')} --json wrote no line: ${stderr}`));
          else resolve(said.map((line) => JSON.parse(line) as Line));
        });
      });
    const to = ['--gateway', url, ...credential];
    const send = ['send', 'tokens.txt', '--alert', 'Hi', '--topic', topic, ...to];
    const app = ['--bundle-id', topic, '--gateway', channelsUrl, ...credential];
    const created = await run('channels', 'create', ...app);
    const channelId = String(created[0]!.channelId);
    const state = ['--content-state', '{"score":"2:1"}', '--expiration', '1h'];
    const update = ['--bundle-id', topic, '--channel', channelId, ...state, ...to];
    const runs: Run[] = [
      { command: 'peal send --json', lines: await run(...send, '--progress', '100ms') },
      { command: 'peal send --dry-run --json', lines: await run(...send, '--dry-run') },
      { command: 'peal channels create --json', lines: created },
      { command: 'peal channels read --json', lines: await run('channels', 'read', channelId, ...app) },
      { command: 'peal broadcast --json', lines: await run('broadcast', ...update) },
      { command: 'peal broadcast --dry-run --json', lines: await run('broadcast', ...update, '--dry-run') },
      { command: 'peal doctor --json', lines: await run('doctor', '--topic', topic, ...to) },
    ];
    simulator.kill('SIGTERM');
    await closed;
    return [...runs, { command: 'peal simulate --json', lines }];
  } finally {
    simulator.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Something that the simulator has to tell at its end. */
const scenario = {
  faults: [{ when: { connection: 1, connectionRequests: 200 }, do: 'goaway', how: 'graceful', reason: 'Shutdown' }],
};
