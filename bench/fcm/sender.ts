/**
 * What is measured as a sender to FCM: peal by each of its calls, firebase-admin by its two, and node:http2. A sender
 * runs in a process of its own, in `fcm/contender.ts`.
 */
import type { Target } from '../lib/target.js';
import type { RegistrationTokens } from './texts.js';

/** The call that is measured. */
export type Way = 'send' | 'packed' | 'personal' | 'push' | 'sendEach' | 'sendEachForMulticast';

/** How a sender is opened. Plain data, because it goes to another process. */
export interface FcmSenderOptions {
  readonly target: Target;
  readonly way: Way;
  /** Worker threads, for peal. */
  readonly threads: number;
  /** Whether peal keeps to the rate that FCM allows a project by default. */
  readonly isPaced: boolean;
  /** Pushes under way at a time, or calls. */
  readonly atOnce: number;
}

export interface FcmSender {
  /** Sends one message to each token. Resolves with the number that the server has accepted. */
  send(tokens: RegistrationTokens): Promise<number>;
  close(): Promise<void>;
}

/** What a module of this folder exports as `open`. */
export type OpenFcmSender = (options: FcmSenderOptions) => Promise<FcmSender>;

/** The project that all of them send for, and the access token, which the server does not look at. */
export const project = 'bench';
export const accessToken = `ya29.${'x'.repeat(200)}`;
