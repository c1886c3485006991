/** Charts as data: scales with round ticks, lines that keep runs apart, and words that say what they show. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  durationWords,
  latencyWords,
  rateWords,
  stopWatch,
  ZoneTimes,
} from '../../../src/campaign/report/figure-words.js';
import { reportHtml } from '../../../src/campaign/report/report.js';
import {
  latencyChart,
  linearTicks,
  logTicks,
  rateText,
  timeCharts,
  timeTicks,
} from '../../../src/campaign/report/report-charts.js';
import type { ReportData } from '../../../src/campaign/report/report-data.js';
import { chartSvg } from '../../../src/campaign/report/report-svg.js';
import { columnsOf, type SeriesPoint } from '../../../src/campaign/report/series-points.js';
import { LatencyHistogram } from '../../../src/engine/latency-histogram.js';
import { emptyReport, fullReport, stoppedReport } from './report-fixtures.js';

const utc = new ZoneTimes('UTC');
const labels = (ticks: readonly { readonly label: string }[]): string => ticks.map(({ label }) => label).join(' ');

const point: SeriesPoint = {
  run: 0,
  startMs: 0,
  seconds: 1,
  busySeconds: 1,
  accepted: 10,
  rejected: 0,
  unknown: 0,
  connections: 1,
  fewestConnections: 1,
  streamLimit: null,
  inFlight: 1,
  pace: null,
};

function reportOf(points: readonly SeriesPoint[], latency: LatencyHistogram | null = null): ReportData {
  const series = {
    version: 1 as const,
    intervalSeconds: 1,
    runs: 1,
    points: columnsOf(points),
    notes: [],
    moments: [],
  };
  return { ...emptyReport(), series, latency: latency?.toData() ?? null };
}

describe('the scales of charts', () => {
  const linear: readonly (readonly [number, number, string])[] = [
    [0, 0, '0 1'],
    [0, 1, '0 1'],
    [1, 1, '0 1'],
    [8, 1, '0 2 4 6 8'],
    [0.7, 0, '0 0.2 0.4 0.6 0.8'],
    [19_934, 0, '0 5,000 10,000 15,000 20,000'],
    [98_000, 0, '0 20,000 40,000 60,000 80,000 100,000'],
    [847_000, 1, '0 0.2 M 0.4 M 0.6 M 0.8 M 1 M'],
    [4_512_345, 1, '0 1 M 2 M 3 M 4 M 5 M'],
    [1_200_000, 1, '0 0.5 M 1 M 1.5 M'],
  ];
  for (const [max, minStep, expected] of linear) {
    it(`go from 0 to ${max} as ${expected}`, () => assert.equal(labels(linearTicks(max, minStep)), expected));
  }

  const time: readonly (readonly [number, string])[] = [
    [0.4, '0 s 0.1 s 0.2 s 0.3 s 0.4 s'],
    [7, '0:00 0:02 0:04 0:06'],
    [101, '0:00 0:30 1:00 1:30'],
    [1503, '0:00 5:00 10:00 15:00 20:00 25:00'],
    [5400, '0:00 h 0:15 h 0:30 h 0:45 h 1:00 h 1:15 h 1:30 h'],
    [36_000, '0 h 2 h 4 h 6 h 8 h 10 h'],
  ];
  for (const [seconds, expected] of time) {
    it(`go through ${seconds} seconds as ${expected}`, () => assert.equal(labels(timeTicks(seconds)), expected));
  }

  const powers: readonly (readonly [number, number, string])[] = [
    [40, 60, '40 ms 45 ms 50 ms 55 ms 60 ms'],
    [9, 1100, '10 ms 20 ms 50 ms 100 ms 200 ms 500 ms 1 s'],
    [0.5, 700, '1 ms 3 ms 10 ms 30 ms 100 ms 300 ms'],
    [0.09, 70_000, '0.1 ms 1 ms 10 ms 100 ms 1 s 10 s'],
  ];
  for (const [fromMs, toMs, expected] of powers) {
    it(`go from ${fromMs} to ${toMs} ms in powers as ${expected}`, () => {
      assert.equal(labels(logTicks([Math.log10(fromMs), Math.log10(toMs)])), expected);
    });
  }

  it('have few ticks, within their range, and reach what is drawn', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1e9, noNaN: true }),
        fc.double({ min: 1.001, max: 1e6, noNaN: true }),
        (value, ratio) => {
          const ticks = linearTicks(value, 0);
          assert.ok(ticks.length >= 2 && ticks.length <= 7 && ticks.at(-1)!.at >= value * (1 - 1e-9));
          assert.ok(timeTicks(value).length <= 8);
          const range = [Math.log10(value), Math.log10(value * ratio)] as const;
          const marks = logTicks(range);
          assert.ok(marks.length <= 10, `${marks.length} ticks from ${value} to ${value * ratio}`);
          for (const { at } of marks) assert.ok(at >= range[0] - 1e-9 && at <= range[1] + 1e-9);
        },
      ),
    );
  });
});

describe('the charts of a report', () => {
  it('break their lines between runs, mark each run, and read nothing out there', () => {
    const { rate } = timeCharts(stoppedReport(), utc)!;
    const gaps = rate.series[0]!.values.flatMap((value, index) => (value === null ? [index] : []));
    assert.equal(gaps.length, 1);
    assert.equal(rate.xWords[gaps[0]!], '');
    assert.deepEqual(rate.marks, [{ at: 65, label: 'run 2' }]);
    assert.equal(rate.x[gaps[0]!], 65);
    assert.equal(rate.x[0], 0);
    assert.equal(rate.x.at(-1), rate.xRange[1]);
  });

  it('name runs above the plot, where no line is, and leave out a name that another one takes the place of', () => {
    const points = [0, 5000, 6000, 60_000].map((startMs, run) => ({ ...point, run, startMs }));
    const { rate } = timeCharts(reportOf(points), utc)!;
    const shown = (marks: typeof rate.marks) => [
      ...chartSvg({ ...rate, xRange: [0, 100], marks }).text.matchAll(
        /mark-word"[^>]* y="(.*?)" dx="(.*?)"[^>]*>(.*?)</gs,
      ),
    ];
    const marks = [10, 14, 60, 98].map((at, index) => ({ at, label: `run ${index + 2}` }));
    assert.deepEqual(
      shown(marks).map(([, ...found]) => found),
      [
        ['-5', '0', 'run 2'],
        ['-5', '0', 'run 4'],
        ['-5', '0', 'run 5'],
      ],
    );
    assert.match(chartSvg({ ...rate, marks }).text, /class="static named"/);
    assert.match(chartSvg({ ...rate, marks: [] }).text, /class="static"/);
  });

  it('name shares of answers that took equally long once', () => {
    const one = new LatencyHistogram();
    one.record(51);
    assert.deepEqual(
      latencyChart(reportOf([], one))!.marks.map(({ label }) => label),
      ['50 to 99.9 %'],
    );
    assert.equal(latencyChart(fullReport())!.marks.length, 4);
  });

  it('have rising places', () => {
    for (const data of [fullReport(), stoppedReport()]) {
      const { rate } = timeCharts(data, utc)!;
      assert.deepEqual(
        rate.x,
        rate.x.toSorted((a, b) => a - b),
      );
      const { x } = latencyChart(data)!;
      assert.deepEqual(
        x,
        x.toSorted((a, b) => a - b),
      );
    }
  });

  it('show the allowed rate only where there was one', () => {
    const names = (data: ReportData): string =>
      timeCharts(data, utc)!
        .rate.series.map(({ label }) => label)
        .join();
    assert.equal(names(stoppedReport()), 'Accepted,Rejected,Unknown');
    assert.equal(names(fullReport()), 'Accepted,Rejected,Unknown,Allowed rate');
  });

  it('do not drown in marks where there are many runs', () => {
    const points = Array.from({ length: 300 }, (_, run) => ({ ...point, run }));
    assert.deepEqual(timeCharts(reportOf(points), utc)!.rate.marks, []);
  });

  it('tell lines apart by their dashes alone', () => {
    const { series } = timeCharts(fullReport(), utc)!.rate;
    assert.equal(new Set(series.map(({ dashes }) => dashes.join())).size, series.length);
  });

  it('are none where no time passed', () => {
    assert.equal(timeCharts(reportOf([]), utc), null);
    assert.equal(timeCharts(reportOf([{ ...point, seconds: 0 }]), utc), null);
    assert.equal(latencyChart(reportOf([], new LatencyHistogram())), null);
    assert.equal(rateText(emptyReport()), 'Nothing was sent yet.');
  });

  it('can be made of whatever a campaign may have done', () => {
    const amount = fc.oneof(fc.constant(0), fc.nat(10), fc.nat(1_000_000_000));
    const drawn = fc.record({
      run: fc.nat(3),
      startMs: fc.nat(),
      seconds: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 100_000, noNaN: true })),
      busySeconds: fc.constant(0),
      accepted: amount,
      rejected: amount,
      unknown: amount,
      connections: fc.nat(100),
      fewestConnections: fc.nat(100),
      streamLimit: fc.option(amount),
      inFlight: amount,
      pace: fc.option(amount),
    });
    const times = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 5 }), times, (points, latencies) => {
        const histogram = new LatencyHistogram();
        for (const ms of latencies) histogram.record(ms);
        const data = reportOf(
          points.toSorted((a, b) => a.run - b.run),
          histogram,
        );
        const page = reportHtml(data, null);
        assert.doesNotMatch(page, /NaN|undefined|Infinity/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the words of a report', () => {
  it('say durations in two units at most', () => {
    const said = [0, 0.561, 9.999, 11.8, 59.6, 65, 3600, 3725, 90_061, 200_000].map(durationWords);
    const expected = ['0 s', '0.56 s', '10 s', '12 s', '1 min', '1 min 5 s', '1 h', '1 h 2 min', '1 d 1 h', '2 d 7 h'];
    assert.deepEqual(said, expected);
  });

  it('say times of answers and rates with the digits that mean something', () => {
    assert.deepEqual([0, 0.214, 1.26, 62.4, 231.4, 1240, 65_000].map(latencyWords), [
      ...['0 ms', '0.21 ms', '1.3 ms', '62 ms', '231 ms', '1.24 s', '1 min 5 s'],
    ]);
    assert.deepEqual([0, 0.333, 9.5, 84_312.4].map(rateWords), ['0/s', '0.33/s', '9.5/s', '84,312/s']);
    assert.deepEqual([0, 59.9, 723, 3723].map(stopWatch), ['0:00', '0:59', '12:03', '1:02:03']);
  });

  it('say times in the time zone that is asked for', () => {
    const ms = Date.UTC(2026, 10, 28, 13, 3, 5);
    assert.equal(new ZoneTimes('Asia/Kathmandu').full(ms), '28 Nov 2026, 18:48:05');
    assert.equal(new ZoneTimes('nowhere').full(ms), '28 Nov 2026, 13:03:05');
    assert.equal(new ZoneTimes('UTC').time(Date.UTC(2026, 0, 1)), '00:00:00');
  });
});
