/**
 * What a campaign did second by second: takes a sample each second, keeps it in bounded memory however long the
 * campaign is, and finds the moments in which it was slow. A run that goes on with a campaign goes on with its
 * series. Main thread.
 *
 * Time is running time: the pause between two runs, however long, takes none. Durations are those of the monotonic
 * clock; the wall clock only labels them.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { among, anyNumber, anyText, fieldsOf, listOf } from '../../base/shape.js';
import {
  answeredIn,
  columnsOf,
  isSeriesColumns,
  joinPoints,
  joinTwo,
  pointsOf,
  rounded,
  type SeriesColumns,
  type SeriesPoint,
} from './series-points.js';
import { isSlowMoment, type SlowMoment, SlowMomentFinder } from './slow-moments.js';

/** What a look at the campaign says. Counts are those of this run since it began. */
export interface SeriesSample {
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Requests at a time that the gateway allows on a connection; null where none is known. */
  readonly streamLimit: number | null;
  /** Requests that wait for their answers. */
  readonly inFlight: number;
  /** Whether recipients wait to be sent to. */
  readonly hasWork: boolean;
  /** The rate that is allowed, in recipients a second; null: no limit; 0: paused, or outside of the hours. */
  readonly pace: number | null;
}

/** Something that happened, such as a connection that was lost or a rate that a person changed. */
export interface SeriesNote {
  /** Running time of the campaign. */
  readonly atSeconds: number;
  readonly atMs: number;
  /** One sentence. */
  readonly text: string;
}

/** A series as plain JSON data. */
export interface SeriesData {
  readonly version: 1;
  /** How many seconds a point covers. */
  readonly intervalSeconds: number;
  /** Runs so far. */
  readonly runs: number;
  readonly points: SeriesColumns;
  readonly notes: readonly SeriesNote[];
  /** The slowest moments, the one that cost most first. */
  readonly moments: readonly SlowMoment[];
}

export const isSeriesData = fieldsOf<SeriesData>({
  version: among(1),
  intervalSeconds: anyNumber,
  runs: anyNumber,
  points: isSeriesColumns,
  notes: listOf(fieldsOf<SeriesNote>({ atSeconds: anyNumber, atMs: anyNumber, text: anyText })),
  moments: listOf(isSlowMoment),
});

interface RunSeriesOptions {
  readonly clock: Clock;
  /** Asked once a second. */
  readonly look: () => SeriesSample;
  /** What the runs before left. Default: this is the first run */
  readonly data?: SeriesData | null;
}

const sampleMs = 1000;
/** Points that are kept; with one more, pairs are joined. Even. */
const maxPoints = 1024;
/** Notes that are kept: the first ones, and the latest. */
const maxFirstNotes = 50;
const maxNotes = 200;
/** A second that took as long did not run: the machine slept, the process was suspended, or its thread was busy. */
const stalledSeconds = 5;

export class RunSeries {
  readonly #clock: Clock;
  readonly #look: () => SeriesSample;
  readonly #slow: SlowMomentFinder;
  #points: SeriesPoint[];
  #intervalSeconds: number;
  #notes: SeriesNote[];
  /** The point that is not whole yet. */
  #open: SeriesPoint | null = null;
  #run: number;
  /** Running time at the latest sample. */
  #seconds: number;
  #timer: TimerHandle | null = null;
  #isRunning = false;
  #dueMs = 0;
  #sampledMs = 0;
  #sampledWallMs = 0;
  #before: Pick<SeriesSample, 'accepted' | 'rejected' | 'unknown'> = { accepted: 0, rejected: 0, unknown: 0 };

  constructor({ clock, look, data = null }: RunSeriesOptions) {
    this.#clock = clock;
    this.#look = look;
    this.#points = data === null ? [] : pointsOf(data.points);
    this.#intervalSeconds = data?.intervalSeconds ?? sampleMs / 1000;
    this.#notes = [...(data?.notes ?? [])];
    this.#run = (data?.runs ?? 0) - 1;
    this.#seconds = this.#points.reduce((sum, { seconds }) => sum + seconds, 0);
    this.#slow = new SlowMomentFinder(data?.moments ?? []);
  }

