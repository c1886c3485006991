/**
 * The allowed values of each option of a simulator, and the checks that need two options. Tables and pure functions,
 * called by simulator-settings when a simulator is started, and for a simulator on a thread of its own
 * (simulator-thread) also on the calling thread.
 */
import { KeyObject } from 'node:crypto';
import { reasons } from '../../apns/reason.js';
import { maxSimulatorStreams } from '../../base/limits.js';
import {
  anyOf,
  callback,
  checkOptions,
  choice,
  decimal,
  filledText,
  flag,
  type Hints,
  list,
  type OptionRule,
  type OptionRules,
  objectOf,
  optionError,
  test,
  unchecked,
  whole,
} from '../../base/options.js';
import { option, theOption } from '../../base/wording.js';
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from '../../codec/http2/frames.js';
import type { SimulatorOptions } from './options.js';

const maxDelayMs = 600_000;
const maxNameCharacters = 255;

const port = whole(0, 65_535);
const orNull = (rule: OptionRule): OptionRule => anyOf(rule, choice(null));
/** A list that may be empty. */
const listOf = (of: OptionRule): OptionRule => ({ kind: 'list', of, isFilled: false });
/** No limit of length, and no rule that would quote the value, which may be a key. */
const pem = test('PEM as text', (value) => typeof value === 'string' && value.trim() !== '');
const publicKey = test('PEM as text or a KeyObject', (value) =>
  value instanceof KeyObject || (typeof value === 'string' && value.trim() !== ''));
const environment = choice('production', 'sandbox');
/** An object with these methods, such as an instance of a class. It may have other properties. */
const having = (what: string, ...names: readonly string[]): OptionRule =>
  test(`${what} with the methods ${names.join(', ')}`, (value) =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'));

/** Options of every simulator, on any thread. */
const plainRules: OptionRules = {
  host: filledText(maxNameCharacters),
  port,
  binaryPort: orNull(port),
  feedbackPort: orNull(port),
  channelsPort: orNull(port),
  controlPort: orNull(port),
  cert: pem,
  key: pem,
  clientCa: pem,
  auth: choice('any', 'either', 'token', 'certificate'),
  providerKeys: listOf(
    // Tests may give a whole throw-away key, which has its private half, too.
    objectOf({
      keyId: filledText(maxNameCharacters),
      teamId: filledText(maxNameCharacters),
      publicKey,
      p8: unchecked,
      topics: list(filledText(maxNameCharacters)),
      environment,
      relatedKeyId: filledText(maxNameCharacters),
    }),
  ),
  topics: listOf(filledText(maxNameCharacters)),
  broadcastTopics: listOf(filledText(maxNameCharacters)),
  environment,
  roundTripMs: decimal(0, maxDelayMs),
  maxStreams: whole(1, maxSimulatorStreams),
  initialWindowBytes: whole(1, MAX_WINDOW_BYTES),
  connectionWindowBytes: anyOf(whole(DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES), choice('large')),
  rejectFraction: decimal(0, 1),
  rejectReasons: list(choice(...reasons.map(({ reason }) => reason))),
  statusDelayMs: decimal(0, maxDelayMs),
  splitStatus: flag,
  silentStatus: flag,
  zeroFlushIdentifier: flag,
  closeAfter: orNull(whole(1, Number.MAX_SAFE_INTEGER)),
  shutdownAfter: orNull(whole(1, Number.MAX_SAFE_INTEGER)),
  // The token is checked where it is read, because no message may repeat it.
  feedback: listOf(objectOf({ token: unchecked, when: unchecked })),
  scripted: flag,
  scenario: unchecked, // scenario-check
  channelsScenario: unchecked,
  conduct: unchecked, // conduct
  fcm: unchecked, // fcm-options
  seed: whole(0, 0xffffffff),
  ledger: choice('tokens', 'counts', 'full'),
};

/** Options of a simulator on the program's own thread. */
const sameThreadRules: OptionRules = {
  onRequest: callback,
  clock: having('a clock', 'now', 'wallMs', 'setTimer', 'clearTimer', 'defer'),
  logger: having('a logger', 'trace', 'debug', 'info', 'warn', 'error'),
};

const hints: Hints = {
  reject: 'write rejectFraction and rejectReasons.',
  latencyms: 'write roundTripMs.',
  latency: 'write roundTripMs.',
  delayms: 'write roundTripMs.',
  topic: 'write topics, a list.',
  ca: 'write clientCa for the authority of client certificates.',
  faults: 'write scenario: { faults: […] }.',
};
const ownThread = 'it cannot cross threads: leave it out, or use startSimulator.';
const ownThreadHints: Hints = { ...hints, ...Object.fromEntries(Object.keys(sameThreadRules).map(toHint)) };

/** @throws PealError `ERR_PEAL_OPTION` that names the option, what it was and what is allowed */
export function checkSimulatorOptions(options: SimulatorOptions): void {
  checkOptions({ name: 'The simulator', hints }, options, { ...plainRules, ...sameThreadRules });
  const { auth, cert, channelsPort, channelsScenario, clientCa, key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    throw optionError(
      `${theOption(given)} needs ${option(missing)}: give both, or neither for a throw-away certificate.`,
    );
  }
  if (auth === 'certificate' && clientCa === undefined) {
    throw optionError(
      `${theOption('auth')} "certificate" needs ${option('clientCa')}, the authority whose client certificates ` +
        'are accepted.',
    );
  }
  if (channelsScenario !== undefined && (channelsPort ?? null) === null) {
    throw optionError(
      `${theOption('channelsScenario')} needs ${option('channelsPort')}, whose faults it describes: give a port, or 0.`,
    );
  }
  checkBinaryAuth(options);
}

/** Like `checkSimulatorOptions`, for a simulator on another thread, which checks the rest. */
export function checkThreadOptions(options: object): void {
  checkOptions({ name: 'A simulator on a thread of its own', hints: ownThreadHints }, options, plainRules);
}

/** The binary protocol has no provider tokens: clients that must authenticate need a certificate. */
function checkBinaryAuth({ auth, binaryPort, clientCa, feedbackPort }: SimulatorOptions): void {
  if ((binaryPort ?? null) === null && (feedbackPort ?? null) === null) return;
  if (auth === 'token') {
    throw optionError(
      `${theOption('auth')} "token" excludes all clients of ${option('binaryPort')} and ` +
        `${option('feedbackPort')}, which have certificates: choose "either" or "certificate", or leave the ports out.`,
    );
  }
  if (auth === 'either' && clientCa === undefined) {
    throw optionError(
      `${theOption('auth')} "either" with ${option('binaryPort')} or ${option('feedbackPort')} needs ` +
        `${option('clientCa')}, the authority of their clients.`,
    );
  }
}

function toHint(name: string): [string, string] {
  return [name.toLowerCase(), ownThread];
}
