/** What the parts of a report have in common: sections, and tables that fit a phone as well as paper. Pure. */
import { type Html, html } from './html.js';

/** A part of the page that can be gone to. */
export interface Section {
  readonly id: string;
  readonly heading: string;
  readonly content: Html;
}

interface TableRow {
  readonly name: string | Html;
  /** Numbers. */
  readonly cells: readonly (string | number | null)[];
  /** Sentences below the row, over its whole width. */
  readonly notes?: readonly (string | Html)[];
  /** A row that does not count. */
  readonly isAside?: boolean;
}

interface Table {
  readonly caption: string;
  /** The heading says it already: the caption is for screen readers. */
  readonly isCaptionHidden?: boolean;
  /** Headings, that of the names first. */
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
}

/** A table of names and numbers. What is said of a row stands in a row of its own below it. */
export function tableOf({ caption, isCaptionHidden = false, columns, rows }: Table): Html {
  const [first, ...numbers] = columns;
  const heads = numbers.map((name) => html`<th scope="col" class="number">${name}</th>`);
  return html`<table><caption${isCaptionHidden ? html` class="hidden"` : null}>${caption}</caption>
<thead><tr><th scope="col">${first ?? null}</th>${heads}</tr></thead>
${rows.map((row) => groupOf(row, columns.length))}</table>`;
}

function groupOf({ name, cells, notes = [], isAside = false }: TableRow, width: number): Html {
  const numbers = cells.map((cell) => html`<td class="number">${cell}</td>`);
  const aside = isAside ? html` class="aside"` : null;
  if (notes.length === 0) return html`<tbody${aside}><tr><th scope="row">${name}</th>${numbers}</tr></tbody>\n`;
  const said = notes.map((note) => html`<p>${note}</p>`);
  return html`<tbody${aside}><tr><th scope="rowgroup">${name}</th>${numbers}</tr>
<tr class="notes"><td colspan="${width}">${said}</td></tr></tbody>\n`;
}
