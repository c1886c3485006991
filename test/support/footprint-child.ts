/**
 * A program with many sessions, gateways or connections of their own, which prints what each of them takes in memory
 * after a send over it, in bytes, as JSON. Run with --expose-gc. Arguments: what of, how many, recipients of each send,
 * the gateway's URL and the file with its certificate.
 */
import { generateKeyPairSync } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { APNs, type Gateway, Message, Session } from '../../src/index.js';

/** What one of them takes: `buffers` is what was reserved for buffers, used or not. */
export interface Footprint {
  readonly buffers: number;
  readonly resident: number;
  readonly heap: number;
}

const [kind = '', count = '', recipients = '', url = '', ca = ''] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const credential = (number: number) => ({
  key,
  keyId: String(number).padStart(10, 'K'),
  teamId: 'ABCDE12345',
});
const tokens = Array.from({ length: Number(recipients) }, (_, number) => number.toString(16).padStart(64, '0'));
const newSession = (): Session => new Session({ ca: { file: ca }, threads: 0, maxConnections: 1 });
const shared = newSession();
const held: unknown[] = [];

const kinds: Readonly<Record<string, (number: number) => Gateway | null>> = {
  unused: () => {
    held.push(newSession());
    return null;
  },
  session: () => newSession().getConnection(url, credential(0)),
  gateway: (number) => shared.getConnection(url, credential(number)),
  newConnection: () => shared.newConnection(url, credential(0)),
};

async function use(gateway: Gateway | null): Promise<void> {
  if (gateway === null) return;
  held.push(gateway);
  const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
  const { accepted } = await new APNs(gateway).send(message, { recipients: tokens });
  if (accepted !== tokens.length) throw new Error(`${accepted} of ${tokens.length} accepted`);
}

async function memory(): Promise<Footprint> {
  for (let turn = 0; turn < 4; turn++) {
    await setImmediate();
    globalThis.gc!();
  }
  const { arrayBuffers: buffers, rss: resident, heapUsed: heap } = process.memoryUsage();
  return { buffers, resident, heap };
}

// What the first one loads is no part of what each takes.
await use(shared.newConnection(url, credential(0)));
const before = await memory();
await Promise.all(Array.from({ length: Number(count) }, (_, number) => use(kinds[kind]!(number))));
// Waits for connections that close after use.
if (kind === 'newConnection') await shared.shutdown();
const after = await memory();
const each = (part: keyof Footprint): number => Math.round((after[part] - before[part]) / Number(count));
const footprint: Footprint = { buffers: each('buffers'), resident: each('resident'), heap: each('heap') };
process.stdout.write(JSON.stringify(footprint), () => process.exit(0));
