/**
 * Contender: @parse/node-apn with its defaults. `send` takes all tokens and resolves with those sent and those failed.
 */
import { loadPeer } from '../../lib/peers.js';
import { alertText, contend, readTask } from './contender.js';

interface NodeApn {
  readonly Provider: new (
    options: object,
  ) => {
    send(
      notification: object,
      tokens: readonly string[],
    ): Promise<{ readonly sent: readonly Outcome[]; readonly failed: readonly Outcome[] }>;
  };
  readonly Notification: new () => { alert: string; topic: string };
}

/** Some failures name no device. */
interface Outcome {
  readonly device?: string;
}

const task = readTask();
const { Provider, Notification } = loadPeer('@parse/node-apn') as NodeApn;
const provider = new Provider({
  token: { key: task.keyFile, keyId: task.keyId, teamId: task.teamId },
  address: 'localhost',
  port: task.port,
});
const notification = new Notification();
notification.alert = alertText;
notification.topic = task.topic;

await contend(task, async (tokens, report) => {
  const { sent, failed } = await provider.send(notification, tokens);
  for (const { device } of sent) if (device !== undefined) report(device, 'd');
  for (const { device } of failed) if (device !== undefined) report(device, 'f');
});
