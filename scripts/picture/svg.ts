/**
 * A film of a terminal as an animated SVG that GitHub, npm and browsers show in an <img>: without scripts, fonts or
 * anything else from outside. Each line is a text with a time at which it is visible, set by SMIL, which browsers show
 * at less than half of the CPU time of CSS animations. Its colours follow prefers-color-scheme. With
 * prefers-reduced-motion, on paper, and where animations are not known, the last frame stands still.
 */
import type { Film, Scene } from './film.js';
import type { Span } from './styled-text.js';

export interface Surroundings {
  readonly columns: number;
  readonly rows: number;
  /** What it shows, for those who cannot see it. */
  readonly title: string;
  /** Under which conditions it was made. */
  readonly description: string;
}

const fontSize = 14;
/** Wide enough for the monospace fonts of all systems; each span is put at its column, so that a narrower one fits. */
const columnWidth = 8.43;
const lineHeight = 19;
const padding = 16;

/** The colours of a terminal, by their SGR number, on a dark and on a light ground. */
const colours: Readonly<Record<number, readonly [dark: string, light: string]>> = {
  0: ['#6e7681', '#24292f'],
  1: ['#ff7b72', '#b3261e'],
  2: ['#3fb950', '#116329'],
  3: ['#e3b341', '#7d4e00'],
  4: ['#79c0ff', '#0550ae'],
  5: ['#d2a8ff', '#6639ba'],
  6: ['#56d4dd', '#1b7c83'],
  7: ['#ffffff', '#6e7781'],
};
const ground = ['#0d1117', '#f6f8fa'] as const;
const ink = ['#e6edf3', '#1f2328'] as const;
const edge = ['#30363d', '#d0d7de'] as const;
/** Of the text's opacity: legible on both grounds, as 4.5:1 asks. */
const dimOpacity = 0.66;

export function svgOf(film: Film, { columns, rows, title, description }: Surroundings): string {
  const width = Math.ceil(columns * columnWidth + 2 * padding);
  const height = rows * lineHeight + 2 * padding;
  const size = `width="${width}" height="${height}"`;
  const cursorSize = `width="${columnWidth}" height="${lineHeight - 2}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${size} role="img"
 aria-labelledby="title desc" xml:space="preserve">
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(description)}</desc>
<style>
${styleSheet()}
</style>
<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8">
<set id="t" attributeName="visibility" to="visible" begin="0s;t.end" dur="${film.durationMs}ms"/>
</rect>
${film.lines.map((scene) => `<text${classOf(scene)}${textOf(scene)}${timingOf(scene)}</text>`).join('\n')}
${film.cursors
  .map((scene) => {
    const where = `x="${x(scene.content)}" y="${top(scene.row)}"`;
    return `<rect${classOf(scene)} ${where} ${cursorSize}>${timingOf(scene)}</rect>`;
  })
  .join('\n')}
</svg>
`;
}

/** What makes a scene visible at its time, again in each round. A scene of the last frame is hidden before its time. */
function timingOf({ fromMs, untilMs, isLast }: Scene<unknown>): string {
  const [to, begin, ms] = isLast ? ['hidden', 0, fromMs] : ['visible', fromMs, untilMs - fromMs];
  if (ms === 0) return '';
  return `<set attributeName="visibility" to="${to}" begin="t.begin+${begin}ms" dur="${ms}ms"/>`;
}

const classOf = ({ isLast }: Scene<unknown>): string => (isLast ? ' class="l"' : '');

function styleSheet(): string {
  const theme = (which: 0 | 1): string =>
    [
      `text,rect{fill:${ink[which]}}`,
      `.ground{fill:${ground[which]};stroke:${edge[which]}}`,
      ...Object.entries(colours).map(([code, both]) => `.c${code}{fill:${both[which]}}`),
    ].join('');
  return [
    `text{font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre}`,
    'text,rect{visibility:hidden}.l,.ground{visibility:visible}',
    `.b{font-weight:bold}.d{opacity:${dimOpacity}}`,
    theme(0),
    `@media (prefers-color-scheme:light){${theme(1)}}`,
    `@media print{${theme(1)}}`,
    '@media print,(prefers-reduced-motion:reduce){',
    'text,rect{visibility:hidden!important}.l,.ground{visibility:visible!important}}',
  ].join('\n');
}

const x = (column: number): number => Number((padding + column * columnWidth).toFixed(1));
const top = (row: number): number => padding + row * lineHeight;

/** The rest of a <text> element: where it stands, and its spans, each at its own column. */
function textOf({ row, content }: Scene<readonly Span[]>): string {
  const [first, ...others] = content.flatMap(withoutBlanks);
  const y = top(row) + fontSize;
  if (first === undefined) return ` y="${y}">`;
  const isPlain = classesOf(first) === '';
  const head = ` x="${x(first.column)}" y="${y}">`;
  return head + (isPlain ? escaped(first.text) : tspan(first)) + others.map(tspan).join('');
}

function tspan(span: Span): string {
  const classes = classesOf(span);
  return `<tspan x="${x(span.column)}"${classes === '' ? '' : ` class="${classes}"`}>${escaped(span.text)}</tspan>`;
}

function classesOf({ style: { bold, dim, colour } }: Span): string {
  return [bold ? 'b' : '', dim ? 'd' : '', colour === null ? '' : `c${colour}`].filter((name) => name !== '').join(' ');
}

/** Blanks at the beginning of a span become part of its column; a span of blanks only is not drawn. */
function withoutBlanks(span: Span): Span[] {
  const text = span.text.trimStart();
  if (text === '') return [];
  return [{ ...span, column: span.column + span.text.length - text.length, text }];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
