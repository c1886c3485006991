/**
 * What a program can tell a simulator, as types: option-rules has the checks, simulator-settings the defaults. Read by
 * both, and by programs through `peal/simulator`.
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import type { SimulatorConduct } from './conduct.js';
import type { Scenario } from './scenario.js';

/**
 * `tokens` keeps every token (about 70 bytes each); `counts` keeps numbers only, for runs of any length; `full` keeps
 * tokens, and the newest requests whole (100,000 of them, or as many as fit into about 128 MiB).
 */
export type LedgerMode = 'tokens' | 'counts' | 'full';

/** A request (or a notification over the binary protocol) that came complete and was processed. */
export interface ReceivedRequest {
  readonly protocol: 'http2' | 'binary';
  /** Number of its connection, from 1, in the order in which they came. */
  readonly connection: number;
  /** Number of the HTTP/2 stream; over the binary protocol the identifier of the notification. */
  readonly streamId: number;
  /** When it was complete: epoch milliseconds, by the simulator's clock. */
  readonly receivedMs: number;
  /** The device token, lower-case hex; null where there was none that could be kept. */
  readonly token: string | null;
  /** `/3/device/…`; empty over the binary protocol. */
  readonly path: string;
  /**
   * Header fields by their names in lower case, without those that begin with a colon; values of a name that came more than
   * once are joined by `, `. Of `authorization` only the scheme is kept: see `providerKey`. Over the binary protocol
   * `apns-expiration` and `apns-priority` stand for the items of the notification.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** The payload as text; of one above 5,121 bytes, which is too large in any case, its beginning. */
  readonly payload: string;
  /** Bytes of the whole payload. */
  readonly payloadBytes: number;
  /** `TEAMID/KEYID` of the valid provider token that the connection has shown; null for none. */
  readonly providerKey: string | null;
  /** `accepted`, Apple's reason, or what was done instead of an answer. */
  readonly answer: string;
  /** As in TokenRecord; 0 where there was no answer. */
  readonly status: number;
}

/**
 * How a client has to show who it is.
 *
 * - `any`: what it shows is checked; it may also show nothing.
 * - `either`: a provider token or a client certificate, as APNs asks for.
 * - `token`: a provider token.
 * - `certificate`: a client certificate.
 */
export type SimulatorAuth = 'any' | 'either' | 'token' | 'certificate';

/** The public half of a provider key. */
export interface AcceptedProviderKey {
  /** Ten characters A–Z, 0–9. */
  readonly keyId: string;
  readonly teamId: string;
  /** PEM of the public key, or of the .p8 itself, or a KeyObject of either. */
  readonly publicKey: string | KeyObject;
}

/** A device token that the feedback service is to name. */
export interface ScriptedFeedback {
  /** Hex, of either case. */
  readonly token: string;
  /** Since when the token is gone. */
  readonly when: Date;
}

export interface SimulatorOptions {
  /** Where the gateway listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Port of the gateway of the binary protocol; 0: any free one; null: none. Default null. */
  readonly binaryPort?: number | null;
  /** Port of the feedback service; 0: any free one; null: none. Default null. */
  readonly feedbackPort?: number | null;
  /** Port of the control server, on 127.0.0.1; 0: any free one; null: none. Default 0. */
  readonly controlPort?: number | null;
  /** Server certificate (PEM, with its chain) and key. Default: a throw-away one for localhost. Both or neither. */
  readonly cert?: string;
  readonly key?: string;
  /** PEM of the authority whose client certificates are accepted. Required by auth `certificate`. */
  readonly clientCa?: string;
  /** Default `any`. */
  readonly auth?: SimulatorAuth;
  /** Keys whose provider tokens are accepted, signature checked. Default: any well-formed provider token is. */
  readonly providerKeys?: readonly AcceptedProviderKey[];
  /** Topics (bundle ids, without the suffix of a push type) that may be pushed to. Default: every valid one. */
  readonly topics?: readonly string[];
  /** Delay of all that the simulator sends, in milliseconds; fractions count. Default 0. */
  readonly roundTripMs?: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS, 1 to 4,096. Default 1,000. */
  readonly maxStreams?: number;
  /** SETTINGS_INITIAL_WINDOW_SIZE in bytes, 1 to 2^31 - 1. Default 65,535. */
  readonly initialWindowBytes?: number;
  /** Window of a whole connection in bytes, at least 65,535; `large`: 2^31 - 1. Default 65,535, as APNs. */
  readonly connectionWindowBytes?: number | 'large';
  /** Share of the tokens that are rejected, 0 to 1, chosen by token and seed. Default 0. */
  readonly rejectFraction?: number;
  /** Reasons for them, chosen by token and seed as well. Default `['Unregistered']`. */
  readonly rejectReasons?: readonly string[];
  /** Binary: time from a bad notification to the status about it, in milliseconds. Default 0. */
  readonly statusDelayMs?: number;
  /** Binary: whether a status goes out octet by octet. Default false. */
  readonly splitStatus?: boolean;
  /** Binary: whether the connection is closed on a bad notification without a status. Default false. */
  readonly silentStatus?: boolean;
  /** Binary: whether the status about an empty device token names identifier 0, as Apple's sandbox did. Default false. */
  readonly zeroFlushIdentifier?: boolean;
  /** Binary: accepted notifications after which a connection is closed without a status. Default null: never. */
  readonly closeAfter?: number | null;
  /** Binary: accepted notifications after which a connection is ended with status 10. Default null: never. */
  readonly shutdownAfter?: number | null;
  /** Device tokens that the feedback service names beside those that were found to be gone. Default none. */
  readonly feedback?: readonly ScriptedFeedback[];
  /** Whether tokens may ask for their answer (docs/simulator.md). Default true. */
  readonly scripted?: boolean;
  /** Faults (docs/simulator.md). Default none. */
  readonly scenario?: Scenario;
  /** What errors, provider tokens and idleness do to a connection over time. `apns`: as APNs. Default: nothing. */
  readonly conduct?: SimulatorConduct | 'apns';
  /** Of all that is random: apns-ids, who is rejected, and the scenario's draws. Default 1. */
  readonly seed?: number;
  /** What the ledger keeps: `full` also payload and headers. Default `tokens`. */
  readonly ledger?: LedgerMode;
  /**
   * Called with each request when it is booked, before its answer goes out. What it throws is not caught. Default: no call.
   */
  readonly onRequest?: (request: ReceivedRequest) => void;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
