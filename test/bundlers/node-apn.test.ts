/**
 * Programs in TypeScript that were written for @parse/node-apn, compiled against its typings and against those of
 * `peal/compat/node-apn`: what compiles there compiles here. And the ways to load it at run time. Skipped by name where
 * `npm ci` was not run in test/bundlers and test/interop.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { createThrowAwayProviderKey } from '../../src/simulator/index.js';
import { repositoryRoot } from '../support/repository.js';
import { describeWithTools, Project, runNode } from './project.js';

const original = path.join(repositoryRoot, 'test/interop/node_modules/@parse/node-apn');
const modules = ['@parse/node-apn', 'peal/compat/node-apn'] as const;

/** What programs do, by whichever style they import `apn`. */
const body = `
const options: apn.ProviderOptions = {
  token: { key: Buffer.from('key'), keyId: 'ABCDEFGHIJ', teamId: 'ABCDEFGHIJ' },
  cert: 'cert.pem', key: Buffer.from(''), ca: ['ca.pem', Buffer.from('')], pfx: 'a.p12', passphrase: 'x',
  production: process.env.NODE_ENV === 'production', address: 'localhost', port: 443,
  manageChannelsAddress: 'localhost', manageChannelsPort: 2196,
  proxy: { host: 'localhost', port: '3128' }, manageChannelsProxy: { host: 'localhost', port: 3128 },
  rejectUnauthorized: true, connectionRetryLimit: 3, heartBeat: 60000, requestTimeout: 5000,
};
const several: apn.MultiProviderOptions = { ...options, clientCount: 4 };
export const provider: apn.Provider = new apn.Provider(options);
export const multi: apn.MultiProvider = new apn.MultiProvider(several);
export const either: apn.Provider | apn.MultiProvider = Math.random() > 0.5 ? provider : multi;
export const created: InstanceType<typeof apn.Provider> = provider;

const note: apn.Notification = new apn.Notification({ aps: { 'content-available': 1 }, own: true });
note.topic = 'com.example.app';
note.id = note.requestId = note.channelId = note.collapseId = note.threadId = 'x';
note.expiry = Math.floor(Date.now() / 1000) + 3600;
note.priority = 10;
note.pushType = 'alert';
note.payload = { from: 'me' };
note.payload.more = [1];
note.rawPayload = { aps: { alert: 'x' } };
note.badge = 3;
note.sound = 'ping.aiff';
note.sound = { critical: 1, name: 'x', volume: 0.5 };
note.alert = 'Hello';
note.alert = { title: 'a', subtitle: 'b', body: 'c', 'title-loc-key': 'x', 'loc-args': ['y'], 'launch-image': 'z' };
note.contentAvailable = note.mutableContent = note.contentChanged = true;
note.mdm = 'x';
note.mdm = { x: 1 };
note.urlArgs = ['a'];
note.aps = { alert: { body: 'x', 'loc-args': [1] }, sound: 'x', badge: 1, 'thread-id': 'y', 'url-args': ['z'] };
note.aps.alert = 'text';
note.aps['mutable-content'] = 1;
note.aps['interruption-level'] = 'time-sensitive';
note.aps['content-state'] = { score: 1 };
export function retitle({ aps }: apn.Notification): void {
  if (typeof aps.alert === 'object') aps.alert.title = 'x';
}

export const texts: string[] = [note.topic, note.id, note.requestId, note.channelId, note.collapseId, note.threadId];
export const numbers: number[] = [note.expiry, note.priority, note.badge];
export const flags: boolean[] = [note.contentAvailable, note.mutableContent, note.contentChanged];
export const lists: string[] = note.urlArgs;
export const title: string | undefined = typeof note.alert === 'string' ? note.alert : note.alert.title;
export const soundName: string = typeof note.sound === 'string' ? note.sound : note.sound.name;
export const pushType: apn.NotificationPushType = note.pushType;
export const level: apn.ApsNotificationInterruptionLevel = 'critical';
export const action: apn.ChannelAction = 'readAll';
export const anything: number = note.rawPayload.aps.alert.length;
const alert: apn.NotificationAlertOptions = { body: 'x' };
note.alert = alert;

export async function push(to: apn.Provider, tokens: string[]): Promise<string[]> {
  const gone: string[] = [];
  await to.send(note, tokens).then((result) => {
    result.failed.forEach((failure) => {
      if (failure.status === 410 || failure.response?.reason === 'BadDeviceToken') gone.push(failure.device);
      if (failure.error) console.error(failure.error.message, failure.response?.timestamp?.length);
    });
  });
  const { sent, failed }: apn.Responses<apn.ResponseSent, apn.ResponseFailure> = await multi.send(note, tokens[0]!);
  const reasons = failed.map((failure: apn.ResponseFailure) => failure.response && failure.response.reason);
  const broadcast: apn.Responses<apn.BroadcastResponse, apn.BroadcastResponseFailure> = await to.broadcast([note], 'a');
  const channels = await multi.manageChannels(note, 'com.example.app', 'create');
  const ids: (string | undefined)[] = channels.sent.map((one) => one['apns-channel-id']);
  return [...gone, ...sent.map((one) => one.device), ...reasons.map(String), broadcast.failed[0]!.bundleId, String(ids)];
}

export class Pusher extends apn.Provider {
  private readonly topic: string;
  constructor(given: apn.ProviderOptions, topic: string) {
    super(given);
    this.topic = topic;
  }
  override async send(
    notification: apn.Notification,
    recipients: string | string[],
  ): Promise<apn.Responses<apn.ResponseSent, apn.ResponseFailure>> {
    notification.topic = this.topic;
    this.emit('sending');
    return super.send(notification, recipients);
  }
}
export class Note extends apn.Notification {
  constructor(readonly campaign: string) {
    super({ campaign });
    this.sound = 'default';
  }
}
export interface Settings extends apn.ProviderOptions {
  topics: Record<string, string>;
}
export interface Told extends apn.ResponseFailure {
  at: Date;
}
export class Service {
  private readonly providers = new Map<string, apn.Provider>();
  add(name: string, settings: Settings): this {
    this.providers.set(name, new apn.Provider(settings));
    return this;
  }
  async stop(): Promise<void> {
    await Promise.all([...this.providers.values()].map((one) => one.shutdown()));
    provider.shutdown(() => {});
    multi.on('error', () => {}).removeAllListeners();
    provider.setLogger((line) => console.log(line), (line: string) => console.error(line));
  }
}
export const tokens: string[] = [apn.token('<ab cd>'), apn.token(Buffer.from('ab', 'hex'))];
export const checked = { topic: 'x', alert: 'y' } satisfies Partial<apn.Notification>;
export type Sent = Awaited<ReturnType<apn.Provider['send']>>['sent'][number];
export const sent: Sent = { device: 'x' };
export const double: Pick<apn.Provider, 'send' | 'shutdown'> = {
  send: async () => ({ sent: [{ device: 'x' }], failed: [{ device: 'y', status: 400, response: { reason: 'z' } }] }),
  shutdown: async () => {},
};
`;

