/**
 * OpenTelemetry for a program that pushes: metrics and spans out of what peal tells. Copy this file; it needs
 * `@opentelemetry/api` and `@opentelemetry/sdk-metrics`. main.ts shows how it is set up, and README.md has
 * the names of all instruments.
 *
 * Nothing is done for a single notification: peal tells of settled batches, of up to 1,024 recipients, and of connections.
 * Their counts are added to numbers here, which the observable instruments read when metrics are collected. A push has a
 * span only if it is one of the sample; the others cost a count.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type Attributes,
  type Meter,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  ValueType,
} from '@opentelemetry/api';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type HistogramMetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import {
  type APNs,
  type BatchSettledEvent,
  type CampaignEvent,
  type ConnectionCloseEvent,
  type ConnectionFailedEvent,
  type ConnectionOpenEvent,
  LatencyHistogram,
  type Message,
  type MessageOptions,
  type PushOptions,
  type PushOutcome,
  type Result,
  type SendOptions,
  type Session,
  type WatchedCampaign,
} from 'peal';

/** The value of `messaging.system`. */
const system = 'apns';

export interface TelemetryOptions {
  readonly meter: Meter;
  readonly tracer: Tracer;
  readonly session: Session;
  /** Also among the `metricProducers` of the reader. */
  readonly durations: Durations;
  /** One of so many pushes has a span, and counts in the histogram of durations. Default 100. */
  readonly sampleEvery?: number;
}

/** Numbers by the attributes that they are told with. */
class Counts {
  readonly #counts = new Map<string, { readonly attributes: Attributes; count: number }>();

  add(gateway: string, errorType: string | null, count: number): void {
    if (count === 0) return;
    const key = `${gateway} ${errorType}`;
    let entry = this.#counts.get(key);
    if (entry === undefined) {
      const { hostname, port } = new URL(gateway);
      const attributes = {
        'messaging.system': system,
        'messaging.operation.name': 'send',
        'server.address': hostname,
        'server.port': Number(port || 443),
        ...(errorType !== null && { 'error.type': errorType }),
      };
      entry = { attributes, count: 0 };
      this.#counts.set(key, entry);
    }
    entry.count += count;
  }

  /** A callback of an observable instrument. */
  readonly observe = (result: { observe(value: number, attributes: Attributes): void }): void => {
    for (const { attributes, count } of this.#counts.values()) result.observe(count, attributes);
  };
}

export class Telemetry {
  readonly #tracer: Tracer;
  readonly #sampleEvery: number;
  #untilSample: number;
  readonly #sent = new Counts();
  readonly #unsent = new Counts();
  readonly #resent = new Counts();
  readonly #connections = new Counts();
  readonly #failures = new Counts();
  readonly #campaigns = new Map<WatchedCampaign, Span>();
  readonly #subscribed: [channel: string, listener: (event: unknown) => void][] = [];
  readonly #durations: Durations;

  constructor({ meter, tracer, session, durations, sampleEvery = 100 }: TelemetryOptions) {
    this.#durations = durations;
    this.#tracer = tracer;
    this.#sampleEvery = sampleEvery;
    this.#untilSample = sampleEvery;
    const counter = (name: string, unit: string, description: string, counts: Counts): void =>
      meter.createObservableCounter(name, { unit, description }).addCallback(counts.observe);
    counter('messaging.client.sent.messages', '{message}', 'Notifications that were sent, by outcome.', this.#sent);
    counter('peal.unsent.messages', '{message}', 'Notifications that were certainly not sent.', this.#unsent);
    counter('peal.resent.requests', '{request}', 'Requests that a send repeated by itself.', this.#resent);
    counter('peal.connection.failures', '{attempt}', 'Attempts to connect that failed.', this.#failures);
    const connections = { unit: '{connection}', description: 'Open connections to gateways.' };
    meter.createObservableUpDownCounter('peal.connections', connections).addCallback(this.#connections.observe);
    const inFlight = { unit: '{request}', description: 'Requests that wait for their answers.' };
    meter.createObservableGauge('peal.requests.in_flight', inFlight).addCallback(async (result) => {
      result.observe((await session.stats()).inFlight, { 'messaging.system': system });
    });

    this.#subscribe('peal:batch:settled', (event: BatchSettledEvent) => this.#count(event));
    this.#subscribe('peal:connection:open', ({ connection }: ConnectionOpenEvent) => {
      this.#connections.add(connection.gateway, null, 1);
    });
    this.#subscribe('peal:connection:close', ({ connection }: ConnectionCloseEvent) => {
      this.#connections.add(connection.gateway, null, -1);
    });
    this.#subscribe('peal:connection:failed', ({ connection, error }: ConnectionFailedEvent) => {
      this.#failures.add(connection.gateway, error.code, 1);
    });
    for (const kind of ['began', 'paused', 'resumed', 'stopped', 'finished'] as const) {
      this.#subscribe(`peal:campaign:${kind}`, (event: CampaignEvent) => this.#traceCampaign(kind, event));
    }
  }

