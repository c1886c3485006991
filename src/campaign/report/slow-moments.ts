/**
 * Finds the stretches of a campaign in which it sent at less than half of its usual rate although recipients waited,
 * and keeps those that cost most. Fed by RunSeries with each second. Pure; main thread.
 */
import { anyNumber, anyText, fieldsOf, listOf, orNull } from '../../base/shape.js';
import { answeredIn, lowest, rounded, type SeriesPoint } from './series-points.js';

/** A stretch of seconds at less than half of the usual rate. */
export interface SlowMoment {
  readonly run: number;
  /** Running time of the campaign at its beginning. */
  readonly atSeconds: number;
  /** Its beginning by the wall clock. */
  readonly startMs: number;
  readonly seconds: number;
  /** The rate in it, and the one that could be expected: the usual one, or the pace where that was lower. */
  readonly perSecond: number;
  readonly usualPerSecond: number;
  /** How many connections were open before, and the fewest in it. */
  readonly connectionsBefore: number;
  readonly fewestConnections: number;
  /** Requests at a time that the gateway allowed on a connection, before and at the lowest. */
  readonly streamLimitBefore: number | null;
  readonly lowestStreamLimit: number | null;
  /** Requests that waited for their answers, in the mean. */
  readonly inFlight: number;
  readonly rejected: number;
  readonly unknown: number;
  /** What was noted shortly before or in it. */
  readonly notes: readonly string[];
}

export const isSlowMoment = fieldsOf<SlowMoment>({
  run: anyNumber,
  atSeconds: anyNumber,
  startMs: anyNumber,
  seconds: anyNumber,
  perSecond: anyNumber,
  usualPerSecond: anyNumber,
  connectionsBefore: anyNumber,
  fewestConnections: anyNumber,
  streamLimitBefore: orNull(anyNumber),
  lowestStreamLimit: orNull(anyNumber),
  inFlight: anyNumber,
  rejected: anyNumber,
  unknown: anyNumber,
  notes: listOf(anyText),
});

interface Note {
  readonly atSeconds: number;
  readonly text: string;
}

/** The part of the expected rate below which a second is slow. */
const slowShare = 0.5;
/** Shorter stretches are told by nothing: outcomes come in lumps. */
const minSlowSeconds = 2;
/** The first seconds of a run, in which connections open. */
const warmUpSeconds = 5;
/** Busy seconds that it takes to say what is usual. */
const minUsualSeconds = 5;
const maxMoments = 20;
const maxNotesOfMoment = 5;
/** What was noted so long before a slow moment may have to do with it. */
const noteLeadSeconds = 2;
/** How many samples may pass until the usual rate is worked out anew. */
const usualEvery = 32;

/** A moment that has not ended. */
interface OpenMoment extends Omit<SlowMoment, 'perSecond' | 'notes' | 'inFlight'> {
  readonly answered: number;
  readonly inFlightSeconds: number;
}

export class SlowMomentFinder {
  #moments: SlowMoment[];
  #open: OpenMoment | null = null;
  #usualPerSecond: number | null = null;
  #untilUsual = 0;
  #runSeconds = 0;
  #before: SeriesPoint | null = null;

  constructor(moments: readonly SlowMoment[]) {
    this.#moments = [...moments];
  }

  get usualPerSecond(): number | null {
    return this.#usualPerSecond;
  }

  beginRun(): void {
    this.#runSeconds = 0;
    this.#before = null;
    this.#untilUsual = 0;
  }

  endRun(notes: readonly Note[]): void {
    this.#close(notes);
  }

  /**
   * @param point one second
   * @param atSeconds running time at its end
   * @param points all before it, for what is usual
   */
  add(point: SeriesPoint, atSeconds: number, points: readonly SeriesPoint[], notes: readonly Note[]): void {
    this.#judgeUsual(points);
    const expected = this.#usualPerSecond === null ? null : lowest(this.#usualPerSecond, point.pace);
    const isWarm = this.#runSeconds >= warmUpSeconds;
    this.#runSeconds += point.seconds;
    const isBusy = point.busySeconds > 0;
    if (isWarm && isBusy && expected !== null && answeredIn(point) < expected * slowShare * point.seconds) {
      this.#extend(point, expected, atSeconds - point.seconds);
    } else {
      this.#close(notes);
    }
    this.#before = point;
  }