const named = `
import { type Aps, MultiProvider, Notification, type NotificationPushType, Provider, token } from 'MODULE';
import type { ProviderOptions, ProviderToken, ResponseFailure, Responses, ResponseSent } from 'MODULE';

const key: ProviderToken = { key: 'key.p8', keyId: 'x', teamId: 'y' };
const options: ProviderOptions = { token: key, production: false };
const notification = new Notification();
const aps: Aps = { badge: 1 };
notification.aps = aps;
const pushType: NotificationPushType = 'background';
notification.pushType = pushType;
export const sending: Promise<Responses<ResponseSent, ResponseFailure>> = new Provider(options).send(notification, [
  token('ab'),
]);
export const other: Provider = new MultiProvider({ ...options, clientCount: 2 });
`;

const script = `
const apn = require('MODULE');
/** @param {import('MODULE').Provider} provider @param {string[]} tokens */
module.exports = async function push(provider, tokens) {
  const note = new apn.Notification();
  note.alert = 'x';
  note.payload = { a: 1 };
  const { sent, failed } = await provider.send(note, tokens);
  return [sent.map((one) => one.device), failed.map((one) => one.response && one.response.reason)];
};
exports.provider = new apn.Provider({ token: { key: 'a', keyId: 'b', teamId: 'c' } });
`;

