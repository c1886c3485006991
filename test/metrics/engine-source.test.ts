/**
 * The metrics of an engine: connections as their events come, and figures of threads that may be too busy to answer.
 */
import assert from 'node:assert/strict';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PealError } from '../../src/base/errors.js';
import { metricsStatsTimeoutMs } from '../../src/base/limits.js';
import { APNs, Message, Session, startSimulator } from '../../src/index.js';
import { EngineSource } from '../../src/metrics/engine-source.js';
import type { FamilyName } from '../../src/metrics/families.js';
import { Samples } from '../../src/metrics/samples.js';
import { VirtualClock } from '../support/virtual-clock.js';

const stats = {
  ...{ threads: 2, jobs: 1, waitingBatches: 3, connections: 4, connecting: 1, connectionsOpened: 9, inFlight: 500 },
  ...{ streamLimit: 1000, shards: [] },
};

async function valuesOf(source: EngineSource): Promise<(name: FamilyName) => Record<string, number>> {
  const samples = new Samples();
  await source.collect(samples);
  return (name) =>
    Object.fromEntries(samples.of(name).map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

describe('EngineSource', () => {
  const error = new PealError('ERR_PEAL_CONNECT', 'It was refused.', { origin: 'connect', retryable: true });
  const connection = { gateway: 'https://gateway.example:443', shardId: 0, number: 1 };
  let source: EngineSource;
  let answer: () => Promise<typeof stats>;
  const clock = new VirtualClock();

  beforeEach(() => {
    answer = async () => stats;
    source = new EngineSource({ stats: () => answer() }, clock);
  });
  afterEach(() => source.close());

  it('counts connections that open, end and fail, by cause, until it is closed', async () => {
    const publish = (name: string, event: object): void => channel(`peal:connection:${name}`).publish(event);
    for (let at = 0; at < 3; at++) publish('open', { connection });
    publish('close', { connection, answers: 5, error: null });
    publish('close', { connection, answers: 5, error });
    publish('failed', { connection, error });
    publish('failed', { connection, error });
    const values = await valuesOf(source);
    assert.deepEqual(values('peal_connections_opened_total'), { '': 3 });
    assert.deepEqual(values('peal_connections_ended_total'), { normal: 1, ERR_PEAL_CONNECT: 1 });
    assert.deepEqual(values('peal_connection_failures_total'), { ERR_PEAL_CONNECT: 2 });
    source.close();
    publish('open', { connection });
    assert.deepEqual((await valuesOf(source))('peal_connections_opened_total'), { '': 3 });
  });

  it('shows what the engine does', async () => {
    const values = await valuesOf(source);
    assert.deepEqual(values('peal_connections'), { open: 4, opening: 1 });
    assert.deepEqual(values('peal_requests_in_flight'), { '': 500 });
    assert.deepEqual(values('peal_stream_limit'), { '': 1000 });
  });

  it('shows the latest figures of threads that do not answer in time', async () => {
    await valuesOf(source);
    answer = () => new Promise(() => {});
    const waiting = valuesOf(source);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(metricsStatsTimeoutMs);
    assert.deepEqual((await waiting)('peal_connections'), { open: 4, opening: 1 });
  });

  it('leaves out a limit that a gateway does not name', async () => {
    for (const streamLimit of [null, Number.POSITIVE_INFINITY]) {
      answer = async () => ({ ...stats, streamLimit: streamLimit as never });
      assert.deepEqual((await valuesOf(source))('peal_stream_limit'), {});
    }
  });

  for (const threads of [0, 1]) {
    it(`agrees with a session that sends, and one whose gateway is not there, threads: ${threads}`, async () => {
      const simulator = await startSimulator();
      await using session = new Session({ threads, ca: simulator.caCertificate! });
      const own = new EngineSource(session);
      const apns = new APNs(session.getConnection(simulator.url, null));
      const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
      const send = (count: number, signal?: AbortSignal): Promise<unknown> => {
        const recipients = Array.from({ length: count }, (_, at) => at.toString(16).padStart(64, '0'));
        return apns.send(message, { recipients, ...(signal !== undefined && { signal }) });
      };
      await send(100);
      const during = await valuesOf(own);
      assert.deepEqual(during('peal_connections'), { open: 1, opening: 0 });
      assert.deepEqual(during('peal_connections_opened_total'), { '': 1 });
      await simulator.close();
      const abort = new AbortController();
      const onFailed = (): void => abort.abort();
      subscribe('peal:connection:failed', onFailed);
      await send(1, abort.signal);
      unsubscribe('peal:connection:failed', onFailed);
      const since = await valuesOf(own);
      const all = (name: FamilyName): number => Object.values(since(name)).reduce((sum, times) => sum + times, 0);
      assert.equal(all('peal_connections_ended_total'), 1);
      assert.ok(all('peal_connection_failures_total') >= 1);
      own.close();
    });
  }
});
