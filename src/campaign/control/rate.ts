/**
 * How fast a campaign may send: a number of recipients a second, or a timetable of such numbers. Read once, changed
 * while the campaign runs. Pure but for the clock that is handed in; main thread.
 *
 *   500/s      30000/min      off (no limit)      08:00,500/s 20:00,off (local time of the machine)
 */
import type { Clock } from '../../base/clock.js';
import { escapeUnprintable } from '../../base/text.js';

/** Recipients a second; null: as fast as they go. */
type PerSecond = number | null;

interface TimetableEntry {
  /** Minutes since midnight, local time. */
  readonly fromMinute: number;
  readonly perSecond: PerSecond;
}

/** What a rate says: entries in the order of the day; one that begins at midnight where it is the same all day. */
export interface Rate {
  /** As it was written. */
  readonly text: string;
  readonly entries: readonly TimetableEntry[];
}

export const noLimit: Rate = { text: 'off', entries: [{ fromMinute: 0, perSecond: null }] };
const minutesOfDay = 24 * 60;
const rateForms = 'write 500/s, 30000/min, off (no limit), or a timetable such as 08:00,500/s 20:00,off';
const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  second: 1,
  min: 60,
  m: 60,
  minute: 60,
  h: 3600,
  hour: 3600,
};
/** A rate above this is none: no machine sends so fast. */
const maxPerSecond = 1e8;
/** A rate below this sends one recipient a day. */
const minPerSecond = 1 / 86_400;

/** The rate that a text says, or what is wrong with it: the rest of a sentence that begins with what it is for. */
export function parseRate(text: string): Rate | string {
  const trimmed = text.trim();
  if (!/[\s,]/.test(trimmed)) {
    const perSecond = parsePerSecond(trimmed);
    if (perSecond === undefined) return `is ${shown(trimmed)}, not a rate: ${rateForms}`;
    return { text: trimmed, entries: [{ fromMinute: 0, perSecond }] };
  }
  const entries: TimetableEntry[] = [];
  for (const part of trimmed.split(/\s+/)) {
    const match = /^(\d{1,2}):(\d\d),(.+)$/.exec(part);
    const perSecond = match === null ? undefined : parsePerSecond(match[3]!);
    if (match === null || perSecond === undefined) return `has ${shown(part)} in its timetable: ${rateForms}`;
    const [hours, minutes] = [Number(match[1]), Number(match[2])];
    if (hours > 23 || minutes > 59)
      return `has ${shown(`${match[1]}:${match[2]}`)} in its timetable, which is no time of day`;
    const fromMinute = hours * 60 + minutes;
    if (entries.some((entry) => entry.fromMinute === fromMinute))
      return `has ${match[1]}:${match[2]} twice in its timetable`;
    entries.push({ fromMinute, perSecond });
  }
  return { text: trimmed, entries: entries.sort((a, b) => a.fromMinute - b.fromMinute) };
}

/** Undefined for what is no rate. */
function parsePerSecond(text: string): PerSecond | undefined {
  if (/^off$/i.test(text)) return null;
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*\/\s*([a-z]+)$/i.exec(text) ?? /^(\d{1,12}(?:\.\d{1,6})?)()$/.exec(text);
  const seconds = match === null ? undefined : unitSeconds[match[2]!.toLowerCase() || 's'];
  if (match === null || seconds === undefined) return undefined;
  const perSecond = Number(match[1]) / seconds;
  return perSecond >= minPerSecond && perSecond <= maxPerSecond ? perSecond : undefined;
}

function shown(text: string): string {
  return `"${escapeUnprintable(text, 40)}"`;
}

/** The rate at a time, and how long it holds at least, in milliseconds. */
export function rateAt(rate: Rate, wallMs: number): { readonly perSecond: PerSecond; readonly forMs: number } {
  const { entries } = rate;
  if (entries.length === 1) return { perSecond: entries[0]!.perSecond, forMs: Number.POSITIVE_INFINITY };
  const now = new Date(wallMs);
  const minute = now.getHours() * 60 + now.getMinutes();
  const at = entries.findLastIndex(({ fromMinute }) => fromMinute <= minute);
  const next = entries[at + 1] ?? { fromMinute: entries[0]!.fromMinute + minutesOfDay };
  const forMs = (next.fromMinute - minute) * 60_000 - now.getSeconds() * 1000 - now.getMilliseconds();
  // Before the first entry of the day the last one of the day before holds.
  return { perSecond: (entries[at] ?? entries.at(-1)!).perSecond, forMs: Math.max(1, forMs) };
}

/** What may go out at once after a rest, in milliseconds of the rate. */
const burstMs = 200;
/** How many recipients go out together at most, in milliseconds of the rate: small enough to be even. */
const runMs = 50;

/**
 * Gives leave to send, at the pace of a rate: over ten seconds as many as it says, to within one run of recipients.
 * What was not used is not made up for, but for the last fifth of a second.
 */
export class Pacer {
  readonly #clock: Clock;
  #rate: Rate;
  #credit = 0;
  #countedMs: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#countedMs = clock.now();
  }

  get rate(): Rate {
    return this.#rate;
  }

  /** From now on. */
  set rate(rate: Rate) {
    this.#count();
    this.#rate = rate;
  }

  /** Whether it lets all go at all times. */
  get #hasNoLimit(): boolean {
    const { entries } = this.#rate;
    return entries.length === 1 && entries[0]!.perSecond === null;
  }

  /** The rate of now. */
  get perSecond(): PerSecond {
    return rateAt(this.#rate, this.#clock.wallMs()).perSecond;
  }

  /** How many recipients may go out now, up to `wanted`; 0: none, wait for `delayMs`. */
  take(wanted: number): number {
    if (this.#hasNoLimit) return wanted;
    this.#count();
    const { perSecond } = this;
    if (perSecond === null) return wanted;
    const run = Math.max(1, Math.floor((perSecond * runMs) / 1000));
    const taken = Math.min(wanted, run);
    if (this.#credit < taken) return 0;
    this.#credit -= taken;
    return taken;
  }

  /** Milliseconds until `take(wanted)` gives some, or the rate is another. */
  delayMs(wanted: number): number {
    const { perSecond, forMs } = rateAt(this.#rate, this.#clock.wallMs());
    if (perSecond === null) return 0;
    const taken = Math.min(wanted, Math.max(1, Math.floor((perSecond * runMs) / 1000)));
    return Math.min(forMs, Math.max(1, Math.ceil(((taken - this.#credit) * 1000) / perSecond)));
  }

  #count(): void {
    const now = this.#clock.now();
    const { perSecond } = this;
    if (perSecond === null) {
      this.#credit = 0;
    } else {
      const most = Math.max(1, (perSecond * burstMs) / 1000);
      this.#credit = Math.min(most, this.#credit + ((now - this.#countedMs) * perSecond) / 1000);
    }
    this.#countedMs = now;
  }
}
