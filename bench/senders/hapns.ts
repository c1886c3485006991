/**
 * Sender: hapns with its defaults. Its targets name Apple's hosts, so a target of the same form names the gateway; its
 * pool cannot be told an authority, so the process has to be told (NODE_EXTRA_CA_CERTS).
 */
import { readFileSync } from 'node:fs';
import { importPeer } from '../lib/peers.js';
import type { OpenSender } from './sender.js';

interface Connectors {
  TokenConnector(details: object): object;
}

interface Notifications {
  AlertNotification(topic: string, options: object): object;
}

interface Sending {
  send(connector: object, notification: object, target: object): Promise<object>;
}

/** It has no call for many tokens. Without a bound it opens a connection for every token. */
const atATime = 100;

export const open: OpenSender = async ({ target }) => {
  const { TokenConnector } = (await importPeer('hapns/connectors/token')) as Connectors;
  const { AlertNotification } = (await importPeer('hapns/notifications/AlertNotification')) as Notifications;
  const { send } = (await importPeer('hapns/send')) as Sending;
  const { url, keyFile, keyId, teamId, topic } = target;
  const connector = TokenConnector({ key: readFileSync(keyFile), keyId, teamIdentifier: teamId });
  const deliver = (notification: object, token: string): Promise<boolean> =>
    send(connector, notification, { getBaseUrl: () => url, requestPath: `/3/device/${token}` }).then(
      () => true,
      () => false,
    );
  const notificationOf = (alert: string): object => AlertNotification(topic, { payload: { alert } });
  return {
    sendOne: (token, alert) => deliver(notificationOf(alert), token),
    sendAll: async (tokens, alert) => {
      const notification = notificationOf(alert);
      let next = 0;
      let accepted = 0;
      const work = async (): Promise<void> => {
        while (next < tokens.length) if (await deliver(notification, tokens[next++]!)) accepted++;
      };
      await Promise.all(Array.from({ length: atATime }, work));
      return accepted;
    },
    close: async () => {},
  };
};
