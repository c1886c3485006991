/**
 * The shared state of all connections of a simulator: its settings, its ledger, and everything that is made once. On
 * one thread.
 */
import { Buffer } from 'node:buffer';
import { FeedbackList } from '../books/feedback-list.js';
import { SimulatorLedger } from '../books/ledger.js';
import { RequestLog } from '../books/request-log.js';
import { TokenAnswers } from '../books/token-answers.js';
import { ChannelBooks } from '../channels/channel-books.js';
import { ChannelRules } from '../channels/channel-rules.js';
import { ServedChannels } from '../channels/served-channels.js';
import type { ServedPaths } from '../channels/served-request.js';
import { ServedFcm } from '../fcm/served-fcm.js';
import type { HeaderRules, OtherRules, OtherService } from '../rules/other-request.js';
import { ProviderTokens } from '../rules/provider-tokens.js';
import { KeyUpdates, PushRates } from '../rules/rates.js';
import { RequestRules } from '../rules/request-rules.js';
import { answerBody, knownReasons } from '../settings/answers.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';
import { ApnsIds } from './apns-ids.js';
import { LongBodies } from './long-bodies.js';
import { ChunkPool } from './output-chunks.js';
import { ScenarioRun } from './scenario-run.js';

/** How long before the start of the simulator a gone token was gone. */
const goneForMs = 24 * 3600 * 1000;
const noBody = new Uint8Array(0);
const pushesOnly: ServedPaths = Object.freeze({ pushes: true, management: false });

export class SimulatedGateway {
  readonly settings: SimulatorSettings;
  readonly ledger: SimulatorLedger;
  /** The channels that there are, and requests about them. */
  readonly channels: ChannelBooks;
  /** Processes what is not a device push of APNs. */
  readonly others: OtherService;
  /** Messages of FCM; null on a port of Apple's services. */
  readonly fcm: ServedFcm | null;
  readonly chunks = new ChunkPool();
  readonly apnsIds: ApnsIds;
  readonly tokenAnswers: TokenAnswers;
  readonly feedback: FeedbackList;
  /** The running scenario, or null. */
  readonly scenario: ScenarioRun | null;
  /** The rate of pushes to each token; null if it does not matter. */
  readonly pushRates: PushRates | null;
  /** Keeps requests whole; null without a request log. */
  readonly requestLog: RequestLog | null;
  readonly #served: ServedPaths;
  #connections = 0;
  readonly #keyUpdates: KeyUpdates | null;
  readonly #providerTokens: ProviderTokens;
  readonly #bodies: readonly Uint8Array[];
  readonly #longBodies = new LongBodies();

  /**
   * @param served The services of the port. Default: device pushes and broadcasts.
   * @param base The gateway whose channels are served; null for channels of its own.
   * @throws PealError `ERR_PEAL_CREDENTIAL` for an unusable provider key
   */
  constructor(settings: SimulatorSettings, served: ServedPaths = pushesOnly, base: SimulatedGateway | null = null) {
    this.settings = settings;
    this.#served = served;
    const goneSinceMs = Math.floor(settings.clock.wallMs()) - goneForMs;
    const isFull = settings.ledger === 'full';
    this.requestLog = isFull || settings.onRequest !== null ? new RequestLog(isFull, settings.onRequest) : null;
    const isFcm = served.fcm === true;
    const log = isFull ? this.requestLog : null;
    const encoding = isFcm ? 'latin1' : 'hex';
    this.ledger = new SimulatorLedger(settings.ledger, settings.feedbackPort !== null, log, encoding);
    this.feedback = new FeedbackList(this.ledger, settings.feedback, Math.floor(goneSinceMs / 1000));
    this.channels = base?.channels ?? new ChannelBooks();
    this.tokenAnswers = new TokenAnswers(settings);
    this.fcm =
      isFcm && settings.fcm !== null ? new ServedFcm(settings, settings.fcm, this.ledger, this.tokenAnswers) : null;
    this.others = this.fcm ?? base?.others ?? new ServedChannels(this.channels, settings.clock, settings.seed);
    this.apnsIds = new ApnsIds(settings.seed);
    this.#providerTokens = new ProviderTokens(settings.providerKeys);
    this.#bodies = makeBodies(goneSinceMs);
    const { clock, conduct, scenario, seed } = settings;
    const expireTokens = (): void => (this.fcm?.tokens ?? this.#providerTokens).expireAll();
    this.scenario = scenario === null ? null : new ScenarioRun(scenario, clock, this.ledger, seed, expireTokens);
    this.pushRates =
      conduct !== null && Number.isFinite(conduct.tokenPushes)
        ? new PushRates(conduct.tokenPushes, conduct.tokenPushMs)
        : null;
    this.#keyUpdates =
      conduct !== null && Number.isFinite(conduct.providerTokenUpdates)
        ? new KeyUpdates(conduct.providerTokenUpdates, conduct.providerTokenUpdateMs)
        : null;
  }

  /** The rules of one connection, with the provider tokens or access tokens that all connections share. */
  makeRules(): { readonly headers: HeaderRules; readonly others: OtherRules } {
    if (this.fcm !== null) {
      const rules = this.fcm.makeRules();
      return { headers: rules, others: rules };
    }
    const headers = new RequestRules(this.settings, this.#providerTokens, this.ledger, this.#keyUpdates);
    return { headers, others: new ChannelRules(this.settings, headers, this.#served) };
  }

  /** Returns the number of a new connection, from 1. */
  countConnection(): number {
    return ++this.#connections;
  }

  /** The body of an answer, filled up to `leastBytes`. */
  bodyOf(answer: number, leastBytes = 0): Uint8Array {
    const body = this.#bodies[answer] ?? noBody;
    return leastBytes > body.length ? this.#longBodies.fill(answer, body, leastBytes) : body;
  }
}

function makeBodies(timestampMs: number): Uint8Array[] {
  const bodies = new Array<Uint8Array>(256).fill(noBody);
  for (const { code } of knownReasons) bodies[code] = Buffer.from(answerBody(code, timestampMs));
  return bodies;
}

/**
 * The FCM service of a simulator with `settings`: a gateway with settings, faults and a ledger of its own; null if it
 * has none.
 * @throws PealError `ERR_PEAL_CREDENTIAL` for an unusable key of a service account
 */
export function fcmGateway(settings: SimulatorSettings): SimulatedGateway | null {
  const { fcm } = settings;
  if (fcm === null) return null;
  const { maxStreams, rejectAnswers, rejectFraction, scenario } = fcm;
  const own = { maxStreams, rejectAnswers, rejectFraction, scenario };
  const without = { auth: 'any', clientCa: null, conduct: null, feedbackPort: null, providerKeys: null } as const;
  return new SimulatedGateway({ ...settings, ...own, ...without }, { pushes: false, management: false, fcm: true });
}
