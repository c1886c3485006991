/**
 * A look at the TLS of a gateway, whoever it is: version, protocols and chain, so that the doctor can say what is wrong
 * with them. Trust is not checked here, and nothing is sent but the handshake; whether the gateway is trusted is found
 * out by the back-end that pushes take. Main thread.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { doctorStepMs, maxDoctorAddresses } from '../../base/limits.js';
import { stripUnprintable } from '../../base/text.js';
import { TimeIsUp, within } from './step.js';
import type { OpenWay } from './way.js';

/** What a gateway shows of itself. */
export interface Look {
  /** Such as `TLSv1.3`. */
  readonly version: string | null;
  /** Null: it agrees on none. */
  readonly protocol: string | null;
  /** The certificate of the gateway, and those above it that it has sent. */
  readonly chain: readonly ShownCertificate[];
}

interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** Host names and addresses; of the gateway's own certificate only. */
  readonly names: string;
  readonly from: string;
  readonly until: string;
}

/** Resolves with what was seen; null where no handshake was made, and `'silent'` where none was answered. */
export async function lookAt(
  host: string,
  open: OpenWay,
  alpnProtocols: readonly string[],
  signal: AbortSignal,
): Promise<Look | 'silent' | null> {
  try {
    return await within(doctorStepMs, signal, async (stop) => {
      const socket = await open(stop);
      return await handshake(host, socket, alpnProtocols, stop);
    });
  } catch (error) {
    return error instanceof TimeIsUp ? 'silent' : null;
  }
}

type Way = Awaited<ReturnType<OpenWay>>;

function handshake(host: string, way: Way, alpnProtocols: readonly string[], signal: AbortSignal): Promise<Look> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: way,
      ...(isIP(host) === 0 && { servername: host }),
      ...(alpnProtocols.length > 0 && { ALPNProtocols: [...alpnProtocols] }),
      minVersion: 'TLSv1.2',
      // Only looked at: see above.
      rejectUnauthorized: false,
    });
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    way.on('error', reject);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
    socket.once('secureConnect', () => {
      resolve(lookOf(socket));
      socket.destroy();
    });
  });
}

function lookOf(socket: TLSSocket): Look {
  const { alpnProtocol } = socket;
  const protocol = typeof alpnProtocol === 'string' ? alpnProtocol : null;
  return { version: socket.getProtocol(), protocol, chain: chainOf(socket) };
}

function chainOf(socket: TLSSocket): ShownCertificate[] {
  const chain: ShownCertificate[] = [];
  try {
    let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    while (next?.raw !== undefined && chain.length < maxDoctorAddresses) {
      chain.push(shownCertificate(new X509Certificate(next.raw)));
      next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
    }
  } catch {
    // A certificate that OpenSSL does not read: what was read until there is shown.
  }
  return chain;
}

function shownCertificate({ subject, issuer, subjectAltName, validFrom, validTo }: X509Certificate): ShownCertificate {
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    names: oneLine(subjectAltName ?? ''),
    from: new Date(validFrom).toISOString(),
    until: new Date(validTo).toISOString(),
  };
}

const maxNameCharacters = 160;

/** The peer has written these names: unprintable characters would reach the terminal. */
function oneLine(text: string | undefined): string {
  return stripUnprintable((text ?? '').replaceAll('\n', ', '), maxNameCharacters);
}
