/**
 * How the simulator treats a connection over time, as APNs was described and observed to do. Apple's documents describe
 * it in words; here it has numbers that can be set. All of it is off by default. Types, defaults and checks; called
 * once, when a simulator is started.
 *
 * Source: "Sending notification requests to APNs", "Handling notification responses from APNs", "Establishing a
 * token-based connection to APNs". Of these numbers, Apple publishes only the 20 minutes.
 */
import { maxSimulatorStreams, providerTokenMinAgeMs } from '../../base/limits.js';
import { anyOf, checkOption, choice, flag, type OptionRule, objectOf, whole } from '../../base/options.js';

/** What happens to a connection that was idle for too long: nothing came from its client, not even a PING. */
export type IdleConduct = 'answer' | 'silence' | 'goaway' | 'reset';

/** Every field is optional. Null turns it off. */
export interface SimulatorConduct {
  /** SETTINGS_MAX_CONCURRENT_STREAMS until the first valid provider token, if one is required. Default 1. */
  readonly streamsBeforeToken?: number | null;
  /**
   * Number of 4xx answers on a connection that halves its stream limit, down to 1. 410 and TooManyRequests do not
   * count. Default null.
   */
  readonly lowerStreamsAfter?: number | null;
  /** Number of 200 answers in a row that doubles it again, up to maxStreams. Default 100 with lowerStreamsAfter. */
  readonly raiseStreamsAfter?: number | null;
  /** Number of 4xx answers, counted as above, after which a connection is closed with GOAWAY. Default null. */
  readonly maxErrors?: number | null;
  /** The number of errors that a BadDeviceToken counts as. Default 4. */
  readonly badDeviceTokenWeight?: number;
  /** Answers of 200 that make up for one error. Default 20. */
  readonly forgiveAfter?: number;
  /** Whether GOAWAYs about errors and idleness are sent twice. Default false. */
  readonly goawayTwice?: boolean;
  /** Whether a connection that answered ExpiredProviderToken gives only that answer from then on. Default false. */
  readonly wedgeOnExpiredToken?: boolean;
  /**
   * Changes of one key's provider token that are allowed within `providerTokenUpdateMs`. A connection that shows one
   * more answers TooManyProviderTokenUpdates until that time has passed. Default null: any number.
   */
  readonly providerTokenUpdates?: number | null;
  /** Default 20 minutes. */
  readonly providerTokenUpdateMs?: number;
  /**
   * Pushes to one device token that are allowed within `tokenPushMs`. One more gets TooManyRequests. Default null: any
   * number.
   */
  readonly tokenPushes?: number | null;
  /** Default 1,000. */
  readonly tokenPushMs?: number;
  /** Idle time after which a connection is ended, in milliseconds. Default null: never. */
  readonly idleMs?: number | null;
  /**
   * - `answer` (default): the next request gets IdleTimeout, and the connection ends.
   * - `silence`: nothing on it is answered any more.
   * - `goaway`: it ends with a GOAWAY that says IdleTimeout.
   * - `reset`: it is dropped.
   */
  readonly idleEnd?: IdleConduct;
}

/** SimulatorConduct with every default filled in. Infinity for what is off. */
export interface ConductSettings {
  readonly streamsBeforeToken: number;
  readonly lowerStreamsAfter: number;
  readonly raiseStreamsAfter: number;
  readonly maxErrors: number;
  readonly badDeviceTokenWeight: number;
  readonly forgiveAfter: number;
  readonly goawayTwice: boolean;
  readonly wedgeOnExpiredToken: boolean;
  readonly providerTokenUpdates: number;
  readonly providerTokenUpdateMs: number;
  readonly tokenPushes: number;
  readonly tokenPushMs: number;
  readonly idleMs: number;
  readonly idleEnd: IdleConduct;
}

/** The conduct behind `conduct: 'apns'`. */
export const apnsConduct: SimulatorConduct = Object.freeze({
  lowerStreamsAfter: 20,
  raiseStreamsAfter: 100,
  maxErrors: 200,
  goawayTwice: true,
  wedgeOnExpiredToken: true,
  providerTokenUpdates: 1,
  tokenPushes: 5,
  idleMs: 3_600_000,
});

const many = whole(1, Number.MAX_SAFE_INTEGER);
const orOff = (rule: OptionRule): OptionRule => anyOf(rule, choice(null));
const idleEnds: readonly IdleConduct[] = ['answer', 'silence', 'goaway', 'reset'];
/** Every field of SimulatorConduct, in the order of the type. Null turns it off. */
const fields: Readonly<Record<keyof SimulatorConduct, OptionRule>> = {
  streamsBeforeToken: orOff(whole(1, maxSimulatorStreams)),
  lowerStreamsAfter: orOff(many),
  raiseStreamsAfter: orOff(many),
  maxErrors: orOff(many),
  badDeviceTokenWeight: many,
  forgiveAfter: many,
  goawayTwice: flag,
  wedgeOnExpiredToken: flag,
  providerTokenUpdates: orOff(whole(0, 1_000_000)),
  providerTokenUpdateMs: many,
  tokenPushes: orOff(many),
  tokenPushMs: many,
  idleMs: orOff(many),
  idleEnd: choice(...idleEnds),
};
export const conductFields: readonly string[] = Object.keys(fields);
const rule = anyOf(choice('apns', null), objectOf(fields));

/**
 * Checks a conduct and fills in its defaults. Returns null if none is given.
 * @param conduct `apns` for `apnsConduct`.
 * @throws PealError `ERR_PEAL_OPTION`
 */
export function resolveConduct(conduct: SimulatorConduct | 'apns' | null | undefined): ConductSettings | null {
  if (conduct === undefined || conduct === null) return null;
  checkOption('conduct', conduct, rule);
  const given = conduct === 'apns' ? apnsConduct : conduct;
  const lowerStreamsAfter = given.lowerStreamsAfter ?? Number.POSITIVE_INFINITY;
  const isLowering = Number.isFinite(lowerStreamsAfter);
  const off = Number.POSITIVE_INFINITY;
  return {
    streamsBeforeToken: given.streamsBeforeToken === null ? off : (given.streamsBeforeToken ?? 1),
    lowerStreamsAfter,
    raiseStreamsAfter:
      given.raiseStreamsAfter === undefined ? (isLowering ? 100 : off) : (given.raiseStreamsAfter ?? off),
    maxErrors: given.maxErrors ?? off,
    badDeviceTokenWeight: given.badDeviceTokenWeight ?? 4,
    forgiveAfter: given.forgiveAfter ?? 20,
    goawayTwice: given.goawayTwice ?? false,
    wedgeOnExpiredToken: given.wedgeOnExpiredToken ?? false,
    providerTokenUpdates: given.providerTokenUpdates ?? off,
    providerTokenUpdateMs: given.providerTokenUpdateMs ?? providerTokenMinAgeMs,
    tokenPushes: given.tokenPushes ?? off,
    tokenPushMs: given.tokenPushMs ?? 1000,
    idleMs: given.idleMs ?? off,
    idleEnd: given.idleEnd ?? 'answer',
  };
}
