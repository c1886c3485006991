/**
 * Thread entry of a simulator: starts it from `workerData` and serves the calls of simulator-thread. Started by
 * `startSimulatorThread` only.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorRecord, PealError } from '../src/base/errors.js';
import { type Simulator, startSimulator } from '../src/simulator/simulator.js';
import type {
  FcmAddress,
  FromSimulatorThread,
  SimulatorThreadOptions,
  ToSimulatorThread,
} from '../src/simulator/simulator-thread.js';

function post(message: FromSimulatorThread): void {
  parentPort?.postMessage(message);
}

function recordOf(error: unknown): ErrorRecord {
  if (error instanceof PealError) return error.toRecord();
  return { code: 'ERR_PEAL_SHARD', message: String(error), origin: 'engine', retryable: false };
}

async function perform(simulator: Simulator, call: ToSimulatorThread): Promise<unknown> {
  switch (call.name) {
    case 'summary':
      return simulator.ledger.summary();
    case 'recordOf':
      return simulator.ledger.recordOf(call.token);
    case 'received':
      return simulator.ledger.received(call.token);
    case 'feedback':
      return simulator.feedback.pending();
    case 'channels':
      return simulator.channels.summary();
    case 'channelList':
      return simulator.channels.list(call.bundleId);
    case 'channelRequests':
      return simulator.channels.received(call.action);
    case 'fcmSummary':
      return simulator.fcm?.summary();
    case 'fcmRecordOf':
      return simulator.fcm?.ledger.recordOf(call.token);
    case 'fcmReceived':
      return simulator.fcm?.ledger.received(call.token);
    case 'fcmAccessToken':
      return simulator.fcm?.issueAccessToken(call.lifeS);
    case 'reset':
      simulator.channels.reset();
      simulator.fcm?.reset();
      return simulator.ledger.reset();
    case 'close':
      return simulator.close();
  }
}

function fcmAddress({ fcm }: Simulator): FcmAddress | null {
  if (fcm === null) return null;
  const { project, port, url, httpsUrl, tokenUrl, serviceAccount } = fcm;
  return { project, port, url, httpsUrl, tokenUrl, serviceAccount };
}

/** No await at the top of the module, which CommonJS does not have. */
async function run(): Promise<void> {
  const simulator = await startSimulator(workerData as SimulatorThreadOptions);
  const { host, port, url, binaryUrl, feedbackUrl, channelsUrl, controlUrl, caCertificate } = simulator;
  parentPort?.on('message', (call: ToSimulatorThread) => {
    perform(simulator, call).then(
      (value) => post({ kind: 'returned', id: call.id, value }),
      (error: unknown) => post({ kind: 'threw', id: call.id, error: recordOf(error) }),
    );
  });
  const urls = { url, binaryUrl, feedbackUrl, channelsUrl, controlUrl };
  post({ kind: 'started', address: { host, port, ...urls, caCertificate, fcm: fcmAddress(simulator) } });
}

run().catch((error: unknown) => post({ kind: 'failed', error: recordOf(error) }));
