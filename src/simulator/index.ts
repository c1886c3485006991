/**
 * The gateway stand-in: start it, script it, read its ledger. Exported as `peal/simulator`, for tests of programs that
 * push; it loads nothing of the sender.
 */
export { PealError } from '../base/errors.js';
export { binaryScript, scriptedBinaryToken } from './books/binary-script.js';
export { LedgerDigest } from './books/digest.js';
export type { FeedbackList, FeedbackRecord } from './books/feedback-list.js';
export type { LedgerSummary, SimulatorLedger, TokenRecord } from './books/ledger.js';
export { type ScriptRow, scriptedToken, tokenScript } from './books/token-script.js';
export type {
  AnswerCounts,
  ChannelBooks,
  ChannelRecord,
  ChannelsSummary,
  ReceivedChannelRequest,
} from './channels/channel-books.js';
export type { ServedAction } from './channels/served-request.js';
export { type FcmScriptRow, fcmScript, scriptedFcmToken } from './fcm/fcm-script.js';
export type { ServiceAccountFile } from './fcm/service-accounts.js';
export type { TokenCounts } from './fcm/token-endpoint.js';
export {
  type CertificatePair,
  type ClientCertificateOptions,
  createThrowAwayProviderKey,
  ThrowAwayAuthority,
  type ThrowAwayProviderKey,
} from './listen/certificate.js';
export { createMemoryGateway, type MemoryGateway } from './memory-gateway.js';
export type { IdleConduct, SimulatorConduct } from './settings/conduct.js';
export type { AcceptedServiceAccount, SimulatorFcmOptions } from './settings/fcm-options.js';
export type {
  AcceptedProviderKey,
  LedgerMode,
  ReceivedRequest,
  ScriptedFeedback as FeedbackEntry,
  SimulatorAuth,
  SimulatorOptions,
} from './settings/options.js';
export type { Fault, FaultAction, FaultRecord, FaultTrigger, Scenario } from './settings/scenario.js';
export type { FcmSummary, SimulatedFcm } from './simulated-fcm.js';
export { type Simulator, startSimulator } from './simulator.js';
export {
  type FcmOfThread,
  SimulatorThread,
  type SimulatorThreadOptions,
  startSimulatorThread,
} from './simulator-thread.js';