  /** Ends the counting, and the spans of campaigns that still run. */
  close(): void {
    for (const [channel, listener] of this.#subscribed.splice(0)) unsubscribe(channel, listener);
    for (const span of this.#campaigns.values()) span.end();
    this.#campaigns.clear();
  }

  // --- instead of apns.push and apns.send ---

  /** As `apns.push`. A span tells no device token. */
  push(apns: APNs, message: Message | MessageOptions, token: string, options?: PushOptions): Promise<PushOutcome> {
    this.#untilSample -= 1;
    // Most pushes: not even a promise more.
    if (this.#untilSample > 0) return apns.push(message, token, options);
    this.#untilSample = this.#sampleEvery;
    return this.#tracePush(() => apns.push(message, token, options));
  }

  async #tracePush(push: () => Promise<PushOutcome>): Promise<PushOutcome> {
    const span = this.#tracer.startSpan('push', { kind: SpanKind.PRODUCER, attributes: attributesOf('push') });
    const fromMs = performance.now();
    try {
      const outcome = await push();
      this.#durations.push.record(performance.now() - fromMs);
      const { apnsId, status, attempts } = outcome;
      if (apnsId !== null) span.setAttribute('messaging.message.id', apnsId);
      if (status !== null) span.setAttribute('http.response.status_code', status);
      span.setAttributes({ 'peal.outcome': outcome.outcome, 'peal.attempts': attempts });
      // A device that is gone is an answer like others, not a fault of this program.
      if (outcome.outcome === 'rejected') span.setAttribute('error.type', outcome.reason || `${outcome.status}`);
      else if (outcome.error !== null) fail(span, outcome.error);
      return outcome;
    } catch (error) {
      fail(span, error as Error);
      throw error;
    } finally {
      span.end();
    }
  }

  /** As `apns.send`, of one message. */
  async send(apns: APNs, message: Message, options: SendOptions = {}): Promise<Result> {
    const span = this.#tracer.startSpan('send', { kind: SpanKind.PRODUCER, attributes: attributesOf('send') });
    try {
      const result = await apns.send(message, { latencies: this.#durations.send, ...options });
      span.setAttribute('messaging.batch.message_count', result.recipients);
      for (const [outcome, count] of Object.entries(result.counts)) span.setAttribute(`peal.${outcome}`, count);
      if (result.stopped !== null) fail(span, result.stopped);
      return result;
    } catch (error) {
      fail(span, error as Error);
      throw error;
    } finally {
      span.end();
    }
  }

  // --- what peal tells ---

  #subscribe<Event>(channel: string, listener: (event: Event) => void): void {
    const anyListener = listener as (event: unknown) => void;
    subscribe(channel, anyListener);
    this.#subscribed.push([channel, anyListener]);
  }

  #count({ gateway, accepted, unsent, unknown, reasons, resent, error }: BatchSettledEvent): void {
    this.#sent.add(gateway, null, accepted);
    for (const [reason, count] of Object.entries(reasons)) this.#sent.add(gateway, reason, count);
    // Written, and not answered: it may have been delivered.
    this.#sent.add(gateway, error?.code ?? 'unknown', unknown);
    this.#unsent.add(gateway, error?.code ?? 'unsent', unsent);
    this.#resent.add(gateway, null, resent);
  }

  #traceCampaign(kind: 'began' | 'paused' | 'resumed' | 'stopped' | 'finished', event: CampaignEvent): void {
    const { campaign, progress, error } = event;
    if (kind === 'began') {
      const attributes = { ...attributesOf('campaign'), 'peal.campaign': campaign.title };
      this.#campaigns.set(campaign, this.#tracer.startSpan('campaign', { kind: SpanKind.PRODUCER, attributes }));
      return;
    }
    const span = this.#campaigns.get(campaign);
    if (span === undefined) return;
    if (kind === 'paused' || kind === 'resumed') {
      span.addEvent(kind);
      return;
    }
    const { accepted, rejected, unsent, unknown, invalid } = progress;
    for (const [outcome, count] of Object.entries({ accepted, rejected, unsent, unknown, invalid }))
      span.setAttribute(`peal.${outcome}`, count);
    if (error !== null) fail(span, error);
    span.end();
    this.#campaigns.delete(campaign);
  }
}

/**
 * How long answers took, as `messaging.client.operation.duration`. OpenTelemetry has no observable histogram, and its own takes
 * two microseconds to count one time, which is a third of what a push costs. This one counts without allocating anything, and
 * is turned into OpenTelemetry's form when metrics are collected.
 */
export class Durations implements MetricProducer {
  /** Of all requests of sends. */
  readonly send = new LatencyHistogram();
  /** Of the sample of pushes: each as a whole, with its retries and the opening of a connection. */
  readonly push = new LatencyHistogram();
  readonly #sinceMs = Date.now();

