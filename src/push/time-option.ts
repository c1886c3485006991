/**
 * The one rule for a time that a message names: its expiration, and the times of a Live Activity. Pure but for the
 * clock; called once for each message, by apns/headers, apns/aps-fields and
 * fcm/compile-fcm.
 */
import type { Clock } from '../base/clock.js';
import { durationText, earliestEpochSeconds, parseTime } from '../base/duration.js';
import { shownValue } from '../base/options.js';
import { escapeUnprintable } from '../base/text.js';
import { either, quoting } from '../base/wording.js';

/**
 * A time: whole epoch seconds, a Date, `{ seconds }` from now, or text: `90s`, `5m`, `+1h`, `2d` from now, ISO 8601
 * with its zone, epoch seconds.
 */
export type TimeInput = number | Date | { readonly seconds: number } | string;

/** A number after 2106 is surely in milliseconds, and the binary protocol cannot carry it. */
const latestEpochSeconds = 0xffffffff;

const forms = either(
  "epoch seconds, a Date, { seconds } from now, or text such as '1h' or '2031-01-31T12:00:00Z'",
  'a time from now such as 90s, 5m, +1h or 2d, ISO 8601 such as 2031-01-31T12:00:00Z, or epoch seconds',
);

/** In the place of an example with the number that was given. */
const laterForms = 'give epoch seconds of a later time, or a time from now such as 1h';

/** A time in the future, for examples. */
const exampleSeconds = 1_900_000_000;

/**
 * Returns whole epoch seconds, or if `value` is not a time, the rest of a sentence that says so, without its full stop.
 *
 * @param isWire whether only epoch seconds are allowed, as in a whole payload. Default false
 */
export function secondsOf(value: unknown, clock: Clock, isWire = false): number | string {
  if (typeof value === 'number' && isEpochSeconds(value)) return value;
  const unknown = isWire ? null : unknownPropertyOf(value);
  if (unknown !== null) {
    const named = quoting(` "${escapeUnprintable(unknown, 40)}"`, '');
    return `has an unknown property${named}: give { seconds } and nothing else, or text such as '1h30m'`;
  }
  const seconds = epochSeconds(value, clock.wallMs());
  const allowed = isWire ? `whole epoch seconds, such as ${exampleSeconds}` : forms;
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    return `${quoting(`is ${shownValue(value)}, not a time`, 'is not a time')}: give ${allowed}`;
  }
  if (seconds > 0 && seconds < earliestEpochSeconds) {
    if (isWire) {
      return `${quoting(`is ${seconds}, which lies before 2001`, 'lies before 2001')}: give ${allowed}`;
    }
    const early = quoting(
      `is ${seconds}, which lies before 2001: for ${seconds} seconds from now give `,
      'lies before 2001: ',
    );
    return `${early}${either(`{ seconds: ${seconds} }`, durationText(seconds), laterForms)}`;
  }
  if (seconds > latestEpochSeconds) {
    const isBare = typeof value === 'number' || (typeof value === 'string' && /^\s*\d+\s*$/.test(value));
    const advice =
      isBare && seconds >= earliestEpochSeconds * 1000 ? 'give seconds, not milliseconds' : 'give an earlier time';
    const late = `is ${isBare ? seconds : shownValue(value)}, which lies after 2106`;
    return `${quoting(late, 'lies after 2106')}: ${advice}`;
  }
  return seconds;
}

/** Returns true for 0 and for a whole number of seconds between 2001 and 2106. */
function isEpochSeconds(value: number): boolean {
  return value === 0 || (value >= earliestEpochSeconds && value <= latestEpochSeconds && Number.isInteger(value));
}

/** Returns a property that is not allowed beside `seconds`, or null. */
function unknownPropertyOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('seconds' in value)) return null;
  return Object.keys(value).find((key) => key !== 'seconds') ?? null;
}

/** Returns NaN for a value that is not a time. */
function epochSeconds(value: unknown, nowMs: number): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return Math.floor((parseTime(value, nowMs) ?? Number.NaN) / 1000);
  if (value instanceof Date) return Math.floor(value.getTime() / 1000);
  const { seconds } = (value ?? {}) as { seconds?: unknown };
  if (typeof seconds !== 'number' || !(seconds > 0)) return Number.NaN;
  return Math.floor(nowMs / 1000 + seconds);
}
