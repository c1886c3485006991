/**
 * The pins (apns/credentials/trust) of the public keys in a gateway's certificate chain. Called by TLS streams once for
 * each connection that has pins to compare, on its thread.
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { maxChainCertificates } from '../base/limits.js';

/** The pin of a certificate's key. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64')}`;
}

/**
 * The pins of a chain that TLS trusts: of the gateway's own certificate, of the authorities above it, and of the root
 * where it is known. Node puts its chain together by names, from certificates that the gateway sent, so that an
 * attacker could add the certificate of a pinned authority to a chain of another. Here each has to have signed the one
 * before.
 */
export function pinsOfGateway(socket: TLSSocket): string[] {
  const pins: string[] = [];
  try {
    let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    let subject: X509Certificate | null = null;
    while (next?.raw !== undefined && pins.length < maxChainCertificates) {
      const certificate = new X509Certificate(next.raw);
      if (subject !== null && !hasIssued(certificate, subject)) break;
      pins.push(pinOf(certificate));
      subject = certificate;
      // A root is its own issuer.
      next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
    }
  } catch {
    // A key of a kind that OpenSSL does not read: what was read until there counts.
  }
  return pins;
}

function hasIssued(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
