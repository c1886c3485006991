/**
 * The metrics of this process: asks its sources when somebody scrapes, and gives prom-client what they say, together
 * with prom-client's own metrics of the process and of Node.js. Nothing is counted between scrapes. Loaded only where
 * metrics are asked for; main thread.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { rethrowAssertion } from '../base/assert.js';
import { type Clock, systemClock, type TimerHandle } from '../base/clock.js';
import { metricsSourceTimeoutMs } from '../base/limits.js';
import { version } from '../base/version.js';
import { type FamilyName, families } from './families.js';
import type { MetricsSource } from './metrics-source.js';
import { Samples } from './samples.js';

/** The two formats of a scrape. */
export type MetricsFormat = 'text' | 'openmetrics';

/** A scrape as it is sent. */
interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

/** Metrics of prom-client that read undocumented parts of Node.js, or whose names break the rules of Prometheus. */
const leftOut: readonly string[] = ['handles', 'requests', 'resources'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

const contentTypes = {
  text: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
} as const;

export class MetricsRegistry {
  readonly #clock: Clock;
  readonly #sources: MetricsSource[] = [];
  readonly #registry = new Registry<never>();
  /** By metric, its name: prom-client drops `_total` from it for OpenMetrics, and does not put it back. */
  readonly #names = new Map<{ name: string }, string>();
  /** What the sources have said for the scrape that is being written. */
  #samples = new Samples();
  /** The latest scrape that was asked for, by format; one that has not begun yet serves all who ask meanwhile. */
  #latest: Promise<unknown> = Promise.resolve();
  readonly #next = new Map<MetricsFormat, Promise<Scrape>>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of leftOut) this.#registry.removeSingleMetric(name);
    for (const name of Object.keys(families) as FamilyName[]) this.#register(name);
    for (const metric of this.#registry.getMetricsAsArray()) this.#names.set(metric, metric.name);
  }

  add(source: MetricsSource): void {
    this.#sources.push(source);
  }

  remove(source: MetricsSource): void {
    const at = this.#sources.indexOf(source);
    if (at !== -1) this.#sources.splice(at, 1)[0]!.close?.();
  }

  /** Ends the sources, which say nothing more. */
  close(): void {
    for (const source of this.#sources.splice(0)) source.close?.();
  }

  /**
   * Why nothing can be sent at present, in the words of the first source that says so; null while sending is possible.
   */
  get whyNotReady(): string | null {
    for (const source of this.#sources) {
      const why = source.whyNotReady?.() ?? null;
      if (why !== null) return why;
    }
    const isKnown = this.#sources.some((source) => source.whyNotReady !== undefined);
    return isKnown ? null : 'Nothing is being sent by this process.';
  }

  /** Asks all sources. Scrapes that are asked for while another one of their format waits get that one. */
  scrape(format: MetricsFormat): Promise<Scrape> {
    const waiting = this.#next.get(format);
    if (waiting !== undefined) return waiting;
    const scrape = this.#latest
      .catch(() => {})
      .then(() => {
        this.#next.delete(format);
        return this.#scrape(format);
      });
    this.#next.set(format, scrape);
    this.#latest = scrape;
    return scrape;
  }

  async #scrape(format: MetricsFormat): Promise<Scrape> {
    const samples = new Samples();
    samples.add('peal_build_info', 1, { version, node: process.version });
    samples.add('peal_ready', this.whyNotReady === null ? 1 : 0);
    await Promise.all(this.#sources.map((source) => this.#ask(source, samples)));
    samples.add('peal_scrape_left_out_series', samples.leftOut);
    this.#samples = samples;
    for (const [metric, name] of this.#names) metric.name = name;
    const registry = this.#registry as Registry;
    const contentType = contentTypes[format];
    registry.setContentType(contentType as never);
    return { contentType, text: await registry.metrics() };
  }

  /** A source that fails, or takes too long, is left out of the scrape. */
  async #ask(source: MetricsSource, samples: Samples): Promise<void> {
    const clock = this.#clock;
    let timer: TimerHandle | null = null;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimer(resolve, metricsSourceTimeoutMs);
    });
    try {
      await Promise.race([source.collect(samples), late]);
    } catch (error) {
      rethrowAssertion(error);
    } finally {
      clock.clearTimer(timer);
    }
  }

  /** A metric whose values are those of the samples: prom-client asks for no more than its `get`. */
  #register(name: FamilyName): void {
    const { help, type } = families[name];
    const metric = {
      name,
      help,
      type,
      get: async () => ({
        // For OpenMetrics prom-client has changed it, and adds the end itself.
        name: metric.name,
        help,
        type,
        aggregator: 'sum',
        values: this.#samples.of(name).map(({ name: full, labels, value }) => ({
          labels,
          value,
          ...(type === 'histogram' && { metricName: full }),
        })),
      }),
    };
    this.#registry.registerMetric(metric as unknown as Metric);
  }
}
