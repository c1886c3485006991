/**
 * What a shop tells its customers: the code that notifications.test.ts tests. It is handed all that reaches out of the process
 * (the database, and how to push), so that a test hands it a simulator instead of Apple, and nothing in here knows.
 */
import { type APNs, classOf, type PushOutcome } from 'peal';

/** A device token of a customer, and when the app registered it. */
export interface Device {
  readonly token: string;
  readonly registeredAt: Date;
}

/** What this code needs of the database. */
export interface Devices {
  of(customer: string): Promise<readonly Device[]>;
  remove(token: string): Promise<void>;
}

/** `later`: some device was not reached and may be, so do the same again later; it is told under the same collapse id. */
export type Told = 'told' | 'nobody' | 'later';

export class Notifications {
  readonly #apns: APNs;
  readonly #devices: Devices;
  readonly #topic: string;
  readonly #timeoutMs: number;

  /** @param timeoutMs how long one push may take, with its retries */
  constructor(apns: APNs, devices: Devices, topic: string, timeoutMs = 30_000) {
    this.#apns = apns;
    this.#devices = devices;
    this.#topic = topic;
    this.#timeoutMs = timeoutMs;
  }

  /** Tells all devices of the customer that an order was shipped. */
  async orderShipped(customer: string, order: number): Promise<Told> {
    const devices = await this.#devices.of(customer);
    const message = {
      topic: this.#topic,
      alert: { title: `Order ${order}`, body: 'It is on its way.' },
      // Told twice, it is shown once.
      collapseId: `order-${order}`,
    };
    const options = { timeoutMs: this.#timeoutMs, retry: { attempts: 3 } };
    const pushes = devices.map(({ token }) => this.#apns.push(message, token, options));
    let told: Told = 'nobody';
    for (const [index, push] of (await Promise.all(pushes)).entries()) {
      const device = devices[index]!;
      if (push.outcome === 'accepted' && told === 'nobody') told = 'told';
      else if (isWorthAnotherTry(push)) told = 'later';
      else if (isGone(push, device)) await this.#devices.remove(device.token);
    }
    return told;
  }
}

function isWorthAnotherTry(push: PushOutcome): boolean {
  if (push.outcome === 'rejected') return classOf(push.status, push.reason) === 'transient';
  return push.outcome === 'unsent' || push.outcome === 'unknown';
}

/**
 * Whether the device is to be forgotten: the app was removed, and has not registered again since. A token that is called bad
 * stays: mostly it belongs to the other environment, and a whole database was emptied by one wrong setting before.
 */
function isGone(push: PushOutcome, { registeredAt }: Device): boolean {
  return push.outcome === 'rejected' && push.status === 410 && registeredAt.getTime() <= (push.timestampMs ?? Infinity);
}
