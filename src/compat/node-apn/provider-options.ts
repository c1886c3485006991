/**
 * The options of @parse/node-apn, with their defaults, and what they come to here. Read when a provider is made; main
 * thread.
 */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { CredentialOptions } from '../../apns/credentials/load-credential.js';
import type { SessionOptions } from '../../session/options/session-options.js';

export interface ProviderToken {
  /** The .p8 key: its text or bytes, or the path of its file. */
  key: Buffer | string;
  keyId: string;
  teamId: string;
}

export interface ProviderOptions {
  /** A provider-token key. Default: the certificate is used. */
  token?: ProviderToken;
  /** The certificate: PEM as text or bytes, or the path of its file. Default `cert.pem`. */
  cert?: string | Buffer;
  /** Its key: PEM as text or bytes, or the path of its file. Default `key.pem`. */
  key?: string | Buffer;
  /** Certificates to trust instead of the system's, each as PEM or as the path of a file. */
  ca?: (string | Buffer)[];
  /** PKCS#12 with certificate and key: bytes, or the path of its file. Instead of `cert` and `key`. */
  pfx?: string | Buffer;
  passphrase?: string;
  /** Default: whether NODE_ENV is `production`. Otherwise the sandbox. */
  production?: boolean;
  /** Host of the gateway. Default: Apple's. */
  address?: string;
  /** Default 443. */
  port?: number;
  /** Host of the channel management service. Default: Apple's. */
  manageChannelsAddress?: string;
  /** Default 2196 in production, 2195 in the sandbox. */
  manageChannelsPort?: number;
  /** An HTTP proxy to tunnel through. */
  proxy?: { host: string; port: number | string };
  /** The same for channel management. */
  manageChannelsProxy?: { host: string; port: number | string };
  /** Default true. The gateway is verified whatever it says: give its authority as `ca`. */
  rejectUnauthorized?: boolean;
  /** How often a fault that passes may be followed by another request. Default 3. */
  connectionRetryLimit?: number;
  /** Has no effect: silent connections are found all the time. */
  heartBeat?: number;
  /** How long an answer may take from when its request is written, in milliseconds. Default 5000. */
  requestTimeout?: number;
}

export interface MultiProviderOptions extends ProviderOptions {
  /** Sessions that take turns. Default 2. */
  clientCount?: number;
}

/** The options with their defaults: what programs find as `provider.client.config`, without secrets. */
export interface ProviderConfig {
  readonly production: boolean;
  readonly address: string;
  readonly port: number;
  readonly manageChannelsAddress: string;
  readonly manageChannelsPort: number;
  readonly rejectUnauthorized: boolean;
  readonly connectionRetryLimit: number;
  readonly heartBeat: number;
  readonly requestTimeout: number;
}

/** The same, and what sessions are made of. */
interface ReadOptions {
  readonly config: ProviderConfig;
  readonly credential: CredentialOptions | null;
  readonly session: Pick<SessionOptions, 'ca' | 'proxy'>;
  readonly channelsSession: Pick<SessionOptions, 'ca' | 'proxy'>;
}

const hosts = { production: 'api.push.apple.com', development: 'api.sandbox.push.apple.com' };
const channelsHosts = {
  production: 'api-manage-broadcast.push.apple.com',
  development: 'api-manage-broadcast.sandbox.push.apple.com',
};

/** Names that older programs give, besides those that are documented. */
type AnyOptions = ProviderOptions & {
  readonly pfxData?: string | Buffer;
  readonly certData?: string | Buffer;
  readonly keyData?: string | Buffer;
};

/**
 * Reads options and files.
 *
 * @throws Error for a token without ids, and what reading a file throws
 */
export function readProviderOptions(given?: ProviderOptions | null): ReadOptions {
  const options: AnyOptions = given ?? {};
  if (options.passphrase && typeof options.passphrase !== 'string') throw new Error('Passphrase must be a string');
  const isProduction = options.address
    ? options.address === hosts.production
    : (options.production ?? process.env.NODE_ENV === 'production');
  const environment = isProduction ? 'production' : 'development';
  const { rejectUnauthorized = true } = options;
  if (!rejectUnauthorized) warnOfVerification();
  const config: ProviderConfig = Object.freeze({
    production: isProduction,
    address: options.address || hosts[environment],
    port: Number(options.port ?? 443),
    manageChannelsAddress: options.manageChannelsAddress || channelsHosts[environment],
    manageChannelsPort: Number(options.manageChannelsPort || (isProduction ? 2196 : 2195)),
    rejectUnauthorized,
    // Programs read these from their environment, as text.
    connectionRetryLimit: Number(options.connectionRetryLimit ?? 3),
    heartBeat: Number(options.heartBeat ?? 60_000),
    requestTimeout: Number(options.requestTimeout ?? 5_000),
  });
  const ca = caOf(options.ca);
  return {
    config,
    credential: credentialOf(options),
    session: { ...ca, ...proxyOf(options.proxy) },
    channelsSession: { ...ca, ...proxyOf(options.manageChannelsProxy) },
  };
}

function credentialOf(options: AnyOptions): CredentialOptions | null {
  const { token, passphrase } = options;
  if (token) {
    checkToken(token);
    return { key: materialOf(token.key), keyId: token.keyId, teamId: token.teamId } as CredentialOptions;
  }
  const secret = passphrase ? { passphrase } : {};
  const pfx = options.pfx || options.pfxData;
  if (pfx) return { pfx: materialOf(pfx), ...secret } as CredentialOptions;
  const cert = (options.cert === undefined ? 'cert.pem' : options.cert) || options.certData;
  const key = (options.key === undefined ? 'key.pem' : options.key) || options.keyData;
  if (!cert && !key) return null;
  return { cert: materialOf(cert), key: materialOf(key), ...secret } as CredentialOptions;
}

function checkToken({ keyId, teamId }: ProviderToken): void {
  for (const [name, value] of [
    ['keyId', keyId],
    ['teamId', teamId],
  ] as const) {
    if (!value) throw new Error(`token.${name} is missing`);
    if (typeof value !== 'string') throw new Error(`token.${name} must be a string`);
  }
}

/** A text that is no PEM is a path. */
function materialOf(value: string | Buffer | null | undefined): string | Buffer | { file: string } | undefined {
  if (value === null || value === undefined) return undefined;
  if (Buffer.isBuffer(value) || isPem(value)) return value;
  return { file: value };
}

function isPem(value: string): boolean {
  return /-----BEGIN [A-Z\s*]+-----/.test(value);
}

function caOf(given: ProviderOptions['ca'] | string | Buffer | null): { ca?: string } {
  const list = given === null || given === undefined ? [] : Array.isArray(given) ? given : [given];
  if (list.length === 0) return {};
  const texts = list.map((one) => (Buffer.isBuffer(one) || isPem(one) ? String(one) : readFileSync(one, 'utf8')));
  return { ca: texts.join('\n') };
}

function proxyOf(proxy: ProviderOptions['proxy'] | null): { proxy?: string } {
  return proxy === null || proxy === undefined ? {} : { proxy: `http://${proxy.host}:${proxy.port}` };
}

function warnOfVerification(): void {
  process.emitWarning(
    'rejectUnauthorized: false has no effect: peal always verifies the gateway. Give the certificate of its authority as ca.',
    { code: 'PEAL_REJECT_UNAUTHORIZED' },
  );
}
