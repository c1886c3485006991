/** The options of one gateway, checked. Called by sessions, on the main thread. */
import { maxGatewayRate } from '../../base/limits.js';
import { anyOf, checkOptions, choice, type OptionRules, whole } from '../../base/options.js';
import type { Protocol } from '../../push/address.js';
import type { RequestRate } from '../../push/request-rate.js';
import { pushProtocolOf } from '../../push-services/push-protocols.js';

export interface GatewayOptions {
  /**
   * Messages a minute that are begun at most, by all sends and pushes of the session through the gateway together;
   * `false`: as many as the gateway takes. After a rest they begin with a tenth of it, and reach it within `rampMs`.
   * Default: what the service allows each project: 600,000 with FCM, no bound with APNs.
   */
  readonly messagesPerMinute?: number | false;
  /** How long it takes from a tenth of the rate to the whole, in milliseconds, 0 to 3,600,000. Default: 60,000. */
  readonly rampMs?: number;
}

/** Of the options here, for those who take them beside others. */
export const rateRules: OptionRules = {
  messagesPerMinute: anyOf(choice(false), whole(1, maxGatewayRate)),
  rampMs: whole(0, 3_600_000),
};

/**
 * Returns the rate of a gateway; null: it has none.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option
 */
export function rateOf(options: GatewayOptions | undefined, protocol: Protocol): RequestRate | null {
  const { usualRate } = pushProtocolOf(protocol);
  if (options === undefined) return usualRate;
  checkOptions({ name: 'getConnection' }, options, rateRules);
  const { messagesPerMinute: perMinute = usualRate?.perMinute ?? false, rampMs = usualRate?.rampMs ?? usualRampMs } =
    options;
  return perMinute === false ? null : { perMinute, rampMs };
}

const usualRampMs = 60_000;
