/**
 * A simulator as a program holds it: started, asked for its ledger, closed. Everything of it runs on the thread that
 * starts it; see simulator-thread for one on a thread of its own.
 */
import { ThrowAwayAuthority } from './certificate.js';
import { ControlServer } from './control-server.js';
import { Gateway } from './gateway.js';
import type { SimulatorLedger } from './ledger.js';
import { resolveOptions, type SimulatorOptions, type SimulatorSettings } from './options.js';
import { TlsListener } from './tls-listener.js';

export interface Simulator {
  readonly host: string;
  /** Port of the gateway. */
  readonly port: number;
  /** `https://host:port`, for `peal send --gateway` and `getConnection`. */
  readonly url: string;
  /** `http://127.0.0.1:port` of the control server; null where there is none. */
  readonly controlUrl: string | null;
  /** PEM of the authority that clients have to trust; null when the caller brought a certificate. */
  readonly caCertificate: string | null;
  readonly ledger: SimulatorLedger;
  /** Says good-bye to every client, answers what is under way, and stops; within about five seconds. Never rejects. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a simulator of the APNs gateway over HTTP/2.
 *
 * @param options All optional; the defaults listen on a free port of 127.0.0.1 with a throw-away certificate.
 * @throws PealError `ERR_PEAL_OPTION` for an option that has a wrong value or a port that is taken,
 *   `ERR_PEAL_CREDENTIAL` for a certificate or key that cannot be used
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = resolveOptions(options);
  const gateway = new Gateway(settings);
  const identity = identityOf(settings);
  const listener = new TlsListener(gateway, identity);
  const port = await listener.listen();
  let control: ControlServer | null = null;
  let controlUrl: string | null = null;
  if (settings.controlPort !== null) {
    control = new ControlServer(gateway.ledger, identity.authority);
    try {
      controlUrl = `http://127.0.0.1:${await control.listen(settings.controlPort)}`;
    } catch (error) {
      await listener.close();
      throw error;
    }
  }
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= Promise.all([listener.close(), control?.close()]).then(() => {});
    return closing;
  };
  return {
    host: settings.host,
    port,
    url: `https://${hostInUrl(settings.host)}:${port}`,
    controlUrl,
    caCertificate: identity.authority,
    ledger: gateway.ledger,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Identity {
  readonly cert: string;
  readonly key: string;
  /** PEM of the throw-away authority, or null. */
  readonly authority: string | null;
}

function identityOf(settings: SimulatorSettings): Identity {
  if (settings.cert !== null && settings.key !== null) {
    return { cert: settings.cert, key: settings.key, authority: null };
  }
  const authority = new ThrowAwayAuthority('peal simulator', settings.clock.wallMs());
  const hosts = new Set(['localhost', '127.0.0.1', '::1', settings.host]);
  return { ...authority.issueServer([...hosts]), authority: authority.certificate };
}

/** A host that listens everywhere is reached by the loopback address. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
