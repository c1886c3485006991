/**
 * Sender: apns2 with its defaults. It always connects to port 443, so its pool is replaced by one of the same package,
 * with the same options and the gateway's port.
 */
import { readFileSync } from 'node:fs';
import { loadPeer } from '../lib/peers.js';
import type { OpenSender, Sender, SenderOptions } from './sender.js';

export interface Apns2 {
  readonly ApnsClient: new (options: object) => ApnsClient;
  readonly Notification: new (token: string, options: object) => object;
}

export interface ApnsClient {
  client: unknown;
  send(notification: object): Promise<object>;
  sendMany(notifications: readonly object[]): Promise<readonly { readonly error?: unknown }[]>;
  close(): Promise<void>;
}

interface Undici {
  readonly Pool: new (origin: string, options: object) => unknown;
}

export const open: OpenSender = async (options) => {
  const library = loadPeer('apns2') as Apns2;
  const { Pool } = loadPeer('undici') as Undici;
  const { url, ca } = options.target;
  const client = openClient(options, library);
  const asApns2Does = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
  client.client = new Pool(url, { ...asApns2Does, connect: { ca } });
  return senderOf(client, library);
};

/** @param own options that the real package does not have */
export function openClient({ target }: SenderOptions, { ApnsClient }: Apns2, own: object = {}): ApnsClient {
  const { topic, keyFile, keyId, teamId } = target;
  const credential = { team: teamId, keyId, signingKey: readFileSync(keyFile, 'utf8') };
  return new ApnsClient({ ...credential, defaultTopic: topic, host: 'localhost', ...own });
}

export function senderOf(client: ApnsClient, { Notification }: Apns2): Sender {
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
}
