/** summary.json: the keys of the last line of `--json`, and more. */
import assert from 'node:assert/strict';
import { latencyFigures, summaryJson } from '../../../src/campaign/report/summary.js';
import { LatencyHistogram } from '../../../src/engine/latency-histogram.js';
import { emptyReport, fullReport, stoppedReport } from './report-fixtures.js';

const read = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

/** The keys of the summary line in docs/cli.md. */
const keysOfTheLine = [
  ...['messageType', 'recipients', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'duplicate', 'invalidLines'],
  ...['unread', 'reasons', 'causes', 'resent', 'seconds', 'perSecond', 'connections', 'threads', 'stopped', 'exitCode'],
];

describe('summary.json', () => {
  it('has every key of the last line of --json, with the same meaning', () => {
    const summary = read(summaryJson('run-7', fullReport().summary));
    for (const key of keysOfTheLine) assert.ok(key in summary, key);
    assert.equal(summary.messageType, 'summary');
    assert.deepEqual(summary.reasons, { Unregistered: 3008, BadDeviceToken: 311, ExpiredToken: 112 });
    assert.deepEqual(summary.causes, { ERR_PEAL_CLOSED: 214 });
    assert.equal(summary.perSecond, 17_299);
    assert.equal(summary.stopped, null);
  });

  it('says besides what the campaign did: state, why it stopped, what to do, runs, answers, files', () => {
    const { summary } = stoppedReport();
    const written = read(summaryJson('shipped', summary));
    assert.equal(written.version, 1);
    assert.equal(written.title, 'shipped');
    assert.equal(written.state, 'stopped');
    assert.equal(written.stopped, 'ERR_PEAL_STOPPED');
    assert.equal(written.why, summary.why);
    assert.deepEqual(written.next, summary.next);
    assert.equal(written.startedAt, '2026-11-28T13:03:05.000Z');
    assert.deepEqual(written.reasons, { TooManyRequests: 70_120, Unregistered: 1100, 'HTTP 502': 80 });
    const [first, second] = written.runs as { startedAt: string; endedAt: string | null; end: string }[];
    assert.deepEqual(
      [first?.endedAt, first?.end, second?.end],
      [null, 'It was killed, or the disk was full.', 'It stopped for a bound.'],
    );
    assert.equal(written.endedAt, second?.endedAt);
    assert.ok((written.latencyMs as { p99: number }).p99 > 100);
    assert.deepEqual(written.files, summary.files);
  });

  it('is plain where there was nothing', () => {
    const summary = read(summaryJson('', emptyReport().summary));
    assert.deepEqual([summary.startedAt, summary.endedAt, summary.latencyMs, summary.runs], [null, null, null, []]);
  });

  it('keeps each reason under its own name, whatever it is called', () => {
    const reasons = ['__proto__', 'constructor', '', '', '</script>', '"\u2028'].map((reason, index) => ({
      reason,
      status: index === 3 ? null : 500,
      count: index + 1,
    }));
    const text = summaryJson('x', { ...emptyReport().summary, reasons });
    const written = read(text).reasons as Record<string, number>;
    assert.deepEqual(Object.keys(written), [
      '__proto__',
      'constructor',
      'HTTP 500',
      'HTTP unknown',
      '</script>',
      '"\u2028',
    ]);
    assert.equal(
      Object.values(written).reduce((sum, count) => sum + count, 0),
      21,
    );
    assert.ok(text.endsWith('}\n'));
  });

  it('says how long answers took in milliseconds', () => {
    const histogram = new LatencyHistogram();
    assert.equal(latencyFigures(histogram), null);
    for (let ms = 1; ms <= 1000; ms++) histogram.record(ms);
    const { answers, p50, p90, p99, p999, max } = latencyFigures(histogram)!;
    assert.deepEqual([answers, max], [1000, 1000]);
    const expected = [500, 900, 990, 999];
    for (const [index, ms] of [p50, p90, p99, p999].entries()) {
      assert.ok(Math.abs(ms - expected[index]!) / expected[index]! < 0.005, `${ms}`);
    }
  });
});
