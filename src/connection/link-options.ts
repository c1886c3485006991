/**
 * The options about the connections to a gateway. session/options/session-options checks them, has the rule and the
 * default of each, and freezes them. From there the same object is handed down whole, over the route and the pool to
 * each connection; a back-end gets the StreamTerms among them. A new option is written here (or in StreamTerms, if
 * back-ends need it) and in that table; no list between names it.
 */
import type { StreamTerms } from '../transport/backend.js';

/** The names are those of a session's options. Those of every back-end are in StreamTerms. */
export interface LinkOptions extends Required<StreamTerms> {
  /** Most connections to one gateway under one credential, in each thread. Default 8. */
  readonly maxConnections: number;
  /** Idle connections that are kept to one gateway under one credential, in each thread (0 to 1,000). Default 5. */
  readonly poolSize: number;
  /**
   * How long a binary gateway may take to read what is written, before the connection is given up, in milliseconds.
   * Default 20,000. Binary gateways only.
   */
  readonly writeTimeoutMs: number;
  /** What one write to a binary gateway holds at most, in bytes. Default 65,536. Binary gateways only. */
  readonly writeBufferSize: number;
  /**
   * How long a feedback gateway may be silent before its list counts as ended, and how long a binary one may take to
   * answer a flush, in milliseconds. Default 20,000. Binary and feedback gateways only.
   */
  readonly readTimeoutMs: number;
  /**
   * How long after the last write a binary gateway must be silent before everything counts as accepted, in
   * milliseconds. Used if `flush` is off. Default 3,000. Binary gateways only.
   */
  readonly readTailTimeoutMs: number;
  /**
   * Whether a notification that is known to be bad asks a binary gateway for proof that everything before it was
   * accepted; it costs the connection. Default true. Binary gateways only.
   */
  readonly flush: boolean;
  /**
   * Whether the provider token may enter the gateway's header table: 146 bytes less for each notification. Default
   * true; Apple's own advice is a literal.
   */
  readonly indexAuthorization: boolean;
}
