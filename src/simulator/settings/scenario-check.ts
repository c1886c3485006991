/**
 * Checks a scenario that was read from a file or made in a program. Errors name every fault by its path, with the
 * allowed values. Called once, when a simulator is started or a file is read. Any thread.
 */
import { readFileSync } from 'node:fs';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { maxScenarioFaults, maxScenarioFileBytes } from '../../base/limits.js';
import { checkOption, checkOptions, choice, optionError, test, unchecked } from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { theOption, type Words } from '../../base/wording.js';
import type { FaultAction, Scenario } from './scenario.js';
import {
  actionRules,
  answerReasons,
  endFields,
  faultActions,
  faultFields,
  type ScenarioService,
  scenarioFields,
  triggerEvents,
  triggerFields,
} from './scenario-fields.js';

type Plain = Readonly<Record<string, unknown>>;

/** Statuses whose answers have no content (RFC 9110 §15). */
const bodiless: readonly unknown[] = [204, 205, 304];

const anObject = test('an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const faultList = test(`a list of at most ${maxScenarioFaults} faults`, (value) =>
  Array.isArray(value) && value.length <= maxScenarioFaults);
/** A file has no options: its contents are named by their path. */
const withinFile: Words = {
  option: (path) => path.replace(/^scenario\.?/, '') || 'the scenario',
  either: (library) => library,
};

/**
 * Returns the scenario unchanged if it is valid.
 * @param name Of the option that holds it.
 * @param service Whose reasons its answers have.
 * @throws PealError `ERR_PEAL_OPTION` that names the path of the field, what is wrong and what is allowed
 */
export function checkScenario(value: unknown, name = 'scenario', service: ScenarioService = 'apns'): Scenario {
  const rules = { ...scenarioFields, until: unchecked, faults: faultList };
  checkOptions({ name: 'A scenario', path: name }, value, rules);
  const { until, faults } = value as Plain & { faults?: readonly unknown[] };
  if (until !== undefined) {
    checkOptions({ name: 'The end of a scenario', path: `${name}.until` }, until, endFields);
    if (Object.keys(until as Plain).length === 0) {
      throw optionError(`${theOption(`${name}.until`)} is empty: name "requests", "ms" or both.`);
    }
  }
  if (faults === undefined) throw optionError(`${theOption(`${name}.faults`)} is missing: list the faults there.`);
  faults.forEach((fault, index) => {
    checkFault(`${name}.faults[${index}]`, fault, service);
  });
  return value as Scenario;
}

/**
 * Reads a scenario from a file of JSON.
 * @throws PealError `ERR_PEAL_OPTION` for a file that cannot be read, is not JSON, or holds no valid scenario
 */
export function readScenario(path: string, service: ScenarioService = 'apns'): Scenario {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PealError('ERR_PEAL_OPTION', `The scenario ${path} ${readProblem(cause)}.`, { origin: 'usage', cause });
  }
  if (text.length > maxScenarioFileBytes) {
    throw optionError(`The scenario ${path} is larger than ${maxScenarioFileBytes} bytes.`);
  }
  try {
    // Some editors begin the file with a byte order mark, which is not JSON.
    return checkScenario(JSON.parse(text.replace(/^\uFEFF/, '')), 'scenario', service);
  } catch (cause) {
    if (cause instanceof PealError) {
      throw new PealError(cause.code, `${path}: ${cause.inWords(withinFile)}`, { origin: 'usage', cause });
    }
    const why = escapeUnprintable((cause as Error).message, 160);
    throw new PealError('ERR_PEAL_OPTION', `The scenario ${path} is not JSON: ${why}.`, { origin: 'usage' });
  }
}

function checkFault(path: string, value: unknown, service: ScenarioService): void {
  checkOption(path, value, anObject);
  const fault = value as Plain;
  checkOption(`${path}.do`, fault.do, choice(...faultActions));
  const action = fault.do as FaultAction;
  const { fields: ofAction, required, oneOf } = actionRules[action];
  const fields = action === 'answer' ? { ...ofAction, reason: answerReasons[service] } : ofAction;
  checkOptions({ name: 'A fault', path }, fault, { do: unchecked, when: unchecked, ...faultFields, ...fields });
  const missing = required.find((field) => fault[field] === undefined);
  if (missing !== undefined) throw optionError(`${theOption(`${path}.${missing}`)} is missing: "${action}" needs it.`);
  if (oneOf?.every((field) => fault[field] === undefined)) {
    throw optionError(`${theOption(path)} says too little: "${action}" needs one of ${oneOf.join(', ')}.`);
  }
  if (fault.reason !== undefined && fault.debug !== undefined) {
    throw optionError(
      `${theOption(`${path}.debug`)} does not go with reason, because a GOAWAY has one text: ` +
        'leave one of them out.',
    );
  }
  if (fault.reason !== undefined && fault.status !== undefined) {
    throw optionError(
      `${theOption(`${path}.status`)} does not go with reason, which has a status of its own: ` +
        'leave one of them out.',
    );
  }
  if (bodiless.includes(fault.status) && Number(fault.bodyBytes ?? 0) > 0) {
    throw optionError(
      `${theOption(`${path}.bodyBytes`)} must be 0: an answer with status ${fault.status} has no body.`,
    );
  }
  if (action === 'rst' && fault.code === 'REFUSED_STREAM' && Number(fault.processed ?? 0) > 0) {
    throw optionError(
      `${theOption(`${path}.processed`)} must be 0: REFUSED_STREAM says that a request was not processed.`,
    );
  }
  if (fault.when !== undefined) checkTrigger(`${path}.when`, fault.when);
}

function checkTrigger(path: string, value: unknown): void {
  checkOptions({ name: 'A trigger', path }, value, triggerFields);
  const events = Object.keys(value as Plain).filter((field) => Object.hasOwn(triggerEvents, field));
  if (events.length > 1) {
    throw optionError(
      `${theOption(path)} names ${events.join(' and ')}: name one of them at most, and make a fault for each.`,
    );
  }
}
