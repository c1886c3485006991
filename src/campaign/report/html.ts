/**
 * HTML that is safe by the way it is made: a template takes text and escapes it, and takes other HTML as it is.
 * Nothing else makes `Html`, so that text from outside (reasons, file names, fields) cannot become markup. Pure; any
 * thread.
 */
import { escapeUnprintable } from '../../base/text.js';

/** Markup. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | null | readonly Html[];

/** A template of HTML. Text in it is escaped, wherever it stands; attributes must be in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, index) => text + markupOf(parts[index - 1] ?? null) + string));
}

function markupOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return escapeHtml(String(part));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Longest text from outside that is shown, in characters. */
const maxShownCharacters = 500;

/**
 * Text from outside as it is shown: without whole device tokens, provider tokens, keys and passwords, should any
 * have come into it, and without characters that would turn or hide what stands around it.
 */
export function shown(text: string, maxCharacters = maxShownCharacters): string {
  // Joiners make one character of several, in emoji and in some scripts.
  return withoutSecrets(text.slice(0, maxCharacters * 4))
    .split(/([\u200c\u200d])/)
    .map((piece) => (piece === '\u200c' || piece === '\u200d' ? piece : escapeUnprintable(piece, maxCharacters)))
    .join('')
    .slice(0, maxCharacters);
}

const secrets: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [\s\S]*?(?:-----END [A-Z0-9 ]*-----|$)/g, '(not shown)'],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '(not shown)'],
  // Device tokens have 16 bytes at least, and 32 today.
  [/\b([0-9a-f]{8})[0-9a-f]{24,}/gi, '$1…'],
  [/:\/\/[^/@\s]+@/g, '://(not shown)@'],
];

function withoutSecrets(text: string): string {
  return secrets.reduce((safe, [pattern, stand]) => safe.replace(pattern, stand), text);
}

/** Data for a `<script type="application/json">`: no character of it can end the script or begin a comment. */
export function jsonForHtml(data: unknown): Html {
  const json = JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new Html(json);
}
