/**
 * Contender: apns2 with its defaults. It always connects to port 443, so its pool is replaced by one of the same
 * package, with the same options and the gateway's port.
 */
import { readFileSync } from 'node:fs';
import { loadPeer } from '../../lib/peers.js';
import { alertText, contend, readTask } from './contender.js';

interface Apns2 {
  readonly ApnsClient: new (
    options: object,
  ) => {
    client: unknown;
    sendMany(notifications: readonly object[]): Promise<readonly { readonly error?: unknown }[]>;
  };
  readonly Notification: new (token: string, options: object) => object;
}

interface Undici {
  readonly Pool: new (origin: string, options: object) => unknown;
}

const task = readTask();
const { ApnsClient, Notification } = loadPeer('apns2') as Apns2;
const { Pool } = loadPeer('undici') as Undici;
const client = new ApnsClient({
  team: task.teamId,
  keyId: task.keyId,
  signingKey: readFileSync(task.keyFile, 'utf8'),
  defaultTopic: task.topic,
  host: 'localhost',
});
const asApns2Does = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
client.client = new Pool(`https://localhost:${task.port}`, asApns2Does);

await contend(task, async (tokens, report) => {
  const answers = await client.sendMany(tokens.map((token) => new Notification(token, { alert: alertText })));
  answers.forEach((answer, index) => {
    report(tokens[index]!, answer.error === undefined ? 'd' : 'f');
  });
});