const picked = `
const { Provider, Notification } = require('MODULE');
const provider = new Provider({ production: true });
provider.send(new Notification({ alert: 'x' }), 'ab').then((result) => console.log(result.sent.length));
`;

/** Which objects each style of import gives, for the entry and its mock. */
const styles = `
async function stylesOf(name) {
  const required = require(name);
  const imported = await import(name);
  const provider = require(name).MultiProvider({ clientCount: 1, token: { key: process.env.KEY, keyId: 'ABCDEFGHIJ', teamId: 'ABCDEFGHIJ' } });
  const isMade = provider instanceof required.MultiProvider && typeof provider.on === 'function';
  await provider.shutdown();
  const names = ['Provider', 'MultiProvider', 'Notification', 'token'];
  const sets = [required.default, imported.default, imported];
  return { isMade, same: sets.map((set) => names.every((key) => typeof set[key] === 'function' && set[key] === required[key])) };
}
(async () => {
  const entry = await stylesOf('peal/compat/node-apn');
  const mock = await stylesOf('peal/compat/node-apn/mock');
  const [own, mocked] = [require('peal/compat/node-apn'), require('peal/compat/node-apn/mock')];
  console.log(JSON.stringify({ entry, mock, isOneNotification: own.Notification === mocked.Notification }));
})();
`;

const { CommonJS, ESNext, Node16, NodeNext } = ts.ModuleKind;
const { Bundler, Node16: ofNode16, NodeNext: ofNodeNext } = ts.ModuleResolutionKind;
const ways: Readonly<Record<string, ts.CompilerOptions>> = {
  commonjs: { module: CommonJS, moduleResolution: Bundler },
  node16: { module: Node16, moduleResolution: ofNode16 },
  nodenext: { module: NodeNext, moduleResolution: ofNodeNext },
  bundler: { module: ESNext, moduleResolution: Bundler },
};
const every = Object.keys(ways);
const node = ['node16', 'nodenext'];

interface Shape {
  readonly file: string;
  readonly text: string;
  readonly ways: readonly string[];
}

const shapes: Readonly<Record<string, Shape>> = {
  'import apn from, as CommonJS': { file: 'default.ts', text: `import apn from 'MODULE';${body}`, ways: every },
  'import apn from, as an ES module': { file: 'default.mts', text: `import apn from 'MODULE';${body}`, ways: node },
  'import * as apn from, as CommonJS': { file: 'star.ts', text: `import * as apn from 'MODULE';${body}`, ways: every },
  'import * as apn from, as an ES module': {
    file: 'star.mts',
    text: `import * as apn from 'MODULE';${body}`,
    ways: node,
  },
  'import apn = require()': {
    file: 'equals.cts',
    text: `import apn = require('MODULE');${body}`,
    ways: ['commonjs', ...node],
  },
  'import { Provider } from, as CommonJS': { file: 'named.ts', text: named, ways: every },
  'import { Provider } from, as an ES module': { file: 'named.mts', text: named, ways: node },
  'import type apn from': {
    file: 'type.ts',
    text: `import type apn from 'MODULE';\nexport const read = (note: apn.Notification): apn.Aps['badge'] => note.aps.badge;`,
    ways: every,
  },
  'import()': {
    file: 'later.ts',
    text: `export const later = async () => new (await import('MODULE')).Provider({ production: true });`,
    ways: every,
  },
  'const apn = require() in JavaScript': { file: 'script.js', text: script, ways: ['commonjs', ...node] },
  'const { Provider } = require() in JavaScript': { file: 'picked.cjs', text: picked, ways: ['commonjs', ...node] },
};

