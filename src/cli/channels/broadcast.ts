/**
 * `peal broadcast`: one update of a Live Activity to all subscribers of channels, from the options to the exit code.
 * Main thread.
 */
import { broadcastPath } from '../../apns/channel.js';
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { counted, integer } from '../../base/text.js';
import { addressUrl } from '../../push/address.js';
import { APNs } from '../../session/apns.js';
import { checkBroadcast } from '../../session/channels/broadcast-options.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { retryOf } from '../shared/retry-flags.js';
import { type Terminal, usageError, writeJsonLine } from '../shared/terminal.js';
import { broadcastDryRunLines, broadcastDryRunMessage } from './broadcast-dry-run.js';
import { broadcastMessageOf, inBroadcastWords } from './broadcast-message.js';
import { type BroadcastFlags, checkBroadcastFlags } from './broadcast-options.js';
import { type BroadcastReport, printBroadcast } from './broadcast-report.js';
import { type ChannelList, readChannels } from './channel-list.js';
import { requestOptionsOf } from './service-flags.js';
import { withGateway } from './service-session.js';
import type { Stopping } from './stopping.js';

/**
 * Throws PealError: ERR_PEAL_OPTION, ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_PAYLOAD, ERR_PEAL_HEADER,
 * ERR_PEAL_INPUT.
 */
export async function runBroadcast(flags: BroadcastFlags, terminal: Terminal): Promise<ExitCode> {
  checkBroadcastFlags(flags);
  const message = await broadcastMessageOf(flags);
  const list = await readChannels(flags.channel ?? [], flags.channels ?? [], '--channels');
  if (flags.requestId !== undefined && list.ids.length > 1) {
    throw usageError('--request-id names one request, and here are several channels: leave it out.');
  }
  const { bundleId } = flags;
  const options = { bundleId, ...requestOptionsOf(flags), ...retryOf(flags) };
  return withGateway(flags, terminal, async (gateway, stopping) => {
    try {
      const checked = checkBroadcast(gateway.address, message, list.ids, options);
      if (flags.dryRun === true) {
        const report = { list, checked, url: `${addressUrl(checked.address)}${broadcastPath(bundleId)}` };
        if (flags.json === true) writeJsonLine(terminal.stdout, broadcastDryRunMessage(report));
        else if (flags.quiet !== true)
          terminal.stdout.write(broadcastDryRunLines(report, terminal.stdout.columns ?? 80));
        return exitCodeOfDryRun(list);
      }
      const startedMs = systemClock.now();
      const result = await new APNs(gateway).broadcast(message, list.ids, { ...options, signal: stopping.signal });
      const { invalid, duplicate } = list;
      const report: BroadcastReport = {
        result,
        invalid,
        duplicate,
        seconds: (systemClock.now() - startedMs) / 1000,
        interruption: interruptionOf(stopping, result),
      };
      return printBroadcast(terminal, flags, report);
    } catch (error) {
      throw inBroadcastWords(error);
    }
  });
}

/** As a run would end, were all of those accepted that it sends to. */
function exitCodeOfDryRun({ ids, invalid }: ChannelList): ExitCode {
  if (ids.length === 0) return exitCodes.input;
  return invalid.length > 0 ? exitCodes.notAllAccepted : exitCodes.accepted;
}

function interruptionOf(
  { exitCode, signalName }: Stopping,
  { unsent, unknown }: BroadcastReport['result'],
): BroadcastReport['interruption'] {
  if (exitCode === null) return null;
  const left = `${counted(unsent, 'channel')} unsent, ${integer(unknown)} unknown`;
  const message = `The run was interrupted (${signalName}): ${left}.`;
  return { error: new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true }), code: exitCode };
}
