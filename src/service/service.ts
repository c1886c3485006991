/**
 * The service: programs in other languages send through it over HTTP. Owns the front, the desks and the session behind
 * them, from the first request to the last outcome. Made by `peal serve`; main thread.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../base/clock.js';
import {
  keptOutcomeMs,
  maxKeptOutcomes,
  maxServiceBodyBytes,
  maxServiceClients,
  maxServicePushes,
  maxServiceRequests,
  maxUploadBytes,
  serviceDrainMs,
} from '../base/limits.js';
import { type Logger, silentLogger } from '../base/log.js';
import { optionError } from '../base/options.js';
import { counted } from '../base/text.js';
import { option, theOption } from '../base/wording.js';
import { EngineSource } from '../metrics/engine-source.js';
import type { MetricsRegistry } from '../metrics/metrics-registry.js';
import type { MetricsSource } from '../metrics/metrics-source.js';
import type { Session } from '../session/session.js';
import { CampaignShelf } from './campaigns/campaign-shelf.js';
import { ServiceCampaigns } from './campaigns/service-campaigns.js';
import { routesOf } from './endpoints.js';
import { BearerRate } from './http/bearer-rate.js';
import type { BearerTokens } from './http/bearer-tokens.js';
import { type ClientPatience, usualPatience } from './http/client-patience.js';
import { HttpFront } from './http/http-front.js';
import { RequestBodies } from './http/request-body.js';
import { ServiceBooks, type ServiceStats } from './http/service-books.js';
import type { GatewaySource } from './push/gateway-source.js';
import { KeptPushes } from './push/kept-pushes.js';
import { PushDesk } from './push/push-desk.js';
import { PushJournal } from './push/push-journal.js';
import { ServiceSource } from './service-source.js';

export interface ServiceOptions {
  readonly source: GatewaySource;
  /** The session of the gateways: closed at the end. */
  readonly session: Session;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer } | null;
  /** Null: everybody on this machine may ask; then `host` has to be of this machine alone. */
  readonly bearers: BearerTokens | null;
  /** Of pushes without a topic. */
  readonly topic?: string | null;
  /** Where campaigns are kept. Null: there are none. */
  readonly campaignsFolder?: string | null;
  /** Below which campaigns find their lists. Null: lists are uploaded. */
  readonly listsFolder?: string | null;
  /** Where ids of pushes that nobody waits for are kept. Null: in memory alone. */
  readonly pushJournalFolder?: string | null;
  readonly maxBodyBytes?: number;
  readonly maxUploadBytes?: number;
  readonly maxRequests?: number;
  readonly maxPushes?: number;
  readonly maxClients?: number;
  /** Pushes a second of one bearer token. Null: no limit. */
  readonly bearerRate?: number | null;
  readonly keepOutcomesMs?: number;
  /** How long a stop waits for outcomes. */
  readonly drainMs?: number;
  /** For tests. */
  readonly patience?: ClientPatience;
  readonly log?: Logger;
}

/** What a stop has left. */
interface ServiceEnd {
  /** Pushes that got no answer because the time was over: they are unsent or unknown. */
  readonly cut: number;
  /** Outcomes by `?wait=no` whose id will not be known any more. */
  readonly forgotten: number;
}

/** How long clients may take to read their last answers. */
const lastAnswersMs = 2_000;
/** Ids that a log names at the end. */
const maxNamedIds = 1_000;

export class Service {
  readonly #options: ServiceOptions;
  readonly #log: Logger;
  readonly #books: ServiceBooks;
  readonly #front: HttpFront;
  readonly #desk: PushDesk;
  readonly #kept: KeptPushes;
  readonly #journal: PushJournal | null;
  readonly #campaigns: ServiceCampaigns | null;
  readonly #engineSource: EngineSource;
  #registry: Promise<MetricsRegistry> | null = null;
  #closing: Promise<ServiceEnd> | null = null;

