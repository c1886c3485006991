/**
 * The library's face: everything public, and nothing that is not used. Importing it loads neither the engine nor the
 * simulator nor any package; each comes with the first call that needs it.
 */
import type { DryRunReport } from './campaign/dry-run.js';
import type { ByteSource } from './campaign/recipients/byte-source.js';
import type { ReadTokensOptions } from './campaign/recipients/token-file.js';
import type { CampaignOptions } from './campaign/run/campaign-options.js';
import type { TokenBlock } from './push/token-block.js';
import type {
  MemoryGateway,
  Simulator,
  SimulatorOptions,
  SimulatorThread,
  SimulatorThreadOptions,
} from './simulator/index.js';

// --- what Apple defines ---
export type { AddressInput } from './apns/address.js';
export type { StoragePolicy } from './apns/channel.js';
export type { ProviderTokenFunction } from './apns/credentials/given-origin.js';
export { type CredentialOptions, loadCredential } from './apns/credentials/load-credential.js';
export { type InvalidToken, isDeviceToken, parseDeviceToken, shortToken } from './apns/device-token.js';
export type { Expiration } from './apns/headers.js';
export type { AlertOptions, LocalizedText, PayloadOptions, RawPayload, SoundOptions } from './apns/payload.js';
export { type PushType, pushTypes, topicFor } from './apns/push-type.js';
export { binaryReasonOf, binaryReasons, channelReasons, reasons } from './apns/reason.js';
// --- errors, logs, and the world outside ---
export { type Clock, systemClock } from './base/clock.js';
export { type ErrorOrigin, type ErrorRecord, PealError, type PealErrorCode } from './base/errors.js';
export { type Logger, silentLogger } from './base/log.js';
// --- campaigns ---
export { Campaign } from './campaign/campaign.js';
export type { DryRunReport, InvalidKind, PayloadSizes } from './campaign/dry-run.js';
export type { InputFormat } from './campaign/input/campaign-input.js';
export type { CampaignRecipient, RecordRow } from './campaign/input/record-rows.js';
export { SeenTokens } from './campaign/recipients/seen-tokens.js';
// --- token lists ---
export type { InvalidLine } from './campaign/recipients/token-lines.js';
export type { ReportSetting } from './campaign/report/report-data.js';
export type { CampaignState, CampaignSummary } from './campaign/report/summary.js';
// --- what node:diagnostics_channel tells ---
export type { CampaignEvent, WatchedCampaign } from './campaign/run/campaign-events.js';
export type {
  CampaignOptions,
  CanaryOptions,
  CanaryReport,
  LocalHours,
  RecipientFiles,
  RecipientSource,
} from './campaign/run/campaign-options.js';
export type { CampaignCause, CampaignProgress, CampaignReport } from './campaign/run/run-report.js';
// --- outcomes batch by batch, for books of one's own ---
export type { AcceptedIds, Batch, OutcomeDetail, OutcomeSink, SettledBatch } from './engine/batch.js';
export type {
  BatchSettledEvent,
  ConnectionCloseEvent,
  ConnectionFailedEvent,
  ConnectionOpenEvent,
  WatchedConnection,
} from './engine/dispatcher/diagnostics.js';
export { type LatencyBar, type LatencyData, LatencyHistogram } from './engine/latency-histogram.js';
export { ACCEPTED, Outcome, REJECTED, UNKNOWN, UNSENT } from './engine/ledger.js';
export { Tally } from './engine/tally.js';
export type { Protocol } from './push/address.js';
export { Credential, type CredentialSummary } from './push/credentials/credential.js';
export type { FileReference, KeyMaterial } from './push/credentials/key-material.js';
export type { SignHook } from './push/credentials/token-origin.js';
export type { HeaderField, Notification, PersonalParts } from './push/notification.js';
export type { Reason, ReasonClass } from './push/reason.js';
export { TokenBlock } from './push/token-block.js';
export { adviceOf, classOf, reasonOf } from './push-services/reasons.js';
// --- what a program holds ---
export { AnswerError, NoAnswerError } from './services/answer-error.js';
export { APNs } from './session/apns.js';
export type { BroadcastOutcome, BroadcastResult } from './session/channels/broadcast.js';
export type { BroadcastOptions } from './session/channels/broadcast-options.js';
export type {
  ChannelRequestOptions,
  ChannelsOptions,
  CreateChannelOptions,
} from './session/channels/channel-options.js';
export type { Channel } from './session/channels/channel-requests.js';
export { Channels } from './session/channels.js';
export { Gateway } from './session/gateway.js';
export { Failure } from './session/message/failure.js';
export { Message, type MessageData, type MessageOptions } from './session/message/message.js';
export {
  type AcceptedId,
  type OutcomeCounts,
  Result,
  type ResultData,
  type SendFault,
} from './session/message/result.js';
export type { SessionOptions } from './session/options/session-options.js';
export { Template, type TemplateOptions } from './session/personal/template.js';
export type {
  InvalidRecipient,
  PersonalRecipient,
  Recipient,
  StreamedRecipient,
  Token,
} from './session/recipients/recipient.js';
export { RecipientList } from './session/recipients/recipient-list.js';
export { RowBatch } from './session/recipients/row-batch.js';
export { type ColumnValues, Rows, type TextColumn } from './session/recipients/rows.js';
export type { FeedbackEntry } from './session/send/gone-tokens.js';
export type { Progress } from './session/send/progress.js';
export type { RetryOptions, SendOptions } from './session/send/send-options.js';
export { Session, type SessionStats } from './session/session.js';
export type { PushOptions } from './session/single/push-options.js';
export type {
  AcceptedPush,
  InvalidPush,
  PushOutcome,
  RejectedPush,
  UnansweredPush,
} from './session/single/push-outcome.js';
export type { ItemOutcome } from './session/single/send-each.js';
export type { PushItem, SendEachOptions } from './session/single/send-each-options.js';
export type { Backend, BackendStream, ByteStream, ByteStreamListener, OpenOptions } from './transport/backend.js';
export type { ByteSource, ReadTokensOptions };

