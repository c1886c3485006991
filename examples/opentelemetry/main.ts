/**
 * Telemetry of a program that pushes to the simulator, printed to the console.
 *
 *     node dist/examples/opentelemetry/main.js
 *
 * In your program, put the exporters of your back-end in the place of the two of the console: those of
 * `@opentelemetry/exporter-metrics-otlp-proto` and `@opentelemetry/exporter-trace-otlp-proto`, for one.
 */
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base';
import { APNs, Message, Session, scriptedToken, startSimulatorThread } from 'peal';
import { Durations, Telemetry } from './telemetry.js';

const simulator = await startSimulatorThread({ controlPort: null });
const session = new Session({ ca: simulator.caCertificate! });
const apns = new APNs(session.getConnection(simulator.url, null));

const tracing = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new ConsoleSpanExporter())] });
const tracer = tracing.getTracer('peal');
const durations = new Durations();
const reader = new PeriodicExportingMetricReader({
  exporter: new ConsoleMetricExporter(),
  metricProducers: [durations],
});
const metering = new MeterProvider({ readers: [reader] });
const telemetry = new Telemetry({ meter: metering.getMeter('peal'), tracer, session, durations, sampleEvery: 100 });

const hello = new Message([], { alert: 'Hello', topic: 'com.example.app' });
const tokens = Array.from({ length: 1_000 }, (_, index) => index.toString(16).padStart(64, '0'));
await Promise.all(tokens.map((token) => telemetry.push(apns, hello, token)));
await telemetry.send(apns, hello.withTokens([...tokens, scriptedToken('Unregistered')]));

await session.close();
telemetry.close();
// The last figures, before the process ends.
await metering.shutdown();
await tracing.shutdown();
await simulator.close();
