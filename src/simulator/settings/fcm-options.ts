/**
 * The options of the simulator's FCM service: types, allowed values and defaults. Read once, when a simulator is
 * started, and by programs through `peal/simulator`.
 */
import { KeyObject } from 'node:crypto';
import {
  maxFcmTokenLifeS,
  maxSimulatorStreams,
  simulatedDeviceMessagesPerMinute,
  simulatedMessagesPerMinute,
} from '../../base/limits.js';
import {
  anyOf,
  checkOptions,
  choice,
  decimal,
  filledText,
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
import { theOption } from '../../base/wording.js';
import { answerForReason } from './answers.js';
import { fcmAnswers } from './fcm-answers.js';
import type { Scenario } from './scenario.js';
import { checkScenario } from './scenario-check.js';

/** A service account whose assertions the token endpoint takes: Google's JSON of it, or its public half. */
export interface AcceptedServiceAccount {
  readonly client_email: string;
  /** PEM. Only the public half of it is used. */
  readonly private_key?: string;
  /** In place of `private_key`: PEM, or a KeyObject. */
  readonly public_key?: string | KeyObject;
  /** Assertions that name another key are refused. Default: any name. */
  readonly private_key_id?: string;
  /** `disabled` and `deleted` accounts get no access token; `denied` ones get one with which they may not send. */
  readonly state?: 'active' | 'disabled' | 'deleted' | 'denied';
  // Further fields of Google's JSON, which are not read.
  readonly type?: string;
  readonly project_id?: string;
  readonly client_id?: string;
  readonly auth_uri?: string;
  readonly token_uri?: string;
  readonly auth_provider_x509_cert_url?: string;
  readonly client_x509_cert_url?: string;
  readonly universe_domain?: string;
}

export interface SimulatorFcmOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Port of the token endpoint (HTTP/1.1 over TLS). Default 0: any free one. */
  readonly tokenPort?: number;
  /** Id of the project that is served. Default `peal-simulator`. */
  readonly project?: string;
  /**
   * `token`: requests need an access token that the simulator has issued. `any`: whatever they have, and nothing, will
   * do. Default `token`.
   */
  readonly auth?: 'token' | 'any';
  /** Service accounts besides the simulator's own (`fcm.serviceAccount`). Default none. */
  readonly serviceAccounts?: readonly AcceptedServiceAccount[];
  /** How long access tokens are valid, in seconds. Default 3,599. */
  readonly tokenLifeS?: number;
  /**
   * The project's quota; null: none. Default 600,000, as Google's. A minute begins with the first message, and at its
   * end the quota is full again.
   */
  readonly messagesPerMinute?: number | null;
  /** Messages to one registration token in a minute; null: any number. Default 240, as Google's for Android. */
  readonly deviceMessagesPerMinute?: number | null;
  /** Messages to one topic in a minute; null: any number. Default null. */
  readonly topicMessagesPerMinute?: number | null;
  /** Retry-After of answers with status 503, in seconds; null: none. Default 10. */
  readonly retryAfterS?: number | null;
  /** Share of the tokens that are rejected, 0 to 1, chosen by token and seed. Default 0. */
  readonly rejectFraction?: number;
  /** Reasons for them, chosen by token and seed as well. Default `['UNREGISTERED']`. */
  readonly rejectReasons?: readonly string[];
  /** SETTINGS_MAX_CONCURRENT_STREAMS. Default 100, as Google's. */
  readonly maxStreams?: number;
  /** Faults of this service, which the simulator's `scenario` does not hit. Default none. */
  readonly scenario?: Scenario;
}

/** SimulatorFcmOptions with every default filled in and every value checked. */
export interface FcmSettings {
  readonly port: number;
  readonly tokenPort: number;
  readonly project: string;
  readonly auth: 'token' | 'any';
  readonly serviceAccounts: readonly AcceptedServiceAccount[];
  readonly tokenLifeS: number;
  /** Infinity without a quota. */
  readonly messagesPerMinute: number;
  readonly deviceMessagesPerMinute: number;
  readonly topicMessagesPerMinute: number;
  /** Below 0: none. */
  readonly retryAfterS: number;
  readonly rejectFraction: number;
  /** Codes of answers.ts. */
  readonly rejectAnswers: readonly number[];
  readonly maxStreams: number;
  /** null without faults. */
  readonly scenario: Scenario | null;
}

