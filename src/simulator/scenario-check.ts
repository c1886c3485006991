/**
 * Checks what claims to be a scenario, whether it was read from a file or made in a program: every fault of it by its
 * path, with what is allowed there. Called once, when a simulator is started or a file is read. Main thread or any.
 */
import { readFileSync } from 'node:fs';
import { reasons } from '../apns/reason.js';
import { PealError } from '../base/errors.js';
import { readProblem } from '../base/file-errors.js';
import { maxScenarioFaults, maxScenarioFileBytes } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import type { FaultAction, Scenario } from './scenario.js';
import {
  actionRules,
  endFields,
  type FieldRule,
  type FieldRules,
  faultActions,
  faultFields,
  scenarioFields,
  triggerEvents,
  triggerFields,
} from './scenario-fields.js';

type Plain = Readonly<Record<string, unknown>>;

/**
 * The scenario, unchanged, if it is one.
 * @throws PealError `ERR_PEAL_OPTION` that names the path of the field, what is wrong and what is allowed
 */
export function checkScenario(value: unknown): Scenario {
  const scenario = plain('scenario', value);
  checkFields('scenario', scenario, scenarioFields, ['until', 'faults']);
  if (scenario.until !== undefined) {
    const until = plain('scenario.until', scenario.until);
    checkFields('scenario.until', until, endFields);
    if (Object.keys(until).length === 0) throw wrong('scenario.until', 'is empty: name "requests", "ms" or both');
  }
  const { faults } = scenario;
  if (!Array.isArray(faults)) throw wrong('scenario.faults', `has to be a list of faults, not ${shown(faults)}`);
  if (faults.length > maxScenarioFaults) {
    throw wrong('scenario.faults', `holds ${faults.length} faults; there may be ${maxScenarioFaults}`);
  }
  faults.forEach((fault, index) => {
    checkFault(`scenario.faults[${index}]`, fault);
  });
  return value as Scenario;
}

/**
 * Reads a scenario from a file of JSON.
 * @throws PealError `ERR_PEAL_OPTION` for a file that cannot be read, is no JSON, or holds no scenario
 */
export function readScenario(path: string): Scenario {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PealError('ERR_PEAL_OPTION', `The scenario ${path} ${readProblem(cause)}.`, { origin: 'usage', cause });
  }
  if (text.length > maxScenarioFileBytes) {
    throw wrong(`The scenario ${path}`, `is larger than ${maxScenarioFileBytes} bytes`);
  }
  try {
    // Some editors put a byte order mark before it, which is no JSON.
    return checkScenario(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch (cause) {
    if (cause instanceof PealError) {
      throw new PealError(cause.code, `${path}: ${cause.message}`, { origin: 'usage', cause });
    }
    const why = escapeUnprintable((cause as Error).message, 160);
    throw new PealError('ERR_PEAL_OPTION', `The scenario ${path} is no JSON: ${why}`, { origin: 'usage' });
  }
}

function checkFault(path: string, value: unknown): void {
  const fault = plain(path, value);
  const action = fault.do;
  if (typeof action !== 'string' || !Object.hasOwn(actionRules, action)) {
    throw wrong(`${path}.do`, `is ${shown(action)}: it has to be one of ${faultActions.join(', ')}`);
  }
  const { fields, required, oneOf } = actionRules[action as FaultAction];
  checkFields(path, fault, { ...faultFields, ...fields }, ['do', 'when']);
  const missing = required.find((field) => fault[field] === undefined);
  if (missing !== undefined) throw wrong(`${path}.${missing}`, `is missing: "${action}" needs it`);
  if (oneOf?.every((field) => fault[field] === undefined)) {
    throw wrong(path, `says too little: "${action}" needs one of ${oneOf.join(', ')}`);
  }
  if (fault.reason !== undefined && fault.debug !== undefined) {
    throw wrong(`${path}.debug`, 'does not go with reason: a GOAWAY has one text');
  }
  if (action === 'rst' && fault.code === 'REFUSED_STREAM' && Number(fault.processed ?? 0) > 0) {
    throw wrong(`${path}.processed`, 'has to be 0: REFUSED_STREAM says that a request was not processed');
  }
  if (fault.when !== undefined) checkTrigger(`${path}.when`, fault.when);
}

function checkTrigger(path: string, value: unknown): void {
  const trigger = plain(path, value);
  checkFields(path, trigger, triggerFields);
  const events = Object.keys(trigger).filter((field) => Object.hasOwn(triggerEvents, field));
  if (events.length > 1) throw wrong(path, `names ${events.join(' and ')}: one of them at most, and a fault for each`);
}

function checkFields(path: string, value: Plain, rules: FieldRules, others: readonly string[] = []): void {
  for (const [field, item] of Object.entries(value)) {
    if (item === undefined || others.includes(field)) continue;
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    if (rule === undefined) {
      throw wrong(
        `${path}.${escapeUnprintable(field, 60)}`,
        `is unknown; there are ${[...others, ...Object.keys(rules)].join(', ')}`,
      );
    }
    const allowed = fault(rule, item);
    if (allowed !== null) throw wrong(`${path}.${field}`, `is ${shown(item)}: it has to be ${allowed}`);
  }
}

/** What is allowed, where the value is not; null where it is. */
function fault(rule: FieldRule, value: unknown): string | null {
  switch (rule.kind) {
    case 'number':
      if (isWithin(rule.lowest, rule.highest, value) && (!rule.isWhole || Number.isInteger(value))) return null;
      return `a ${rule.isWhole ? 'whole ' : ''}number from ${rule.lowest} to ${rule.highest}`;
    case 'numbers': {
      const items: readonly unknown[] = Array.isArray(value) ? value : [value];
      const isRight = (item: unknown): boolean => isWithin(rule.lowest, rule.highest, item) && Number.isInteger(item);
      if (items.length > 0 && items.every(isRight)) return null;
      return `a whole number from ${rule.lowest} to ${rule.highest}, or a list of such`;
    }
    case 'choice':
      return rule.among.includes(value as string) ? null : `one of ${rule.among.join(', ')}`;
    case 'text':
      if (typeof value === 'string' && value.length <= rule.maxCharacters) return null;
      return `a text of at most ${rule.maxCharacters} characters`;
    case 'reason':
      if (reasons.some((row) => row.reason === value)) return null;
      return `a reason of APNs: ${reasons.map((row) => row.reason).join(', ')}`;
    case 'switch':
      return typeof value === 'boolean' ? null : 'true or false';
  }
}

function isWithin(lowest: number, highest: number, value: unknown): boolean {
  return typeof value === 'number' && value >= lowest && value <= highest;
}

function plain(path: string, value: unknown): Plain {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Plain;
  throw wrong(path, `has to be an object, not ${shown(value)}`);
}

/** Short, and without what stands in it. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `"${escapeUnprintable(value, 60)}"`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function wrong(path: string, what: string): PealError {
  return new PealError('ERR_PEAL_OPTION', `${path} ${what}`, { origin: 'usage' });
}
