/** examples/opentelemetry: its metrics and spans, as exporters get them, against the books of the simulator. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Durations, Telemetry } from '../../examples/opentelemetry/telemetry.js';
import { APNs, Campaign, Message, Session, type SessionOptions, scriptedToken } from '../../src/index.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/index.js';
import { randomTokens } from '../cli/fixture.js';

const main = fileURLToPath(new URL('../../examples/opentelemetry/main.js', import.meta.url));
const hello = new Message([], { alert: 'Hello', topic: 'com.example.app' });
const sampleEvery = 10;

describe('examples/opentelemetry', () => {
  let simulator: Simulator;
  let session: Session;
  let apns: APNs;
  let metering: MeterProvider;
  let exported: InMemoryMetricExporter;
  let spans: InMemorySpanExporter;
  let telemetry: Telemetry;

  async function start(options: SimulatorOptions = {}, ofSession: SessionOptions = {}): Promise<void> {
    simulator = await startSimulator({ controlPort: null, ...options });
    session = new Session({ ca: simulator.caCertificate!, ...ofSession });
    apns = new APNs(session.getConnection(simulator.url, null));
    exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    spans = new InMemorySpanExporter();
    const durations = new Durations();
    const reader = new PeriodicExportingMetricReader({ exporter: exported, metricProducers: [durations] });
    metering = new MeterProvider({ readers: [reader] });
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('peal');
    telemetry = new Telemetry({ meter: metering.getMeter('peal'), tracer, session, durations, sampleEvery });
  }

  afterEach(async () => {
    telemetry.close();
    await metering.shutdown();
    await session.close();
    await simulator.close();
  });

  /** What was exported last of a metric: its values by the attribute `error.type`, or by the name of the operation. */
  async function values(name: string): Promise<Record<string, number | Histogram>> {
    await metering.forceFlush();
    const metrics = exported
      .getMetrics()
      .at(-1)!
      .scopeMetrics.flatMap((scope) => scope.metrics);
    const points = metrics
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => [...dataPoints]);
    const keyOf = (attributes: Readonly<Record<string, unknown>>): string =>
      String(attributes['error.type'] ?? attributes['messaging.operation.name']);
    return Object.fromEntries(points.map(({ attributes, value }) => [keyOf(attributes), value as number | Histogram]));
  }

  const spansOf = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name);

  it('counts what the simulator has in its books, of pushes and of sends', async () => {
    const busy = { when: { requests: 50 }, do: 'answer', reason: 'ServiceUnavailable', forRequests: 7 } as const;
    await start({ scenario: { faults: [busy] } });
    const gone = Array.from({ length: 20 }, (_, index) => scriptedToken('Unregistered', index));
    const bad = Array.from({ length: 5 }, (_, index) => scriptedToken('BadDeviceToken', index));
    const pushed = [...randomTokens(200), ...gone.slice(0, 10)];
    await Promise.all(pushed.map((token) => telemetry.push(apns, hello, token, { retry: { attempts: 3 } })));
    const sent = hello.withTokens([...randomTokens(3_000), ...gone.slice(10), ...bad, 'no token']);
    const { counts } = await telemetry.send(apns, sent);

    const { accepted, requests, reasons } = simulator.ledger.summary();
    const { send: ofAccepted, ...ofReasons } = await values('messaging.client.sent.messages');
    assert.equal(ofAccepted, accepted);
    assert.equal(accepted, 3_200);
    assert.deepEqual(ofReasons, reasons);
    assert.deepEqual(Object.keys(reasons).sort(), ['BadDeviceToken', 'ServiceUnavailable', 'Unregistered']);
    assert.deepEqual(await values('peal.unsent.messages'), {});
    assert.deepEqual(await values('peal.connections'), { send: (await session.stats()).connections });

    const durations = (await values('messaging.client.operation.duration')) as Record<string, Histogram>;
    assert.equal(durations.send!.count, 3_015, 'each answer to the send');
    assert.equal(durations.push!.count, Math.floor(pushed.length / sampleEvery));
    for (const { buckets, count, min = 0, max = 0, sum = 0 } of Object.values(durations)) {
      assert.equal(
        buckets.counts.reduce((all, of) => all + of),
        count,
      );
      assert.ok(min * count <= sum * 1.05 && sum <= max * count * 1.05, `${min} ${max} ${sum} ${count}`);
    }
    assert.equal(requests, accepted + Object.values(reasons).reduce((all, of) => all + of, 0));
    const [span, ...others] = spansOf('send');
    assert.equal(others.length, 0);
    assert.equal(span!.attributes['messaging.batch.message_count'], 3_016);
    for (const [outcome, count] of Object.entries(counts)) assert.equal(span!.attributes[`peal.${outcome}`], count);
  });

  it('counts the requests that a send repeats, also those of other threads', async () => {
    const busy = { when: { requests: 1 }, do: 'answer', reason: 'ServiceUnavailable', forRequests: 50 } as const;
    await start({ scenario: { faults: [busy] } }, { threads: 2 });
    const { accepted, resent } = await telemetry.send(apns, hello.withTokens(randomTokens(2_000)));
    assert.deepEqual([accepted, resent], [2_000, 50]);
    assert.deepEqual(await values('peal.resent.requests'), { send: 50 });
    const sent = await values('messaging.client.sent.messages');
    assert.deepEqual(sent, { send: 2_000 });
    assert.equal(simulator.ledger.summary().requests, 2_050);
  });

  it('has a span for one push of a sample, with its id and its outcome, and without its token', async () => {
    await start();
    const gone = scriptedToken('Unregistered');
    const tokens = [...randomTokens(2 * sampleEvery - 1), gone];
    const outcomes = [];
    for (const token of tokens) outcomes.push(await telemetry.push(apns, hello, token));
    const told = spansOf('push').map(({ attributes }) => [
      attributes['messaging.message.id'],
      attributes['http.response.status_code'],
      attributes['error.type'],
    ]);
    assert.deepEqual(told, [
      [outcomes[sampleEvery - 1]!.apnsId, 200, undefined],
      [outcomes[2 * sampleEvery - 1]!.apnsId, 410, 'Unregistered'],
    ]);
    const all = JSON.stringify(
      spans.getFinishedSpans().map(({ name, attributes, status }) => [name, attributes, status]),
    );
    for (const token of tokens) assert.ok(!all.includes(token));
  });

  it('tells a gateway that cannot be reached as unsent, with the error in the span', async () => {
    await start();
    await simulator.close();
    const result = await telemetry.send(apns, hello.withTokens(randomTokens(30)));
    assert.equal(result.unsent.length, 30);
    assert.deepEqual(await values('peal.unsent.messages'), { ERR_PEAL_CONNECT: 30 });
    assert.deepEqual(await values('messaging.client.sent.messages'), {});
    assert.ok(((await values('peal.connection.failures')) as Record<string, number>).ERR_PEAL_CONNECT! > 0);
    const [span] = spansOf('send');
    assert.deepEqual([span!.attributes['error.type'], span!.status.code], ['ERR_PEAL_CONNECT', 2]);
  });

  it('has a span for each campaign, from its beginning to its end', async () => {
    await start();
    const gateway = session.getConnection(simulator.url, null);
    const tokens = [...randomTokens(500), scriptedToken('Unregistered')];
    await new Campaign({ gateway, message: hello, recipients: tokens, title: 'spring' }).run();
    const signal = AbortSignal.abort();
    await new Campaign({ gateway, message: hello, recipients: tokens, title: 'summer', signal }).run();
    const told = spansOf('campaign').map(({ attributes, status }) => [
      attributes['peal.campaign'],
      attributes['peal.accepted'],
      attributes['peal.rejected'],
      attributes['error.type'],
      status.code,
    ]);
    assert.deepEqual(told, [
      ['spring', 500, 1, undefined, 0],
      ['summer', 0, 0, 'ERR_PEAL_ABORTED', 2],
    ]);
    const { send: accepted } = await values('messaging.client.sent.messages');
    assert.equal(accepted, simulator.ledger.summary().accepted);
  });

  it('counts nothing more once it is closed', async () => {
    await start();
    await telemetry.push(apns, hello, randomTokens(1)[0]!);
    telemetry.close();
    await apns.push(hello, randomTokens(1)[0]!);
    assert.deepEqual(await values('messaging.client.sent.messages'), { send: 1 });
  });

  it('main.ts prints its last figures, and ends by itself', async () => {
    await start();
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main]);
    assert.equal(stderr, '');
    assert.match(stdout, /'messaging.client.sent.messages'/);
    assert.match(stdout, /value: 2000\n/);
    assert.match(stdout, /name: 'send'/);
  });
});
