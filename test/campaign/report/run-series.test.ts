/** What a campaign did second by second, on virtual time. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RunSeries, type SeriesData, type SeriesSample } from '../../../src/campaign/report/run-series.js';
import { answeredIn, joinPoints, pointsOf, type SeriesPoint } from '../../../src/campaign/report/series-points.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const calm: SeriesSample = {
  accepted: 0,
  rejected: 0,
  unknown: 0,
  connections: 4,
  streamLimit: 1000,
  inFlight: 500,
  hasWork: true,
  pace: null,
};

/** A clock of a machine that can sleep: time goes on, and timers run late. */
class SleepyClock extends VirtualClock {
  #sleptMs = 0;

  sleep(ms: number): void {
    this.#sleptMs += ms;
  }

  override now(): number {
    return super.now() + this.#sleptMs;
  }

  override wallMs(): number {
    return super.wallMs() + this.#sleptMs;
  }
}

/** A campaign of which a test says what it does each second. */
class Rig {
  readonly clock = new SleepyClock();
  now: SeriesSample = calm;
  series: RunSeries;

  constructor(data: SeriesData | null = null) {
    this.series = this.#seriesOf(data);
  }

  #seriesOf(data: SeriesData | null): RunSeries {
    return new RunSeries({ clock: this.clock, look: () => this.now, data });
  }

  /** Seconds at a rate, with anything else that holds in them. */
  run(seconds: number, perSecond: number, others: Partial<SeriesSample> = {}): void {
    for (let second = 0; second < seconds; second++) {
      this.now = { ...this.now, ...others, accepted: this.now.accepted + perSecond };
      this.clock.advance(1000);
    }
  }

  points(): SeriesPoint[] {
    return pointsOf(this.series.toData().points);
  }

  /** The next run of the campaign: another process, which counts from 0. */
  resume(): void {
    const data = JSON.parse(JSON.stringify(this.series.toData())) as SeriesData;
    this.now = calm;
    this.series = this.#seriesOf(data);
    this.series.start();
  }
}

const sumOf = (points: readonly SeriesPoint[]): number => points.reduce((sum, point) => sum + answeredIn(point), 0);

