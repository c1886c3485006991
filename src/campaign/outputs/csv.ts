/**
 * Rows of CSV (RFC 4180) that spreadsheets open without harm. Pure; called by files of outcomes and by commands.
 */

/**
 * Characters by which a spreadsheet recognises a formula at the start of a cell (OWASP, "CSV Injection"). Apostrophes
 * before them are part of the pattern, so that a reader that takes one apostrophe away has the text as it was.
 */
const formulaStart = /^'*[=+\-@\t\r]/;
const needsQuotes = /[",\r\n]/;

/** One cell. A text that a spreadsheet would run as a formula gets an apostrophe in front. */
export function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = formulaStart.test(value) ? `'${value}` : value;
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One row with its line end. Lines end in LF, which every reader accepts. */
export function csvRow(cells: readonly (string | number)[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}
