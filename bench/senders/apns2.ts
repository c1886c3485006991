/**
 * Sender: apns2 with its defaults. It always connects to port 443, so its pool is replaced by one of the same package,
 * with the same options and the gateway's port.
 */
import { readFileSync } from 'node:fs';
import { loadPeer } from '../lib/peers.js';
import type { OpenSender } from './sender.js';

interface Apns2 {
  readonly ApnsClient: new (options: object) => ApnsClient;
  readonly Notification: new (token: string, options: object) => object;
}

interface ApnsClient {
  client: unknown;
  send(notification: object): Promise<object>;
  sendMany(notifications: readonly object[]): Promise<readonly { readonly error?: unknown }[]>;
  close(): Promise<void>;
}

interface Undici {
  readonly Pool: new (origin: string, options: object) => unknown;
}

export const open: OpenSender = async ({ target }) => {
  const { ApnsClient, Notification } = loadPeer('apns2') as Apns2;
  const { Pool } = loadPeer('undici') as Undici;
  const { url, ca, topic, keyFile, keyId, teamId } = target;
  const client = new ApnsClient({
    ...{ team: teamId, keyId, signingKey: readFileSync(keyFile, 'utf8') },
    ...{ defaultTopic: topic, host: 'localhost' },
  });
  const asApns2Does = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
  client.client = new Pool(url, { ...asApns2Does, connect: { ca } });
  return {
    sendOne: (token, alert) =>
      client.send(new Notification(token, { alert })).then(
        () => true,
        () => false,
      ),
    sendAll: async (tokens, alert) => {
      const answers = await client.sendMany(tokens.map((token) => new Notification(token, { alert })));
      return answers.filter(({ error }) => error === undefined).length;
    },
    close: () => client.close(),
  };
};
