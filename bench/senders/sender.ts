/**
 * What can be measured as a sender: peal by each of its calls, and the packages beside it. A sender runs in a process
 * of its own, in `single/contender.ts` or `peers/contender.ts`.
 */
import type { Target } from '../lib/target.js';

/** How a sender is opened. Plain data, because it goes to another process. */
export interface SenderOptions {
  readonly target: Target;
  /** Worker threads, for peal. */
  readonly threads?: number;
}

export interface Sender {
  /** Sends one alert to one token, in hexadecimal. Resolves with whether the gateway has accepted it. */
  sendOne?(token: string, alert: string): Promise<boolean>;
  /** Sends one alert to each token, each alert another. Resolves with the number that the gateway has accepted. */
  sendEach?(tokens: readonly string[], alerts: readonly string[]): Promise<number>;
  /** Sends the same alert to all tokens. Resolves with the number that the gateway has accepted. */
  sendAll?(tokens: readonly string[], alert: string): Promise<number>;
  close(): Promise<void>;
}

/** What a module of this folder exports as `open`. */
export type OpenSender = (options: SenderOptions) => Promise<Sender>;

export async function openSender(module: string, options: SenderOptions): Promise<Sender> {
  const { open } = (await import(new URL(`./${module}.js`, import.meta.url).href)) as { open: OpenSender };
  return open(options);
}
