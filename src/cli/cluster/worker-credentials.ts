/**
 * Which gateway a worker sends a campaign through: with the credential that it was started with, or with that of the
 * app, out of a store; and with its service account, if the campaign is for FCM. A campaign says where it goes, and
 * anybody who may write to the store of the cluster may say so; so a credential is used at the gateways of its service
 * and at those that the worker was told, and nowhere else. Main thread.
 */
import { parseAddress } from '../../apns/address.js';
import { PealError } from '../../base/errors.js';
import type { CampaignDefinition } from '../../cluster/store/cluster-store.js';
import type { TokenSharing } from '../../cluster/tokens/token-sharing.js';
import { CredentialCache } from '../../credentials/credential-cache.js';
import { CredentialGateways } from '../../credentials/credential-gateways.js';
import { isFcmAddress } from '../../fcm/address.js';
import { type Address, addressUrl } from '../../push/address.js';
import type { Credential } from '../../push/credentials/credential.js';
import type { Gateway } from '../../session/gateway.js';
import type { Session } from '../../session/session.js';
import { loadCommandCredential, printCertificate } from '../shared/command-credential.js';
import { pealVariable } from '../shared/peal-variables.js';
import { openCommandStore } from '../shared/store-options.js';
import type { Terminal } from '../shared/terminal.js';
import { fcmGatewayOf, strangeGatewayError } from './worker-fcm.js';
import type { WorkerFlags } from './worker-options.js';

interface WorkerCredentials {
  gatewayOf(definition: CampaignDefinition): Promise<Gateway>;
  close(): Promise<void>;
}

/** Makes credentials ones whose tokens all workers share. */
type SharedTokens = Pick<TokenSharing, 'share' | 'shareAccess'>;

/** @throws PealError ERR_PEAL_OPTION, ERR_PEAL_CREDENTIAL, ERR_PEAL_STORE */
export async function openWorkerCredentials(
  flags: WorkerFlags,
  session: Session,
  terminal: Terminal,
  tokens: SharedTokens,
): Promise<WorkerCredentials> {
  const fcmGateway = fcmGatewayOf(flags, session, terminal, tokens);
  const apns = await openForApns(flags, session, terminal, tokens);
  return {
    gatewayOf: async (definition) =>
      isFcmAddress(definition.gateway) ? fcmGateway(definition.gateway) : await apns.gatewayOf(definition),
    close: () => apns.close(),
  };
}

async function openForApns(
  flags: WorkerFlags,
  session: Session,
  terminal: Terminal,
  { share }: SharedTokens,
): Promise<WorkerCredentials> {
  const { key, cert, pfx, providerTokenFile, credentials } = flags;
  const isOwn = [key, cert, pfx, providerTokenFile].some((value) => value !== undefined);
  const others = (flags.gateway ?? []).filter((text) => !isFcmAddress(text));
  const allowed = new Set(others.map((text) => addressUrl(parseAddress(text))));
  const isStored = !isOwn && (credentials !== undefined || pealVariable('PEAL_CREDENTIALS', terminal.env) !== null);
  if (isStored) return openStored(flags, session, allowed, terminal, share);
  const credential = loadCommandCredential(flags, terminal);
  if (flags.quiet !== true) printCertificate(credential, terminal);
  return ofOne(session, share(credential), allowed);
}

function ofOne(session: Session, credential: Credential, allowed: ReadonlySet<string>): WorkerCredentials {
  return {
    gatewayOf: async ({ gateway }) => {
      const address = parseAddress(gateway);
      if (credential.kind === 'none') {
        if (isApple(address)) throw noCredentialError();
        return session.getConnection(gateway, null);
      }
      if (!isApple(address) && !allowed.has(addressUrl(address))) throw strangeGatewayError(address);
      return session.getConnection(gateway, credential);
    },
    close: async () => {},
  };
}

async function openStored(
  { credentials, sealKeyFile, quiet }: WorkerFlags,
  session: Session,
  allowed: ReadonlySet<string>,
  terminal: Terminal,
  share: SharedTokens['share'],
): Promise<WorkerCredentials> {
  const flags = {
    ...(credentials !== undefined && { store: credentials }),
    ...(sealKeyFile !== undefined && { sealKeyFile }),
    ...(quiet !== undefined && { quiet }),
  };
  const store = await openCommandStore(flags, terminal);
  const cache = new CredentialCache(store);
  const gateways = new CredentialGateways(session, cache, { share });
  return {
    gatewayOf: async ({ app, gateway }) => {
      const wanted = parseAddress(gateway);
      if (app === null) throw noAppError();
      const found = await gateways.gatewayOf(app, isSandbox(wanted) ? 'development' : 'production');
      // The store says where its credential is for.
      const isMeant = addressUrl(found.address) === addressUrl(wanted) || (isApple(wanted) && isApple(found.address));
      if (!isMeant && !allowed.has(addressUrl(wanted))) throw strangeGatewayError(wanted);
      return isMeant ? found : session.getConnection(gateway, found.credential);
    },
    close: async () => {
      gateways.close();
      await cache.close();
      await store.close();
    },
  };
}

function isApple({ host }: Address): boolean {
  return host.endsWith('.push.apple.com');
}

function isSandbox({ host }: Address): boolean {
  return /(sandbox|development)\.push\.apple\.com$/.test(host);
}

function noCredentialError(): PealError {
  const message =
    'This worker was started without a credential of APNs: give it --key, --cert, --pfx or --credentials.';
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}

function noAppError(): PealError {
  const message = 'The campaign names no app, by which workers find its credential: give peal dispatch --app.';
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}
