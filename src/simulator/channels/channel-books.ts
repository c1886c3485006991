/**
 * The simulator's books of channels: those that there are, by app, how many broadcasts each got, and the newest
 * requests of both services. Independent of the sender's books, and of the ledger of device pushes. Written by
 * served-channels, read by programs and the control server, all on the simulator's thread.
 */
import { type StoragePolicy, storagePolicies } from '../../apns/channel.js';
import { maxLoggedChannelRequests } from '../../base/limits.js';
import type { SimulatorLedger } from '../books/ledger.js';
import { ACCEPTED_ANSWER, answerName, isRejection } from '../settings/answers.js';
import type { ServedAction, ServedRequest } from './served-request.js';

/** Requests of one kind, by their answers. */
export interface AnswerCounts {
  /** Complete and processed requests: the sum of the next three. */
  readonly requests: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Processed, but the client got no answer. */
  readonly unanswered: number;
  /** Rejections by Apple's reason. Reasons with a count of 0 are left out. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface ChannelsSummary {
  /** Channels that there are, of all apps. */
  readonly channels: number;
  /** Requests to channel management. */
  readonly management: AnswerCounts;
  readonly broadcasts: AnswerCounts;
  /** Connections that were opened to the port of channel management. Broadcasts over others are not among them. */
  readonly connections: number;
  /** Faults of that port's scenario, and actions of the conduct there, by kind. */
  readonly faults: Readonly<Record<string, number>>;
}

/** One channel that there is. */
export interface ChannelRecord {
  readonly bundleId: string;
  readonly channelId: string;
  readonly storagePolicy: StoragePolicy;
  readonly broadcasts: AnswerCounts;
  /** The payload that is kept for subscribers that are not online; null with the policy `none`, or before the first. */
  readonly stored: string | null;
}

/** A complete and processed request to one of the services. */
export interface ReceivedChannelRequest {
  /** Null for a method or a path that the service does not have. */
  readonly action: ServedAction | null;
  /** Empty without one in the path. */
  readonly bundleId: string;
  /** The channel that it names, or has created. */
  readonly channelId: string | null;
  /** The apns-request-id of the answer: the client's, or a new one. */
  readonly requestId: string;
  readonly pushType: string | null;
  readonly priority: string | null;
  readonly expiration: string | null;
  /** The body as text. Of one above 5,121 bytes only the beginning. */
  readonly payload: string;
  readonly payloadBytes: number;
  /** Epoch milliseconds on the simulator's clock. */
  readonly receivedMs: number;
  /** `accepted`, Apple's reason, or `no answer`. */
  readonly answer: string;
  /** Status of the answer; 0 without one. */
  readonly status: number;
}

/** What became of one request. */
interface ServedOutcome {
  /** As answers.ts has it. */
  readonly answer: number;
  /** Status of an acceptance, or of the rejection. */
  readonly status: number;
  readonly channelId: string | null;
  readonly requestId: string;
  readonly isAnswered: boolean;
}

class Counts {
  accepted = 0;
  unanswered = 0;
  readonly #rejected = new Map<number, number>();

  add(answer: number, isAnswered: boolean): void {
    if (!isAnswered) this.unanswered++;
    else if (answer === ACCEPTED_ANSWER) this.accepted++;
    else if (isRejection(answer)) this.#rejected.set(answer, (this.#rejected.get(answer) ?? 0) + 1);
  }

  view(): AnswerCounts {
    const reasons: Record<string, number> = {};
    let rejected = 0;
    for (const [answer, count] of this.#rejected) {
      reasons[answerName(answer)] = count;
      rejected += count;
    }
    const { accepted, unanswered } = this;
    return { requests: accepted + rejected + unanswered, accepted, rejected, unanswered, reasons };
  }
}

/** A channel in the books of its app. */
class ChannelEntry {
  readonly counts = new Counts();
  stored: string | null = null;

  /** @param policy Its place in `storagePolicies`. */
  constructor(readonly policy: number) {}
}

export class ChannelBooks {
  readonly #apps = new Map<string, Map<string, ChannelEntry>>();
  #management = new Counts();
  #broadcasts = new Counts();
  #received: ReceivedChannelRequest[] = [];
  /** Counts connections and faults of the port of channel management, if it has one of its own. */
  #port: SimulatorLedger | null = null;

