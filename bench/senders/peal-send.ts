/** Sender: `apns.send` with a message for one token, with messages of a token each, and with one message for all. */
import { Message } from '../../src/session/message/message.js';
import { openSession } from './peal-session.js';
import type { OpenSender } from './sender.js';

export const open: OpenSender = async (options) => {
  const { apns, optionsOf, close } = openSession(options);
  return {
    sendOne: async (token, alert) => (await apns.send(new Message([token], optionsOf(alert)))).accepted === 1,
    sendEach: async (tokens, alerts) => {
      const messages = tokens.map((token, index) => new Message([token], optionsOf(alerts[index]!)));
      return (await apns.send(messages)).accepted;
    },
    sendAll: async (tokens, alert) => (await apns.send(new Message(tokens, optionsOf(alert)))).accepted,
    close,
  };
};