  private constructor(options: ServiceOptions, parts: OpenedParts) {
    const { source, host, port, tls = null, bearers, topic = null, patience = usualPatience } = options;
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    this.#kept = parts.kept;
    this.#journal = parts.journal;
    this.#campaigns = parts.campaigns;
    this.#engineSource = new EngineSource(options.session);
    const books = new ServiceBooks();
    this.#books = books;
    const now = (): number => systemClock.now();
    const bodies = new RequestBodies(options.maxBodyBytes ?? maxServiceBodyBytes, patience.bodyMs, books, now);
    this.#desk = new PushDesk(source, books, options.maxPushes ?? maxServicePushes);
    const bearerRate = options.bearerRate == null ? null : new BearerRate(options.bearerRate);
    const desks = {
      ...parts,
      bodies,
      desk: this.#desk,
      bearerRate,
      usualTopic: topic,
      answerMs: patience.answerMs,
      now,
    };
    const routes = routesOf({ ...desks, unready: () => this.#unready(), metrics: () => this.#scrape() });
    this.#front = new HttpFront({
      ...{ host, port, tls, bearers, routes, books, now, patience, log: this.#log },
      maxRequests: options.maxRequests ?? maxServiceRequests,
      maxClients: options.maxClients ?? maxServiceClients,
      onSweep: () => {
        bodies.sweep();
        this.#kept.expire();
      },
    });
  }

  /**
   * Opens the folders, goes on with campaigns that ran, and is ready to listen.
   *
   * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_INPUT (as a rejection)
   */
  static async open(options: ServiceOptions): Promise<Service> {
    if (options.bearers === null && !isLoopback(options.host)) {
      throw optionError(
        `${theOption('host')} ${options.host} can be reached from other machines, and without bearer tokens anybody there ` +
          `could send: give ${option('bearerFile')}, or listen on 127.0.0.1.`,
      );
    }
    const parts = await openParts(options);
    return new Service(options, parts);
  }

  /** Resolves with the URL once it listens. Throws PealError ERR_PEAL_OPTION (as a rejection). */
  async listen(): Promise<string> {
    const url = await this.#front.listen();
    this.#log.info({ url }, 'the service listens');
    return url;
  }

  stats(): ServiceStats {
    const { answers, reasons, outcomes, begun, unheard, requestsInFlight, pushesInFlight, bodyBytes } = this.#books;
    return {
      answers: Object.fromEntries(answers),
      begun,
      ...outcomes,
      reasons: Object.fromEntries(reasons),
      ...{ unheard, requestsInFlight, pushesInFlight, bodyBytes },
      pendingIds: this.#kept.pendingCount,
      keptIds: this.#kept.settledCount,
      runningCampaigns: this.#campaigns?.runningCount ?? 0,
      isDraining: this.#front.isDraining,
    };
  }

  /** What the metrics of this process are made of, for a server of metrics at another port. */
  get metricsSources(): readonly MetricsSource[] {
    return [
      new ServiceSource(
        () => this.stats(),
        () => this.#unready(),
      ),
      new EngineSource(this.#options.session),
    ];
  }

  /**
   * Takes no new work, and waits until all that was taken has its outcome and its answer. What has none when the time
   * is over becomes unsent or unknown, and is answered so. Campaigns stop, and go on with the next start.
   */
  close(): Promise<ServiceEnd> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<ServiceEnd> {
    const { session, drainMs = serviceDrainMs } = this.#options;
    this.#log.info({ pushes: this.#books.pushesInFlight }, 'the service stops: it waits for outcomes');
    this.#front.drain();
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), drainMs);
    const time = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
    const campaigns = this.#campaigns?.close() ?? Promise.resolve();
    const settled = Promise.all([this.#front.idle().then(() => this.#desk.idle()), campaigns]);
    await Promise.race([settled, time]);
    clearTimeout(timer);
    // What begins now would start the session anew, and nobody would wait for it.
    this.#desk.stop();
    const cut = this.#books.pushesInFlight;
    // What is not written becomes unsent, and what is written has a few seconds more.
    await session.close();
    await this.#desk.idle();
    await campaigns;
    // Outcomes become answers in the turns after them.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#front.close(lastAnswersMs);
    await this.#journal?.close();
    this.#engineSource.close();
    return { cut, forgotten: this.#tellForgotten() };
  }

  /** Without a journal, ids are forgotten with the process: those whose outcome is not good are named in the log. */
  #tellForgotten(): number {
    if (this.#journal !== null) return 0;
    const kept = [...this.#kept];
    if (kept.length === 0) return 0;
    const message = `The outcomes of ${counted(kept.length, 'id')} of wait=no are forgotten: --push-journal would keep them.`;
    this.#log.warn({ ids: kept.length }, message);
    const uncertain = kept.filter(
      ({ results }) => !/^\{"counts":\{"accepted":\d+,"rejected":\d+,"unsent":0,"unknown":0/.test(results ?? ''),
    );
    for (const { id, pushes, results } of uncertain.slice(0, maxNamedIds)) {
      const counts = results === null ? null : (JSON.parse(results) as { counts: object }).counts;
      this.#log.warn({ id, pushes, ...counts }, 'pushes of this id are unsent or unknown');
    }
    return kept.length;
  }

  /** prom-client is loaded with the first scrape. */
  async #scrape(): Promise<{ readonly type: string; readonly text: string }> {
    this.#registry ??= import('../metrics/metrics-registry.js').then(({ MetricsRegistry }) => {
      const registry = new MetricsRegistry();
      registry.add(
        new ServiceSource(
          () => this.stats(),
          () => this.#unready(),
        ),
      );
      registry.add(this.#engineSource);
      return registry;
    });
    const { contentType, text } = await (await this.#registry).scrape('text');
    return { type: contentType, text };
  }

  #unready(): string | null {
    if (this.#front.isDraining) return 'The service is being stopped.';
    return this.#options.source.problem;
  }
}

interface OpenedParts {
  readonly kept: KeptPushes;
  readonly journal: PushJournal | null;
  readonly campaigns: ServiceCampaigns | null;
}

async function openParts(options: ServiceOptions): Promise<OpenedParts> {
  const { source, campaignsFolder = null, listsFolder = null, pushJournalFolder = null, topic = null } = options;
  const log = options.log ?? silentLogger;
  const keepMs = options.keepOutcomesMs ?? keptOutcomeMs;
  const wallMs = (): number => systemClock.wallMs();
  const newKept = (key: Buffer): KeptPushes => new KeptPushes(key, keepMs, maxKeptOutcomes, wallMs);
  let kept: KeptPushes | null = null;
  const journal =
    pushJournalFolder === null
      ? null
      : await PushJournal.open(pushJournalFolder, wallMs(), (found) => {
          const all = newKept(found.key);
          kept = all;
          for (const one of found.kept) all.restore(one);
          if (found.lost > 0)
            log.warn({ ids: found.lost }, 'pushes of these ids are unknown: their service was killed');
          return () => all;
        });
  let campaigns: ServiceCampaigns | null = null;
  try {
    if (campaignsFolder !== null) {
      const shelf = await CampaignShelf.open(campaignsFolder, listsFolder);
      const most = options.maxUploadBytes ?? maxUploadBytes;
      campaigns = new ServiceCampaigns({ shelf, source, usualTopic: topic, maxUploadBytes: most, log, wallMs });
      await campaigns.open();
    }
  } catch (error) {
    await journal?.close();
    throw error;
  }
  return { kept: kept ?? newKept(randomBytes(32)), journal, campaigns };
}

/** Whether only this machine can reach it. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
