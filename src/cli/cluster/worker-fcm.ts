/**
 * Which gateway of FCM a worker sends a campaign through: with the service account that it was started with, for the
 * project that the campaign names. Its access token is one for all workers. Called by worker-credentials; main thread.
 */
import { PealError } from '../../base/errors.js';
import type { TokenSharing } from '../../cluster/tokens/token-sharing.js';
import { isFcmAddress, isGoogle, parseFcmAddress, parseFcmPlace } from '../../fcm/address.js';
import { type FcmCredential, loadServiceAccount } from '../../fcm/service-account.js';
import { type Address, addressUrl, authority } from '../../push/address.js';
import type { Gateway } from '../../session/gateway.js';
import type { Session } from '../../session/session.js';
import { fcmCredentialOf } from '../send/fcm-flags.js';
import { credentialLog } from '../shared/command-credential.js';
import { pealVariable } from '../shared/peal-variables.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import type { WorkerFlags } from './worker-options.js';

/** Each campaign names its project, so that of the service account is not asked for. */
const projectOfCampaigns = 'of-the-campaign';

/**
 * Loads the service account, if there is one. The function that is returned throws what stops a campaign.
 *
 * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_CREDENTIAL, ERR_PEAL_ADDRESS
 */
export function fcmGatewayOf(
  flags: WorkerFlags,
  session: Session,
  terminal: Terminal,
  { shareAccess }: Pick<TokenSharing, 'shareAccess'>,
): (gateway: string) => Gateway {
  const account = loadAccount(flags, terminal);
  const shared = account === null ? null : shareAccess(account);
  const stands = (flags.gateway ?? []).filter(isFcmAddress);
  if (shared === null && stands[0] !== undefined) {
    throw usageError('--gateway fcm://… needs --service-account FILE, or PEAL_SERVICE_ACCOUNT, which is missing.');
  }
  const allowed = new Set(stands.map((text) => authority(parseFcmPlace(text))));
  return (gateway) => {
    const address = parseFcmAddress(gateway);
    if (shared === null) throw noServiceAccountError();
    if (!isGoogle(address) && !allowed.has(authority(address))) throw strangeGatewayError(address);
    const credential = { credential: shared.credential, project: address.project! };
    // All machines together keep to the quota, by the rate that the dispatcher gives out.
    return session.getConnection(gateway, credential, { messagesPerMinute: false });
  };
}

function loadAccount(flags: WorkerFlags, terminal: Terminal): FcmCredential | null {
  const { serviceAccount, quiet } = flags;
  if (serviceAccount === undefined && pealVariable('PEAL_SERVICE_ACCOUNT', terminal.env) === null) return null;
  const options = { ...fcmCredentialOf(flags, terminal.env), project: projectOfCampaigns };
  return loadServiceAccount(options, { log: credentialLog(quiet === true, terminal) });
}

function noServiceAccountError(): PealError {
  const message =
    'This worker was started without a credential of FCM: give it --service-account FILE, or set PEAL_SERVICE_ACCOUNT.';
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}

/** A gateway that the credential is not for. */
export function strangeGatewayError(address: Address): PealError {
  const message =
    `The campaign goes to ${addressUrl(address)}, where this worker does not use its credential: start workers with ` +
    '--gateway for gateways besides those of Apple and Google.';
  return new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
}
