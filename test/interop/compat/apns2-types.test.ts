/**
 * Programs of users of apns2, compiled with the declarations of apns2 and with those of `peal/compat/apns2`: what
 * compiles with the one has to compile with the other, and what does not, not. Skipped by name without apns2 in
 * test/interop.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../../support/repository.js';
import { isOtherInstalled } from './differential.js';

const folder = path.join(repositoryRoot, 'test', 'interop');
const declarations = path.join(repositoryRoot, 'dist', 'src', 'compat', 'apns2', 'index.d.ts');

const options = "{ team: 'T', keyId: 'K', signingKey: 'key' }";

/** Programs that compile, by what they do. */
const programs: Readonly<Record<string, string>> = {
  'every option of a client': `
    import { ApnsClient, type ApnsOptions, Host } from 'apns2';
    const all: ApnsOptions = { team: 'T', keyId: 'K', signingKey: Buffer.from('x'), defaultTopic: 'a.b', host: Host.development, requestTimeout: 0, keepAlive: true };
    export const client = new ApnsClient(all);
    export const other = new ApnsClient({ ...all, host: 'gateway.example', signingKey: { key: 'x', passphrase: undefined } });
    export const fields: [string, string, string, string | undefined, boolean] = [client.team, client.keyId, client.host, client.defaultTopic, client.keepAlive];
    export const key: string | Buffer | { key: string | Buffer | Uint8Array } = client.signingKey as string;`,
  'every option of a notification': `
    import { Notification, type NotificationOptions, Priority, PushType, SilentNotification } from 'apns2';
    const all: NotificationOptions = { type: PushType.voip, alert: { title: 't', subtitle: 's', body: 'b' }, badge: 1, expiration: new Date(), sound: { critical: 1, name: 'n', volume: 1 }, category: 'c', data: { a: { b: 1 } }, contentAvailable: true, priority: Priority.low, topic: 't', collapseId: 'c', threadId: 't', aps: { 'relevance-score': 1 }, mutableContent: true };
    export const notification: Notification = new Notification('ab', all);
    export const silent: Notification = new SilentNotification('ab', { badge: 1, expiration: 5, collapseId: 'c' });
    export const plain = [new Notification('ab'), new SilentNotification('ab')];
    export const payload: Record<string, unknown> = notification.buildApnsOptions().aps;
    export const headers: [PushType, Priority] = [notification.pushType, notification.priority];
    notification.options.badge = 3;`,
  'a send with its errors': `
    import { ApnsClient, ApnsError, type ApnsResponseError, Errors, Notification } from 'apns2';
    const client = new ApnsClient(${options});
    export async function push(token: string): Promise<string> {
      try {
        const sent: Notification = await client.send(new Notification(token, { alert: 'x' }));
        return sent.deviceToken;
      } catch (error) {
        if (!(error instanceof ApnsError)) throw error;
        const response: ApnsResponseError = error.response;
        if (error.reason === Errors.unregistered) return new Date(error.timestamp).toISOString();
        return [error.statusCode, response.reason, error.notification.deviceToken, error.message].join();
      }
    }`,
  'sendMany with its two kinds of results': `
    import { ApnsClient, Notification } from 'apns2';
    export async function all(client: ApnsClient, tokens: string[]): Promise<string[]> {
      const results = await client.sendMany(tokens.map((token) => new Notification(token)));
      return results.flatMap((result) => ('error' in result ? [result.error.notification.deviceToken] : []));
    }`,
  events: `
    import { ApnsClient, type ApnsError, type Error as Reason, Errors } from 'apns2';
    import type { EventEmitter } from 'node:events';
    const client: EventEmitter = new ApnsClient(${options});
    const reasons: Reason[] = [Errors.badDeviceToken, 'Unregistered'];
    for (const reason of reasons) client.on(reason, (error: ApnsError) => console.error(error.reason, error.statusCode));
    client.once(Errors.error, console.error);`,
  'the end of a client': `
    import { ApnsClient } from 'apns2';
    export async function end(client: ApnsClient): Promise<number> {
      const alive: PromiseSettledResult<void>[] = await client.ping();
      await client.close();
      await client.destroy();
      await client.destroy(null);
      await client.destroy(new Error('end'));
      return alive.filter(({ status }) => status === 'fulfilled').length;
    }`,
  'classes that extend': `
    import { ApnsClient, ApnsError, type ApnsOptions, type ApnsPayload, Notification, type NotificationOptions, Priority, PushType } from 'apns2';
    export class Order extends Notification {
      constructor(token: string, readonly order: number, options?: NotificationOptions) { super(token, options); }
      override get pushType(): PushType { return PushType.background; }
      override get priority(): Priority { return Priority.throttled; }
      override buildApnsOptions(): ApnsPayload { return { ...super.buildApnsOptions(), order: this.order }; }
    }
    export class Client extends ApnsClient {
      constructor(options: ApnsOptions) { super({ ...options, keepAlive: false }); }
      override async send(notification: Notification): Promise<Notification> { return super.send(notification); }
    }
    export const made = new ApnsError({ statusCode: 410, notification: new Order('ab', 1), response: { reason: 'Unregistered', timestamp: 1 } });`,
  'a service with a client behind an interface': `
    import { ApnsClient, type ApnsPayload, type CriticalAlertSoundPayload, Notification, type SigningToken } from 'apns2';
    export interface Sender { send(notification: Notification): Promise<Notification>; sendMany(all: Notification[]): Promise<unknown[]>; close(): Promise<void>; }
    export class Service {
      constructor(private readonly sender: Sender = new ApnsClient(${options})) {}
      notify = (token: string, sound: CriticalAlertSoundPayload) => this.sender.send(new Notification(token, { sound }));
    }
    export const token: SigningToken = { value: 'x', timestamp: 1 };
    export const payload: ApnsPayload = { aps: {}, more: 1 };`,
};

