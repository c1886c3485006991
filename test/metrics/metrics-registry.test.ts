/**
 * What a scrape says of the sources of a process, in both formats, and what it does about sources that do not answer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { systemClock } from '../../src/base/clock.js';
import { maxSeriesOfMetric } from '../../src/base/limits.js';
import { LatencyHistogram } from '../../src/engine/latency-histogram.js';
import { answerBorders, families } from '../../src/metrics/families.js';
import { type MetricsFormat, MetricsRegistry } from '../../src/metrics/metrics-registry.js';
import type { MetricsSource } from '../../src/metrics/metrics-source.js';
import { addOutcomes } from '../../src/metrics/outcome-samples.js';
import type { Samples } from '../../src/metrics/samples.js';
import { type ReadMetrics, readMetrics } from '../support/metrics-text.js';
import { VirtualClock } from '../support/virtual-clock.js';

const source = (collect: MetricsSource['collect']): MetricsSource => ({ collect });

describe('MetricsRegistry', () => {
  let registry: MetricsRegistry;
  beforeEach(() => {
    registry = new MetricsRegistry();
  });
  afterEach(() => registry.close());

  async function scrape(format: MetricsFormat = 'text'): Promise<ReadMetrics> {
    const { contentType, text } = await registry.scrape(format);
    assert.match(contentType, format === 'text' ? /^text\/plain; version=0\.0\.4/ : /^application\/openmetrics-text/);
    return readMetrics(text, format === 'openmetrics');
  }

  it('adds up what several sources say', async () => {
    const say = source((samples) => addOutcomes(samples, { accepted: 5, unsent: 1, unknown: 0, reasons: [] }));
    registry.add(say);
    registry.add(source(async (samples) => addOutcomes(samples, { accepted: 7, unsent: 0, unknown: 2, reasons: [] })));
    const both = await scrape();
    const of = (read: ReadMetrics, outcome: string): number => read.sum('peal_notifications_total', { outcome });
    assert.deepEqual([of(both, 'accepted'), of(both, 'unsent'), of(both, 'unknown')], [12, 1, 2]);
    registry.remove(say);
    assert.equal(of(await scrape(), 'accepted'), 7);
  });

  it('says the same in both formats, however they follow each other', async () => {
    registry.add(source((samples) => samples.add('peal_requests_resent_total', 3)));
    for (const format of ['text', 'openmetrics', 'text', 'openmetrics', 'openmetrics', 'text'] as const) {
      const read = await scrape(format);
      assert.equal(read.sum('peal_requests_resent_total'), 3);
      assert.ok(read.sum('process_cpu_seconds_total') > 0);
    }
    const reads = await Promise.all(
      (['text', 'openmetrics', 'text'] as const).map(async (format) => [format, await scrape(format)] as const),
    );
    for (const [, read] of reads) assert.equal(read.sum('peal_requests_resent_total'), 3);
  });

  it('has HELP and TYPE of every metric of peal, and metrics of the process', async () => {
    const read = await scrape();
    for (const [name, { type, help }] of Object.entries(families)) {
      assert.equal(read.families.get(name)?.type, type);
      assert.equal(read.families.get(name)?.help, help);
    }
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']) {
      assert.ok(read.families.has(name), name);
    }
    assert.equal(read.samples('peal_build_info').length, 1);
  });

  it('makes labels of documented reasons only', async () => {
    registry.add(
      source((samples) =>
        addOutcomes(samples, {
          ...{ accepted: 0, unsent: 0, unknown: 0 },
          reasons: [
            ['Unregistered', 4],
            ['BadDeviceToken', 3],
            ['Made Up "by"\na gateway', 2],
            ['HTTP 599', 5],
            ['other reasons', 1],
          ],
        }),
      ),
    );
    const rows = (await scrape())
      .samples('peal_notifications_total', { outcome: 'rejected' })
      .map(({ labels, value }) => [labels.reason, labels.status, value]);
    assert.deepEqual(rows, [
      ['Unregistered', '410', 4],
      ['BadDeviceToken', '400', 3],
      ['other', '', 3],
      ['other', '5xx', 5],
    ]);
  });

  it('bounds the series of a metric, and says how many were left out', async () => {
    registry.add(
      source((samples) => {
        for (let at = 0; at < maxSeriesOfMetric + 7; at++) {
          samples.add('peal_connections_ended_total', 1, { cause: `cause ${at}` });
        }
      }),
    );
    const read = await scrape();
    assert.equal(read.samples('peal_connections_ended_total').length, maxSeriesOfMetric);
    assert.equal(read.sum('peal_scrape_left_out_series'), 7);
  });

  it('cuts and escapes labels from outside', async () => {
    const campaign = `a "name"\\ of\n${'x'.repeat(500)}\u0007`;
    registry.add(source((samples) => samples.add('peal_campaign_info', 1, { campaign, gateway: 'https://x:1' })));
    const [sample] = (await scrape()).samples('peal_campaign_info');
    assert.ok(sample!.labels.campaign!.length <= 201);
    assert.ok(sample!.labels.campaign!.startsWith('a "name"'));
  });

  it('has a sample of no other name, and with no other label, than its table', () => {
    const wrong = (add: (samples: Samples) => void): Promise<unknown> => {
      const other = new MetricsRegistry();
      other.add(source(add));
      return other.scrape('text');
    };
    return Promise.all([
      assert.rejects(
        wrong((samples) => samples.add('peal_ready', 1, { state: 'open' })),
        { name: 'AssertionError' },
      ),
      assert.rejects(
        wrong((samples) => samples.add('peal_connections', 1)),
        { name: 'AssertionError' },
      ),
    ]);
  });

  it('counts how long answers took up to each border, without those of earlier runs', async () => {
    const earlier = new LatencyHistogram();
    earlier.record(3, 100);
    const all = LatencyHistogram.fromData(earlier.toData());
    all.record(0.7, 10);
    all.record(40, 20);
    all.record(120_000, 1);
    registry.add(source((samples) => samples.addLatencies(all, earlier)));
    const read = await scrape();
    const upTo = (le: string): number => read.sum('peal_answer_duration_seconds_bucket', { le });
    assert.deepEqual([upTo('0.001'), upTo('0.025'), upTo('0.05'), upTo('60'), upTo('+Inf')], [10, 10, 30, 30, 31]);
    assert.equal(read.samples('peal_answer_duration_seconds_bucket').length, answerBorders.length + 1);
    const sum = read.sum('peal_answer_duration_seconds_sum');
    assert.ok(Math.abs(sum - 120.807) < 0.5, `${sum} s`);
  });

  it('leaves out a source that fails, and one that does not answer in time', async () => {
    const clock = new VirtualClock();
    const slow = new MetricsRegistry(clock);
    slow.add(source(() => Promise.reject(new Error('gone'))));
    slow.add(source(() => new Promise(() => {})));
    slow.add(source((samples) => samples.add('peal_requests_resent_total', 9)));
    const scraping = slow.scrape('text');
    let isOver = false;
    void scraping.then(() => {
      isOver = true;
    });
    while (!isOver) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(readMetrics((await scraping).text).sum('peal_requests_resent_total'), 9);
  });

  it('asks its sources once for all who ask at the same time', async () => {
    let asked = 0;
    registry.add(
      source(async (samples) => {
        asked += 1;
        await new Promise((resolve) => setImmediate(resolve));
        samples.add('peal_requests_resent_total', asked);
      }),
    );
    const reads = await Promise.all(Array.from({ length: 20 }, () => scrape()));
    assert.ok(asked <= 2, `${asked} times`);
    assert.ok(reads.every((read) => read.sum('peal_requests_resent_total') >= 1));
    await scrape();
    assert.ok(asked <= 3, 'a later scrape asks anew');
  });

  it('is ready when all of its sources are', () => {
    assert.match(registry.whyNotReady!, /^Nothing is being sent/);
    registry.add(source(() => {}));
    assert.match(registry.whyNotReady!, /^Nothing is being sent/, 'a source that cannot say');
    let why: string | null = 'The campaign is paused.';
    registry.add({ collect: () => {}, whyNotReady: () => why });
    registry.add(source(() => {}));
    assert.equal(registry.whyNotReady, 'The campaign is paused.');
    why = null;
    assert.equal(registry.whyNotReady, null);
  });

  it('costs less than 5 milliseconds with everything in it', async () => {
    const histogram = new LatencyHistogram();
    for (let ms = 0.1; ms < 60_000; ms *= 1.01) histogram.record(ms);
    registry.add(
      source((samples) => {
        addOutcomes(samples, { accepted: 1e9, unsent: 1, unknown: 1, reasons: [['Unregistered', 5]] });
        samples.addLatencies(histogram, histogram);
      }),
    );
    for (let round = 0; round < 20; round++) await scrape();
    const times: number[] = [];
    for (let round = 0; round < 31; round++) {
      const began = systemClock.now();
      await registry.scrape('text');
      times.push(systemClock.now() - began);
    }
    // The fastest of them: others may use the processor meanwhile.
    const fastestMs = Math.min(...times);
    assert.ok(fastestMs < 5, `${fastestMs} ms`);
  });

  it('passes promtool, where that is installed', async function () {
    if (spawnSync('promtool', ['--version']).error !== undefined) this.skip();
    registry.add(source((samples) => addOutcomes(samples, { accepted: 1, unsent: 0, unknown: 0, reasons: [] })));
    registry.add(source((samples) => samples.addLatencies(new LatencyHistogram())));
    const { text } = await registry.scrape('text');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });
});
