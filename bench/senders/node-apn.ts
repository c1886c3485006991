/**
 * Sender: @parse/node-apn with its defaults. It takes as many tokens as it is given, and opens a stream for each. What
 * `openProvider` makes of another library with the same interface is a sender, too.
 */
import { loadPeer } from '../lib/peers.js';
import type { OpenSender, Sender, SenderOptions } from './sender.js';

export interface NodeApn {
  readonly Provider: new (options: object) => Provider;
  readonly Notification: new () => Notification;
}

interface Provider {
  send(notification: Notification, tokens: string | readonly string[]): Promise<{ readonly sent: readonly unknown[] }>;
  shutdown(): void;
}

interface Notification {
  alert: string;
  topic: string;
  pushType: string;
}

export const open: OpenSender = async (options) => openProvider(options).sender;

/** The provider, for the tuned sender beside it. */
export function openProvider(
  { target }: SenderOptions,
  { Provider, Notification } = loadPeer('@parse/node-apn') as NodeApn,
): {
  readonly sender: Sender;
  send(tokens: string | readonly string[], alert: string): Promise<number>;
} {
  const { hostname, port } = new URL(target.url);
  const provider = new Provider({
    token: { key: target.keyFile, keyId: target.keyId, teamId: target.teamId },
    ...{ address: hostname, port: Number(port), ca: target.ca },
  });
  const send = async (tokens: string | readonly string[], alert: string): Promise<number> => {
    const notification = new Notification();
    Object.assign(notification, { alert, topic: target.topic, pushType: 'alert' });
    return (await provider.send(notification, tokens)).sent.length;
  };
  const sendOne = async (token: string, alert: string): Promise<boolean> => (await send(token, alert)) === 1;
  const sender: Sender = { sendOne, sendAll: send, close: async () => provider.shutdown() };
  return { sender, send };
}
