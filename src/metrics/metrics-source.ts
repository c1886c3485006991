/**
 * What the metrics of a process are made of: each part of a program that has books registers a source. A source is
 * asked when somebody scrapes, and never told of a notification. Implemented by the files beside this one and by
 * commands; main thread.
 */
import type { Samples } from './samples.js';

export interface MetricsSource {
  /** Adds what its books say now. Called once for each scrape; may answer later. */
  collect(samples: Samples): void | Promise<void>;
  /**
   * Why nothing can be sent at present, as one sentence; null while sending is possible. Default: the source cannot
   * say.
   */
  whyNotReady?(): string | null;
  /** Ends whatever it listens to. */
  close?(): void;
}
