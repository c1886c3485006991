/** The gateways that benchmarks send to: our sink and simulator, and servers written by others. */
import type { Target } from '../lib/target.js';

export interface Server extends AsyncDisposable {
  /** With its version, for the report. */
  readonly label: string;
  readonly target: Target;
  /** Requests that it has answered with 200 since it was started. */
  accepted(): Promise<number>;
}

/** A kind of server. Those that are not installed are left out by name. */
export interface ServerKind {
  readonly name: string;
  /** Why it cannot run here; null if it can. */
  missing(): string | null;
  start(): Promise<Server>;
}
