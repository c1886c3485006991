/**
 * Which gateway a program means by an address and a credential, of any push service. Called by sessions, on the main
 * thread; reads the files of credentials.
 */
import { type AddressInput, parseAddress } from '../apns/address.js';
import { type CredentialOptions, loadCredential } from '../apns/credentials/load-credential.js';
import type { Clock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { isFcmAddress, parseFcmAddress } from '../fcm/address.js';
import { type FcmCredential, type FcmCredentialOptions, loadServiceAccount } from '../fcm/service-account.js';
import { type Address, addressUrl } from '../push/address.js';
import { Credential } from '../push/credentials/credential.js';

/** What a program gives as the credential of a gateway. Null: the gateway asks for none. */
export type GatewayCredential = CredentialOptions | Credential | FcmCredentialOptions | FcmCredential | null;

/** A gateway under one credential. */
export interface GatewayIdentity {
  readonly address: Address;
  readonly credential: Credential;
}

/**
 * @throws PealError ERR_PEAL_ADDRESS; ERR_PEAL_CREDENTIAL for what cannot be loaded, or is not for that gateway
 */
export function identifyGateway(
  address: AddressInput,
  credential: GatewayCredential,
  environment: { readonly clock: Clock; readonly log: Logger },
): GatewayIdentity {
  if (isFcmAddress(address)) return identifyFcm(address, credential, environment);
  const where = parseAddress(address);
  if (isOfFcm(credential)) throw fcmCredentialError(where);
  const who = loadCredential(credential as CredentialOptions | Credential | null, environment);
  if (where.protocol !== 'http2' && who.kind === 'token') throw noProviderTokensError(where);
  return { address: where, credential: who };
}

function identifyFcm(
  address: string,
  given: unknown,
  environment: { readonly clock: Clock; readonly log: Logger },
): GatewayIdentity {
  if (typeof given !== 'object' || given === null || given instanceof Credential) throw noFcmCredentialError();
  const isLoaded = 'credential' in given && given.credential instanceof Credential;
  const loaded = isLoaded ? (given as FcmCredential) : loadServiceAccount(given as FcmCredentialOptions, environment);
  return { address: parseFcmAddress(address, loaded.project), credential: loaded.credential };
}

/** Whether a credential is given in a form that only FCM has. */
function isOfFcm(credential: unknown): boolean {
  if (typeof credential !== 'object' || credential === null || credential instanceof Credential) return false;
  return ['serviceAccount', 'accessToken', 'credential'].some((name) => name in credential);
}

function noFcmCredentialError(): PealError {
  const message = 'FCM needs a credential: give { serviceAccount }, or { accessToken, project }.';
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'usage' });
}

function fcmCredentialError(where: Address): PealError {
  const message = `The gateway ${addressUrl(where)} is of APNs, and the credential is of FCM: give 'fcm' as the address.`;
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'usage' });
}

function noProviderTokensError(where: Address): PealError {
  const what = `The gateway ${addressUrl(where)} speaks the binary protocol, which knows no provider tokens`;
  const message = `${what}: give a client certificate (cert or pfx).`;
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}
