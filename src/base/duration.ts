/**
 * Durations and times as people write them: `90`, `90s`, `5m`, `1h`, `2d`, `+1h`, `PT1H30M`, `2031-01-31T12:00:00Z`.
 * The one reader of durations and times, for options of the library and of the command line. Pure; any thread.
 */

/** What a time may look like. */
export const timeForms =
  'a time: from now, such as 90s, 5m, +1h or 2d, or ISO 8601 with its zone, such as 2031-01-31T12:00:00Z, ' +
  'or epoch seconds';

/** Digits alone below this number are seconds from now: as an epoch they would lie before 2001. */
export const earliestEpochSeconds = 1_000_000_000;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const number = String.raw`\d{1,12}(?:\.\d{1,6})?`;
const plainPattern = new RegExp(`^${number}$`);
/** Largest unit first, each at most once: 1h30m. */
const unitsPattern = new RegExp(
  `^(?=\\d)${['w', 'd', 'h', 'm(?!s)', 's', 'ms'].map((unit) => `(?:(${number})${unit})?`).join('')}$`,
  'i',
);
/** ISO 8601 without years and months, whose length varies. */
const isoPattern = new RegExp(
  `^P(?=[\\dT])(?:(${number})W)?(?:(${number})D)?(?:T(?=\\d)(?:(${number})H)?(?:(${number})M)?(?:(${number})S)?)?$`,
  'i',
);
const instantPattern =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;

/**
 * Returns milliseconds, or null if `text` is not a duration. A leading `+` changes nothing.
 *
 * @param bareMs milliseconds that a number without a unit counts. Default: 1,000
 */
export function parseDuration(text: string, bareMs = 1000): number | null {
  const bare = text.replace(/^\+/, '');
  if (plainPattern.test(bare)) return Number(bare) * bareMs;
  const units = unitsPattern.exec(bare);
  if (units !== null) return total(units, ['w', 'd', 'h', 'm', 's', 'ms']);
  const iso = isoPattern.exec(bare);
  return iso === null ? null : total(iso, ['w', 'd', 'h', 'm', 's']);
}

/**
 * Returns milliseconds since the epoch, or null if `text` is not a time. A duration counts from `nowMs`. Digits alone
 * are epoch seconds from `earliestEpochSeconds` on, and below it seconds from now; 0 is the epoch itself. An ISO 8601
 * time needs its zone: without one, its meaning would depend on the machine.
 */
export function parseTime(text: string, nowMs: number): number | null {
  if (/^\d{1,15}$/.test(text) && (Number(text) === 0 || Number(text) >= earliestEpochSeconds)) {
    return Number(text) * 1000;
  }
  const instant = instantPattern.exec(text);
  if (instant !== null) return isDate(instant) ? epochMs(text) : null;
  const fromNow = parseDuration(text);
  return fromNow === null ? null : nowMs + fromNow;
}

/** The shortest way to write whole seconds: 3600 is `1h`, 90 is `90s`. */
export function durationText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

/** The sum of the groups 1, 2 … of `match`, each times its unit. */
function total(match: RegExpExecArray, units: readonly string[]): number {
  return units.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unitMs[unit]!, 0);
}

/** Whether the date exists: `Date` would take February 30 for March 2. */
function isDate([, year, month, day, hour, minute, second = '0']: readonly (string | undefined)[]): boolean {
  const inMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const isDay = Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= inMonth;
  return isDay && Number(hour) <= 23 && Number(minute) <= 59 && Number(second) <= 59;
}

function epochMs(instant: string): number {
  return Date.parse(
    instant
      .toUpperCase()
      .replace(',', '.')
      .replace(/([+-]\d\d)(\d\d)$/, '$1:$2'),
  );
}
