/**
 * How the steps are printed: for people a line each, with what to do below it; for programs a JSON line each. Owned by
 * the command; main thread.
 *
 *   ok       open files    1,048,576 files may be open
 *   failed   key           The file key.p8 (--key) is a key of the kind EC secp384r1, but …
 *                          → Give the .p8 file from Apple.
 */
import { createColors } from 'picocolors';
import { counted } from '../../base/text.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { hasColour, printable, type Terminal, widestText, wrapped, writeJsonLine } from '../shared/terminal.js';
import type { PushService, Step, StepName, StepState } from './step.js';

const labels: Readonly<Record<StepName, string>> = {
  node: 'Node.js',
  files: 'open files',
  settings: 'settings',
  key: 'key',
  certificate: 'certificate',
  'provider-token': 'token file',
  'service-account': 'account',
  topic: 'topic',
  trust: 'trust',
  clock: 'clock',
  name: 'host name',
  connection: 'TCP',
  proxy: 'proxy',
  tls: 'TLS',
  alpn: 'ALPN',
  http2: 'HTTP/2',
  'access-token': 'access token',
  push: 'test push',
};

const serviceNames: Readonly<Record<PushService, string>> = { apns: 'APNs', fcm: 'FCM' };

const stateWidth = 'skipped'.length + 2;
const labelWidth = Math.max(...Object.values(labels).map(({ length }) => length)) + 2;
/** Of the column between, in a run about both services. */
const serviceWidth = 'APNs'.length + 2;
/** Before what to do. */
const arrow = '→ ';
/** A terminal of fewer columns is written as if it had so many. */
const leastText = 30;

interface StepPrinter {
  step(step: Step): void;
  /** The last line. */
  end(steps: readonly Step[], exitCode: ExitCode): void;
}

interface PrintedForm {
  readonly isJson: boolean;
  /** Whether steps of both services follow, so that each has to say which one it is about. */
  readonly isAboutBoth: boolean;
}

export function stepPrinter(terminal: Terminal, { isJson, isAboutBoth }: PrintedForm): StepPrinter {
  return isJson ? jsonPrinter(terminal) : textPrinter(terminal, isAboutBoth);
}

function jsonPrinter({ stdout }: Terminal): StepPrinter {
  return {
    step: ({ step, service, state, found, advice, details }) =>
      writeJsonLine(stdout, { messageType: 'step', step, service, state, found, advice, details }),
    end: (steps, exitCode) => {
      const count = (state: StepState): number => steps.filter((step) => step.state === state).length;
      const counts = { ok: count('ok'), warning: count('warning'), failed: count('failed'), skipped: count('skipped') };
      writeJsonLine(stdout, { messageType: 'summary', ...counts, exitCode });
    },
  };
}

function textPrinter(terminal: Terminal, isAboutBoth: boolean): StepPrinter {
  const indent = stateWidth + (isAboutBoth ? serviceWidth : 0) + labelWidth;
  const { stdout } = terminal;
  const { green, yellow, red, dim, bold } = createColors(hasColour(terminal, stdout));
  const paints: Readonly<Record<StepState, (text: string) => string>> = {
    ok: green,
    warning: yellow,
    failed: red,
    skipped: dim,
  };
  const columns = stdout.isTTY === true && stdout.columns !== undefined && stdout.columns > 0 ? stdout.columns : null;
  const width = columns === null ? null : Math.max(leastText, Math.min(columns, widestText) - 1 - indent);
  const linesOf = (text: string, taken = 0): string[] =>
    width === null ? [printable(text)] : wrapped(printable(text), width - taken);
  return {
    step({ step, service, state, found, advice }) {
      const [first = '', ...more] = linesOf(found);
      const whose = isAboutBoth ? (service === null ? '' : serviceNames[service]).padEnd(serviceWidth) : '';
      const head = `${paints[state](state.padEnd(stateWidth))}${whose}${labels[step].padEnd(labelWidth)}`;
      const todo = advice === null ? [] : linesOf(advice, arrow.length);
      const rest = [...more, ...todo.map((line, at) => `${at === 0 ? arrow : ' '.repeat(arrow.length)}${bold(line)}`)];
      const shown = state === 'skipped' ? dim : (text: string): string => text;
      const lines = [`${head}${shown(first)}`, ...rest.map((line) => `${' '.repeat(indent)}${shown(line)}`)];
      stdout.write(lines.map((line) => `${line}\n`).join(''));
    },
    end(steps, exitCode) {
      const text = conclusion(steps, isAboutBoth);
      const paint =
        exitCode !== exitCodes.accepted ? red : steps.some(({ state }) => state === 'warning') ? yellow : green;
      const lines = columns === null ? [text] : wrapped(text, Math.min(columns, widestText) - 1);
      stdout.write(`\n${lines.map((line) => `${paint(line)}\n`).join('')}`);
    },
  };
}

function conclusion(steps: readonly Step[], isAboutBoth: boolean): string {
  const of = (state: StepState): readonly Step[] => steps.filter((step) => step.state === state);
  const [faults, warnings, skips] = [of('failed'), of('warning'), of('skipped')];
  const left =
    skips.length === 0 ? '' : ` ${counted(skips.length, 'step')} ${skips.length === 1 ? 'was' : 'were'} skipped.`;
  if (faults.length > 0) {
    const also = warnings.length === 0 ? '' : `, and ${counted(warnings.length, 'warning')}`;
    const { step, service } = faults[0]!;
    const whose = isAboutBoth && service !== null ? ` (${serviceNames[service]})` : '';
    return `${counted(faults.length, 'step')} failed${also}. Begin with the first: ${labels[step]}${whose}.${left}`;
  }
  const asked = steps.filter(({ step, state }) => step === 'push' && state !== 'skipped').map(({ service }) => service);
  const missing = (['apns', 'fcm'] as const).find((service) => isAboutBoth && !asked.includes(service));
  const which = asked.length === 0 || missing === undefined ? 'No gateway' : `The gateway of ${serviceNames[missing]}`;
  const was = which === 'No gateway' ? 'was' : 'was not';
  const isWhole = asked.length > 0 && missing === undefined;
  const unasked = isWhole ? '' : ` ${which} ${was} asked whether it accepts a push.`;
  if (warnings.length > 0) return `Nothing failed. ${counted(warnings.length, 'warning')}.${unasked}${left}`;
  return `Everything that was looked at is in order.${unasked}${left}`;
}
