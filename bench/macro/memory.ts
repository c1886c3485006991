/** The memory of `peal send` with a long list from a file. */
import path from 'node:path';
import type { SimulatorProcess } from '../lib/simulator-process.js';
import { runSend, type SendResult } from './peal-send.js';
import { writePlainList } from './recipient-lists.js';

export interface MemoryResult extends SendResult {
  readonly tokens: number;
}

export async function measureMemory(simulator: SimulatorProcess, tokens: number): Promise<MemoryResult> {
  const list = path.join(simulator.folder, 'tokens.txt');
  await writePlainList(list, tokens);
  process.stderr.write(`peal send, ${tokens} tokens from a file\n`);
  const args = ['--tokens', list, '--alert', 'Hello', '--out', path.join(simulator.folder, 'out')];
  return { tokens, ...(await runSend(simulator, args, tokens)) };
}
