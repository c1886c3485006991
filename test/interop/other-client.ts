/**
 * Runs one client that others wrote for the binary protocol, in a process of its own (each of them may crash, and needs
 * Node's deprecation warnings off), and tells its parent what the client reports. Started by other-clients.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { repositoryRoot } from '../support/repository.js';

export interface ClientTask {
  readonly client: 'apn' | 'apnagent';
  readonly role: 'send' | 'feedback';
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** What to send to, hex. */
  readonly tokens: readonly string[];
  /** Layout of apnagent's notifications. */
  readonly codec: 'simple' | 'enhanced';
  /** Notifications that apn remembers; more than it is given by itself, where nothing may be lost. */
  readonly cacheLength: number;
}

/** What a client has said. */
export type ClientReport =
  | { readonly kind: 'failed'; readonly status: number; readonly token: string | null }
  | { readonly kind: 'feedback'; readonly token: string; readonly seconds: number }
  /** apn: it does not remember the notification that a status is about, and so many behind it. */
  | { readonly kind: 'forgotten'; readonly count: number };

// biome-ignore lint/suspicious/noExplicitAny: neither of them has types
type Untyped = any;

const load = createRequire(path.join(repositoryRoot, 'test', 'interop', 'package.json'));
const host = 'localhost';

function report(message: ClientReport): void {
  process.send?.(message);
}

function sendByApn(task: ClientTask): void {
  const apn = load('apn') as Untyped;
  const { port, ca, cert, key, cacheLength } = task;
  const connection = new apn.Connection({ address: host, port, ca: [ca], cert, key, cacheLength });
  connection.on('transmissionError', (status: number, _notification: Untyped, device: Untyped) => {
    report({ kind: 'failed', status, token: device?.toString() ?? null });
  });
  connection.on('cacheTooSmall', (count: number) => report({ kind: 'forgotten', count }));
  connection.on('error', fail);
  const notification = new apn.Notification();
  notification.alert = 'Hello';
  for (const token of task.tokens) connection.pushNotification(notification, new apn.Device(token));
}

function readByApn({ port, ca, cert, key }: ClientTask): void {
  const apn = load('apn') as Untyped;
  const options = { address: host, port, ca: [ca], cert, key, interval: 0, batchFeedback: false };
  const feedback = new apn.Feedback(options);
  feedback.on('feedback', (seconds: number, device: Untyped) => {
    report({ kind: 'feedback', token: device.toString(), seconds });
  });
  feedback.on('error', fail);
  feedback.on('feedbackError', fail);
}

/** apnagent knows Apple's hosts only, unless its table of addresses is told otherwise. */
function loadAgent({ port }: ClientTask): Untyped {
  const agent = load('apnagent') as Untyped;
  const util = load('apnagent/lib/apnagent/util') as Untyped;
  const options = (from: Untyped): Untyped => util.tlsOptions(from, { host, port });
  util.gatewayOptions = options;
  util.feedbackOptions = options;
  return agent;
}

function sendByAgent(task: ClientTask): void {
  const apnagent = loadAgent(task);
  const agent = new apnagent.Agent();
  agent.set('ca', task.ca).set('cert', task.cert).set('key', task.key);
  agent.set('codec', task.codec).set('reconnect delay', 1);
  agent.on('message:error', (error: Untyped, message: Untyped) => {
    report({ kind: 'failed', status: error.code, token: message?.device()?.toString() ?? null });
  });
  agent.on('gateway:error', () => {});
  agent.connect((error: Untyped) => {
    if (error) fail(error);
    for (const token of task.tokens) agent.createMessage().device(token).alert('Hello').send();
  });
}

function readByAgent(task: ClientTask): void {
  const apnagent = loadAgent(task);
  const feedback = new apnagent.Feedback();
  feedback.set('ca', task.ca).set('cert', task.cert).set('key', task.key);
  feedback.use((device: Untyped, timestamp: Date, done: () => void) => {
    report({ kind: 'feedback', token: device.toString(), seconds: timestamp.getTime() / 1000 });
    done();
  });
  feedback.on('feedback:error', fail);
  feedback.connect();
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

process.once('message', (task: ClientTask) => {
  if (task.client === 'apn') (task.role === 'send' ? sendByApn : readByApn)(task);
  else (task.role === 'send' ? sendByAgent : readByAgent)(task);
});
process.once('disconnect', () => process.exit(0));
