/**
 * A simulator on a thread of its own, so that it does not share a core's time with the program that sends to it.
 * Called on any thread; the other end is workers/simulator, which answers calls by number over the thread's port.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ErrorRecord, PealError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import type { FeedbackRecord } from './books/feedback-list.js';
import type { LedgerSummary, TokenRecord } from './books/ledger.js';
import type { ChannelRecord, ChannelsSummary, ReceivedChannelRequest } from './channels/channel-books.js';
import type { ServedAction } from './channels/served-request.js';
import { checkThreadOptions } from './settings/option-rules.js';
import type { ReceivedRequest, SimulatorOptions } from './settings/options.js';
import type { FcmSummary, SimulatedFcm } from './simulated-fcm.js';

/** SimulatorOptions that cross threads: without clock, logger and onRequest. */
export type SimulatorThreadOptions = Omit<SimulatorOptions, 'clock' | 'logger' | 'onRequest'>;

/** The calls to the thread. */
type SimulatorCall =
  | { readonly name: 'summary' }
  | { readonly name: 'recordOf'; readonly token: string }
  | { readonly name: 'received'; readonly token: string | undefined }
  | { readonly name: 'feedback' }
  | { readonly name: 'channels' }
  | { readonly name: 'channelList'; readonly bundleId: string | undefined }
  | { readonly name: 'channelRequests'; readonly action: ServedAction | undefined }
  | { readonly name: 'fcmSummary' }
  | { readonly name: 'fcmRecordOf'; readonly token: string }
  | { readonly name: 'fcmReceived'; readonly token: string | undefined }
  | { readonly name: 'fcmAccessToken'; readonly lifeS: number | undefined }
  | { readonly name: 'reset' }
  | { readonly name: 'close' };

export type ToSimulatorThread = SimulatorCall & { readonly id: number };

/** The addresses of a started simulator. */
type SimulatorAddress = {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly binaryUrl: string | null;
  readonly feedbackUrl: string | null;
  readonly channelsUrl: string | null;
  readonly controlUrl: string | null;
  readonly caCertificate: string | null;
  readonly fcm: FcmAddress | null;
};

/** Where the service of FCM listens, and who may send. */
export type FcmAddress = Pick<SimulatedFcm, 'project' | 'port' | 'url' | 'httpsUrl' | 'tokenUrl' | 'serviceAccount'>;

/** Like SimulatedFcm, read across threads. */
export interface FcmOfThread extends FcmAddress {
  /** The counts so far. */
  summary(): Promise<FcmSummary>;
  /** Returns the ledger's entry of a registration token, topic or condition, or null if no message for it came. */
  recordOf(token: string): Promise<TokenRecord | null>;
  /** Whole requests, of one token or all; as `SimulatorLedger.received`. */
  received(token?: string): Promise<ReceivedRequest[]>;
  /** Returns an access token of its service account without a request for it. @param lifeS In seconds. */
  issueAccessToken(lifeS?: number): Promise<string>;
}

export type FromSimulatorThread =
  | { readonly kind: 'started'; readonly address: SimulatorAddress }
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  | { readonly kind: 'returned'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'threw'; readonly id: number; readonly error: ErrorRecord };

interface Pending {
  resolve(value: unknown): void;
  reject(error: PealError): void;
}

/** Like Simulator, with a ledger that is read across threads. */
export class SimulatorThread implements SimulatorAddress, AsyncDisposable {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #isGone = false;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly binaryUrl: string | null;
  readonly feedbackUrl: string | null;
  readonly channelsUrl: string | null;
  readonly controlUrl: string | null;
  readonly caCertificate: string | null;
  /** The service of FCM; null without one. */
  readonly fcm: FcmOfThread | null;

