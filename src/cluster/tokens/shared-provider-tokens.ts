/**
 * Makes a credential whose provider tokens are one for all processes and machines of a cluster. Called when a worker, a
 * dispatcher or a program of its own opens its credentials; main thread.
 */
import { createPublicKey, hkdfSync, type KeyObject, sign as signWith } from 'node:crypto';
import { GivenOrigin } from '../../apns/credentials/given-origin.js';
import { isSignedBy, joinToken, readProviderToken, signingInput } from '../../apns/credentials/jwt.js';
import { type Clock, systemClock } from '../../base/clock.js';
import { maxKeyPrefixCharacters } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { checkOptions, filledText, type OptionRules, optionError, test, unchecked } from '../../base/options.js';
import { Sealer } from '../../credentials/sealing/sealer.js';
import type { Credential } from '../../push/credentials/credential.js';
import type { TokenOrigin } from '../../push/credentials/token-origin.js';
import type { RedisClient } from '../../stores/redis-client.js';
import { SharedOrigin } from './shared-origin.js';
import { RedisTokenBoard } from './token-board.js';

export interface SharedTokenOptions {
  /**
   * Seals the provider token in Redis, by which anyone could push for an hour. Default: a key that is derived from the
   * signing key, which all processes have that share the token. Has to be given where a hook signs.
   */
  readonly sealer?: Sealer;
  /** What the keys in Redis begin with. Default `peal`. */
  readonly prefix?: string;
  /** Default: the process's own. For tests. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly logger?: Logger;
}

const rules: OptionRules = {
  sealer: test('a Sealer', (value) => value instanceof Sealer),
  prefix: filledText(maxKeyPrefixCharacters),
  clock: unchecked,
  logger: unchecked,
};

/**
 * Returns the credential with its provider token from Redis. All processes that share the Redis and the key use the
 * same token, and one of them renews it. Credentials without a key of ours (certificates, and provider tokens that are
 * given) are returned as they are.
 *
 * @throws PealError ERR_PEAL_OPTION where a hook signs and there is no sealer
 *
 * Where Redis is away, the token in hand serves for as long as APNs takes it; then sends stop with ERR_PEAL_CREDENTIAL.
 */
export function sharedProviderTokens(
  credential: Credential,
  redis: RedisClient,
  options: SharedTokenOptions = {},
): Credential {
  checkOptions({ name: 'sharedProviderTokens' }, options, rules);
  const { fingerprint, keyId, teamId, signingKey, tokenOrigin } = credential;
  if (keyId === null || teamId === null || tokenOrigin instanceof GivenOrigin) return credential;
  if (tokenOrigin instanceof SharedOrigin) return credential;
  const publicKey = signingKey === null ? null : createPublicKey(signingKey);
  const mint = async (wallMs: number, last: string | null): Promise<string> => {
    if (tokenOrigin !== null) return mintElsewhere(tokenOrigin, wallMs, last);
    const signed = signingInput({ keyId, teamId }, wallMs);
    const signature = signWith('sha256', Buffer.from(signed), { key: signingKey!, dsaEncoding: 'ieee-p1363' });
    return joinToken(signed, signature);
  };
  const {
    sealer = derivedSealer(signingKey),
    prefix = 'peal',
    clock = systemClock,
    logger: log = silentLogger,
  } = options;
  const board = new RedisTokenBoard(redis, prefix, fingerprint);
  const isOurs = (token: string): boolean => publicKey === null || isSignedBy(token, publicKey);
  return credential.withTokenOrigin(
    new SharedOrigin({ keyId, teamId, fingerprint, board, mint, isOurs, sealer, clock, log }),
  );
}

/** One that everybody who has the signing key can make (RFC 5869). */
function derivedSealer(signingKey: KeyObject | null): Sealer {
  if (signingKey === null) {
    throw optionError(
      'sharedProviderTokens needs a sealer for a signing hook: its provider tokens lie in Redis sealed.',
    );
  }
  const secret = signingKey.export({ type: 'pkcs8', format: 'der' });
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'peal provider token', sealingKeyBytes));
  return new Sealer(`derived:${key.toString('base64')}`);
}

const sealingKeyBytes = 32;

/** By a hook, or through a file that the processes of this machine share besides. */
async function mintElsewhere(origin: TokenOrigin, wallMs: number, last: string | null): Promise<string> {
  const token = await origin.fetch(last, wallMs);
  // It may still keep one that is older than the last token, which another process has made.
  return isOlder(token, last) ? origin.fetch(token, wallMs) : token;
}

function isOlder(token: string, last: string | null): boolean {
  const [ours, theirs] = [readProviderToken(token), last === null ? null : readProviderToken(last)];
  return ours !== null && theirs !== null && ours.issuedAtMs < theirs.issuedAtMs;
}
