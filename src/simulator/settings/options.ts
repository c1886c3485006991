/**
 * The options of a simulator, as types. option-rules has the checks, simulator-settings the defaults. Read by both, and
 * by programs through `peal/simulator`.
 */

import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import type { Environment } from '../../push/address.js';
import type { SimulatorConduct } from './conduct.js';
import type { SimulatorFcmOptions } from './fcm-options.js';
import type { Scenario } from './scenario.js';

/**
 * `tokens` keeps every token (about 70 bytes each); `counts` keeps numbers only, for runs of any length; `full` keeps
 * tokens, and the newest requests whole (100,000 of them, or as many as fit into about 128 MiB).
 */
export type LedgerMode = 'tokens' | 'counts' | 'full';

/** A complete and processed request (or notification over the binary protocol). */
export interface ReceivedRequest {
  readonly protocol: 'http2' | 'binary' | 'fcm';
  /** Number of its connection, from 1, in the order of connecting. */
  readonly connection: number;
  /** Number of the HTTP/2 stream; over the binary protocol the identifier of the notification. */
  readonly streamId: number;
  /** When it was complete: epoch milliseconds on the simulator's clock. */
  readonly receivedMs: number;
  /**
   * The device token, lower-case hex; for FCM the registration token, topic or condition. Null without one that could
   * be stored.
   */
  readonly token: string | null;
  /** `/3/device/…`, `/v1/projects/…`; empty over the binary protocol. */
  readonly path: string;
  /**
   * Header fields by their names in lower case, without those that begin with a colon. Several values of one name are
   * joined by `, `. Of `authorization` only the scheme is kept: see `providerKey`. Over the binary protocol
   * `apns-expiration` and `apns-priority` stand for the items of the notification.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** The payload as text. Of a payload above 5,121 bytes, which is always too large, only the beginning. */
  readonly payload: string;
  /** Bytes of the whole payload. */
  readonly payloadBytes: number;
  /**
   * `TEAMID/KEYID` of the valid provider token that the connection has shown, or null. For FCM the service account of
   * its access token.
   */
  readonly providerKey: string | null;
  /** `accepted`, the service's reason, or what was done instead of an answer. */
  readonly answer: string;
  /** As in TokenRecord; 0 without an answer. */
  readonly status: number;
}

/**
 * How clients must authenticate.
 *
 * - `any`: a credential is checked if there is one, but none is required.
 * - `either`: a provider token or a client certificate, as for APNs.
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
  /**
   * Bundle ids that the key is for, as a topic-specific key. Others are answered TopicDisallowed. Default: every one.
   */
  readonly topics?: readonly string[];
  /** The environment that the key is for. Default: both. */
  readonly environment?: Environment;
  /** The key whose provider tokens a connection may show besides, as keys for the same topics may be. Default: none. */
  readonly relatedKeyId?: string;
}

/** A device token that the feedback service names. */
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
  /** Port of the binary gateway; 0: any free one; null: no such gateway. Default null. */
  readonly binaryPort?: number | null;
  /** Port of the feedback service; 0: any free one; null: no such service. Default null. */
  readonly feedbackPort?: number | null;
  /**
   * Port of the channel management service, which also takes broadcasts; 0: any free one; null: no such service.
   * Default null. Broadcasts are taken on the ordinary port, too.
   */
  readonly channelsPort?: number | null;
  /** A service of FCM beside APNs, with a port and a ledger of its own. Default: no such service. */
  readonly fcm?: SimulatorFcmOptions | boolean;
  /** Port of the control server, on 127.0.0.1; 0: any free one; null: no such server. Default 0. */
  readonly controlPort?: number | null;
  /** Server certificate (PEM, with its chain) and key. Default: a throw-away one for localhost. Both or neither. */
  readonly cert?: string;
  readonly key?: string;
  /** PEM of the authority whose client certificates are accepted. Required by auth `certificate`. */
  readonly clientCa?: string;
  /** Default `any`. */
  readonly auth?: SimulatorAuth;
  /**
   * Keys whose provider tokens are accepted after a check of the signature. Default: every well-formed provider token
   * is accepted.
   */
  readonly providerKeys?: readonly AcceptedProviderKey[];
  /** Topics (bundle ids, without the suffix of a push type) that are allowed. Default: every valid one. */
  readonly topics?: readonly string[];
  /** Bundle ids whose apps have the broadcast capability. Default: every one that is allowed. */
  readonly broadcastTopics?: readonly string[];
  /**
   * Which of Apple's gateways it is: keys and certificates for the other one are answered BadEnvironmentKeyIdInToken
   * and BadCertificateEnvironment. Default: either.
   */
  readonly environment?: Environment;
  /** Delay of everything that the simulator sends, in milliseconds; fractions count. Default 0. */
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
  /** Binary: whether a status is sent octet by octet. Default false. */
  readonly splitStatus?: boolean;
  /** Binary: whether the connection is closed on a bad notification without a status. Default false. */
  readonly silentStatus?: boolean;
  /**
   * Binary: whether the status about an empty device token names identifier 0, as Apple's sandbox did. Default false.
   */
  readonly zeroFlushIdentifier?: boolean;
  /**
   * Binary: number of accepted notifications after which a connection is closed without a status. Default null: never.
   */
  readonly closeAfter?: number | null;
  /** Binary: number of accepted notifications after which a connection ends with status 10. Default null: never. */
  readonly shutdownAfter?: number | null;
  /** Device tokens that the feedback service names besides those that answers called gone. Default none. */
  readonly feedback?: readonly ScriptedFeedback[];
  /** Whether tokens may choose their answer (docs/simulator.md). Default true. */
  readonly scripted?: boolean;
  /** Faults (docs/simulator.md). Default none. */
  readonly scenario?: Scenario;
  /** Faults of the port of channel management, which `scenario` does not hit. Needs `channelsPort`. Default none. */
  readonly channelsScenario?: Scenario;
  /**
   * How errors, provider tokens and idleness change a connection over time. `apns`: as at APNs. Default: not at all.
   */
  readonly conduct?: SimulatorConduct | 'apns';
  /** Seed of everything random: apns-ids, rejected tokens, and the scenario's draws. Default 1. */
  readonly seed?: number;
  /** What the ledger keeps. `full` includes payload and headers. Default `tokens`. */
  readonly ledger?: LedgerMode;
  /**
   * Called with each request when it is booked, before its answer is sent. Its errors are not caught. Default: no call.
   */
  readonly onRequest?: (request: ReceivedRequest) => void;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
