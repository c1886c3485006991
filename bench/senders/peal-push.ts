/** Sender: `apns.push`, which takes one token and resolves with its outcome. */
import { openSession } from './peal-session.js';
import type { OpenSender } from './sender.js';

export const open: OpenSender = async (options) => {
  const { apns, optionsOf, close } = openSession(options);
  return {
    sendOne: async (token, alert) => (await apns.push(optionsOf(alert), token)).outcome === 'accepted',
    close,
  };
};
