/**
 * The gateway stand-in: start it, script it, read its ledger. As `peal/simulator` the face for tests of programs that push:
 * it loads nothing of the sender.
 */
export { PealError } from '../base/errors.js';
export { binaryScript, scriptedBinaryToken } from './binary-script.js';
export {
  type CertificatePair,
  createThrowAwayProviderKey,
  ThrowAwayAuthority,
  type ThrowAwayProviderKey,
} from './certificate.js';
export type { IdleConduct, SimulatorConduct } from './conduct.js';
export { LedgerDigest } from './digest.js';
export type { FeedbackList, FeedbackRecord } from './feedback-list.js';
export type { LedgerSummary, SimulatorLedger, TokenRecord } from './ledger.js';
export { createMemoryGateway, type MemoryGateway } from './memory-gateway.js';
export type {
  AcceptedProviderKey,
  LedgerMode,
  ReceivedRequest,
  ScriptedFeedback as FeedbackEntry,
  SimulatorAuth,
  SimulatorOptions,
} from './options.js';
export type { Fault, FaultAction, FaultRecord, FaultTrigger, Scenario } from './scenario.js';
export { type Simulator, startSimulator } from './simulator.js';
export { SimulatorThread, type SimulatorThreadOptions, startSimulatorThread } from './simulator-thread.js';
export { type ScriptRow, scriptedToken, tokenScript } from './token-script.js';
