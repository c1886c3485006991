/** A question on the terminal that is answered by yes or no. Asked by commands, on the main thread. */
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Terminal } from './terminal.js';

/** So long before the question, what comes from the terminal was typed earlier. */
const dropMs = 100;
/**
 * So long after the end of the input a signal may come that tells why. A terminal that goes away ends the input first,
 * and its shell sends SIGHUP then.
 */
const hangUpMs = 500;

/**
 * Resolves with whether the answer is yes. Anything else is no, and so is the end of the input.
 *
 * @param signal ends the question: no
 */
export async function askYesOrNo(question: string, { stdin, stderr }: Terminal, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  try {
    // What was typed before the question is no answer to it. Lines without a reader are dropped.
    await delay(dropMs);
    const answer = await lines.question(`${question} [y/N] `, { signal: AbortSignal.any([signal, closed.signal]) });
    return /^\s*y(?:es)?\s*$/i.test(answer);
  } catch {
    // The answer is no in both cases. The signal has to be known before the command says why it ends.
    await delay(hangUpMs, undefined, { signal }).catch(() => {});
    return false;
  } finally {
    lines.close();
    stdin.pause();
  }
}
