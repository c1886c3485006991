/**
 * What the streams, the windows and the distance of a gateway allow, and what a series of counts says about the rate
 * over time. Pure.
 */

/** What bounds a sender, besides the CPU. */
export interface Bounds {
  readonly connections: number;
  /** Streams that the gateway allows on a connection. */
  readonly streams: number;
  /** Window of a connection, in bytes. */
  readonly windowBytes: number;
  readonly payloadBytes: number;
  readonly roundTripMs: number;
}

/**
 * Notifications a second over all connections: connections × min(streams, window ÷ payload) ÷ round-trip time. The
 * answer to a request comes a round trip later, and so does the window that its payload used.
 */
export function modelPerSecond({ connections, streams, windowBytes, payloadBytes, roundTripMs }: Bounds): number {
  const inFlight = Math.min(streams, Math.floor(windowBytes / payloadBytes));
  return (connections * inFlight * 1000) / roundTripMs;
}

/**
 * The same for a gateway that gives window back once half of it is used, as nghttp2 does. It holds back what is less
 * than half, so only whole returns are on their way at a time: of 65,535 bytes one return of 32,768 or a little more,
 * because two of them are 65,536.
 */
export function halfReturnPerSecond(bounds: Bounds): number {
  const { connections, streams, windowBytes, payloadBytes, roundTripMs } = bounds;
  const ofWindow = Math.floor(windowBytes / payloadBytes);
  const ofReturn = Math.ceil(windowBytes / 2 / payloadBytes);
  const inFlight = Math.min(streams, Math.floor(ofWindow / ofReturn) * ofReturn);
  return (connections * inFlight * 1000) / roundTripMs;
}

/** A count that only rises, at a time. */
export interface CountAt {
  readonly ms: number;
  readonly count: number;
}

/** The count at any time, between two samples on a straight line. */
function countAt(series: readonly CountAt[], ms: number): number {
  const after = series.findIndex((sample) => sample.ms >= ms);
  if (after === -1) return series.at(-1)?.count ?? 0;
  const to = series[after]!;
  const from = series[after - 1];
  if (from === undefined) return to.count;
  return from.count + ((to.count - from.count) * (ms - from.ms)) / (to.ms - from.ms);
}

/** Counts a second from one time to another. */
export function rateBetween(series: readonly CountAt[], fromMs: number, toMs: number): number {
  return ((countAt(series, toMs) - countAt(series, fromMs)) * 1000) / (toMs - fromMs);
}

/**
 * Over how long a rate is taken: answers come in bursts, one for each round trip, so it spans whole round trips, and at
 * least a tenth of a second.
 */
export function rateSpanMs(roundTripMs: number): number {
  return roundTripMs * Math.ceil(100 / roundTripMs);
}

/** When the rate is first at least `wanted`, in milliseconds: the middle of the first such span. NaN if it never is. */
export function reachedAtMs(series: readonly CountAt[], wanted: number, spanMs: number): number {
  const endMs = series.at(-1)?.ms ?? 0;
  const stepMs = 10;
  for (let fromMs = 0; fromMs + spanMs <= endMs; fromMs += stepMs) {
    if (rateBetween(series, fromMs, fromMs + spanMs) >= wanted) return fromMs + spanMs / 2;
  }
  return Number.NaN;
}
