/** The memory of `peal send` with a long list from a file, in a process without measuring code of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SimulatorProcess } from '../lib/simulator-process.js';
import type { Usage } from '../lib/usage.js';
import { randomTokens, tokenBytes } from './contenders/contender.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const reporter = new URL('../lib/report-usage.js', import.meta.url).href;

export interface MemoryResult {
  readonly tokens: number;
  /** Of the whole process, from its start to its end. */
  readonly usage: Usage;
  readonly perSecond: number;
}

export async function measureMemory(simulator: SimulatorProcess, tokens: number): Promise<MemoryResult> {
  const list = path.join(simulator.folder, 'tokens.txt');
  await writeList(list, tokens);
  const { url, topic, caFile, keyFile, keyId, teamId } = simulator.target;
  const key = ['--key', keyFile, '--key-id', keyId, '--team-id', teamId];
  const where = ['--gateway', url, '--ca', caFile, '--topic', topic, '--out', path.join(simulator.folder, 'out')];
  const args = ['send', '--json', '--tokens', list, '--alert', 'Hello', ...key, ...where];
  const usageFile = path.join(simulator.folder, 'usage.json');
  process.stderr.write(`peal send, ${tokens} tokens from a file\n`);
  const child = spawn(process.execPath, ['--import', reporter, main, ...args], {
    env: { ...process.env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const summary = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '{}') as { accepted?: number; perSecond?: number };
  if (code !== 0 || summary.accepted !== tokens) throw new Error(`peal send ended with ${code}: ${output}`);
  const usage = JSON.parse(readFileSync(usageFile, 'utf8')) as Usage;
  return { tokens, usage, perSecond: summary.perSecond ?? 0 };
}

async function writeList(file: string, count: number): Promise<void> {
  const stream = createWriteStream(file, { mode: 0o600 });
  for (let written = 0; written < count; ) {
    const some = Math.min(8192, count - written);
    const hex = randomTokens(some).toString('hex');
    const lines = Array.from({ length: some }, (_, at) => hex.slice(at * tokenBytes * 2, (at + 1) * tokenBytes * 2));
    if (!stream.write(`${lines.join('\n')}\n`)) await once(stream, 'drain');
    written += some;
  }
  stream.end();
  await once(stream, 'finish');
}
