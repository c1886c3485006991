/**
 * What all contenders of the throughput benchmark share: the form of their task and of their result. Each runs in a
 * process of its own, with the task as JSON in its first argument and the result as JSON on standard output.
 */
import { randomBytes } from 'node:crypto';
import type { SimulatorTarget } from '../../lib/simulator-process.js';
import type { Usage } from '../../lib/usage.js';

export interface Task {
  readonly target: SimulatorTarget;
  /** Notifications that are measured. */
  readonly count: number;
  /** Notifications before that, over the same connections: connecting, TLS and compiling are not measured. */
  readonly warmUp: number;
  readonly payloadBytes: number;
  /** Worker threads, where the contender has some. */
  readonly threads: number | 'auto';
  /** apn only: whether it may fill its buffers without a pause. */
  readonly fastMode?: boolean;
}

export interface Outcome extends Usage {
  readonly count: number;
  readonly accepted: number;
}

export function readTask(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}

export function writeOutcome(outcome: Outcome): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

/** An alert payload of exactly so many bytes. */
export function payloadOf(bytes: number): Buffer {
  const frame = JSON.stringify({ aps: { alert: '' } });
  return Buffer.from(frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`));
}

export const tokenBytes = 32;

/** Random device tokens end to end. */
export function randomTokens(count: number): Buffer {
  const tokens = Buffer.allocUnsafeSlow(count * tokenBytes);
  for (let start = 0; start < tokens.length; start += 1 << 20) {
    randomBytes(Math.min(1 << 20, tokens.length - start)).copy(tokens, start);
  }
  return tokens;
}
