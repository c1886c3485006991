/**
 * Why there is no way to a store, as the rest of a sentence. Pure; called by the clients of Redis and PostgreSQL. An
 * error of the network quotes nothing but addresses; of all other errors only the known ones are told.
 */

const unsigned =
  'has a certificate that no trusted authority signed: name the file of its authority (PEM) in NODE_EXTRA_CA_CERTS, ' +
  'or for the Redis of a cluster in --redis-ca';

const codes: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has a name that does not resolve: check the host in its URL',
  EAI_AGAIN: 'has a name that cannot be resolved now: name servers do not answer',
  ECONNREFUSED: 'refuses connections: check that it runs, and the port in its URL',
  ECONNRESET: 'closes connections at once',
  EPIPE: 'closes connections at once',
  ETIMEDOUT: 'cannot be reached: a firewall, or a network that is down',
  EHOSTUNREACH: 'cannot be reached: there is no way to its host',
  ENETUNREACH: 'cannot be reached: there is no way to its network',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: unsigned,
  SELF_SIGNED_CERT_IN_CHAIN: unsigned,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unsigned,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unsigned,
  CERT_HAS_EXPIRED: 'has a certificate that is no longer valid',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'asks for a client certificate, and peal gives none: use passwords instead (in redis.conf: tls-auth-clients no)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'speaks no TLS at this port',
};

/** Returns the rest of a sentence, or null where `error` is not one of the network or of TLS. */
export function connectProblem(error: unknown): string | null {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  // A host with several addresses: all attempts failed, and the first one says why.
  if (typeof code !== 'string' && Array.isArray(errors)) return connectProblem(errors[0]);
  if (typeof code !== 'string') return null;
  return Object.hasOwn(codes, code) ? codes[code]! : null;
}
