/**
 * The question after the first recipients of `--canary`: what became of them, and whether to go on. Asked on the
 * terminal, on the main thread.
 */
import { counted, integer, percentage } from '../../base/text.js';
import type { CanaryReport } from '../../campaign/run/campaign-options.js';
import { askYesOrNo } from '../shared/question.js';
import { printable, type Terminal } from '../shared/terminal.js';

/** Reasons that are listed. */
const listedReasons = 5;

/**
 * Resolves with whether the answer is yes. Anything else is no, and so is the end of the input.
 *
 * @param signal ends the question: no
 */
export async function askToGoOn(report: CanaryReport, terminal: Terminal, signal: AbortSignal): Promise<boolean> {
  terminal.stderr.write(canaryLines(report));
  return askYesOrNo('Go on?', terminal, signal);
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
