/** Reports as tables: for the terminal, and as Markdown for docs/benchmarks.md. Pure. */
import type { Comparison, Report, Row } from './report.js';
import { median } from './statistics.js';
import { table } from './table.js';

/** The title, the conditions, the table and its notes, for the terminal. */
export function reportText(report: Report): string {
  const { head, rows } = cellsOf(report);
  return [
    report.title,
    conditionsText(report),
    '',
    table(head, rows),
    ...(report.notes.length === 0 ? [] : ['', ...report.notes]),
    ...report.skipped.map(({ contender, why }) => `Left out: ${contender}. ${why}`),
  ].join('\n');
}

/** The table and the conditions. */
export function reportMarkdown(report: Report): string {
  const { head, rows } = cellsOf(report);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const alignment = head.map((_, column) => (column === 0 ? '---' : '--:'));
  const notes = report.notes.length === 0 ? [] : ['', report.notes.join(' ')];
  return [line(head), line(alignment), ...rows.map(line), ...notes, '', `${conditionsText(report)}.`].join('\n');
}

export function conditionsText({ conditions, rounds, quick }: Report): string {
  const { cpu, node, commit, startedAt } = conditions;
  const samples = rounds === 1 ? 'one round' : `medians of ${rounds} rounds`;
  const machine = `${cpu.model}, ${cpu.count} cores, Node ${node}, commit ${commit ?? 'unknown'}`;
  return `${machine}, ${startedAt.slice(0, 10)}; ${samples}${quick ? ', quick: not a measurement' : ''}`;
}

function cellsOf({ rows: all, metrics, comparison }: Report): { head: string[]; rows: string[][] } {
  const rows = all.filter(({ isDetail }) => isDetail !== true);
  const names = [...new Set(rows.flatMap(({ parameters }) => Object.keys(parameters)))];
  // A figure that no row of the table has is one of the details.
  const columns = Object.entries(metrics).filter(([name]) => rows.some(({ figures }) => figures[name] !== undefined));
  const head = [
    'contender',
    ...names.map(columnTitle),
    ...columns.flatMap(([, { title, hasSpread }]) => (hasSpread ? [title, 'range'] : [title])),
    ...(comparison === null ? [] : [comparison.title]),
  ];
  const lines = rows.map((row) => [
    row.contender,
    ...names.map((name) => cellText(row.parameters[name])),
    ...columns.flatMap(([name, { digits, hasSpread }]) => {
      const figure = row.figures[name];
      if (figure === undefined) return hasSpread ? ['–', ''] : ['–'];
      const range = `${number(figure.lowest, digits)}–${number(figure.highest, digits)}`;
      return [number(figure.median, digits), ...(hasSpread ? [range] : [])];
    }),
    ...(comparison === null ? [] : [ratioText(comparison, row, rows)]),
  ]);
  return { head, rows: lines };
}

/** The median of the ratios of each round, because a machine may be slower in the next. */
function ratioText({ contenders, by, metric }: Comparison, row: Row, rows: readonly Row[]): string {
  const others = rows.filter(({ parameters }) => by.every((name) => parameters[name] === row.parameters[name]));
  const other = contenders.flatMap((name) => others.filter(({ contender }) => contender === name))[0];
  const [own, reference] = [row.figures[metric]?.samples, other?.figures[metric]?.samples];
  if (own === undefined || reference === undefined || own.length !== reference.length) return '–';
  const ratio = median(own.map((value, round) => reference[round]! / value));
  return `${number(ratio, ratio < 10 ? 1 : 0)} x`;
}

/** `inFlight` becomes "in flight". */
const columnTitle = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const cellText = (value: string | number | undefined): string =>
  typeof value === 'number' ? number(value) : (value ?? '');

/** With a comma for each three digits. */
export const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
