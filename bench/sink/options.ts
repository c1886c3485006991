/** The options of the sink, which its process, and the benchmarks that start it, share. */
import type { AnswerKind } from './answer-forms.js';

export interface SinkOptions {
  /** Which service it stands for: an apns-id in a header field, or the name of a message in a body. */
  readonly answers: AnswerKind;
  /** Delay of everything that the sink sends, in milliseconds: one round trip. */
  readonly roundTripMs: number;
  /** Streams that a connection may have open. */
  readonly maxStreams: number;
  /** Window of a connection, and of each of its streams, in bytes. */
  readonly windowBytes: number;
  /**
   * `turn`: all answers of a turn of the loop in one write. `answer`: each answer in a write and a TLS record of its
   * own, as nginx and h2o do. That costs the sink more than a fast sender, so compare the sender's CPU time only.
   */
  readonly record: 'turn' | 'answer';
}

export const sinkDefaults: SinkOptions = {
  answers: 'apns',
  roundTripMs: 0,
  maxStreams: 1000,
  windowBytes: 16 * 1024 * 1024,
  record: 'turn',
};

/** What the sink has seen since the last reset. */
export interface SinkCounts {
  /** Requests that were complete. Each was answered with 200. */
  readonly requests: number;
  readonly bodyBytes: number;
  /** Connections that were opened. */
  readonly connections: number;
  /** Most requests that were waiting for their answers at a time, over all connections. */
  readonly mostInFlight: number;
  /** User and system time of the sink's process, in microseconds. */
  readonly cpuUs: number;
}
