/**
 * How the simulator treats a connection over time, as APNs was described and seen to do: what Apple's documents say in
 * words, with numbers that can be set. All of it is off unless it is asked for. Types, defaults and checks; called
 * once, when a simulator is started.
 *
 * Source: "Sending notification requests to APNs", "Handling notification responses from APNs", "Establishing a
 * token-based connection to APNs". Apple publishes none of the numbers but the 20 minutes.
 */
import { PealError } from '../base/errors.js';
import { providerTokenMinAgeMs } from '../base/limits.js';

/** What becomes of a connection that was idle for too long: nothing came from its client, not even a PING. */
export type IdleConduct = 'answer' | 'silence' | 'goaway' | 'reset';

/** Everything is optional; null is off. */
export interface SimulatorConduct {
  /** SETTINGS_MAX_CONCURRENT_STREAMS until the first valid provider token, where one is asked for. Default 1. */
  readonly streamsBeforeToken?: number | null;
  /**
   * So many answers of 4xx on a connection halve its stream limit, down to 1. 410 and TooManyRequests do not count.
   * Default null.
   */
  readonly lowerStreamsAfter?: number | null;
  /** So many answers of 200 in a row double it again, up to maxStreams. Default 100 with lowerStreamsAfter. */
  readonly raiseStreamsAfter?: number | null;
  /** Answers of 4xx, as above, after which a connection is closed with GOAWAY. Default null. */
  readonly maxErrors?: number | null;
  /** How many errors a BadDeviceToken counts for. Default 4. */
  readonly badDeviceTokenWeight?: number;
  /** Answers of 200 that make up for one error. Default 20. */
  readonly forgiveAfter?: number;
  /** Whether GOAWAYs about errors and idleness are sent twice. Default false. */
  readonly goawayTwice?: boolean;
  /** Whether a connection that answered ExpiredProviderToken answers nothing else any more. Default false. */
  readonly wedgeOnExpiredToken?: boolean;
  /**
   * How often the provider token of one key may change within `providerTokenUpdateMs`; the connection that shows one more
   * answers TooManyProviderTokenUpdates until that time has passed. Default null: as often as it likes.
   */
  readonly providerTokenUpdates?: number | null;
  /** Default 20 minutes. */
  readonly providerTokenUpdateMs?: number;
  /** Pushes to one device token within `tokenPushMs`; one more gets TooManyRequests. Default null: any number. */
  readonly tokenPushes?: number | null;
  /** Default 1,000. */
  readonly tokenPushMs?: number;
  /** Idle time after which a connection is given up, in milliseconds. Default null: never. */
  readonly idleMs?: number | null;
  /**
   * - `answer` (default): the next request gets IdleTimeout, and the connection ends.
   * - `silence`: it is never answered again.
   * - `goaway`: it ends with a GOAWAY that says IdleTimeout.
   * - `reset`: it is dropped.
   */
  readonly idleEnd?: IdleConduct;
}

/** SimulatorConduct with every default filled in; Infinity where something is off. */
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

/** What `conduct: 'apns'` stands for. */
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

type Limits = readonly [lowest: number, highest: number];
const any: Limits = [1, Number.MAX_SAFE_INTEGER];
/** Numbers, and what they may be. `null` is allowed for those that can be off. */
const numbers: Readonly<Record<string, { readonly limits: Limits; readonly canBeOff: boolean }>> = {
  streamsBeforeToken: { limits: [1, 4096], canBeOff: true },
  lowerStreamsAfter: { limits: any, canBeOff: true },
  raiseStreamsAfter: { limits: any, canBeOff: true },
  maxErrors: { limits: any, canBeOff: true },
  badDeviceTokenWeight: { limits: any, canBeOff: false },
  forgiveAfter: { limits: any, canBeOff: false },
  providerTokenUpdates: { limits: [0, 1_000_000], canBeOff: true },
  providerTokenUpdateMs: { limits: any, canBeOff: false },
  tokenPushes: { limits: any, canBeOff: true },
  tokenPushMs: { limits: any, canBeOff: false },
  idleMs: { limits: any, canBeOff: true },
};
const switches: readonly string[] = ['goawayTwice', 'wedgeOnExpiredToken'];
const idleEnds: readonly IdleConduct[] = ['answer', 'silence', 'goaway', 'reset'];
/** Every field of SimulatorConduct, in the order of the type. */
export const conductFields: readonly string[] = [...Object.keys(numbers), ...switches, 'idleEnd'];

/**
 * Checks a conduct and fills in its defaults; null where nothing is asked for.
 * @param conduct `apns` for `apnsConduct`.
 * @throws PealError `ERR_PEAL_OPTION`
 */
export function resolveConduct(conduct: SimulatorConduct | 'apns' | null | undefined): ConductSettings | null {
  if (conduct === undefined || conduct === null) return null;
  const given = conduct === 'apns' ? apnsConduct : conduct;
  check(given);
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

function check(given: object): void {
  if (typeof given !== 'object' || Array.isArray(given)) throw wrong('', 'has to be "apns" or an object');
  for (const [field, value] of Object.entries(given)) {
    if (!conductFields.includes(field)) throw wrong(`.${field}`, `is unknown; there are ${conductFields.join(', ')}`);
    if (value !== undefined) checkField(field, value);
  }
}

function checkField(field: string, value: unknown): void {
  const number = numbers[field];
  if (number !== undefined) {
    const [lowest, highest] = number.limits;
    if (value === null && number.canBeOff) return;
    if (Number.isInteger(value) && (value as number) >= lowest && (value as number) <= highest) return;
    const off = number.canBeOff ? ', or null for off' : '';
    throw wrong(`.${field}`, `is ${String(value)}: it has to be a whole number from ${lowest} to ${highest}${off}`);
  }
  if (switches.includes(field)) {
    if (typeof value === 'boolean') return;
    throw wrong(`.${field}`, `is ${String(value)}: it has to be true or false`);
  }
  if (idleEnds.some((item) => item === value)) return;
  throw wrong(`.${field}`, `is "${String(value)}": it has to be one of ${idleEnds.join(', ')}`);
}

function wrong(path: string, what: string): PealError {
  return new PealError('ERR_PEAL_OPTION', `Simulator option conduct${path} ${what}`, { origin: 'usage' });
}
