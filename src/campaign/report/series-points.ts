/**
 * What a campaign did over its running time, as points of so many seconds each: how points are joined when there are
 * too many, and how they lie in plain data. Pure; main thread. Made by RunSeries, drawn by the report.
 */
import { assert } from '../../base/assert.js';
import { anyNumber, fieldsOf, listOf, orNull } from '../../base/shape.js';

/** What happened in a stretch of running time. */
export interface SeriesPoint {
  /** Which run it belongs to: 0 is the first, 1 the one that went on with it, and so on. */
  readonly run: number;
  /** Its beginning by the wall clock, in milliseconds since the epoch. */
  readonly startMs: number;
  readonly seconds: number;
  /** How long of it recipients waited that could be sent to. */
  readonly busySeconds: number;
  /** Recipients that got this outcome in it. */
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  /** Open connections, in the mean, and the fewest. */
  readonly connections: number;
  readonly fewestConnections: number;
  /** The lowest number of requests at a time that the gateway allowed on a connection; null where none was known. */
  readonly streamLimit: number | null;
  /** Requests that waited for their answers, in the mean. */
  readonly inFlight: number;
  /** The lowest rate that was allowed, in recipients a second; null: no limit; 0: paused. */
  readonly pace: number | null;
}

/** Points as plain JSON data, column by column. */
export type SeriesColumns = { readonly [Column in keyof SeriesPoint]: readonly SeriesPoint[Column][] };

const columns = fieldsOf<SeriesColumns>({
  run: listOf(anyNumber),
  startMs: listOf(anyNumber),
  seconds: listOf(anyNumber),
  busySeconds: listOf(anyNumber),
  accepted: listOf(anyNumber),
  rejected: listOf(anyNumber),
  unknown: listOf(anyNumber),
  connections: listOf(anyNumber),
  fewestConnections: listOf(anyNumber),
  streamLimit: listOf(orNull(anyNumber)),
  inFlight: listOf(anyNumber),
  pace: listOf(orNull(anyNumber)),
});

/** Whether it is what `columnsOf` gives: columns of one length. */
export function isSeriesColumns(value: unknown): value is SeriesColumns {
  return columns(value) && Object.values(value).every(({ length }) => length === value.run.length);
}

/** Recipients that got an outcome in it. */
export function answeredIn({ accepted, rejected, unknown }: SeriesPoint): number {
  return accepted + rejected + unknown;
}

/**
 * Neighbours joined, as often as it takes until at most `maxPoints` are left. Runs stay apart where that is possible.
 *
 * @param maxPoints at least 2
 */
export function joinPoints(points: readonly SeriesPoint[], maxPoints: number): readonly SeriesPoint[] {
  assert(maxPoints >= 2, 'a series keeps at least two points');
  let joined = points;
  while (joined.length > maxPoints) {
    const apart = joinPairs(joined, (first, second) => first.run === second.run);
    joined = apart.length <= Math.max(maxPoints, joined.length * 0.75) ? apart : joinPairs(joined, () => true);
  }
  return joined;
}

/** Each second point joined to the one before it, where `mayJoin`. */
function joinPairs(
  points: readonly SeriesPoint[],
  mayJoin: (first: SeriesPoint, second: SeriesPoint) => boolean,
): SeriesPoint[] {
  const joined: SeriesPoint[] = [];
  for (let index = 0; index < points.length; index++) {
    const [first, second] = [points[index]!, points[index + 1]];
    if (second === undefined || !mayJoin(first, second)) joined.push(first);
    else {
      joined.push(joinTwo(first, second));
      index += 1;
    }
  }
  return joined;
}

/** One point of both. It is of the run and the time of the first. */
export function joinTwo(first: SeriesPoint, second: SeriesPoint): SeriesPoint {
  const seconds = first.seconds + second.seconds;
  const mean = (a: number, b: number): number =>
    seconds === 0 ? b : (a * first.seconds + b * second.seconds) / seconds;
  return {
    run: first.run,
    startMs: first.startMs,
    seconds,
    busySeconds: first.busySeconds + second.busySeconds,
    accepted: first.accepted + second.accepted,
    rejected: first.rejected + second.rejected,
    unknown: first.unknown + second.unknown,
    connections: mean(first.connections, second.connections),
    fewestConnections: Math.min(first.fewestConnections, second.fewestConnections),
    streamLimit: lowest(first.streamLimit, second.streamLimit),
    inFlight: mean(first.inFlight, second.inFlight),
    pace: lowest(first.pace, second.pace),
  };
}

/** The lower of two numbers, either of which may be missing. */
export function lowest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

export function columnsOf(points: readonly SeriesPoint[]): SeriesColumns {
  const column = <Value>(read: (point: SeriesPoint) => Value): Value[] => points.map(read);
  return {
    run: column(({ run }) => run),
    startMs: column(({ startMs }) => Math.round(startMs)),
    seconds: column(({ seconds }) => rounded(seconds, 3)),
    busySeconds: column(({ busySeconds }) => rounded(busySeconds, 3)),
    accepted: column(({ accepted }) => accepted),
    rejected: column(({ rejected }) => rejected),
    unknown: column(({ unknown }) => unknown),
    connections: column(({ connections }) => rounded(connections, 2)),
    fewestConnections: column(({ fewestConnections }) => fewestConnections),
    streamLimit: column(({ streamLimit }) => streamLimit),
    inFlight: column(({ inFlight }) => rounded(inFlight, 1)),
    pace: column(({ pace }) => pace),
  };
}

export function pointsOf(columns: SeriesColumns): SeriesPoint[] {
  return columns.run.map((run, index) => ({
    run,
    startMs: columns.startMs[index]!,
    seconds: columns.seconds[index]!,
    busySeconds: columns.busySeconds[index]!,
    accepted: columns.accepted[index]!,
    rejected: columns.rejected[index]!,
    unknown: columns.unknown[index]!,
    connections: columns.connections[index]!,
    fewestConnections: columns.fewestConnections[index]!,
    streamLimit: columns.streamLimit[index] ?? null,
    inFlight: columns.inFlight[index]!,
    pace: columns.pace[index] ?? null,
  }));
}

export function rounded(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