/**
 * Reads a list of device tokens, one a line, from a path, `-` (standard input) or a stream of bytes, also gzipped, and
 * yields them packed: for `send(message, { recipients: readTokens('tokens.txt') })`. Reads as fast as it is pulled.
 *
 * @throws PealError ERR_PEAL_INPUT while reading: missing, unreadable, a directory, damaged gzip
 */
export async function* readTokens(
  source: string | URL | ByteSource,
  options?: ReadTokensOptions,
): AsyncGenerator<TokenBlock, void, void> {
  const { readTokens: read } = await import('./campaign/recipients/token-file.js');
  yield* read(source, options);
}

/**
 * Does everything that a campaign with these options does, but send: tells how many recipients there are, who cannot be
 * sent to, how large the payloads are, what an earlier run has done, and how long a run takes. Writes nothing.
 *
 * @throws PealError (as a rejection) what a run would throw before it sends
 */
export async function dryRun(options: CampaignOptions): Promise<DryRunReport> {
  const { dryRun: run } = await import('./campaign/dry-run.js');
  return run(options);
}

// --- the simulator ---
export { scriptedBinaryToken } from './simulator/books/binary-script.js';
export { LedgerDigest } from './simulator/books/digest.js';
export type { LedgerSummary, SimulatorLedger, TokenRecord } from './simulator/books/ledger.js';
export { scriptedToken } from './simulator/books/token-script.js';
export type { SimulatorConduct } from './simulator/settings/conduct.js';
export type { ReceivedRequest } from './simulator/settings/options.js';
export type { Fault, FaultRecord, FaultTrigger, Scenario } from './simulator/settings/scenario.js';
export type { MemoryGateway, Simulator, SimulatorOptions, SimulatorThread, SimulatorThreadOptions };

/**
 * Starts a stand-in for the APNs gateway, for tests of programs that push.
 *
 * @throws PealError ERR_PEAL_OPTION or ERR_PEAL_CREDENTIAL (as a rejection)
 */
export async function startSimulator(options?: SimulatorOptions): Promise<Simulator> {
  const { startSimulator: start } = await import('./simulator/index.js');
  return start(options);
}

/** The same on a thread of its own, so that it does not share this thread's time with the program under test. */
export async function startSimulatorThread(options?: SimulatorThreadOptions): Promise<SimulatorThread> {
  const { startSimulatorThread: start } = await import('./simulator/index.js');
  return start(options);
}

/**
 * The same without sockets and TLS, for `createMemoryBackend` of `peal/backend`: in this thread, on any clock.
 *
 * @throws PealError ERR_PEAL_OPTION or ERR_PEAL_CREDENTIAL (as a rejection)
 */
export async function createMemoryGateway(options?: SimulatorOptions): Promise<MemoryGateway> {
  const { createMemoryGateway: create } = await import('./simulator/index.js');
  return create(options);
}
