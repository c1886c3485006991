/**
 * The fields of each action of a scenario, and their allowed values. Tables only. scenario-check reads them, and a test
 * compares docs/simulator.md and the types of scenario.ts with them.
 */
import { maxScenarioBodyBytes, maxSimulatorStreams } from '../../base/limits.js';
import {
  anyOf,
  choice,
  decimal,
  flag,
  list,
  type OptionRule,
  type OptionRules,
  text,
  whole,
} from '../../base/options.js';
import { errorCodeName, HTTP_1_1_REQUIRED, MAX_WINDOW_BYTES } from '../../codec/http2/frames.js';
import { knownReasons } from './answers.js';
import { fcmAnswers } from './fcm-answers.js';
import type { FaultAction } from './scenario.js';

/** Longest time that a scenario can name, in milliseconds: a week. */
const maxMs = 7 * 24 * 3_600_000;
const maxCount = Number.MAX_SAFE_INTEGER;

interface ActionRules {
  /** Fields beside `do`, `when` and `times`. */
  readonly fields: OptionRules;
  readonly required: readonly string[];
  /** At least one of these is required. */
  readonly oneOf?: readonly string[];
}

/** One value, or a list with at least one. */
const oneOrMore = (rule: OptionRule): OptionRule => anyOf(rule, list(rule));

/** Names of RFC 9113 §7, by code. */
export const errorCodeNames: readonly string[] = Array.from({ length: HTTP_1_1_REQUIRED + 1 }, (_, code) =>
  errorCodeName(code),
);

/** Whose answers a scenario gives. */
export type ScenarioService = 'apns' | 'fcm';

/** The reasons of the action `answer`. */
export const answerReasons: Readonly<Record<ScenarioService, OptionRule>> = {
  apns: choice(...knownReasons.map((row) => row.reason)),
  fcm: choice(...fcmAnswers.map((answer) => answer.name)),
};

const ms = decimal(0, maxMs);
const count = whole(1, maxCount);
const share = decimal(0, 1);
const errorCode = choice(...errorCodeNames);

/** The scope of faults that act on connections. */
const on = { on: choice('connection', 'all') };
const lasting = { ...on, forRequests: count, forMs: ms, share };
const processed = { processed: share };

/** The events of a trigger. At most one is given. */
export const triggerEvents: OptionRules = {
  requests: count,
  everyRequests: count,
  connectionRequests: count,
  everyConnectionRequests: count,
  ms,
  everyMs: decimal(1, maxMs),
  connectionMs: ms,
};

/** All fields of a trigger. */
export const triggerFields: OptionRules = { ...triggerEvents, connection: count, probability: share };

export const scenarioFields: OptionRules = {
  name: text(200),
  description: text(10_000),
  seed: whole(0, 0xffffffff),
  processingMs: ms,
};

export const endFields: OptionRules = { requests: count, ms };

/** Fields of every fault. */
export const faultFields: OptionRules = { times: count };

export const actionRules: Readonly<Record<FaultAction, ActionRules>> = {
  goaway: {
    fields: {
      ...on,
      ...processed,
      how: choice('graceful', 'drain', 'close'),
      last: choice('all', 'half', 'none'),
      error: errorCode,
      reason: text(200),
      debug: text(8000),
      twice: flag,
    },
    required: [],
  },
  reset: { fields: { ...on, ...processed }, required: [] },
  fin: { fields: { ...on, ...processed }, required: [] },
  stall: { fields: { ...on, ms }, required: ['ms'] },
  blackHole: { fields: { ...on, ...processed }, required: [] },
  refuse: { fields: lasting, required: [] },
  rst: { fields: { ...lasting, ...processed, code: errorCode }, required: [] },
  noAnswer: { fields: { ...lasting, ...processed }, required: [] },
  answer: {
    fields: {
      ...lasting,
      reason: answerReasons.apns,
      status: whole(200, 599),
      bodyBytes: whole(0, maxScenarioBodyBytes),
      retryAfterS: whole(0, 1_000_000),
    },
    required: [],
    oneOf: ['reason', 'status', 'bodyBytes'],
  },
  slow: {
    fields: { ...lasting, ms, jitterMs: ms, pieceBytes: whole(1, 65_536) },
    required: [],
    oneOf: ['ms', 'jitterMs', 'pieceBytes'],
  },
  streams: {
    fields: { ...on, max: oneOrMore(whole(0, maxSimulatorStreams)), stepMs: decimal(1, maxMs) },
    required: ['max'],
  },
  window: {
    fields: { ...on, initialBytes: whole(0, MAX_WINDOW_BYTES), withholdMs: ms },
    required: [],
    oneOf: ['initialBytes', 'withholdMs'],
  },
  refuseConnections: {
    fields: { how: choice('reset', 'end', 'silent'), forConnections: count, forMs: ms },
    required: [],
  },
  expireProviderTokens: { fields: {}, required: [] },
  shutdown: { fields: { ms, connections: choice('goaway', 'reset', 'keep') }, required: ['ms'] },
  malformed: {
    fields: { ...on, kind: choice('badHpack', 'longFrame', 'shortPing', 'evenStream', 'zeroWindow', 'noise') },
    required: [],
  },
};

/** Every action, in the order of the documents. */
export const faultActions = Object.keys(actionRules) as readonly FaultAction[];
