/** What the senders by each of peal's calls share. */
import { APNs } from '../../src/session/apns.js';
import type { MessageOptions } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import type { SenderOptions } from './sender.js';

export interface OpenedSession {
  readonly apns: APNs;
  /**
   * The options of a message with this alert. A literal: `{ ...common, alert }` costs a microsecond more
   * (docs/library.md).
   */
  optionsOf(alert: string): MessageOptions;
  close(): Promise<void>;
}

export function openSession({ target, threads = 0 }: SenderOptions): OpenedSession {
  const { url, ca, keyFile, keyId, teamId, topic } = target;
  const session = new Session({ threads, ca });
  const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
  return { apns, optionsOf: (alert) => ({ topic, pushType: 'alert', alert }), close: () => session.shutdown() };
}
