/**
 * A consumer of a queue, as Kafka, SQS or BullMQ are: takes jobs, pushes each, and acknowledges each by itself once its
 * outcome is known. Pushes no faster than the gateway answers, and takes no more jobs than it can hold. Stops at SIGTERM
 * without losing a job.
 *
 *     node dist/examples/queue-consumer.js
 *
 * Runs against the simulator unless a real gateway is named by the environment: PEAL_GATEWAY (api_sandbox, for one),
 * PEAL_KEY (path of the .p8 file), PEAL_KEY_ID, PEAL_TEAM_ID and PEAL_TOPIC.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { APNs, type ItemOutcome, Message, type PushItem, Session, scriptedToken, startSimulatorThread } from 'peal';

/** What another service has put into the queue. */
interface Order {
  readonly number: number;
  readonly device: string;
}

/** One delivery of it: the handle by which the queue is told what became of it. */
interface Delivery {
  readonly order: Order;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
}

/**
 * Stands for your queue. Every job that was delivered has to be acknowledged, or given back: then it is delivered again.
 */
class Queue {
  readonly acknowledged = new Map<Delivery, string>();
  #waiting: Delivery[];
  readonly #held = new Set<Delivery>();

  constructor(orders: readonly Order[]) {
    this.#waiting = orders.map((order) => ({ order, deliveries: 1 }));
  }

  /** Jobs that were delivered and not settled yet. */
  get held(): number {
    return this.#held.size;
  }

  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#held.size === 0;
  }

  /** The next jobs, up to ten, as such queues deliver them; none if there are none now. */
  async receive(): Promise<readonly Delivery[]> {
    await sleep(1); // the request
    const received = this.#waiting.splice(0, 10);
    for (const delivery of received) this.#held.add(delivery);
    return received;
  }

  acknowledge(delivery: Delivery, note: string): void {
    this.#held.delete(delivery);
    this.acknowledged.set(delivery, note);
  }

  giveBack(delivery: Delivery): void {
    this.#held.delete(delivery);
    this.#waiting.push({ order: delivery.order, deliveries: delivery.deliveries + 1 });
  }
}

/** What peal is given, with the handle of the queue: it comes back with the outcome. */
interface Job extends PushItem {
  readonly delivery: Delivery;
}

/** How often a job may come back before it is put aside. */
const mostDeliveries = 3;

/** Jobs as long as there are any; a consumer that runs for ever leaves `isDone` out. */
async function* jobsOf(queue: Queue, topic: string, signal: AbortSignal): AsyncGenerator<Job> {
  while (!signal.aborted && !queue.isDone) {
    const received = [...(await queue.receive())];
    try {
      for (let delivery = received.shift(); delivery !== undefined; delivery = received.shift()) {
        const { number, device } = delivery.order;
        yield { message: new Message([], { topic, alert: `Order ${number} is on its way` }), token: device, delivery };
      }
    } finally {
      // The stream was stopped: what was received and not handed out has no outcome.
      for (const delivery of received) queue.giveBack(delivery);
    }
  }
}

/** What the outcome of one push means for its job. */
async function settle(queue: Queue, settled: ItemOutcome<Job>): Promise<void> {
  const { delivery } = settled.item;
  switch (settled.outcome) {
    case 'accepted':
      queue.acknowledge(delivery, 'accepted');
      break;
    case 'rejected':
      // Rejected for good: another delivery gets the same answer. A temporary fault is worth another delivery.
      if ((settled.status === 429 || settled.status >= 500) && delivery.deliveries < mostDeliveries)
        queue.giveBack(delivery);
      else queue.acknowledge(delivery, `rejected: ${settled.reason}`);
      // With status 410 the device token is to be dropped from your database, unless it was registered again since.
      break;
    case 'unsent':
      // Certainly not processed. Give it back, with a delay if your queue knows one: the gateway may be out of reach.
      queue.giveBack(delivery);
      break;
    case 'unknown':
      // Written, and not answered. An order that is announced twice is better than one that is never announced. For a
      // code to log in with, it may be the other way round.
      if (delivery.deliveries < mostDeliveries) queue.giveBack(delivery);
      else queue.acknowledge(delivery, `unknown: ${settled.error.code}`);
      break;
    case 'invalid':
      // Nothing was sent, and another delivery would not mend it.
      queue.acknowledge(delivery, `invalid: ${settled.error.code}`);
      break;
  }
}

async function main(): Promise<void> {
  const { address, credential, ca, topic, close } = await target();
  const queue = new Queue(demoOrders());
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  console.log('consuming, until the queue is empty or SIGTERM');
  let mostHeld = 0;
  {
    await using session = new Session(ca === null ? {} : { ca });
    const apns = new APNs(session.getConnection(address, credential));
    const options = { maxInFlight: 500, timeoutMs: 10_000, signal: stop.signal };
    for await (const outcome of apns.sendEach(jobsOf(queue, topic, stop.signal), options)) {
      mostHeld = Math.max(mostHeld, queue.held);
      await settle(queue, outcome);
    }
  }
  report(queue, mostHeld);
  await close();
}

function report({ acknowledged, held }: Queue, mostHeld: number): void {
  const counts = new Map<string, number>();
  let deliveries = 0;
  for (const [delivery, note] of acknowledged) {
    counts.set(note, (counts.get(note) ?? 0) + 1);
    deliveries += delivery.deliveries;
  }
  for (const [note, count] of [...counts].sort()) console.log(`${note}: ${count}`);
  console.log(`${acknowledged.size} jobs acknowledged after ${deliveries} deliveries; ${held} left unsettled`);
  console.log(`never more than 600 jobs at a time: ${mostHeld <= 600}`);
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

/** Two thousand orders, of which the simulator calls ten devices gone and five too busy; one has no device token. */
function demoOrders(): Order[] {
  const orders: Order[] = [];
  const add = (device: string): unknown => orders.push({ number: orders.length + 1, device });
  for (let i = 0; i < 1_984; i++) add(i.toString(16).padStart(64, '0'));
  for (let i = 0; i < 10; i++) add(scriptedToken('Unregistered', i));
  for (let i = 0; i < 5; i++) add(scriptedToken('TooManyRequests', i));
  add('no device token');
  return orders;
}

await main();
