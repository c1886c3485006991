/**
 * The notifications of a shop's server, a service as NestJS holds them (its dependencies given to the constructor,
 * started and ended by the hooks of its module), written for apns2, and moved to peal by its import alone. A device that
 * APNs calls unregistered loses its row.
 *
 *     node dist/examples/moved/order-notifications.js TASK.json
 */
import { readFileSync } from 'node:fs';
import { ApnsClient, ApnsError, Errors, Notification, Priority, PushType, SilentNotification } from 'peal/compat/apns2';

interface Device {
  readonly token: string;
  readonly customer: string;
}

interface Order {
  readonly number: number;
  readonly customer: string;
  readonly state: string;
}

interface Settings {
  readonly teamId: string;
  readonly keyId: string;
  readonly signingKey: string;
  readonly topic: string;
  readonly host: string;
}

/** Stands for a table of a database. */
class DeviceRepository {
  #rows: readonly Device[];

  constructor(rows: readonly Device[]) {
    this.#rows = rows;
  }

  all(): readonly Device[] {
    return this.#rows;
  }

  of(customer: string): readonly Device[] {
    return this.#rows.filter((row) => row.customer === customer);
  }

  async delete(token: string): Promise<void> {
    this.#rows = this.#rows.filter((row) => row.token !== token);
  }
}

class OrderNotifications {
  readonly #settings: Settings;
  readonly #devices: DeviceRepository;
  readonly #pending: Promise<void>[] = [];
  #client!: ApnsClient;

  constructor(settings: Settings, devices: DeviceRepository) {
    this.#settings = settings;
    this.#devices = devices;
  }

  onModuleInit(): void {
    const { teamId, keyId, signingKey, topic, host } = this.#settings;
    this.#client = new ApnsClient({ team: teamId, keyId, signingKey, defaultTopic: topic, host });
    this.#client.on(Errors.unregistered, (error: ApnsError) => {
      const { deviceToken } = error.notification;
      console.log('%s is gone (%d): its row is deleted', deviceToken, error.statusCode);
      this.#pending.push(this.#devices.delete(deviceToken));
    });
    this.#client.on(Errors.error, (error: ApnsError) => {
      console.log('%s: %s, of %s', error.notification.deviceToken, error.message, error.constructor.name);
    });
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.#pending);
    await this.#client.close();
  }

  /** To all devices of a customer. Returns on how many of them the state of the order will be seen. */
  async stateChanged({ number, customer, state }: Order): Promise<number> {
    const devices = this.#devices.of(customer);
    const results = await Promise.all(
      devices.map(async ({ token }) => {
        const notification = new Notification(token, {
          alert: { title: `Order ${number}`, body: `Your order is ${state}.` },
          badge: 1,
          sound: 'default',
          category: 'ORDER',
          threadId: `order-${number}`,
          collapseId: `order-${number}`,
          expiration: new Date('2031-03-04T05:06:07Z'),
          data: { order: { number, state } },
        });
        try {
          return (await this.#client.send(notification)) === notification;
        } catch (error) {
          if (error instanceof ApnsError) return false;
          throw error;
        }
      }),
    );
    return results.filter(Boolean).length;
  }

  /** Wakes the app everywhere, so that it fetches what is new. */
  async refreshAll(): Promise<void> {
    const notifications = this.#devices
      .all()
      .map(({ token }) => new SilentNotification(token, { data: { refresh: true } }));
    const results = await this.#client.sendMany(notifications);
    results.forEach((result, index) => {
      const { deviceToken, pushType, priority } = notifications[index]!;
      if (!('error' in result)) console.log('%s woken, as %s with %d', deviceToken, pushType, priority);
      else console.log('%s not woken: %s', deviceToken, result.error.reason);
    });
  }

  /** A line on the watch faces, some time. */
  async offer(text: string): Promise<void> {
    for (const { token } of this.#devices.all()) {
      const options = { type: PushType.alert, priority: Priority.throttled, alert: text, mutableContent: true };
      await this.#client
        .send(new Notification(token, options))
        .then(({ deviceToken }) => console.log('%s has the offer', deviceToken))
        .catch((error: unknown) => {
          const { reason, statusCode, timestamp } = error as ApnsError;
          console.log('%s does not have it: %s %d, since %s', token, reason, statusCode, timestamp);
        });
    }
  }
}

interface Task {
  readonly settings: Settings;
  readonly devices: readonly Device[];
  readonly orders: readonly Order[];
}

const { settings, devices, orders } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Task;
const repository = new DeviceRepository(devices);
const service = new OrderNotifications(settings, repository);
service.onModuleInit();
for (const order of orders) {
  console.log('order %d: %s, seen on %d', order.number, order.state, await service.stateChanged(order));
}
await service.offer('Free delivery until Sunday');
await service.refreshAll();
await service.onModuleDestroy();
console.log('devices left: %j', repository.all());
