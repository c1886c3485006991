/**
 * The placeholders of a template: `{{field}}` and `{{field|default}}` within a text. Pure; called once for each text of
 * a template, on the main thread.
 *
 *   {{name}}              the field, as text
 *   {{name|there}}        the field, or "there" where the recipient has none
 *   {{badge:number|0}}    the field as a number; must be the whole value: "badge": "{{badge:number|0}}"
 *   {{order:json}}        the field as any JSON value; must be the whole value, too
 */
import { PealError } from '../../base/errors.js';
import { escapeUnprintable } from '../../base/text.js';

/** What a field becomes: part of a text, or a JSON value of its own. */
type FieldForm = 'text' | 'number' | 'json';

export interface Placeholder {
  /** The name of a column. */
  readonly field: string;
  readonly form: FieldForm;
  /** What stands for a field that is missing or empty; null: such a recipient is invalid. */
  readonly fallback: string | null;
}

/** A text cut at its placeholders: `texts` has one more than `placeholders`, and begins and ends. */
export interface TextTemplate {
  readonly texts: readonly string[];
  readonly placeholders: readonly Placeholder[];
}

const forms: readonly FieldForm[] = ['text', 'number', 'json'];

/** Whether a text has anything that looks like a placeholder. */
export function hasPlaceholder(text: string): boolean {
  return text.includes('{{');
}

/**
 * Cuts a text at its placeholders.
 *
 * @param where names the text in errors: `payload.aps.alert`
 * @throws PealError ERR_PEAL_PAYLOAD for braces that are not closed, a placeholder without a field, an unknown form, or
 *   a
 * number or JSON value amid other text
 */
export function parseTemplate(text: string, where: string): TextTemplate {
  const texts: string[] = [];
  const placeholders: Placeholder[] = [];
  let at = 0;
  for (let open = text.indexOf('{{'); open !== -1; open = text.indexOf('{{', at)) {
    const close = text.indexOf('}}', open + 2);
    if (close === -1) {
      throw templateError(
        `${where} has {{ without }}: write ${shown(text.slice(open, open + 20))}}} or take the braces out.`,
      );
    }
    texts.push(text.slice(at, open));
    placeholders.push(parsePlaceholder(text.slice(open + 2, close), where));
    at = close + 2;
  }
  texts.push(text.slice(at));
  const whole = placeholders.find(({ form }) => form !== 'text');
  if (whole !== undefined && (placeholders.length > 1 || texts.some((part) => part !== ''))) {
    throw templateError(
      `${where} has {{${shown(whole.field)}:${whole.form}}} amid other text: a ${whole.form === 'json' ? 'JSON value' : 'number'} ` +
        'must be the whole value. Leave the form out to write the field as text.',
    );
  }
  return { texts, placeholders };
}

function parsePlaceholder(inner: string, where: string): Placeholder {
  const bar = inner.indexOf('|');
  const head = (bar === -1 ? inner : inner.slice(0, bar)).trim();
  const colon = head.lastIndexOf(':');
  const field = (colon === -1 ? head : head.slice(0, colon)).trim();
  const form = colon === -1 ? 'text' : head.slice(colon + 1).trim();
  if (field === '') throw templateError(`${where} has a placeholder without a field: write {{field}}.`);
  if (field.includes('{') || field.includes('}')) {
    throw templateError(`${where} has braces within a placeholder ({{${shown(inner)}}}): write {{field}}.`);
  }
  if (!isForm(form)) {
    throw templateError(
      `${where} asks for the field ${shown(field)} as "${shown(form)}": write {{${shown(field)}}}, {{${shown(field)}:number}} or ` +
        `{{${shown(field)}:json}}.`,
    );
  }
  const fallback = bar === -1 ? null : inner.slice(bar + 1);
  return { field, form, fallback: form === 'text' ? fallback : (fallback?.trim() ?? null) };
}

function isForm(form: string): form is FieldForm {
  return (forms as readonly string[]).includes(form);
}

function shown(text: string): string {
  return escapeUnprintable(text, 40);
}

export function templateError(message: string): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
