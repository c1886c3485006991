/**
 * The question after the first recipients of `--canary`: what became of them, and whether to go on. Asked on the
 * terminal, on the main thread.
 */
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { counted, integer, percentage } from '../../base/text.js';
import type { CanaryReport } from '../../campaign/run/campaign-options.js';
import { printable, type Terminal } from '../shared/terminal.js';

/** So long before the question, what comes from the terminal was typed earlier. */
const dropMs = 100;
/**
 * So long after the end of the input a signal may come that tells why. A terminal that goes away ends the input first, and
 * its shell sends SIGHUP then.
 */
const hangUpMs = 500;
/** Reasons that are listed. */
const listedReasons = 5;

/**
 * Resolves with whether the answer is yes. Anything else is no, and so is the end of the input.
 *
 * @param signal ends the question: no
 */
export async function askToGoOn(
  report: CanaryReport,
  { stdin, stderr }: Terminal,
  signal: AbortSignal,
): Promise<boolean> {
  stderr.write(canaryLines(report));
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  try {
    // What was typed before the question is no answer to it. Lines without a reader are dropped.
    await delay(dropMs);
    const answer = await lines.question('Go on? [y/N] ', { signal: AbortSignal.any([signal, closed.signal]) });
    return /^\s*y(?:es)?\s*$/i.test(answer);
  } catch {
    // The answer is no in both cases. The signal has to be known before the campaign says why it ends.
    await delay(hangUpMs, undefined, { signal }).catch(() => {});
    return false;
  } finally {
    lines.close();
    stdin.pause();
  }
}

/** What became of the first recipients, and why. */
export function canaryLines({ recipients, accepted, rejected, others, reasons }: CanaryReport): string {
  const share = percentage(accepted, recipients);
  const lost = others === 0 ? '' : `, ${integer(others)} without an answer`;
  const rest = reasons.slice(listedReasons);
  const first = recipients === 1 ? 'The first recipient' : `The first ${counted(recipients, 'recipient')}`;
  const lines = [
    `${first}: ${integer(accepted)} accepted (${share}), ${integer(rejected)} rejected${lost}.`,
    ...reasons.slice(0, listedReasons).map(([reason, count]) => `  ${integer(count)}  ${printable(reason)}`),
    ...(rest.length === 0 ? [] : [`  and ${counted(rest.length, 'other reason')}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
