/**
 * A service that pushes: sends through worker threads, streams its recipients from a database with back-pressure, reads
 * the result, tries again what may be, and cleans its database up.
 *
 *     node dist/examples/embed.js
 *
 * Runs against the simulator unless a real gateway is named by the environment: PEAL_GATEWAY (api_sandbox, for one),
 * PEAL_KEY (path of the .p8 file), PEAL_KEY_ID, PEAL_TEAM_ID and PEAL_TOPIC.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { APNs, Message, type Progress, type Result, Session, scriptedToken, startSimulatorThread } from 'peal';

/** Stands for your database: the device tokens of an app, and since when each is registered. */
class Registrations {
  readonly #registeredAt = new Map<string, Date>();

  add(token: string, at: Date): void {
    this.#registeredAt.set(token, at);
  }

  get count(): number {
    return this.#registeredAt.size;
  }

  /** Pages of a query. The next page is asked for only when the one before it is on its way to the gateway. */
  async *tokens(pageSize = 1000): AsyncGenerator<string> {
    let page: string[] = [];
    for (const token of [...this.#registeredAt.keys()]) {
      if (page.push(token) < pageSize) continue;
      await sleep(1); // the query
      yield* page;
      page = [];
    }
    yield* page;
  }

  /** Drops a token that APNs says is gone, unless the app registered it again since. */
  drop(token: string, goneSince: Date | null): void {
    const registeredAt = this.#registeredAt.get(token);
    if (registeredAt !== undefined && (goneSince === null || registeredAt <= goneSince))
      this.#registeredAt.delete(token);
  }
}

/** A send goes again by itself where a fault passes; here the program does it, to show how. */
const byHand = { retry: false } as const;

async function main(): Promise<void> {
  const registrations = demoRegistrations();
  const { address, credential, ca, topic, close } = await target();
  {
    await using session = new Session({ threads: 2, ...(ca !== null && { ca }) });
    const apns = new APNs(session.getConnection(address, credential));
    const message = new Message([], {
      alert: { title: 'News', body: 'Read all about it' },
      topic,
      expiration: { seconds: 3600 },
    });

    console.log(`sending to ${registrations.count} devices through ${session.threads} threads`);
    let result = await apns.send(message, { recipients: registrations.tokens(), onProgress: show, ...byHand });
    let accepted = result.accepted;
    report(result, registrations);

    // What was certainly not processed, or met a fault that passes, goes again; what is unknown is yours to decide.
    for (let retry = result.retry(); retry !== null && retry.attempt <= 2; retry = result.retry()) {
      await sleep(result.retryDelayMs());
      console.log(`attempt ${retry.attempt}`);
      result = await apns.send(retry, byHand);
      accepted += result.accepted;
      report(result, registrations);
    }
    console.log(`accepted in all: ${accepted}; devices left: ${registrations.count}`);
  }
  await close();
}

function report(result: Result, registrations: Registrations): void {
  const { accepted, rejected, unsent, unknown, invalid } = result.counts;
  console.log(`  accepted ${accepted}, rejected ${rejected}, unsent ${unsent}, unknown ${unknown}, invalid ${invalid}`);
  for (const [reason, count] of result.reasons) console.log(`  ${reason}: ${count}`);
  for (const { reason, explanation } of result.errors) console.log(`  ${reason}: ${explanation}`);
  for (const [token, since] of result.gone) registrations.drop(token, since);
  if (result.stopped !== null) throw result.stopped;
}

function show({ done, total }: Progress): void {
  console.log(`  … ${done}${total === null ? '' : ` of ${total}`}`);
}

/** Where to send: the gateway of the environment, or a simulator on a thread of its own. */
async function target() {
  const { PEAL_GATEWAY, PEAL_KEY, PEAL_KEY_ID = '', PEAL_TEAM_ID = '', PEAL_TOPIC = 'com.example.app' } = process.env;
  if (PEAL_GATEWAY !== undefined && PEAL_KEY !== undefined) {
    const credential = { key: { file: PEAL_KEY }, keyId: PEAL_KEY_ID, teamId: PEAL_TEAM_ID };
    return { address: PEAL_GATEWAY, credential, ca: null, topic: PEAL_TOPIC, close: async () => {} };
  }
  const simulator = await startSimulatorThread({ controlPort: null });
  const close = (): Promise<void> => simulator.close();
  return { address: simulator.url, credential: null, ca: simulator.caCertificate, topic: PEAL_TOPIC, close };
}

/** Twenty thousand devices, of which the simulator calls a hundred gone, ten malformed and five too busy. */
function demoRegistrations(): Registrations {
  const registrations = new Registrations();
  const longAgo = new Date('2020-01-01');
  for (let i = 0; i < 19_885; i++) registrations.add(i.toString(16).padStart(64, '0'), longAgo);
  for (let i = 0; i < 100; i++) registrations.add(scriptedToken('Unregistered', i), longAgo);
  for (let i = 0; i < 10; i++) registrations.add(scriptedToken('BadDeviceToken', i), longAgo);
  for (let i = 0; i < 5; i++) registrations.add(scriptedToken('TooManyRequests', i), longAgo);
  return registrations;
}

await main();
