/**
 * A line of a terminal as spans of one style each: the text that `tmux capture-pane -e` prints, in which SGR sequences
 * (ECMA-48 §8.3.117) say how what follows looks. Used by the picture of README.md.
 */

export interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  /** One of the eight colours of a terminal, 0 (black) to 7 (white); null: the colour of text. */
  readonly colour: number | null;
}

export interface Span {
  /** The column of its first character, from 0. */
  readonly column: number;
  readonly text: string;
  readonly style: Style;
}

export interface Line {
  readonly text: string;
  readonly spans: readonly Span[];
}

const plain: Style = { bold: false, dim: false, colour: null };

/** Returns the style after one SGR parameter. Throws for what a picture could not show. */
function styleAfter(style: Style, code: number): Style {
  if (code === 0) return plain;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code >= 30 && code <= 37) return { ...style, colour: code - 30 };
  if (code === 39) return { ...style, colour: null };
  // The background is never set.
  if (code === 49) return style;
  throw new Error(`The terminal shows something with SGR ${code}, which pictures do not have yet.`);
}

/** Returns the lines of a text. A style lasts over the ends of lines, as tmux prints it. */
export function linesOf(text: string): Line[] {
  let style = plain;
  return text.split('\n').map((line) => {
    const spans: Span[] = [];
    let column = 0;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins each sequence
    for (const [, codes, run] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
      if (run === undefined) {
        for (const code of codes!.split(';')) style = styleAfter(style, Number(code));
        continue;
      }
      spans.push({ column, text: run, style });
      column += [...run].length;
    }
    return { text: spans.map((span) => span.text).join(''), spans };
  });
}