/** Programs that do not, because of one mistake each. */
const mistakes: Readonly<Record<string, string>> = {
  'a client without a key': "import { ApnsClient } from 'apns2'; new ApnsClient({ team: 'T', keyId: 'K' });",
  'an unknown push type': "import { Notification } from 'apns2'; new Notification('ab', { type: 'none' });",
  'a priority that there is not': "import { Notification } from 'apns2'; new Notification('ab', { priority: 7 });",
  'a silent notification with an alert':
    "import { SilentNotification } from 'apns2'; new SilentNotification('ab', { alert: 'x' });",
  'an option that there is not': "import { Notification } from 'apns2'; new Notification('ab', { titel: 'x' });",
  'a name that is not exported': "import { Apns } from 'apns2'; new Apns();",
};

/** What the compiler says of a program. */
function problemsOf(text: string, module: 'theirs' | 'ours'): string[] {
  const file = path.join(folder, 'program.mts');
  const compilerOptions: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    typeRoots: [path.join(repositoryRoot, 'node_modules', '@types')],
    ...{ strict: true, noEmit: true, skipLibCheck: true },
    ...(module === 'ours' && { paths: { apns2: [declarations] } }),
  };
  const host = ts.createCompilerHost(compilerOptions);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], compilerOptions, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('the declarations of compat/apns2 beside those of apns2', () => {
  before(function () {
    if (!isOtherInstalled('apns2')) this.skip();
  });

  for (const [what, text] of Object.entries(programs)) {
    it(`compile ${what}`, () => {
      assert.deepEqual(
        { theirs: problemsOf(text, 'theirs'), ours: problemsOf(text, 'ours') },
        { theirs: [], ours: [] },
      );
    });
  }

  for (const [what, text] of Object.entries(mistakes)) {
    it(`refuse ${what}`, () => {
      assert.equal(problemsOf(text, 'theirs').length, 1);
      assert.equal(problemsOf(text, 'ours').length, 1);
    });
  }
});
