/**
 * `--dry-run` of `peal send` and `peal dispatch`: everything but the sending, from the options to the exit code. Main
 * thread.
 */
import { systemClock } from '../../base/clock.js';
import { type DryRunReport, dryRun } from '../../campaign/dry-run.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { type Terminal, writeJsonLine } from '../shared/terminal.js';
import { dryRunLines, dryRunMessage } from './dry-run-report.js';
import type { SendFlags } from './send-options.js';
import { campaignOptionsOf, planSend } from './send-plan.js';
import { checkSendFlags } from './send-rules.js';

/**
 * Prints what was found.
 *
 * @param hasMachines whether others would send
 * @throws PealError what the command would end with before it sends
 */
export async function runDryRun(flags: SendFlags, terminal: Terminal, hasMachines = false): Promise<ExitCode> {
  checkSendFlags(flags, systemClock.wallMs(), hasMachines);
  const { session, gateway, said, platforms } = await planSend(flags, terminal, hasMachines);
  try {
    const report = await dryRun(campaignOptionsOf(flags, { gateway, said, platforms, nowMs: systemClock.wallMs() }));
    print(report, flags, terminal);
    return exitCodeOf(report);
  } finally {
    await session.shutdown();
  }
}

function print(report: DryRunReport, flags: SendFlags, { stdout }: Terminal): void {
  if (flags.json === true) {
    writeJsonLine(stdout, dryRunMessage(report));
    return;
  }
  const { columns = 80, isTTY } = stdout;
  const { rate = null, localWindow, outsideWindow = 'later' } = flags;
  const lines = dryRunLines(report, { columns, rate, outside: localWindow === undefined ? null : outsideWindow });
  stdout.write((isTTY === true ? ['', ...lines, ''] : lines).map((line) => `${line}\n`).join(''));
}

/** As a run would end, were all of those accepted whom it sends to. */
function exitCodeOf({ recipients, invalid }: DryRunReport): ExitCode {
  if (recipients === invalid) return exitCodes.input;
  return invalid > 0 ? exitCodes.notAllAccepted : exitCodes.accepted;
}