const title = 'programs of @parse/node-apn with compat/node-apn';
const describeWithOriginal: (body: () => void) => void = existsSync(original)
  ? (body) => describeWithTools(title, body)
  : (body) => describe.skip(`${title} (npm ci --prefix test/interop --ignore-scripts)`, body);

describeWithOriginal(() => {
  let project: Project;

  before(async () => {
    project = await Project.create();
    mkdirSync(project.file('node_modules/@parse'), { recursive: true });
    symlinkSync(original, project.file('node_modules/@parse/node-apn'));
    project.write({ 'package.json': '{ "name": "app", "private": true }' });
    for (const [place, module] of modules.entries()) {
      for (const { file, text } of Object.values(shapes)) {
        project.write({ [`${place}/${file}`]: text.replaceAll('MODULE', module) });
      }
    }
  });

  after(() => project.dispose());

  function problemsOf(place: number, way: string, isStrict: boolean): string[] {
    const files = Object.values(shapes)
      .filter((shape) => shape.ways.includes(way))
      .map(({ file }) => project.file(String(place), file));
    const program = ts.createProgram(files, {
      ...ways[way],
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      typeRoots: [project.file('node_modules/@types')],
      types: ['node'],
      ...{ strict: isStrict, esModuleInterop: true, allowJs: true, checkJs: true, noEmit: true },
      // Types of Node.js are checked by those who publish them.
      skipLibCheck: true,
    });
    return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      return `${file === undefined ? '' : path.basename(file.fileName)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  }

  for (const way of every) {
    for (const isStrict of [true, false]) {
      const count = Object.values(shapes).filter((shape) => shape.ways.includes(way)).length;
      it(`compile in ${count} shapes with module ${way}${isStrict ? ', strict' : ''}`, () => {
        for (const [place, module] of modules.entries()) {
          assert.deepEqual(problemsOf(place, way, isStrict), [], module);
        }
      });
    }
  }

  for (const [name, args, isOneCopy] of [
    ['which Node takes for ES modules', [], true],
    ['of CommonJS, where require takes no ES modules', ['--no-experimental-require-module'], false],
  ] as const) {
    it(`have the same objects by every style of import, ${name}`, async () => {
      project.write({ 'styles.cjs': styles });
      process.env.KEY = createThrowAwayProviderKey().p8;
      const { stdout, stderr } = await runNode([...args, project.file('styles.cjs')], project.folder);
      delete process.env.KEY;
      assert.equal(stderr, '');
      const style = { isMade: true, same: [true, isOneCopy, isOneCopy] };
      assert.deepEqual(JSON.parse(stdout), { entry: style, mock: style, isOneNotification: true });
    });
  }

  it('are refused what the original refuses', () => {
    const text = `import { Notification, Provider } from 'MODULE';
new Provider({ production: 1 });
new Notification().pushType = 'loud';
new Provider({}).send('x', 'ab');
new Provider({}).manageChannels(new Notification(), 'a', 'drop');`;
    for (const [place, module] of modules.entries()) {
      const file = project.file(String(place), 'wrong.mts');
      project.write({ [`${place}/wrong.mts`]: text.replaceAll('MODULE', module) });
      const program = ts.createProgram([file], {
        ...ways.nodenext,
        ...{ types: ['node'], typeRoots: [project.file('node_modules/@types')], strict: true, noEmit: true },
        skipLibCheck: true,
      });
      const lines = ts.getPreEmitDiagnostics(program).map(({ file: at, start }) => {
        return at === undefined ? -1 : at.getLineAndCharacterOfPosition(start!).line;
      });
      assert.deepEqual(lines, [1, 2, 3, 4], module);
    }
  });
});
