/**
 * Contender: apn, the client that most programs used for the binary protocol. One connection. It gets some thousand
 * notifications at a time, because a long queue makes it slow, and is done when it reports that all are written. The
 * simulator's ledger then shows whether all arrived.
 */
import { type EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerSummary } from '../../../src/simulator/books/ledger.js';
import { loadPeer } from '../../lib/peers.js';
import { measured } from '../../lib/usage.js';
import { payloadOf, randomTokens, readTask, tokenBytes, writeOutcome } from './contender.js';

interface Connection extends EventEmitter {
  pushNotification(notification: object, tokens: readonly Buffer[]): void;
}

interface Apn {
  readonly Connection: new (options: object) => Connection;
  readonly Notification: new () => { alert: string };
}

const chunk = 4_096;
const { target, count, warmUp, payloadBytes, fastMode } = readTask();
const { Connection, Notification } = loadPeer('apn') as Apn;
const { hostname, port } = new URL(target.url);
const connection = new Connection({
  cert: readFileSync(target.certFile),
  key: readFileSync(target.certKeyFile),
  ca: [Buffer.from(target.ca)],
  gateway: hostname,
  port: Number(port),
  fastMode: fastMode === true,
});
for (const event of ['error', 'socketError', 'transmissionError']) connection.on(event, fail);

const notification = new Notification();
notification.alert = (JSON.parse(payloadOf(payloadBytes).toString()) as { aps: { alert: string } }).aps.alert;

async function send(tokens: readonly Buffer[]): Promise<void> {
  for (let start = 0; start < tokens.length; start += chunk) {
    const completed = once(connection, 'completed');
    connection.pushNotification(notification, tokens.slice(start, start + chunk));
    await completed;
  }
}

function separate(tokens: Buffer): Buffer[] {
  return Array.from({ length: tokens.length / tokenBytes }, (_, at) =>
    tokens.subarray(at * tokenBytes, (at + 1) * tokenBytes),
  );
}

/** The number that the gateway has accepted, once it is complete or has stopped growing for a second. */
async function acceptedInAll(expected: number): Promise<number> {
  let accepted = -1;
  for (;;) {
    const summary = (await (await fetch(target.ledgerUrl)).json()) as LedgerSummary;
    if (summary.accepted >= expected || summary.accepted === accepted) return summary.accepted;
    accepted = summary.accepted;
    await sleep(1_000);
  }
}

function fail(cause: unknown): never {
  throw new Error(`apn: ${String(cause)}`);
}

await send(separate(randomTokens(warmUp)));
const before = await acceptedInAll(Number.POSITIVE_INFINITY);
const tokens = separate(randomTokens(count));
const usage = await measured(() => send(tokens));
const accepted = (await acceptedInAll(before + count)) - before;
writeOutcome({ ...usage, count, accepted });
process.exit(0);
