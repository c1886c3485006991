/**
 * The blocks of a page of docs/guide or docs/how-to: what a reader types, the files that a reader writes, and what the
 * page shows as printed. Read by run-page.ts.
 */
import { type Snippet, snippetsOf } from '../support/snippets.js';

export type Block =
  | { readonly kind: 'commands' | 'shown'; readonly snippet: Snippet }
  /** Its first line is a comment with its name. */
  | { readonly kind: 'file'; readonly name: string; readonly snippet: Snippet };

const fileName = /^(?:\/\/|#|--|;) ([\w./@-]+\.\w+|Dockerfile)\n/;

export function blocksOf(page: string): Block[] {
  return snippetsOf(page).map((snippet): Block => {
    const { language, text, line } = snippet;
    if (language === 'sh') return { kind: 'commands', snippet };
    if (language === 'text' || language === 'json') return { kind: 'shown', snippet };
    const name = fileName.exec(text)?.[1];
    if (name === undefined)
      throw new Error(`${page}, line ${line}: a block of ${language} begins with its file's name`);
    return { kind: 'file', name, snippet };
  });
}
