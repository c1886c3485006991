/**
 * Turns the text of one command-line option into its value. Pure; called by the option tables of the commands.
 * Each throws commander's InvalidArgumentError, whose message follows the name of the option.
 */
import { InvalidArgumentError, type Option } from 'commander';
import { durationText, parseDuration, parseTime, timeForms } from '../../base/duration.js';

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
  };
}

/** A number from `min` to `max`, fractions allowed. */
export function decimalNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It has to be a number from ${min} to ${max}.`);
  };
}

/** `auto`, or a whole number from 0 to `max`. */
export function threadCount(max: number): (text: string) => number | 'auto' {
  return (text) => {
    if (text === 'auto') return text;
    const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
    if (value <= max) return value;
    throw new InvalidArgumentError(`It has to be "auto" or a whole number from 0 to ${max}.`);
  };
}

/** `off` (false), or a percentage above 0 as a share of 1. */
export function percentOrOff(text: string): number | false {
  if (text === 'off') return false;
  const value = /^\d{1,3}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 100) return value / 100;
  throw new InvalidArgumentError('It has to be "off" or a number above 0 and up to 100.');
}

/**
 * A duration from `min` to `max` in the forms of parseDuration, in milliseconds.
 *
 * @param bareMs milliseconds that a number without a unit counts. Default: 1,000
 */
export function durationBetween(min: number, max: number, bareMs = 1000): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text, bareMs);
    if (ms !== null && ms >= min && ms <= max) return ms;
    const unit = bareMs === 1 ? 'milliseconds' : 'seconds';
    const most = durationText(max / 1000);
    throw new InvalidArgumentError(`It has to be a duration up to ${most}, such as 90 (${unit}), 90s, 5m or 1h.`);
  };
}

/** A time, checked and left as text, because the message reads it. */
export function timeText(text: string): string {
  if (parseTime(text, 0) !== null) return text;
  throw new InvalidArgumentError(`It has to be ${timeForms}.`);
}

/** How often progress is shown: a duration up to a day, in milliseconds; 0 for never. */
export function progressInterval(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null && milliseconds <= 86_400_000 && (milliseconds === 0 || milliseconds >= 100)) {
    return milliseconds;
  }
  throw new InvalidArgumentError('It has to be 0 (none) or a duration from 100ms to 1d, such as 10, 30s or 5m.');
}

/**
 * Collects the values of an option that may be given several times. With every other parser an option may be given
 * once.
 */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Options under one heading of the help. */
export interface OptionGroup {
  readonly heading: string;
  readonly options: readonly Option[];
}

/** apns-priority. */
export function priority(text: string): 1 | 5 | 10 {
  if (text === '1' || text === '5' || text === '10') return Number(text) as 1 | 5 | 10;
  throw new InvalidArgumentError('It has to be 10, 5 or 1.');
}
