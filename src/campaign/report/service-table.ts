/**
 * The two services of a campaign side by side, in the words that the report, `peal send` and `peal status` share: a row
 * for each count, a column for each service, and one for invalid rows that name neither. The columns of a row add up to
 * the count of the campaign. Pure; main thread.
 */
import { counted, integer } from '../../base/text.js';
import { latencyWords, rateWords } from './figure-words.js';
import type { CampaignSummary, ServiceSummary } from './summary.js';

interface ServiceRow {
  readonly name: string;
  /** By column; '' where there is nothing to say. */
  readonly cells: readonly string[];
  /** Whether it is a part of the row above it. */
  readonly isReason: boolean;
}

interface ServiceTable {
  readonly columns: readonly string[];
  readonly rows: readonly ServiceRow[];
}

const names: Readonly<Record<ServiceSummary['service'], string>> = { apns: 'APNs', fcm: 'FCM' };

/** Null for a campaign of one service. Reasons beyond `maxReasons` are summed up in one row. */
export function serviceTable({ services, invalid }: CampaignSummary, maxReasons: number): ServiceTable | null {
  if (services.length === 0) return null;
  const ofNeither = invalid - services.reduce((sum, service) => sum + service.invalid, 0);
  const row = (name: string, cellOf: (service: ServiceSummary) => string, neither = ''): ServiceRow => ({
    name,
    cells: [...services.map(cellOf), ...(ofNeither > 0 ? [neither] : [])],
    isReason: false,
  });
  const underWay = services.map(underWayOf);
  const rows = [
    row('recipients', ({ recipients }) => integer(recipients), integer(ofNeither)),
    row('accepted', ({ accepted }) => integer(accepted)),
    row('rejected', ({ rejected }) => integer(rejected)),
    ...reasonRows(services, maxReasons, (name, cellOf) => ({ ...row(name, cellOf), isReason: true })),
    row('unsent', ({ unsent }) => integer(unsent)),
    row('unknown', ({ unknown }) => integer(unknown)),
    row('invalid', (service) => integer(service.invalid), integer(ofNeither)),
    ...(underWay.some((count) => count > 0)
      ? [row('under way', (service) => integer(underWay[services.indexOf(service)]!))]
      : []),
    row('answers', ({ perSecond }) => rateWords(perSecond)),
    row('half within', ({ latency }) => (latency === null ? '' : latencyWords(latency.p50))),
    row('99 % within', ({ latency }) => (latency === null ? '' : latencyWords(latency.p99))),
    row('all within', ({ latency }) => (latency === null ? '' : latencyWords(latency.max))),
  ];
  return {
    columns: [...services.map(({ service }) => names[service]), ...(ofNeither > 0 ? ['neither'] : [])],
    rows: rows.filter(({ cells }) => cells.some((cell) => cell !== '')),
  };
}

function underWayOf({ recipients, accepted, rejected, unsent, unknown, invalid }: ServiceSummary): number {
  return recipients - accepted - rejected - unsent - unknown - invalid;
}

type CellOf = (service: ServiceSummary) => string;

/** The reasons of both, the most frequent first. */
function reasonRows(
  services: readonly ServiceSummary[],
  maxReasons: number,
  row: (name: string, cellOf: CellOf) => ServiceRow,
): readonly ServiceRow[] {
  const counts = new Map<string, number>();
  const byService = services.map(({ reasons }) => new Map(reasons.map((each) => [nameOf(each), each.count])));
  for (const ofService of byService) {
    for (const [name, count] of ofService) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
  const cellOf =
    (listed: readonly string[]): CellOf =>
    (service) => {
      const ofService = byService[services.indexOf(service)]!;
      const sum = listed.reduce((total, name) => total + (ofService.get(name) ?? 0), 0);
      return sum === 0 ? '' : integer(sum);
    };
  const others = sorted.slice(maxReasons);
  return [
    ...sorted.slice(0, maxReasons).map((name) => row(name, cellOf([name]))),
    ...(others.length === 0 ? [] : [row(counted(others.length, 'other reason'), cellOf(others))]),
  ];
}

function nameOf({ reason, status }: ServiceSummary['reasons'][number]): string {
  return reason === '' ? `HTTP ${status ?? 'unknown'}` : reason;
}

/**
 * The same as lines of text, each indented by two characters.
 *
 * @param show makes a text from outside fit for the terminal
 */
export function serviceLines(summary: CampaignSummary, maxReasons: number, show: (text: string) => string): string[] {
  const table = serviceTable(summary, maxReasons);
  if (table === null) return [];
  const lines = [
    { name: 'by service', cells: table.columns },
    ...table.rows.map(({ name, cells, isReason }) => ({ name: isReason ? `    ${show(name)}` : name, cells })),
  ];
  const nameWidth = Math.max(...lines.map(({ name }) => name.length));
  const widths = table.columns.map((_, column) => Math.max(...lines.map(({ cells }) => cells[column]!.length)));
  return lines.map(({ name, cells }) => {
    const padded = cells.map((cell, column) => cell.padStart(widths[column]! + 3));
    return `  ${name.padEnd(nameWidth)}${padded.join('')}`.trimEnd();
  });
}
