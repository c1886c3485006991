/** Small parts of Markdown that the pages of the site are made of. Pure; called by the generators and the staging. */

/** The anchor that a heading has on GitHub, on npm and on the site. */
export function anchorOf(heading: string): string {
  const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, '');
  return words.replaceAll(' ', '-');
}

/** A text as it is, in a cell or a sentence: nothing in it is read as Markdown. */
export function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|]/g, '\\$&').replace(/\s*\n\s*/g, ' ');
}

/** A text as code, also in a cell of a table. */
export function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  const padding = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${padding}${text.replaceAll('|', '\\|')}${padding}${fence}`;
}

/** A table; the cells are Markdown already. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** A block of code. */
export function block(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}

/** A page: its heading, what it says first, and its parts, with an empty line between them. */
export function page(title: string, ...parts: readonly string[]): string {
  return `${[`# ${title}`, ...parts].join('\n\n')}\n`;
}

/**
 * Returns a text with `change` applied to what is not code: neither fenced blocks nor code within a line are touched.
 */
export function inProse(text: string, change: (prose: string) => string): string {
  const codes =
    /^[ \t]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?^[ \t]*\1`*[ \t]*$|(?<!`)(`+)(?!`)(?:(?!\n\s*\n)[\s\S])*?[^`]\2(?!`)/gm;
  let result = '';
  let at = 0;
  for (const found of text.matchAll(codes)) {
    result += change(text.slice(at, found.index)) + found[0];
    at = found.index + found[0].length;
  }
  return result + change(text.slice(at));
}