  async collect(): Promise<CollectionResult> {
    const [startTime, endTime] = [timeOf(this.#sinceMs), timeOf(Date.now())];
    const { send, push } = this;
    const dataPoints = Object.entries({ send, push })
      .filter(([, durations]) => durations.count > 0)
      .map(([name, durations]) => ({ startTime, endTime, attributes: attributesOf(name), value: pointOf(durations) }));
    const name = 'messaging.client.operation.duration';
    const metric: HistogramMetricData = {
      descriptor: { name, description: 'How long APNs took to answer.', unit: 's', valueType: ValueType.DOUBLE },
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPoints,
    };
    const scopeMetrics = [{ scope: { name: 'peal' }, metrics: [metric] }];
    return { resourceMetrics: { resource: noResource, scopeMetrics }, errors: [] };
  }
}

/** A reader takes the resource of its provider. */
const noResource: CollectionResult['resourceMetrics']['resource'] = {
  attributes: {},
  merge: (other) => other ?? noResource,
  getRawAttributes: () => [],
};

/** In seconds, as the semantic conventions advise. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The bars of a histogram are 3 % wide: so far a border may be off. The count and the longest time are exact. */
function pointOf(durations: LatencyHistogram) {
  const counts = new Array<number>(boundaries.length + 1).fill(0);
  let [count, sum] = [0, 0];
  const bars = durations.bars(1_000);
  for (const bar of bars) {
    const seconds = Math.sqrt(bar.fromMs * bar.toMs) / 1000;
    const at = boundaries.findIndex((boundary) => seconds <= boundary);
    counts[at === -1 ? boundaries.length : at]! += bar.count;
    count += bar.count;
    sum += bar.count * seconds;
  }
  const min = (bars[0]?.fromMs ?? 0) / 1000;
  return { buckets: { boundaries, counts }, count, sum, min, max: durations.longestMs / 1000 };
}

function attributesOf(operation: string): Attributes {
  return { 'messaging.system': system, 'messaging.operation.name': operation };
}

/** Messages of peal hold no device token and no secret. */
function fail(span: Span, error: Error & { readonly code?: string }): void {
  span.setAttribute('error.type', error.code ?? error.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}

const timeOf = (ms: number): [number, number] => [Math.floor(ms / 1000), (ms % 1000) * 1e6];
