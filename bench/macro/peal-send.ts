/** `peal send` and `peal dispatch` in a process of their own, without measuring code of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from '../lib/target.js';
import type { Usage } from '../lib/usage.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const reporter = new URL('../lib/report-usage.js', import.meta.url).href;

export interface SendResult {
  /** Of the whole process, from its start to its end. */
  readonly usage: Usage;
  readonly perSecond: number;
}

/** The gateway, and a directory for files of the run. */
interface Surroundings {
  readonly target: Target;
  readonly folder: string;
}

/** @param args options besides those of the gateway. Throws unless all recipients were accepted. */
export async function runSend(
  { target, folder }: Surroundings,
  args: readonly string[],
  recipients: number,
): Promise<SendResult> {
  const { url, topic, caFile, keyFile, keyId, teamId } = target;
  const key = ['--key', keyFile, '--key-id', keyId, '--team-id', teamId];
  return runCommand('send', folder, ['--gateway', url, '--ca', caFile, '--topic', topic, ...key, ...args], recipients);
}

/** The same by the workers of a cluster. */
export async function runDispatch(
  { target: { url, topic }, folder }: Surroundings,
  args: readonly string[],
  recipients: number,
): Promise<SendResult> {
  return runCommand('dispatch', folder, ['--gateway', url, '--topic', topic, ...args], recipients);
}

async function runCommand(
  command: string,
  folder: string,
  args: readonly string[],
  recipients: number,
): Promise<SendResult> {
  const all = [command, '--json', ...args];
  const usageFile = path.join(folder, 'usage.json');
  const child = spawn(process.execPath, ['--import', reporter, main, ...all], {
    env: { ...process.env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const summary = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '{}') as { accepted?: number; perSecond?: number };
  if (code !== 0 || summary.accepted !== recipients) throw new Error(`peal ${command} ended with ${code}: ${output}`);
  const usage = JSON.parse(readFileSync(usageFile, 'utf8')) as Usage;
  return { usage, perSecond: summary.perSecond ?? 0 };
}