  /** @internal Use `startSimulatorThread`. */
  constructor(worker: Worker, address: SimulatorAddress) {
    this.#worker = worker;
    this.host = address.host;
    this.port = address.port;
    this.url = address.url;
    this.binaryUrl = address.binaryUrl;
    this.feedbackUrl = address.feedbackUrl;
    this.channelsUrl = address.channelsUrl;
    this.controlUrl = address.controlUrl;
    this.caCertificate = address.caCertificate;
    this.fcm = address.fcm === null ? null : { ...address.fcm, ...this.#fcmCalls() };
    worker.on('message', (message: FromSimulatorThread) => this.#settle(message));
    worker.on('exit', () => this.#fail());
    worker.on('error', () => this.#fail());
  }

  readonly ledger = {
    /** The counts so far. */
    summary: (): Promise<LedgerSummary> => this.#call({ name: 'summary' }) as Promise<LedgerSummary>,
    /** Returns the ledger's entry of a token (hex), or null if no request for it came. */
    recordOf: (token: string): Promise<TokenRecord | null> =>
      this.#call({ name: 'recordOf', token }) as Promise<TokenRecord | null>,
    /**
     * Returns `accepted`, Apple's reason, or what was done instead of an answer to the last request; null if no request
     * came.
     */
    answerOf: async (token: string): Promise<string | null> => (await this.ledger.recordOf(token))?.answer ?? null,
    /** Whole requests, of one token (hex) or all; as `SimulatorLedger.received`. */
    received: (token?: string): Promise<ReceivedRequest[]> =>
      this.#call({ name: 'received', token }) as Promise<ReceivedRequest[]>,
    /** Forgets all requests and answers. */
    reset: async (): Promise<void> => {
      await this.#call({ name: 'reset' });
    },
  };

  readonly feedback = {
    /** Returns what the next reader of the feedback service will be told. */
    pending: (): Promise<FeedbackRecord[]> => this.#call({ name: 'feedback' }) as Promise<FeedbackRecord[]>,
  };

  /** As ChannelBooks. */
  readonly channels = {
    /** The counts so far. */
    summary: (): Promise<ChannelsSummary> => this.#call({ name: 'channels' }) as Promise<ChannelsSummary>,
    /** The channels that there are, of one app or all. */
    list: (bundleId?: string): Promise<ChannelRecord[]> =>
      this.#call({ name: 'channelList', bundleId }) as Promise<ChannelRecord[]>,
    /** The newest requests, of one kind or all. */
    received: (action?: ServedAction): Promise<ReceivedChannelRequest[]> =>
      this.#call({ name: 'channelRequests', action }) as Promise<ReceivedChannelRequest[]>,
  };

  /** Like `Simulator.close`; then the thread ends. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    await this.#call({ name: 'close' }).catch(() => {});
    await this.#worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #fcmCalls(): Omit<FcmOfThread, keyof FcmAddress> {
    return {
      summary: () => this.#call({ name: 'fcmSummary' }) as Promise<FcmSummary>,
      recordOf: (token) => this.#call({ name: 'fcmRecordOf', token }) as Promise<TokenRecord | null>,
      received: (token) => this.#call({ name: 'fcmReceived', token }) as Promise<ReceivedRequest[]>,
      issueAccessToken: (lifeS) => this.#call({ name: 'fcmAccessToken', lifeS }) as Promise<string>,
    };
  }

  #call(call: SimulatorCall): Promise<unknown> {
    if (this.#isGone) return Promise.reject(gone());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ ...call, id } satisfies ToSimulatorThread);
    });
  }

  #settle(message: FromSimulatorThread): void {
    if (message.kind !== 'returned' && message.kind !== 'threw') return;
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === 'returned') pending?.resolve(message.value);
    else pending?.reject(PealError.fromRecord(message.error));
  }

  #fail(): void {
    this.#isGone = true;
    for (const pending of this.#pending.values()) pending.reject(gone());
    this.#pending.clear();
  }
}

/**
 * Starts a simulator on a thread of its own.
 * @throws PealError as `startSimulator`, and `ERR_PEAL_SHARD` if the thread ends before it has started, or in a
 *   bundle without the package beside it
 */
export async function startSimulatorThread(options: SimulatorThreadOptions = {}): Promise<SimulatorThread> {
  checkThreadOptions(options);
  const worker = new Worker(packageFile('workers/simulator.js'), { workerData: options, name: 'peal-simulator' });
  const first = await Promise.race([
    once(worker, 'message').then(([message]) => message as FromSimulatorThread),
    once(worker, 'exit').then(() => null),
  ]);
  if (first?.kind === 'started') return new SimulatorThread(worker, first.address);
  await worker.terminate();
  throw first?.kind === 'failed' ? PealError.fromRecord(first.error) : gone();
}

function gone(): PealError {
  return new PealError('ERR_PEAL_SHARD', 'The thread of the simulator has ended.', { origin: 'engine' });
}
