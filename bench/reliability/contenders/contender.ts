/**
 * What all contenders of the reliability benchmark share: how they are told what to do, and how they answer. Each runs
 * in a process of its own: the task as JSON in its first argument, the verdict as JSON on standard output.
 */
import { measured, type Usage } from '../../lib/usage.js';
import { tokensOf } from '../tokens.js';

/** Plain data: it crosses to the contender's process. */
export interface Task {
  /** Of a gateway on localhost. Its authority is trusted through NODE_EXTRA_CA_CERTS, and as `caFile`. */
  readonly port: number;
  readonly caFile: string;
  readonly keyFile: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly topic: string;
  /** How many tokens go out in one call. */
  readonly count: number;
}

/** What a contender says of one token: d delivered, f failed (not delivered), u unknown, - nothing. */
export type Report = 'd' | 'f' | 'u' | '-';

export interface Verdict extends Usage {
  /** One letter for each token, in their order. */
  readonly reports: string;
}

export const alertText = 'Hello';

export function readTask(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}

/**
 * Measures one call for all tokens and writes what it said of each; then ends the process, whatever the contender still
 * holds open.
 */
export async function contend(
  task: Task,
  send: (tokens: string[], report: (token: string, what: Report) => void) => Promise<void>,
): Promise<void> {
  const tokens = tokensOf(task.count);
  const said = new Map<string, Report>(tokens.map((token) => [token, '-']));
  const usage = await measured(() => send(tokens, (token, what) => said.set(token, what)));
  const verdict: Verdict = { ...usage, reports: tokens.map((token) => said.get(token)!).join('') };
  process.stdout.write(`${JSON.stringify(verdict)}\n`, () => process.exit(0));
}