  /** @internal Takes the counts of a port with its connections and faults. */
  watchPort(port: SimulatorLedger): void {
    this.#port = port;
  }

  /** The counts so far. */
  summary(): ChannelsSummary {
    let channels = 0;
    for (const app of this.#apps.values()) channels += app.size;
    return {
      channels,
      management: this.#management.view(),
      broadcasts: this.#broadcasts.view(),
      connections: this.#port?.summary().connections ?? 0,
      faults: this.#port?.summary().faults ?? {},
    };
  }

  /** Returns the channels that there are, app by app, in the order in which they were created. */
  list(bundleId?: string): ChannelRecord[] {
    const apps = bundleId === undefined ? [...this.#apps.keys()] : [bundleId];
    return apps.flatMap((app) =>
      Array.from(this.#apps.get(app) ?? [], ([channelId, entry]) => recordOf(app, channelId, entry)),
    );
  }

  /** Returns a channel, or null if the app has no such channel. */
  find(bundleId: string, channelId: string): ChannelRecord | null {
    const entry = this.entryOf(bundleId, channelId);
    return entry === null ? null : recordOf(bundleId, channelId, entry);
  }

  /** Returns the newest 1,000 requests, oldest first. @param action Only those that ask for this. */
  received(action?: ServedAction): ReceivedChannelRequest[] {
    const newest = this.#received.slice(-maxLoggedChannelRequests);
    return newest.filter((request) => action === undefined || request.action === action);
  }

  /** Forgets all requests and their counts. The channels stay. */
  reset(): void {
    this.#management = new Counts();
    this.#broadcasts = new Counts();
    this.#received = [];
    this.#port?.reset();
    for (const app of this.#apps.values()) {
      for (const [channelId, { policy, stored }] of app) {
        const entry = new ChannelEntry(policy);
        entry.stored = stored;
        app.set(channelId, entry);
      }
    }
  }

  /** @internal Number of channels of an app. */
  countOf(bundleId: string): number {
    return this.#apps.get(bundleId)?.size ?? 0;
  }

  /** @internal Ids of the channels of an app. */
  idsOf(bundleId: string): string[] {
    return [...(this.#apps.get(bundleId)?.keys() ?? [])];
  }

  /** @internal */
  entryOf(bundleId: string, channelId: string): ChannelEntry | null {
    return this.#apps.get(bundleId)?.get(channelId) ?? null;
  }

  /** @internal */
  add(bundleId: string, channelId: string, policy: number): void {
    const app = this.#apps.get(bundleId) ?? new Map<string, ChannelEntry>();
    this.#apps.set(bundleId, app);
    app.set(channelId, new ChannelEntry(policy));
  }

  /** @internal Returns false if there is no such channel. */
  remove(bundleId: string, channelId: string): boolean {
    const app = this.#apps.get(bundleId);
    const wasThere = app?.delete(channelId) ?? false;
    if (app?.size === 0) this.#apps.delete(bundleId);
    return wasThere;
  }

  /** @internal Books a processed request. */
  record({ fields, body, bodyBytes }: ServedRequest, outcome: ServedOutcome, wallMs: number): void {
    const { action, bundleId, priority, pushType, expiration } = fields;
    const { answer, channelId, isAnswered, requestId, status } = outcome;
    const isBroadcast = action === 'broadcast';
    (isBroadcast ? this.#broadcasts : this.#management).add(answer, isAnswered);
    if (isBroadcast && channelId !== null) this.entryOf(bundleId, channelId)?.counts.add(answer, isAnswered);
    this.#received.push({
      action,
      bundleId,
      channelId,
      requestId,
      pushType,
      priority,
      expiration,
      payload: body,
      payloadBytes: bodyBytes,
      receivedMs: wallMs,
      answer: isAnswered ? answerName(answer) : 'no answer',
      status: isAnswered ? status : 0,
    });
    // Moving the rest is cheap, because it happens once for as many requests as are kept.
    if (this.#received.length < 2 * maxLoggedChannelRequests) return;
    this.#received = this.#received.slice(-maxLoggedChannelRequests);
  }
}

function recordOf(bundleId: string, channelId: string, { counts, policy, stored }: ChannelEntry): ChannelRecord {
  const storagePolicy = storagePolicies[policy] ?? 'none';
  return { bundleId, channelId, storagePolicy, broadcasts: counts.view(), stored };
}
