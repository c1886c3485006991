/**
 * `peal demo`: the main job on this machine, without anything to set up. A simulator in a process of its own, a
 * throw-away key, a list of tokens in a temporary directory, `peal send` with threads, and then both books compared.
 * Main thread.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createColors } from 'picocolors';
import { integer } from '../../base/text.js';
import { runSend } from '../send/send.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { isProxyVariable } from '../shared/link-flags.js';
import { pealVariables } from '../shared/peal-variables.js';
import { hasColour, printError, type Terminal } from '../shared/terminal.js';
import { compareBooks, SenderDigest } from './demo-books.js';
import { writeDemoFiles } from './demo-files.js';
import type { DemoFlags } from './demo-options.js';
import { DemoSimulator } from './demo-simulator.js';

const topic = 'com.example.peal-demo';

/** Exit code 0 if both books agree about every token, 1 if they do not. */
export async function demo(options: DemoFlags, terminal: Terminal): Promise<ExitCode> {
  const folder = await mkdtemp(path.join(tmpdir(), 'peal-demo-'));
  try {
    return await demoIn(folder, options, terminal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function demoIn(folder: string, { tokens, threads }: DemoFlags, terminal: Terminal): Promise<ExitCode> {
  const { bold, dim } = createColors(hasColour(terminal, terminal.stdout));
  const say = (text: string): boolean => terminal.stdout.write(`${text}\n`);
  const files = await writeDemoFiles(folder, tokens);
  const simulator = await DemoSimulator.start(files, topic);
  try {
    say(bold(`${integer(tokens)} notifications to a simulator of APNs on this machine`));
    say(`  gateway  ${simulator.url} ${dim('in a separate process, with separate books')}`);
    say(`  tokens   ${files.description}`);
    say(`  key      ${path.basename(files.key)} ${dim('deleted afterwards, like everything else')}\n`);
    const digest = new SenderDigest();
    const report = await runSend(
      {
        tokens: [files.tokens],
        alert: 'Hello from peal',
        topic,
        key: files.key,
        keyId: files.keyId,
        teamId: files.teamId,
        gateway: simulator.url,
        ca: files.authority,
        threads,
        // The simulator's digest counts every answer, the sender's only the last one of each recipient. Without retries
        // there is one answer each.
        retries: 0,
      },
      { ...terminal, env: withoutProxiesAndPealVariables(terminal.env) },
      { observer: digest },
    );
    const ran = report.exitCode === exitCodes.accepted || report.exitCode === exitCodes.notAllAccepted;
    if (!ran) return report.exitCode;
    const comparison = compareBooks(report.summary, digest, await simulator.ledger(), files);
    say(comparison.text);
    return comparison.isEqual ? exitCodes.accepted : exitCodes.fault;
  } catch (error) {
    printError(terminal, error);
    return exitCodes.fault;
  } finally {
    await simulator.stop();
  }
}

/**
 * The gateway is on this machine and the key is new, so pins, passphrases and proxies of the environment do not apply.
 */
function withoutProxiesAndPealVariables(env: Terminal['env']): Terminal['env'] {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !isProxyVariable(name) && !(pealVariables as readonly string[]).includes(name),
    ),
  );
}
