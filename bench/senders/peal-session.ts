/** What the senders by each of peal's calls share. */
import { APNs } from '../../src/session/apns.js';
import { Session } from '../../src/session/session.js';
import type { SenderOptions } from './sender.js';

export interface OpenedSession {
  readonly apns: APNs;
  /** What every message says besides its alert. */
  readonly common: { readonly topic: string; readonly pushType: 'alert' };
  close(): Promise<void>;
}

export function openSession({ target, threads = 0 }: SenderOptions): OpenedSession {
  const { url, ca, keyFile, keyId, teamId, topic } = target;
  const session = new Session({ threads, ca });
  const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
  return { apns, common: { topic, pushType: 'alert' }, close: () => session.shutdown() };
}
