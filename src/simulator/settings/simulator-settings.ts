/**
 * The settings of a simulator: its checked options, with every default filled in. Made once, when a simulator is
 * started.
 */
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import { type Clock, systemClock } from '../../base/clock.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { optionError } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from '../../codec/http2/frames.js';
import type { Environment } from '../../push/address.js';
import { answerForReason } from './answers.js';
import { type ConductSettings, resolveConduct } from './conduct.js';
import { type FcmSettings, resolveFcm } from './fcm-options.js';
import { checkSimulatorOptions } from './option-rules.js';
import type {
  AcceptedProviderKey,
  LedgerMode,
  ReceivedRequest,
  ScriptedFeedback,
  SimulatorAuth,
  SimulatorOptions,
} from './options.js';
import type { Scenario } from './scenario.js';
import { checkScenario } from './scenario-check.js';

/** A ScriptedFeedback in the form that the feedback service writes. */
export interface ScriptedGoneToken {
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
  readonly channelsPort: number | null;
  readonly controlPort: number | null;
  /** null without a service of FCM. */
  readonly fcm: FcmSettings | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly clientCa: string | null;
  readonly auth: SimulatorAuth;
  readonly providerKeys: readonly AcceptedProviderKey[] | null;
  readonly topics: ReadonlySet<string> | null;
  readonly broadcastTopics: ReadonlySet<string> | null;
  /** null: either. */
  readonly environment: Environment | null;
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
  /** Infinity for never. */
  readonly closeAfter: number;
  readonly shutdownAfter: number;
  readonly feedback: readonly ScriptedGoneToken[];
  readonly scripted: boolean;
  /** null without faults. */
  readonly scenario: Scenario | null;
  readonly channelsScenario: Scenario | null;
  /** null without a conduct. */
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
    channelsPort: options.channelsPort ?? null,
    controlPort: controlPort === undefined ? 0 : controlPort,
    fcm: resolveFcm(options.fcm),
    cert: options.cert ?? null,
    key: options.key ?? null,
    clientCa: options.clientCa ?? null,
    auth: options.auth ?? 'any',
    providerKeys: options.providerKeys ?? null,
    topics: setOf(options.topics),
    broadcastTopics: setOf(options.broadcastTopics),
    environment: options.environment ?? null,
    roundTripMs: options.roundTripMs ?? 0,
    maxStreams: options.maxStreams ?? 1000,
    initialWindowBytes: options.initialWindowBytes ?? DEFAULT_WINDOW_BYTES,
    connectionWindowBytes: connectionWindowBytes === 'large' ? MAX_WINDOW_BYTES : connectionWindowBytes,
    rejectFraction: options.rejectFraction ?? 0,
    rejectAnswers: rejectReasons.map(answerForReason),
    statusDelayMs: options.statusDelayMs ?? 0,
    splitStatus: options.splitStatus ?? false,
    silentStatus: options.silentStatus ?? false,
    zeroFlushIdentifier: options.zeroFlushIdentifier ?? false,
    closeAfter: options.closeAfter ?? Number.POSITIVE_INFINITY,
    shutdownAfter: options.shutdownAfter ?? Number.POSITIVE_INFINITY,
    feedback: (options.feedback ?? []).map(goneTokenOf),
    scripted: options.scripted ?? true,
    scenario: options.scenario === undefined ? null : checkScenario(options.scenario),
    channelsScenario:
      options.channelsScenario === undefined ? null : checkScenario(options.channelsScenario, 'channelsScenario'),
    conduct: resolveConduct(options.conduct),
    seed: options.seed ?? 1,
    ledger: options.ledger ?? 'tokens',
    onRequest: options.onRequest ?? null,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
  };
}

function setOf(names: readonly string[] | undefined): ReadonlySet<string> | null {
  return names === undefined ? null : new Set(names);
}

/** Never repeats the token, because an option may hold a real one. */
function goneTokenOf({ token, when }: ScriptedFeedback, index: number): ScriptedGoneToken {
  const bytes = parseDeviceToken(String(token), 1);
  if (!isDeviceToken(bytes)) throw optionError(`${theOption(`feedback[${index}].token`)} ${bytes.why}.`);
  const timestamp = when instanceof Date ? Math.floor(when.getTime() / 1000) : Number.NaN;
  if (!(timestamp >= 0 && timestamp <= 0xffffffff)) {
    throw optionError(`${theOption(`feedback[${index}].when`)} must be a Date from 1970 to 2106.`);
  }
  return { token: bytes, timestamp };
}
