/**
 * What somebody writes in the first hour with peal, as files of a fresh project. Each prints one line of JSON, what it
 * found. Run by package.test.ts, which knows what the line has to be.
 */

/** Bulk, single, FCM and another library's interface against the simulator, whatever the way of importing is. */
const body = `
const text = { alert: 'Doors open at eight', topic: 'com.example.app' };

async function throughApns(threads) {
  const simulator = await startSimulator();
  const session = new Session({ threads, ca: simulator.caCertificate });
  try {
    const apns = new APNs(session.getConnection(simulator.url, null));
    const tokens = Array.from({ length: 2000 }, () => randomBytes(32).toString('hex'));
    const gone = scriptedToken('Unregistered');
    const result = await apns.send(new Message([], text), { recipients: [...tokens, gone] });
    const push = await apns.push(new Message([], text), scriptedToken('BadDeviceToken', 1));
    const { requests, accepted, rejected, duplicates } = simulator.ledger.summary();
    const unheard = tokens.filter((token) => simulator.ledger.answerOf(token) === null).length;
    return [result.counts.accepted, [...result.gone.keys()].length, push.reason, requests, accepted, rejected, duplicates, unheard];
  } finally {
    await session.close();
    await simulator.close();
  }
}

async function throughFcm() {
  const simulator = await startSimulator({ fcm: true });
  const session = new Session({ ca: simulator.caCertificate });
  try {
    const { url, serviceAccount } = simulator.fcm;
    const fcm = new FCM(session.getConnection(url, { serviceAccount, ca: simulator.caCertificate }));
    const { counts } = await fcm.send(new FcmMessage([], { title: 'Doors open', target: 'topic' }), { recipients: ['doors'] });
    return [counts.accepted, simulator.fcm.summary().messages.accepted];
  } finally {
    await session.close();
    await simulator.close();
  }
}

async function throughAnotherInterface() {
  const simulator = await startSimulator();
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  const client = new ApnsClient({
    team: teamId, keyId, signingKey: p8, defaultTopic: 'com.example.app',
    address: simulator.url, ca: simulator.caCertificate,
  });
  try {
    await client.send(new Notification('ab'.repeat(32), { alert: 'Hello' }));
    return simulator.ledger.summary().accepted;
  } finally {
    await client.close();
    await simulator.close();
  }
}

async function main() {
  const found = {
    mainThread: await throughApns(0),
    threads: await throughApns(2),
    fcm: await throughFcm(),
    apns2: await throughAnotherInterface(),
  };
  console.log(JSON.stringify(found));
}

main();
`;

/** What each of these programs has to find. */
const apnsFound = [2000, 1, 'BadDeviceToken', 2002, 2000, 2, 0, 0];
export const libraryFinds = { mainThread: apnsFound, threads: apnsFound, fcm: [1, 1], apns2: 1 };

const imports: readonly (readonly [names: string, from: string])[] = [
  ['randomBytes', 'node:crypto'],
  ['APNs, Message, Session', 'peal'],
  ['FCM, FcmMessage', 'peal/fcm'],
  ['createThrowAwayProviderKey, scriptedToken, startSimulator', 'peal/simulator'],
  ['ApnsClient, Notification', 'peal/compat/apns2'],
];

const typed = `
interface Outcomes { readonly accepted: number; readonly reasons: readonly string[] }

async function pushAll(threads: number, tokens: readonly string[]): Promise<Outcomes> {
  const received: string[] = [];
  const simulator: Simulator = await startSimulator({ onRequest: (request: ReceivedRequest) => received.push(request.token ?? 'none') });
  const options: SessionOptions = { threads, ca: simulator.caCertificate! };
  const session = new Session(options);
  try {
    const apns = new APNs(session.getConnection(simulator.url, null));
    const message = new Message([], { alert: { title: 'Doors', body: 'open' }, topic: 'com.example.app', expiration: '1h' });
    const result: Result = await apns.send(message, { recipients: tokens });
    const push: PushOutcome = await apns.push(message, tokens[0]!);
    if (push.outcome === 'unsent') throw push.error;
    if (received.length !== tokens.length + 1) throw new Error('others were asked for');
    const reasons: ReadonlyMap<string, number> = result.reasons;
    return { accepted: result.counts.accepted, reasons: [...reasons.keys()] };
  } catch (error) {
    if (error instanceof PealError && error.retryable) console.error(error.code);
    throw error;
  } finally {
    await session.close();
    await simulator.close();
  }
}

async function main(): Promise<void> {
  const tokens = ['ab'.repeat(32), scriptedToken('Unregistered')];
  const fcm: FcmMessage = new FcmMessage([], { title: 'Doors open', target: 'topic' });
  const note: apn.Notification = new apn.Notification();
  note.alert = fcm.constructor.name;
  const found = [await pushAll(0, tokens), await pushAll(1, tokens), note.aps.alert];
  console.log(JSON.stringify(found));
}

void main();
`;

const typedImports = `
import { APNs, Message, PealError, type PushOutcome, type Result, Session, type SessionOptions } from 'peal';
import apn from 'peal/compat/node-apn';
import { FcmMessage } from 'peal/fcm';
import { type ReceivedRequest, scriptedToken, type Simulator, startSimulator } from 'peal/simulator';
`;

const typedOutcomes = { accepted: 1, reasons: ['Unregistered'] };
export const typedFinds = [typedOutcomes, typedOutcomes, 'FcmMessage'];

/**
 * The imports of every entry, so that the declarations of all are checked, those of others included. `peal/cluster` is
 * not among them: its declarations name those of its peers, which its programs install.
 */
const everyEntry = `
export * as backend from 'peal/backend';
export * as firebaseMessaging from 'peal/compat/firebase-messaging';
export * as mock from 'peal/compat/node-apn/mock';
export * as apns2 from 'peal/compat/apns2';
export { default as manifest } from 'peal/package.json' with { type: 'json' };
`;

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: 'es2022',
  module: 'nodenext',
  lib: ['es2023', 'esnext.disposable'],
  types: ['node'],
  resolveJsonModule: true,
  esModuleInterop: true,
  rootDir: '.',
  outDir: 'out',
};

const test = `
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { APNs, Message, Session } from 'peal';
import { scriptedToken, startSimulator } from 'peal/simulator';

let simulator;
let session;

before(async () => {
  simulator = await startSimulator();
  session = new Session({ ca: simulator.caCertificate });
});

after(async () => {
  await session.close();
  await simulator.close();
});

test('a device that is gone is told from one that is there', async () => {
  const apns = new APNs(session.getConnection(simulator.url, null));
  const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
  assert.equal((await apns.push(message, 'ab'.repeat(32))).outcome, 'accepted');
  assert.equal((await apns.push(message, scriptedToken('Unregistered'))).reason, 'Unregistered');
  assert.deepEqual(simulator.ledger.summary().reasons, { Unregistered: 1 });
});
`;

export const projectFiles: Readonly<Record<string, string>> = {
  'library.mjs': imports.map(([names, from]) => `import { ${names} } from '${from}';\n`).join('') + body,
  'library.cjs': imports.map(([names, from]) => `const { ${names} } = require('${from}');\n`).join('') + body,
  'simulator.test.mjs': test,
  'typed/tsconfig.json': JSON.stringify({ compilerOptions: strict, include: ['*.mts', '*.cts'] }),
  'typed/esm.mts': typedImports + typed,
  'typed/commonjs.cts': typedImports + typed,
  'typed/entries.mts': everyEntry,
};