const maxNameCharacters = 255;
const port = whole(0, 65_535);
const perMinute = anyOf(whole(0, Number.MAX_SAFE_INTEGER), choice(null));
/** No rule that would quote the value, which is a key. */
const pem = test('PEM as text or a KeyObject', (value) =>
  value instanceof KeyObject || (typeof value === 'string' && value.trim() !== ''));
const textOnly: OptionRule = filledText(2048);

const accountRules: OptionRules = {
  client_email: filledText(maxNameCharacters),
  private_key: pem,
  public_key: pem,
  private_key_id: filledText(maxNameCharacters),
  state: choice('active', 'disabled', 'deleted', 'denied'),
  type: textOnly,
  project_id: textOnly,
  client_id: textOnly,
  auth_uri: textOnly,
  token_uri: textOnly,
  auth_provider_x509_cert_url: textOnly,
  client_x509_cert_url: textOnly,
  universe_domain: textOnly,
};

const fcmRules: OptionRules = {
  port,
  tokenPort: port,
  project: test('a project id: letters, digits, hyphens and at most one colon', (value) =>
    typeof value === 'string' && /^(?:[a-z0-9.-]+:)?[a-z0-9-]{1,63}$/.test(value)),
  auth: choice('token', 'any'),
  serviceAccounts: { kind: 'list', of: objectOf(accountRules), isFilled: false },
  tokenLifeS: whole(1, maxFcmTokenLifeS),
  messagesPerMinute: perMinute,
  deviceMessagesPerMinute: perMinute,
  topicMessagesPerMinute: perMinute,
  retryAfterS: anyOf(whole(0, 1_000_000), choice(null)),
  rejectFraction: decimal(0, 1),
  rejectReasons: list(choice(...fcmAnswers.map(({ name }) => name))),
  maxStreams: whole(1, maxSimulatorStreams),
  scenario: unchecked, // scenario-check
};

const hints: Hints = {
  quota: 'write messagesPerMinute.',
  projectid: 'write project.',
  serviceaccount: 'write serviceAccounts, a list.',
  expiresin: 'write tokenLifeS.',
};

/** @throws PealError `ERR_PEAL_OPTION` that names the option, what it was and what is allowed */
export function resolveFcm(given: SimulatorFcmOptions | boolean | null | undefined): FcmSettings | null {
  if (given === undefined || given === null || given === false) return null;
  const options = given === true ? {} : given;
  checkOptions({ name: 'The FCM service of the simulator', path: 'fcm', hints }, options, fcmRules);
  const { serviceAccounts = [], rejectReasons = ['UNREGISTERED'], scenario } = options;
  serviceAccounts.forEach(({ client_email, private_key, public_key }, index) => {
    const path = `fcm.serviceAccounts[${index}]`;
    if (client_email === undefined) throw optionError(`${theOption(`${path}.client_email`)} is missing.`);
    if ((private_key ?? public_key) === undefined) {
      throw optionError(`${theOption(path)} has no key: give private_key as in Google's JSON, or public_key.`);
    }
  });
  return {
    port: options.port ?? 0,
    tokenPort: options.tokenPort ?? 0,
    project: options.project ?? 'peal-simulator',
    auth: options.auth ?? 'token',
    serviceAccounts,
    tokenLifeS: options.tokenLifeS ?? 3599,
    messagesPerMinute: limitOf(options.messagesPerMinute, simulatedMessagesPerMinute),
    deviceMessagesPerMinute: limitOf(options.deviceMessagesPerMinute, simulatedDeviceMessagesPerMinute),
    topicMessagesPerMinute: limitOf(options.topicMessagesPerMinute, Number.POSITIVE_INFINITY),
    retryAfterS: options.retryAfterS === null ? -1 : (options.retryAfterS ?? 10),
    rejectFraction: options.rejectFraction ?? 0,
    rejectAnswers: rejectReasons.map(answerForReason),
    maxStreams: options.maxStreams ?? 100,
    scenario: scenario === undefined ? null : checkScenario(scenario, 'fcm.scenario', 'fcm'),
  };
}

function limitOf(given: number | null | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  return given === null ? Number.POSITIVE_INFINITY : given;
}
