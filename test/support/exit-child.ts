/**
 * A program that uses peal and then has nothing more to do; never shuts anything down, nor ends by itself. Arguments:
 * one of the names below, threads, the gateway's URL and the file with its certificate. Prints what it has done as it
 * is done, and at last how long it stayed.
 */
import { APNs, Message, type PushItem, Session } from '../../src/index.js';

const [program = '', threads = '0', url = '', ca = ''] = process.argv.slice(2);
const token = (number: number): string => number.toString(16).padStart(64, '0');
const message = (count: number): Message =>
  new Message(
    Array.from({ length: count }, (_, number) => token(number)),
    { alert: 'hi', topic: 'com.example.app' },
  );
const session = new Session({ ca: { file: ca }, threads: Number(threads), maxConnections: 2 });
let saidMs = 0;
const say = (text: string): void => {
  saidMs = performance.now();
  console.log(text);
};

const programs: Readonly<Record<string, () => Promise<void>>> = {
  /** Connections and threads stay behind. */
  idle: async () => {
    const result = await new APNs(session.getConnection(url, null)).send(message(3000));
    say(`accepted ${result.accepted}`);
  },
  /** Nobody awaits the send. */
  pending: async () => {
    void new APNs(session.getConnection(url, null))
      .send(message(3))
      .then((result) => say(`accepted ${result.accepted}`));
  },
  /** Nobody awaits the push. */
  push: async () => {
    const apns = new APNs(session.getConnection(url, null));
    void apns.push({ alert: 'hi', topic: 'com.example.app' }, token(1)).then(({ outcome }) => say(outcome));
  },
  /** Nobody awaits the broadcast, and its connection stays behind. */
  broadcast: async () => {
    const apns = new APNs(session.getConnection(url, null));
    void apns
      .broadcast({ event: 'end', timestamp: new Date() }, ['AAAA', 'BBBB'], { bundleId: 'com.example.app' })
      .then(({ accepted }) => say(`accepted ${accepted}`));
  },
  /** A connection of its own, which closes by itself. */
  newConnection: async () => {
    const result = await new APNs(session.newConnection(url, null)).send(message(3));
    say(`accepted ${result.accepted}`);
  },
  /** The control plane is asked, and nobody else is there. */
  stats: async () => {
    await new APNs(session.getConnection(url, null)).send(message(3));
    say(`threads ${(await session.stats()).shards.length}`);
    await session.shutdown();
    say('shut down');
    const result = await new APNs(session.getConnection(url, null)).send(message(3));
    say(`accepted ${result.accepted}`);
  },
  /** The source of a stream has nothing that keeps the process. */
  each: async () => {
    let accepted = 0;
    async function* items(): AsyncGenerator<PushItem> {
      for (let number = 0; number < 3; number++) {
        await new Promise((resolve) => setTimeout(resolve, 200).unref());
        yield { message: message(0), token: token(number) };
      }
    }
    for await (const { outcome } of new APNs(session.getConnection(url, null)).sendEach(items())) {
      if (outcome === 'accepted') accepted += 1;
    }
    say(`accepted ${accepted}`);
  },
  /** The consumer of a stream leaves while pushes are under way. */
  leave: async () => {
    const items = [0, 1, 2].map((number) => ({ message: message(0), token: token(number) }));
    const outcomes = new APNs(session.getConnection(url, null)).sendEach(items);
    void outcomes.next();
    await outcomes.return();
    say('left the stream');
  },
};

const started = performance.now();
process.on('exit', () => {
  const [afterEndMs, afterWordMs] = [ended, saidMs].map((ms) => Math.round(performance.now() - ms));
  console.log(`left ${afterEndMs} ms after the end, ${afterWordMs} ms after the last word`);
});
let ended = started;
await programs[program]!();
ended = performance.now();
