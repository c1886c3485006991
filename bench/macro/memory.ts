/** What the whole of `peal send` costs with a long list from a file: CPU time, rate and memory. */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { SimulatorProcess } from '../lib/simulator-process.js';
import { runSend, type SendResult } from './peal-send.js';
import { writePlainList } from './recipient-lists.js';

/** The list is written once for a simulator, outside of what is measured. */
export async function measureCommand(simulator: SimulatorProcess, tokens: number, alert: string): Promise<SendResult> {
  const list = path.join(simulator.folder, `tokens-${tokens}.txt`);
  if (!existsSync(list)) await writePlainList(list, tokens);
  const out = path.join(simulator.folder, 'out');
  try {
    return await runSend(simulator, ['--tokens', list, '--alert', alert, '--out', out], tokens);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
