/**
 * The rules between the options of `peal send` that say what is read, what is said to whom, and when. Combinations that
 * make no sense are refused with what to do instead. Pure; called by send-rules and by the run, before anything is
 * read, on the main thread.
 */
import { parseTime } from '../../base/duration.js';
import { optionError } from '../../base/options.js';
import { reasonsProblem } from '../../campaign/control/bounds.js';
import type { Protocol } from '../../push/address.js';
import { hasPlaceholder } from '../../session/personal/placeholders.js';
import { printable, type Terminal, usageError } from '../shared/terminal.js';
import type { SendFlags } from './send-options.js';

/** Throws PealError ERR_PEAL_OPTION in one sentence. */
export function checkCampaignFlags(options: SendFlags, protocols: readonly Protocol[], nowMs: number): void {
  checkInput(options);
  checkTemplates(options);
  checkControl(options, nowMs);
  checkReasons(options, protocols);
  checkFolder(options);
}

/**
 * Throws PealError ERR_PEAL_OPTION where a question about the canary cannot be answered: there is no terminal, or
 * standard input is the list.
 */
export function checkQuestion(options: SendFlags, { stdin, stderr }: Terminal): void {
  if (options.canary === undefined || options.yes === true || options.dryRun === true) return;
  if (options.tokens.includes('-')) {
    throw usageError('--canary asks whether to go on, and standard input is the list: give --yes to go on by itself.');
  }
  if (options.logFormat === 'json') {
    throw usageError('--canary asks whether to go on, which --log-format json leaves no place for: give --yes.');
  }
  if (stdin.isTTY === true && stderr.isTTY === true) return;
  throw usageError('--canary asks whether to go on, and there is no terminal: give --yes to go on by itself.');
}

function checkInput({ format, tokenColumn, delimiter, header, keepDuplicates, dedupeMemory }: SendFlags): void {
  const isTable = format !== 'list';
  if (tokenColumn !== undefined && !isTable) {
    throw usageError('--token-column: a plain list (--format list) has no columns. Leave one of them out.');
  }
  const isText = format === undefined || format === 'auto' || format === 'csv' || format === 'tsv';
  if (delimiter !== undefined && !isText) throw usageError(`--delimiter is for CSV, not for --format ${format}.`);
  if (header !== undefined && !isText) {
    throw usageError(`--${header ? '' : 'no-'}header is for CSV, not for --format ${format}.`);
  }
  if (keepDuplicates === true && dedupeMemory !== undefined) {
    throw usageError(
      '--dedupe-memory is for finding duplicates, which --keep-duplicates keeps. Leave one of them out.',
    );
  }
}

function checkTemplates(options: SendFlags): void {
  const { variant = [], variantColumn, literal, apnsId, badge, priority, expiration } = options;
  if (variant.length > 0 && variantColumn === undefined) {
    throw usageError('--variant needs --variant-column NAME, the column that chooses among them.');
  }
  if (variant.length === 0 && variantColumn !== undefined) {
    throw usageError('--variant-column chooses among variants: give each with --variant NAME=FILE.');
  }
  const names = variant.map((text) => nameOfVariant(text));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw usageError(`--variant: "${printable(twice)}" is given twice.`);
  if (apnsId !== undefined && (literal === true || !hasPlaceholder(apnsId))) {
    throw usageError("--apns-id names one notification each: put a column into it, such as --apns-id '{{id}}'.");
  }
  if (literal !== true) return;
  if (variant.length > 0)
    throw usageError('--literal does not go with --variant, whose payloads may hold {{columns}}.');
  for (const [flag, value, forms] of [
    ['--badge', badge, 'a whole number'],
    ['--priority', priority, '10, 5 or 1'],
    ['--expiration', expiration, 'a time'],
  ] as const) {
    if (typeof value === 'string' && hasPlaceholder(value)) {
      throw usageError(`${flag} has braces, which --literal takes as they are: it has to be ${forms}.`);
    }
  }
}

/** The name in `NAME=FILE`. Throws PealError ERR_PEAL_OPTION where there is none, or no file. */
export function nameOfVariant(text: string): string {
  const [, name = '', file = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name.trim() !== '' && file.trim() !== '') return name;
  throw usageError(`--variant is "${printable(text)}": write NAME=FILE, such as --variant de=german.json.`);
}

function checkControl(options: SendFlags, nowMs: number): void {
  const { canary, canaryShare, yes, notBefore, notAfter, localWindow, timezoneColumn, outsideWindow } = options;
  if (canary === undefined && canaryShare !== undefined) {
    throw usageError('--canary-share is a share of those that --canary N sends to first, which is missing.');
  }
  if (canary === undefined && yes === true) {
    throw usageError('--yes answers the question of --canary N, which is missing.');
  }
  const [beginMs, endMs] = [notBefore, notAfter].map((text) => (text === undefined ? null : parseTime(text, nowMs)));
  if (endMs != null && endMs <= nowMs) throw usageError('--not-after is a time that has passed: give a later one.');
  if (beginMs != null && endMs != null && endMs <= beginMs) {
    throw usageError('--not-after is not later than --not-before: nothing would be sent. Change one of them.');
  }
  if (localWindow !== undefined && timezoneColumn === undefined) {
    throw usageError('--local-window needs --timezone-column NAME, the column with the time zone of each recipient.');
  }
  if (localWindow === undefined && timezoneColumn !== undefined) {
    throw usageError('--timezone-column goes with --local-window HH:MM-HH:MM, which is missing.');
  }
  if (localWindow === undefined && outsideWindow !== undefined) {
    throw usageError('--outside-window goes with --local-window HH:MM-HH:MM, which is missing.');
  }
  if (outsideWindow === 'hold') checkHold(options);
}

function checkHold({ out, tokens }: SendFlags): void {
  if (out === undefined) {
    throw usageError('--outside-window hold keeps those who wait in a directory: give it with --out DIR.');
  }
  if (tokens.includes('-')) {
    throw usageError(
      '--outside-window hold reads the list again when their hours come, and standard input can be read once: ' +
        'give files.',
    );
  }
}

function checkReasons({ stopOn }: SendFlags, protocols: readonly Protocol[]): void {
  const problem = reasonsProblem(stopOn ?? [], protocols);
  if (problem !== null) throw optionError(problem);
}

function checkFolder({ out, accepted, force, outputFormat, dryRun }: SendFlags): void {
  if (accepted === true && out === undefined) {
    throw usageError('--accepted writes the accepted tokens to a file: give its directory with --out DIR.');
  }
  if (force === true && out === undefined) {
    throw usageError('--force removes the campaign in --out DIR, which is missing.');
  }
  if (outputFormat !== undefined && out === undefined) {
    throw usageError('--output-format is for the files of --out DIR, which is missing.');
  }
  if (dryRun === true && force === true) {
    throw usageError('--dry-run changes nothing, and --force removes the campaign in --out: leave one of them out.');
  }
}