  /** The one that cost most first; with the one that goes on. */
  moments(notes: readonly Note[]): SlowMoment[] {
    const open = this.#open === null || this.#open.seconds < minSlowSeconds ? [] : [momentOf(this.#open, notes)];
    return worstOf([...this.#moments, ...open]);
  }

  #judgeUsual(points: readonly SeriesPoint[]): void {
    this.#untilUsual -= 1;
    if (this.#untilUsual > 0) return;
    this.#usualPerSecond = usualOf(points);
    this.#untilUsual = this.#usualPerSecond === null ? 1 : Math.min(usualEvery, Math.ceil(points.length / 8));
  }

  #extend(point: SeriesPoint, expected: number, atSeconds: number): void {
    const { run, startMs, seconds, fewestConnections, streamLimit, rejected, unknown } = point;
    const before = this.#before ?? point;
    const answered = answeredIn(point);
    const inFlightSeconds = point.inFlight * seconds;
    const open = this.#open;
    if (open === null) {
      this.#open = {
        run,
        atSeconds,
        startMs,
        seconds,
        usualPerSecond: expected,
        connectionsBefore: before.fewestConnections,
        fewestConnections,
        streamLimitBefore: before.streamLimit,
        lowestStreamLimit: streamLimit,
        rejected,
        unknown,
        answered,
        inFlightSeconds,
      };
    } else {
      this.#open = {
        ...open,
        seconds: open.seconds + seconds,
        fewestConnections: Math.min(open.fewestConnections, fewestConnections),
        lowestStreamLimit: lowest(open.lowestStreamLimit, streamLimit),
        rejected: open.rejected + rejected,
        unknown: open.unknown + unknown,
        answered: open.answered + answered,
        inFlightSeconds: open.inFlightSeconds + inFlightSeconds,
      };
    }
  }

  #close(notes: readonly Note[]): void {
    if (this.#open === null) return;
    this.#moments = this.moments(notes);
    this.#open = null;
  }
}

function momentOf({ answered, inFlightSeconds, ...open }: OpenMoment, notes: readonly Note[]): SlowMoment {
  const { atSeconds, seconds } = open;
  const within = notes.filter(
    (note) => note.atSeconds >= atSeconds - noteLeadSeconds && note.atSeconds <= atSeconds + seconds,
  );
  return {
    ...open,
    atSeconds: rounded(atSeconds, 3),
    seconds: rounded(seconds, 3),
    perSecond: rounded(answered / seconds, 1),
    usualPerSecond: rounded(open.usualPerSecond, 1),
    inFlight: rounded(inFlightSeconds / seconds, 1),
    notes: [...new Set(within.map(({ text }) => text))].slice(0, maxNotesOfMoment),
  };
}

/** Those in which most recipients were not sent to that could have been. */
function worstOf(moments: readonly SlowMoment[]): SlowMoment[] {
  const cost = ({ usualPerSecond, perSecond, seconds }: SlowMoment): number => (usualPerSecond - perSecond) * seconds;
  return moments.toSorted((a, b) => cost(b) - cost(a)).slice(0, maxMoments);
}

/** The median rate of the seconds with work; null where there are too few. */
function usualOf(points: readonly SeriesPoint[]): number | null {
  const busy = points
    .filter(({ seconds, busySeconds }) => busySeconds > seconds / 2)
    .map((point) => ({ seconds: point.seconds, perSecond: answeredIn(point) / point.seconds }))
    .sort((a, b) => a.perSecond - b.perSecond);
  const seconds = busy.reduce((sum, each) => sum + each.seconds, 0);
  if (seconds < minUsualSeconds) return null;
  let upTo = 0;
  return busy.find((each) => {
    upTo += each.seconds;
    return upTo >= seconds / 2;
  })!.perSecond;
}
