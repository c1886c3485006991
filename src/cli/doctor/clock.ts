/**
 * The step about the clock: provider tokens, access tokens and certificates are refused by a machine whose clock is
 * wrong. Compares it with a time server, and with the time that a gateway writes into its answers. Main thread.
 */
import { clockFaultMs, clockWarningMs } from '../../base/limits.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { TimeServer } from './doctor-options.js';
import { askTimeServer, NoTime } from './sntp.js';
import { failed, ok, type Step, skipped, warning } from './step.js';

/**
 * @param server null: no time server is asked
 * @param isNamed whether the command line names it, so that its silence is worth a warning
 */
export async function clockStep(server: TimeServer | null, isNamed: boolean, signal: AbortSignal): Promise<Step> {
  if (server === null) {
    return skipped('clock', 'not compared: no time server is named (--time-server)');
  }
  const name = server.host.includes(':') ? `[${server.host}]` : server.host;
  try {
    const { offsetMs, roundTripMs } = await askTimeServer(server, signal);
    return judged(offsetMs, `by ${name}`, { server: name, roundTripMs: rounded(roundTripMs) });
  } catch (error) {
    if (!(error instanceof NoTime)) throw error;
    const found = `not compared: ${name} ${error.message}`;
    if (!isNamed) return skipped('clock', found);
    return warning('clock', found, 'Let this machine reach it over UDP, or name another one with --time-server.');
  }
}

/** By a field `date` (RFC 9110 §6.6.1), which has whole seconds. Null where the clocks agree, or there is no time. */
export function dateStep(date: string | null, wallMs: number, where: string): Step | null {
  const theirMs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirMs)) return null;
  const step = judged(theirMs + 500 - wallMs, `by the answer of ${where}`, {});
  return step.state === 'ok' ? null : step;
}

function judged(offsetMs: number, by: string, given: Readonly<Record<string, unknown>>): Step {
  const details = { offsetMs: rounded(offsetMs), ...given };
  const off = Math.abs(offsetMs);
  const amount = durationOf(off);
  const found = off < 1000 ? `right to ${amount}, ${by}` : `${amount} ${offsetMs > 0 ? 'slow' : 'fast'}, ${by}`;
  if (off < clockWarningMs) return ok('clock', found, details);
  const set = `Set it ${offsetMs > 0 ? 'forward' : 'back'} by ${amount}, and let it be kept right (NTP: timedatectl set-ntp true).`;
  if (off < clockFaultMs) return warning('clock', found, `${set} Services refuse times that are minutes off.`, details);
  return failed(
    'clock',
    found,
    `${set} Services refuse what is signed at such a time.`,
    exitCodes.credentials,
    details,
  );
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** `3 ms`, `12.4 seconds`, `59 minutes 58 seconds`, `3 days 2 hours`. */
function durationOf(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} seconds`;
  const seconds = Math.round(ms / 1000);
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  const parts = units.map(([size, name], at) => {
    const larger = at === 0 ? Number.POSITIVE_INFINITY : units[at - 1]![0];
    const count = Math.floor((seconds % larger) / size);
    return count === 0 ? '' : `${count} ${name}${count === 1 ? '' : 's'}`;
  });
  const first = parts.findIndex((part) => part !== '');
  return parts
    .slice(first, first + 2)
    .filter((part) => part !== '')
    .join(' ');
}
