/**
 * Numbers as people read them: the same in every locale, so that output can be compared. Pure.
 */

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1234567 → "1,234,567". */
export function integer(value: number): string {
  return integers.format(value);
}

/** A share of a whole. It is "100 %" only for the whole, and "0 %" only for nothing. */
export function percentage(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  if (part === whole) return '100 %';
  const percent = (100 * part) / whole;
  if (percent < 0.01) return '< 0.01 %';
  if (percent > 99.99) return '> 99.99 %';
  return `${percent.toFixed(2)} %`;
}

/** The share in whole percent, rounded down, so that 100 means the whole. */
export function wholePercent(part: number, whole: number): number {
  return Math.min(100, Math.floor((100 * part) / whole));
}

/** Seconds as m:ss or h:mm:ss. */
export function minutesAndSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** "1 connection", "2 connections". */
export function counted(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? '' : 's'}`;
}
