/**
 * Takes the comments out of a compiled module: they are for readers of the source, and a program pays for reading them.
 */
import ts from 'typescript';

/** What bundlers read stays. */
const isForTools = (comment: string): boolean => /webpackIgnore|@vite-ignore|[@#]__PURE__/.test(comment);

/**
 * The same module, token by token. Lines that only held comments are gone, and with them the address of a source map.
 */
export function withoutComments(fileName: string, text: string): string {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const comments = new Map<number, number>();
  const collect = (node: ts.Node): void => {
    // Comments stand before a token, or behind it on its line; those of a node are those of its first or last token.
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []) comments.set(range.pos, range.end);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? []) comments.set(range.pos, range.end);
    for (const child of node.getChildren(source)) collect(child);
  };
  collect(source);
  let written = '';
  let from = text.startsWith('#!') ? text.indexOf('\n') : 0;
  if (from > 0) written = text.slice(0, from);
  for (const [pos, end] of [...comments].sort(([a], [b]) => a - b)) {
    if (pos < from || isForTools(text.slice(pos, end))) continue;
    written += text.slice(from, pos).replace(/[ \t]+$/, '');
    from = end;
    // The line of its own that the comment stood on goes with it.
    if (/(^|\n)$/.test(written)) from += /^[ \t]*\n?/.exec(text.slice(from))![0].length;
    else if (/\w$/.test(written) && /^\w/.test(text.slice(from))) written += ' ';
  }
  return `${(written + text.slice(from)).trimEnd()}\n`;
}
