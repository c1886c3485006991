/**
 * What each action of a scenario can be told: names, and the values that are allowed. Tables only; scenario-check reads
 * them, and a test holds docs/simulator.md and the types of scenario.ts against them.
 */
import { maxSimulatorStreams } from '../base/limits.js';
import { errorCodeName, HTTP_1_1_REQUIRED, MAX_WINDOW_BYTES } from '../codec/http2/frames.js';
import type { FaultAction } from './scenario.js';

/** Longest time that a scenario can name, in milliseconds: a week. */
const maxMs = 7 * 24 * 3_600_000;
const maxCount = Number.MAX_SAFE_INTEGER;

/** What a value has to be. */
export type FieldRule =
  | { readonly kind: 'number'; readonly lowest: number; readonly highest: number; readonly isWhole: boolean }
  | { readonly kind: 'numbers'; readonly lowest: number; readonly highest: number }
  | { readonly kind: 'choice'; readonly among: readonly string[] }
  | { readonly kind: 'text'; readonly maxCharacters: number }
  | { readonly kind: 'reason' }
  | { readonly kind: 'switch' };

export type FieldRules = Readonly<Record<string, FieldRule>>;

export interface ActionRules {
  /** Fields beside `do`, `when` and `times`. */
  readonly fields: FieldRules;
  readonly required: readonly string[];
  /** Of these, one at least has to be there. */
  readonly oneOf?: readonly string[];
}

const whole = (lowest: number, highest: number): FieldRule => ({ kind: 'number', lowest, highest, isWhole: true });
const number = (lowest: number, highest: number): FieldRule => ({ kind: 'number', lowest, highest, isWhole: false });
const choice = (...among: readonly string[]): FieldRule => ({ kind: 'choice', among });

/** Names of RFC 9113 §7, by code. */
export const errorCodeNames: readonly string[] = Array.from({ length: HTTP_1_1_REQUIRED + 1 }, (_, code) =>
  errorCodeName(code),
);

const ms = number(0, maxMs);
const count = whole(1, maxCount);
const share = number(0, 1);
const errorCode = choice(...errorCodeNames);

/** Where a fault that strikes connections can be told to hit. */
const on = { on: choice('connection', 'all') };
const lasting = { ...on, forRequests: count, forMs: ms, share };
const processed = { processed: share };

/** The events of a trigger; one at most is given. */
export const triggerEvents: FieldRules = {
  requests: count,
  everyRequests: count,
  connectionRequests: count,
  everyConnectionRequests: count,
  ms,
  everyMs: number(1, maxMs),
  connectionMs: ms,
};

/** Everything that a trigger can hold. */
export const triggerFields: FieldRules = { ...triggerEvents, connection: count, probability: share };

export const scenarioFields: FieldRules = {
  name: { kind: 'text', maxCharacters: 200 },
  description: { kind: 'text', maxCharacters: 10_000 },
  seed: whole(0, 0xffffffff),
  processingMs: ms,
};

export const endFields: FieldRules = { requests: count, ms };

/** What every fault can hold. */
export const faultFields: FieldRules = { times: count };

export const actionRules: Readonly<Record<FaultAction, ActionRules>> = {
  goaway: {
    fields: {
      ...on,
      ...processed,
      how: choice('graceful', 'drain', 'close'),
      last: choice('all', 'half', 'none'),
      error: errorCode,
      reason: { kind: 'text', maxCharacters: 200 },
      debug: { kind: 'text', maxCharacters: 8000 },
      twice: { kind: 'switch' },
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
    fields: { ...lasting, reason: { kind: 'reason' }, retryAfterS: whole(0, 1_000_000) },
    required: ['reason'],
  },
  slow: {
    fields: { ...lasting, ms, jitterMs: ms, pieceBytes: whole(1, 65_536) },
    required: [],
    oneOf: ['ms', 'jitterMs', 'pieceBytes'],
  },
  streams: {
    fields: { ...on, max: { kind: 'numbers', lowest: 0, highest: maxSimulatorStreams }, stepMs: number(1, maxMs) },
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
