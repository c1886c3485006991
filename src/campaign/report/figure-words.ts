/**
 * Times, durations and rates as the report and summaries say them. Pure; any thread.
 */
import { integer } from '../../base/text.js';
import { isoTime } from './summary.js';

/** "0.56 s", "12 s", "3 min 5 s", "2 h 14 min", "3 d 2 h". */
export function durationWords(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  const [[unit, size], [nextUnit, nextSize]] = [units[first]!, units[first + 1]!];
  const rest = Math.floor((whole % size) / nextSize);
  const head = `${Math.floor(whole / size)} ${unit}`;
  return rest === 0 ? head : `${head} ${rest} ${nextUnit}`;
}

/** `text` in which numbers stay on one line with their units. */
export function tight(text: string): string {
  return text.replace(/(\d) (?=%|(?:ms|s|min|h|d)\b)/g, '$1\u00a0');
}

/** Milliseconds, or seconds where there are many: "0.21 ms", "62 ms", "1.24 s". */
export function latencyWords(ms: number): string {
  if (ms >= 1000) return durationWords(ms / 1000);
  return `${Number(ms.toPrecision(ms < 100 ? 2 : 3))} ms`;
}

/** Recipients a second. */
export function rateWords(perSecond: number): string {
  return `${perSecond < 10 ? Number(perSecond.toFixed(2)) : integer(perSecond)}/s`;
}

/** Running time as on a stop watch: "0:07", "12:03", "1:02:03". */
export function stopWatch(seconds: number): string {
  const whole = Math.floor(seconds + 1e-6);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Says times in one time zone. */
export class ZoneTimes {
  readonly zone: string;
  readonly #full: Intl.DateTimeFormat;
  readonly #time: Intl.DateTimeFormat;

  /** @param zone an IANA name; for what is not one, UTC */
  constructor(zone: string) {
    this.zone = isZone(zone) ? zone : 'UTC';
    const clock = {
      timeZone: this.zone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    } as const;
    this.#full = new Intl.DateTimeFormat('en-GB', { ...clock, day: 'numeric', month: 'short', year: 'numeric' });
    this.#time = new Intl.DateTimeFormat('en-GB', clock);
  }

  /** "28 Nov 2026, 14:03:05". */
  full(ms: number): string {
    return isoTime(ms) === null ? 'at an unknown time' : this.#full.format(ms);
  }

  /** "14:03:05". */
  time(ms: number): string {
    return isoTime(ms) === null ? 'unknown' : this.#time.format(ms);
  }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
