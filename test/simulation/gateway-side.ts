/**
 * The gateway of a simulated world: the product's simulator, with the world's clock, and a diary of what it did with
 * each recipient, request by request, beside its own ledger.
 */
import { silentLogger } from '../../src/base/log.js';
import { ServerBinaryConnection } from '../../src/simulator/binary/server-binary-connection.js';
import { fcmGateway, SimulatedGateway } from '../../src/simulator/faults/simulated-gateway.js';
import { ConnectionDriver } from '../../src/simulator/http2/connection-driver.js';
import type { SimulatorFcmOptions } from '../../src/simulator/settings/fcm-options.js';
import { resolveOptions } from '../../src/simulator/settings/simulator-settings.js';
import type { ByteStream } from '../../src/transport/backend.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import type { Books } from './books.js';
import type { ServerListener } from './link.js';
import type { Plan } from './plan.js';
import { type FcmPlan, fcmProject } from './plan-fcm.js';
import { numberIn, textNumberIn } from './recipients.js';

/** The app that everything is sent to. */
export const topic = 'com.example.app';

/** Who keeps the diary. */
export type GatewayBooks = Pick<Books, 'violate' | 'onToken' | 'onProcessed'>;

export class GatewaySide {
  readonly gateway: SimulatedGateway;
  readonly #plan: Plan;
  readonly #books: GatewayBooks;
  readonly #binary = new Map<ByteStream, ServerBinaryConnection>();
  /** Told when the gateway is about to break the protocol on a connection. */
  onMalformed: () => void = () => {};
  /** Told of each fault that strikes. */
  onFault: () => void = () => {};

  constructor(world: VirtualClock, plan: Plan, books: GatewayBooks) {
    const { auth, maxStreams, initialWindowBytes, connectionWindowBytes, conduct, scenario } = plan.gateway;
    this.#plan = plan;
    this.#books = books;
    // A provider token's signature is no part of this world: it would differ from run to run.
    const settings = resolveOptions({
      auth,
      maxStreams,
      initialWindowBytes,
      connectionWindowBytes,
      ...(conduct === null ? {} : { conduct }),
      ...(scenario === null || plan.fcm !== null ? {} : { scenario }),
      ...(plan.binary?.gateway ?? {}),
      ...(plan.fcm === null ? {} : { fcm: fcmOptions(plan, plan.fcm) }),
      seed: plan.seed >>> 0,
      clock: world,
      // The streams of this world end without an error, so what is logged is what the client did wrong.
      logger: { ...silentLogger, warn: (fields) => books.violate(`the gateway found fault: ${reasonOf(fields)}`) },
    });
    this.gateway = fcmGateway(settings) ?? new SimulatedGateway(settings);
    this.#keepDiary();
  }

  /** Whether new connections get through. */
  get isListening(): boolean {
    return true;
  }

  serve(stream: ByteStream): ServerListener {
    if (this.#plan.binary !== null) {
      const connection = new ServerBinaryConnection(this.gateway, stream, false, () => this.#binary.delete(stream));
      this.#binary.set(stream, connection);
      return connection;
    }
    const certificateTopic = this.#plan.credential === 'certificate' ? topic : null;
    return new ConnectionDriver(this.gateway, stream, { certificateTopic, keyName: null }, null, () => {});
  }

  /** A binary gateway shuts a connection down; false where it cannot any more. */
  sayGoodbye(stream: ByteStream): boolean {
    const connection = this.#binary.get(stream);
    connection?.close();
    return connection !== undefined;
  }

  #keepDiary(): void {
    const { ledger } = this.gateway;
    const numbers: number[] = [];
    const locate = ledger.locate.bind(ledger);
    const record = ledger.record.bind(ledger);
    const recordFault = ledger.recordFault.bind(ledger);
    ledger.recordFault = (kind) => {
      recordFault(kind);
      this.onFault();
      if (kind === 'malformed') this.onMalformed();
    };
    ledger.locate = (token, length, hash) => {
      const entry = locate(token, length, hash);
      numbers[entry] = this.#plan.fcm === null ? numberIn(token, 0) : textNumberIn(token, 0);
      this.#books.onToken(numbers[entry], token.subarray(0, length));
      return entry;
    };
    ledger.record = (entry, a, b, answer, payloadBytes) => {
      record(entry, a, b, answer, payloadBytes);
      this.#books.onProcessed(numbers[entry]!, answer);
    };
  }
}

function fcmOptions({ gateway }: Plan, fcm: FcmPlan): SimulatorFcmOptions {
  const { messagesPerMinute, tokenLifeS, retryAfterS } = fcm;
  const { maxStreams, scenario } = gateway;
  const own = { project: fcmProject, messagesPerMinute, tokenLifeS, retryAfterS, maxStreams };
  return { ...own, ...(scenario === null ? {} : { scenario }) };
}

function reasonOf(fields: object): string {
  return String((fields as { reason?: unknown }).reason ?? JSON.stringify(fields));
}
