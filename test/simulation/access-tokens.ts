/**
 * Access tokens for a world of FCM: got by the product's own keeper and origin from the simulator's token endpoint,
 * without the HTTP between them.
 */
import { createPrivateKey } from 'node:crypto';
import type { Clock } from '../../src/base/clock.js';
import type { ProviderTokenSource } from '../../src/engine/dispatcher/route.js';
import { AccessTokenOrigin } from '../../src/fcm/access-token.js';
import { TokenKeeper } from '../../src/push/credentials/token-keeper.js';
import type { ServedFcm } from '../../src/simulator/fcm/served-fcm.js';
import type { FcmPlan } from './plan-fcm.js';

const tokenUrl = 'https://tokens.test/token';
const busy = { status: 503, body: '' };

export function accessTokenSource({ accounts, endpoint }: ServedFcm, plan: FcmPlan, clock: Clock): ProviderTokenSource {
  endpoint.addAudience(tokenUrl);
  endpoint.plan(busy, plan.tokenFailures);
  const { client_email: clientEmail, private_key, private_key_id: keyId } = accounts.ownFile(tokenUrl);
  const assertion = { clientEmail, keyId, key: createPrivateKey(private_key), tokenUrl };
  const origin = new AccessTokenOrigin(assertion, async (form) => endpoint.answer(form), clock);
  const keeper = new TokenKeeper(origin, clock);
  return {
    providerToken: () => keeper.current(),
    refreshProviderToken: (expired) => keeper.refresh(expired),
  };
}
