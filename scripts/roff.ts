/** The language of man pages, as `man` and `mandoc` both read it. Used by man-pages; pure. */

/** A text that is shown as it is: no character of it is a request, an escape or another character. */
export function roff(text: string): string {
  return [...text]
    .map(
      (one) =>
        special[one] ?? (one > '~' ? `\\[u${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]` : one),
    )
    .join('')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

/** What is shown as another character, or begins something. */
const special: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '"': '\\(dq',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** A paragraph, in lines that an editor shows whole. */
export function paragraph(text: string): string {
  const filled: string[] = [];
  let line = '';
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && roff(`${line} ${word}`).length > 78) {
      filled.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...filled, line].map(roff).join('\n');
}

export const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
export const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

/** Lines as they are, moved to the right. */
export function lines(text: string): string {
  return ['.RS 4', '.nf', roff(text), '.fi', '.RE'].join('\n');
}

/** A term, and below it what it means. */
export const tagged = (term: string, meaning: string): string => `.TP\n${term}\n${meaning}`;

export const section = (title: string, ...body: readonly string[]): string =>
  body.length === 0 ? '' : [`.SH ${title}`, ...body].join('\n');

export const subsection = (title: string, ...body: readonly string[]): string =>
  [`.SS ${roff(title)}`, ...body].join('\n');
