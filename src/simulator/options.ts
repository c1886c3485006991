/**
 * What a simulator can be told, and its defaults (option-rules has the checks). Called once, when a simulator is started.
 */
import type { KeyObject } from 'node:crypto';
import { isDeviceToken, parseDeviceToken } from '../apns/device-token.js';
import type { Clock } from '../base/clock.js';
import { systemClock } from '../base/clock.js';
import { type Logger, silentLogger } from '../base/log.js';
import { optionError } from '../base/options.js';
import { theOption } from '../base/wording.js';
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from '../codec/http2/frames.js';
import { answerForReason } from './answers.js';
import { type ConductSettings, resolveConduct, type SimulatorConduct } from './conduct.js';
import type { LedgerMode } from './ledger.js';
import { checkSimulatorOptions } from './option-rules.js';
import type { ReceivedRequest } from './request-log.js';
import type { Scenario } from './scenario.js';
import { checkScenario } from './scenario-check.js';

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
export interface FeedbackEntry {
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
  readonly feedback?: readonly FeedbackEntry[];
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
   * Called with each request when it is booked, before its answer goes out. What it throws is not caught. Default: nobody.
   */
  readonly onRequest?: (request: ReceivedRequest) => void;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A FeedbackEntry as the feedback service writes it. */
export interface FeedbackTuple {
  readonly token: Uint8Array;
  /** Epoch seconds. */
  readonly timestamp: number;
}

/** SimulatorOptions with every default filled in and every value checked. */
export interface SimulatorSettings {
  readonly host: string;
  readonly port: number;
  readonly binaryPort: number | null;
  readonly feedbackPort: number | null;
  readonly controlPort: number | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly clientCa: string | null;
  readonly auth: SimulatorAuth;
  readonly providerKeys: readonly AcceptedProviderKey[] | null;
  readonly topics: ReadonlySet<string> | null;
  readonly roundTripMs: number;
  readonly maxStreams: number;
  readonly initialWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly rejectFraction: number;
  /** Codes of answers.ts. */
  readonly rejectAnswers: readonly number[];
  readonly statusDelayMs: number;
  readonly splitStatus: boolean;
  readonly silentStatus: boolean;
  readonly zeroFlushIdentifier: boolean;
  /** Infinity: never. */
  readonly closeAfter: number;
  readonly shutdownAfter: number;
  readonly feedback: readonly FeedbackTuple[];
  readonly scripted: boolean;
  /** null: no faults. */
  readonly scenario: Scenario | null;
  /** null: nothing of it. */
  readonly conduct: ConductSettings | null;
  readonly seed: number;
  readonly ledger: LedgerMode;
  readonly onRequest: ((request: ReceivedRequest) => void) | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws PealError `ERR_PEAL_OPTION` that names the option, what it was and what is allowed */
export function resolveOptions(options: SimulatorOptions): SimulatorSettings {
  checkSimulatorOptions(options);
  const { connectionWindowBytes = DEFAULT_WINDOW_BYTES, controlPort, rejectReasons = ['Unregistered'] } = options;
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    binaryPort: options.binaryPort ?? null,
    feedbackPort: options.feedbackPort ?? null,
    controlPort: controlPort === undefined ? 0 : controlPort,
    cert: options.cert ?? null,
    key: options.key ?? null,
    clientCa: options.clientCa ?? null,
    auth: options.auth ?? 'any',
    providerKeys: options.providerKeys ?? null,
    topics: options.topics === undefined ? null : new Set(options.topics),
    roundTripMs: options.roundTripMs ?? 0,
    maxStreams: options.maxStreams ?? 1000,
    initialWindowBytes: options.initialWindowBytes ?? DEFAULT_WINDOW_BYTES,
    connectionWindowBytes: connectionWindowBytes === 'large' ? MAX_WINDOW_BYTES : connectionWindowBytes,
    rejectFraction: options.rejectFraction ?? 0,
    rejectAnswers: rejectReasons.map((reason) => answerForReason(reason, 'rejectReasons')),
    statusDelayMs: options.statusDelayMs ?? 0,
    splitStatus: options.splitStatus ?? false,
    silentStatus: options.silentStatus ?? false,
    zeroFlushIdentifier: options.zeroFlushIdentifier ?? false,
    closeAfter: options.closeAfter ?? Number.POSITIVE_INFINITY,
    shutdownAfter: options.shutdownAfter ?? Number.POSITIVE_INFINITY,
    feedback: (options.feedback ?? []).map(feedbackTuple),
    scripted: options.scripted ?? true,
    scenario: options.scenario === undefined ? null : checkScenario(options.scenario),
    conduct: resolveConduct(options.conduct),
    seed: options.seed ?? 1,
    ledger: options.ledger ?? 'tokens',
    onRequest: options.onRequest ?? null,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
  };
}

/** Never repeats the token: an option may hold a real one. */
function feedbackTuple({ token, when }: FeedbackEntry, index: number): FeedbackTuple {
  const bytes = parseDeviceToken(String(token), 1);
  if (!isDeviceToken(bytes)) throw optionError(`${theOption(`feedback[${index}].token`)} ${bytes.why}.`);
  const timestamp = when instanceof Date ? Math.floor(when.getTime() / 1000) : Number.NaN;
  if (!(timestamp >= 0 && timestamp <= 0xffffffff)) {
    throw optionError(`${theOption(`feedback[${index}].when`)} must be a Date from 1970 to 2106.`);
  }
  return { token: bytes, timestamp };
}