describe('RunSeries', () => {
  it('takes one sample a second, of what happened since the one before', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(3, 100);
    rig.now = { ...rig.now, rejected: 7, unknown: 2, connections: 3, streamLimit: 500 };
    rig.run(1, 50);
    rig.series.stop();
    const points = rig.points();
    assert.deepEqual(
      points.map(({ accepted }) => accepted),
      [100, 100, 100, 50],
    );
    const { rejected, unknown, connections, streamLimit, seconds, run } = points[3]!;
    assert.deepEqual(
      { rejected, unknown, connections, streamLimit, seconds, run },
      { rejected: 7, unknown: 2, connections: 3, streamLimit: 500, seconds: 1, run: 0 },
    );
    assert.equal(rig.clock.timerCount, 0, 'no timer is left');
  });

  it('takes a last sample when the run ends, for the part of a second', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(1, 100);
    rig.now = { ...rig.now, accepted: 130 };
    rig.clock.advance(300);
    rig.series.stop();
    rig.series.stop();
    assert.deepEqual(
      rig.points().map(({ accepted, seconds }) => [accepted, seconds]),
      [
        [100, 1],
        [30, 0.3],
      ],
    );
  });

  it('keeps at most 1,024 points however long the campaign is, and loses no recipient', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(30_000, 17, { rejected: 0 });
    rig.series.stop();
    const data = rig.series.toData();
    const points = pointsOf(data.points);
    assert.ok(points.length <= 1024 && points.length > 500, `${points.length} points`);
    assert.equal(data.intervalSeconds, 32);
    assert.equal(sumOf(points), 510_000);
    assert.equal(
      points.reduce((sum, { seconds }) => sum + seconds, 0),
      30_000,
    );
    assert.ok(JSON.stringify(data).length < 100_000);
  });

  it('stays bounded where a campaign has more runs than points', () => {
    const rig = new Rig();
    rig.series.start();
    for (let run = 0; run < 1300; run++) {
      rig.run(1, 3);
      rig.series.stop();
      rig.resume();
    }
    assert.ok(rig.points().length <= 1024);
    assert.equal(sumOf(rig.points()), 3900);
    assert.equal(rig.series.toData().runs, 1301);
  });

  it('goes on with the series of the run before: no gap in running time, the wall clock of each run', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(10, 100);
    rig.series.stop();
    rig.clock.advance(3_600_000);
    rig.resume();
    rig.run(5, 100);
    rig.series.note('A note of the second run.');
    rig.series.stop();
    const points = rig.points();
    assert.equal(points.length, 15);
    assert.deepEqual([...new Set(points.map(({ run }) => run))], [0, 1]);
    assert.equal(points[10]!.startMs - points[9]!.startMs, 3_601_000);
    assert.equal(rig.series.toData().notes[0]!.atSeconds, 15);
  });

  it('goes on after a crash with what was saved in the middle of a second', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(2000, 10);
    rig.resume();
    rig.run(100, 10);
    assert.equal(sumOf(rig.points()), 21_000);
  });

  it('finds a stall: when it was, how long, what it cost and what changed in it', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(60, 1000);
    rig.series.note('The gateway closed a connection.');
    rig.run(8, 100, { connections: 1, streamLimit: 1, inFlight: 1 });
    rig.run(60, 1000, { connections: 4, streamLimit: 1000, inFlight: 500 });
    rig.series.stop();
    const { moments } = rig.series.toData();
    assert.equal(moments.length, 1);
    assert.deepEqual(moments[0], {
      run: 0,
      atSeconds: 60,
      startMs: rig.clock.startWallMs + 60_000,
      seconds: 8,
      perSecond: 100,
      usualPerSecond: 1000,
      connectionsBefore: 4,
      fewestConnections: 1,
      streamLimitBefore: 1000,
      lowestStreamLimit: 1,
      inFlight: 1,
      rejected: 0,
      unknown: 0,
      notes: ['The gateway closed a connection.'],
    });
  });

  it('orders slow moments by what they cost, and keeps the twenty worst', () => {
    const rig = new Rig();
    rig.series.start();
    for (let moment = 0; moment < 40; moment++) {
      rig.run(30, 1000);
      rig.run(2 + (moment % 7), 100);
    }
    rig.series.stop();
    const { moments } = rig.series.toData();
    assert.equal(moments.length, 20);
    assert.deepEqual(
      moments.map(({ seconds }) => seconds),
      moments.map(({ seconds }) => seconds).toSorted((a, b) => b - a),
    );
    assert.equal(moments[0]!.seconds, 8);
  });

  it('tells of a moment that still goes on', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(30, 1000);
    rig.run(4, 0);
    assert.equal(rig.series.toData().moments[0]?.seconds, 4);
    rig.run(2, 0);
    assert.equal(rig.series.toData().moments[0]?.seconds, 6);
    rig.run(10, 1000);
    assert.deepEqual(
      rig.series.toData().moments.map(({ seconds }) => seconds),
      [6],
    );
  });

  const quiet: readonly (readonly [string, (rig: Rig) => void])[] = [
    ['the first seconds, in which connections open', (rig) => rig.run(5, 1)],
    ['a pause', (rig) => rig.run(20, 0, { pace: 0 })],
    ['a slower pace that is kept', (rig) => rig.run(20, 100, { pace: 100 })],
    ['a wait for more of the list', (rig) => rig.run(20, 0, { hasWork: false })],
    ['one second without outcomes', (rig) => rig.run(1, 0)],
  ];
  for (const [what, act] of quiet) {
    it(`does not call ${what} slow`, () => {
      const rig = new Rig();
      rig.series.start();
      if (!what.startsWith('the first')) rig.run(30, 1000);
      act(rig);
      rig.run(30, 1000, { pace: null, hasWork: true });
      rig.series.stop();
      assert.deepEqual(rig.series.toData().moments, []);
    });
  }

  it('does not call the end slow, in which the last answers come in', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(30, 1000);
    rig.run(10, 1, { hasWork: false });
    rig.series.stop();
    assert.deepEqual(rig.series.toData().moments, []);
  });

  it('calls it slow where a pace is allowed and half of it is not reached', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(30, 1000);
    rig.run(10, 20, { pace: 100 });
    rig.run(5, 100);
    rig.series.stop();
    assert.deepEqual(
      rig.series.toData().moments.map(({ seconds, usualPerSecond }) => [seconds, usualPerSecond]),
      [[10, 100]],
    );
  });

  it('says that a process did not run', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(30, 1000);
    rig.clock.sleep(300_000);
    rig.run(30, 1000);
    rig.series.stop();
    const { moments } = rig.series.toData();
    assert.equal(moments.length, 1);
    assert.ok(moments[0]!.seconds >= 299);
    assert.match(moments[0]!.notes.join(), /^This process did not run for 30\d seconds/);
    assert.equal(rig.points().length < 100, true);
  });

  it('takes no notice of a wall clock that is set back', () => {
    const rig = new Rig();
    rig.series.start();
    rig.run(30, 1000);
    rig.clock.stepWall(-7_200_000);
    rig.run(30, 1000);
    rig.series.stop();
    assert.deepEqual(
      rig.points().map(({ seconds }) => seconds),
      Array.from({ length: 60 }, () => 1),
    );
    assert.deepEqual(rig.series.toData().moments, []);
  });

  it('keeps the first notes and the latest', () => {
    const rig = new Rig();
    rig.series.start();
    for (let note = 0; note < 1000; note++) rig.series.note(`Note ${note}.`);
    const { notes } = rig.series.toData();
    assert.equal(notes.length, 200);
    assert.deepEqual(
      [notes[0]!.text, notes[49]!.text, notes[50]!.text, notes[199]!.text],
      ['Note 0.', 'Note 49.', 'Note 850.', 'Note 999.'],
    );
  });
});

describe('joinPoints', () => {
  it('loses nothing, keeps the order and stays within the bound', () => {
    const point = fc.record({
      run: fc.constant(0),
      startMs: fc.nat(),
      seconds: fc.nat(10).map((tenths) => tenths / 8),
      busySeconds: fc.constant(0),
      accepted: fc.nat(1000),
      rejected: fc.nat(1000),
      unknown: fc.nat(1000),
      connections: fc.nat(8),
      fewestConnections: fc.nat(8),
      streamLimit: fc.option(fc.nat(1000)),
      inFlight: fc.nat(1000),
      pace: fc.option(fc.nat(1000)),
    });
    const isPair = fc.array(fc.tuple(point, fc.boolean()), { maxLength: 200 });
    fc.assert(
      fc.property(isPair, fc.integer({ min: 2, max: 100 }), (drawn, maxPoints) => {
        let run = 0;
        const points = drawn.map(([each, isNewRun]) => {
          if (isNewRun) run += 1;
          return { ...each, run };
        });
        const joined = joinPoints(points, maxPoints);
        assert.ok(joined.length <= maxPoints);
        assert.equal(sumOf(joined), sumOf(points));
        const seconds = (list: readonly SeriesPoint[]): number => list.reduce((sum, each) => sum + each.seconds, 0);
        assert.ok(Math.abs(seconds(joined) - seconds(points)) < 1e-9);
        assert.deepEqual(
          joined.map((each) => each.run),
          joined.map((each) => each.run).toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