  /** Begins a run. */
  start(): void {
    this.#isRunning = true;
    this.#run += 1;
    this.#before = this.#look();
    this.#sampledMs = this.#clock.now();
    this.#sampledWallMs = this.#clock.wallMs();
    this.#dueMs = this.#sampledMs;
    this.#slow.beginRun();
    this.#wait();
  }

  /** Ends the run with a last sample. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#clock.clearTimer(this.#timer);
    this.#sample();
    this.#slow.endRun(this.#notes);
    this.#closePoint();
  }

  /** Notes what happens now, as one sentence. It says what was going on in a slow moment, and stands in the report. */
  note(text: string): void {
    const sinceSample = this.#isRunning ? (this.#clock.now() - this.#sampledMs) / 1000 : 0;
    const atSeconds = rounded(this.#seconds + sinceSample, 3);
    this.#notes.push({ atSeconds, atMs: this.#clock.wallMs(), text });
    if (this.#notes.length > maxNotes) this.#notes.splice(maxFirstNotes, 1);
  }

  /** The rate of most seconds in which there was work; null while too few have passed. */
  get usualPerSecond(): number | null {
    return this.#slow.usualPerSecond;
  }

  /** All of it so far, also in the middle of a run. */
  toData(): SeriesData {
    const points = this.#open === null ? this.#points : [...this.#points, this.#open];
    return {
      version: 1,
      intervalSeconds: this.#intervalSeconds,
      runs: this.#run + 1,
      points: columnsOf(points),
      notes: this.#notes,
      moments: this.#slow.moments(this.#notes),
    };
  }

  #wait(): void {
    const now = this.#clock.now();
    this.#dueMs = Math.max(this.#dueMs + sampleMs, now + sampleMs / 2);
    this.#timer = this.#clock.setTimer(() => {
      this.#sample();
      this.#wait();
    }, this.#dueMs - now);
  }

  #sample(): void {
    const sample = this.#look();
    const now = this.#clock.now();
    const point = this.#pointOf(sample, (now - this.#sampledMs) / 1000);
    this.#before = sample;
    this.#sampledMs = now;
    this.#sampledWallMs = this.#clock.wallMs();
    if (point.seconds === 0 && answeredIn(point) === 0) return;
    if (point.seconds >= stalledSeconds) this.#noteStall(point.seconds);
    this.#seconds += point.seconds;
    this.#slow.add(point, this.#seconds, this.#points, this.#notes);
    this.#addPoint(point);
  }

  #pointOf(sample: SeriesSample, seconds: number): SeriesPoint {
    const { connections, streamLimit, inFlight, hasWork, pace } = sample;
    const isBusy = hasWork && pace !== 0;
    return {
      run: this.#run,
      startMs: this.#sampledWallMs,
      seconds,
      busySeconds: isBusy ? seconds : 0,
      accepted: Math.max(0, sample.accepted - this.#before.accepted),
      rejected: Math.max(0, sample.rejected - this.#before.rejected),
      unknown: Math.max(0, sample.unknown - this.#before.unknown),
      connections,
      fewestConnections: connections,
      streamLimit,
      inFlight,
      pace,
    };
  }

  #noteStall(seconds: number): void {
    this.note(
      `This process did not run for ${Math.round(seconds)} seconds: ` +
        'the machine slept, the process was suspended, or it had too much to do.',
    );
  }

  #addPoint(point: SeriesPoint): void {
    this.#open = this.#open === null ? point : joinTwo(this.#open, point);
    // Samples are a little more or less than a second apart.
    if (this.#open.seconds >= this.#intervalSeconds - 0.5) this.#closePoint();
  }

  #closePoint(): void {
    if (this.#open === null) return;
    this.#points.push(this.#open);
    this.#open = null;
    if (this.#points.length <= maxPoints) return;
    this.#points = [...joinPoints(this.#points, maxPoints)];
    this.#intervalSeconds *= 2;
  }
}
