/** Sender: `apns.push`, which takes one token and resolves with its outcome. */
import type { APNs } from '../../src/session/apns.js';
import { openSession } from './peal-session.js';
import type { OpenSender } from './sender.js';

/** The part of the call that is measured. */
interface Pushing {
  push(message: object, token: string): Promise<{ readonly outcome: string }>;
}

/** Whether this version of peal has the call. */
export function canPush(apns: typeof APNs): boolean {
  return 'push' in apns.prototype;
}

export const open: OpenSender = async (options) => {
  const { apns, common, close } = openSession(options);
  const pushing = apns as unknown as Pushing;
  return {
    sendOne: async (token, alert) => (await pushing.push({ ...common, alert }, token)).outcome === 'accepted',
    close,
  };
};
