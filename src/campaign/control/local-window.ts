/**
 * Hours of the day in which a recipient may be sent to, in a time zone of the recipient's own. Pure: the time is handed
 * in. Zones are those of Intl (IANA names); what was worked out for one is kept for a quarter of an hour, because
 * offsets change on quarters. Main thread.
 */
import { maxTimeZones } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';

export interface LocalWindow {
  /** As it was written: `09:00-21:00`. */
  readonly text: string;
  /** Minutes since local midnight. Before `toMinute`, or behind it where the window goes over midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

const minutesOfDay = 24 * 60;
const quarterMs = 15 * 60_000;
const windowForms = 'write the local hours as 09:00-21:00';

/** The window that a text says, or what is wrong with it: the rest of a sentence that begins with what it is for. */
export function parseLocalWindow(text: string): LocalWindow | string {
  const match = /^\s*(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)\s*$/.exec(text);
  const shown = `"${escapeUnprintable(text, 40)}"`;
  if (match === null) return `is ${shown}: ${windowForms}`;
  const [fromHour, fromMinutes, toHour, toMinutes] = match.slice(1).map(Number) as [number, number, number, number];
  const [fromMinute, toMinute] = [fromHour * 60 + fromMinutes, toHour * 60 + toMinutes];
  const areTimes = fromMinutes < 60 && toMinutes < 60 && fromMinute < minutesOfDay && toMinute <= minutesOfDay;
  if (!areTimes) return `is ${shown}, which has a time that no day has: ${windowForms}`;
  if (fromMinute === toMinute) return `is ${shown}, which lasts no time: ${windowForms}`;
  return { text: text.trim(), fromMinute, toMinute };
}

/** Tells for each time zone whether its window is open. */
export class LocalWindowClock {
  readonly #window: LocalWindow;
  readonly #formats = new Map<string, Intl.DateTimeFormat | null>();
  /** By zone: the quarter of an hour that was worked out last, and the minute of the day at its beginning. */
  readonly #quarters = new Map<string, { readonly quarter: number; readonly minute: number }>();

  constructor(window: LocalWindow) {
    this.#window = window;
  }

  /**
   * Milliseconds until the window opens in a zone; 0: it is open; null: there is no such zone.
   *
   * @param zone an IANA name, in any case
   * @param wallMs milliseconds since the epoch
   */
  opensInMs(zone: string, wallMs: number): number | null {
    const minute = this.#minuteOfDay(zone, wallMs);
    if (minute === null) return null;
    const { fromMinute, toMinute } = this.#window;
    const isOver = fromMinute < toMinute;
    const isOpen = isOver ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
    if (isOpen) return 0;
    return Math.ceil(((fromMinute - minute + minutesOfDay) % minutesOfDay) * 60_000);
  }

  /** With fractions; null for an unknown zone. */
  #minuteOfDay(zone: string, wallMs: number): number | null {
    const quarter = Math.floor(wallMs / quarterMs);
    let known = this.#quarters.get(zone);
    if (known?.quarter !== quarter) {
      const minute = this.#minuteAt(zone, quarter * quarterMs);
      if (minute === null) return null;
      known = { quarter, minute };
      this.#quarters.set(zone, known);
    }
    return (known.minute + (wallMs - quarter * quarterMs) / 60_000) % minutesOfDay;
  }

  #minuteAt(zone: string, wallMs: number): number | null {
    const format = this.#formatOf(zone);
    if (format === null) return null;
    const [hour, minute] = format.format(wallMs).split(':').map(Number) as [number, number];
    return (hour % 24) * 60 + minute;
  }

  #formatOf(zone: string): Intl.DateTimeFormat | null {
    let format = this.#formats.get(zone);
    if (format === undefined) {
      format = formatFor(zone);
      if (this.#formats.size < maxTimeZones) this.#formats.set(zone, format);
    }
    return format;
  }
}

function formatFor(zone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  } catch {
    return null;
  }
}
