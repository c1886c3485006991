/**
 * The network between sender and gateway: a back-end of the sender whose connections lead to the gateway in memory. It
 * refuses, delays, breaks and swallows as it is told, and keeps count.
 *
 * A gateway has one address here. Which of several a connection goes to, and what comes of dead ones among them, is
 * decided below a back-end's stream, where connections cannot see it: test/transport/addresses and lookup test that.
 */
import { PealError } from '../../src/base/errors.js';
import type {
  Backend,
  BackendStream,
  ByteStream,
  ByteStreamListener,
  OpenOptions,
} from '../../src/transport/backend.js';
import type { Prng } from '../support/prng.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import { Link, type LinkWatcher, type ServerListener } from './link.js';
import type { LineSettings } from './pipe.js';
import type { ConnectPlan } from './plan.js';
import type { ThreadClock } from './thread-clock.js';
import type { Trace } from './trace.js';

export interface NetworkOptions {
  readonly world: VirtualClock;
  readonly random: Prng;
  readonly trace: Trace;
  readonly line: LineSettings;
  readonly connect: ConnectPlan;
  /** Serves a connection that got through. */
  readonly serve: (stream: ByteStream) => ServerListener;
  readonly watch: (link: Link) => LinkWatcher;
  /** Whether the gateway listens at all now. */
  readonly isListening: () => boolean;
}

export class Network {
  readonly links: Link[] = [];
  /** When each attempt to connect began. */
  readonly attemptsMs: number[] = [];
  readonly #options: NetworkOptions;
  #outageUntilMs = 0;
  #deadUntilMs = 0;
  #isHealthy = false;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** The way to the gateway for one thread. */
  backendFor(thread: ThreadClock): Backend {
    return { open: (options, listener) => this.#open(thread, options, listener) };
  }

  /** Attempts to connect are refused for a while. */
  refuseFor(ms: number): void {
    this.#outageUntilMs = this.#options.world.now() + ms;
  }

  /** Attempts to connect are not answered for a while. */
  ignoreFor(ms: number): void {
    this.#deadUntilMs = this.#options.world.now() + ms;
  }

  /** From now on every attempt gets through. */
  heal(): void {
    this.#isHealthy = true;
    this.#outageUntilMs = 0;
    this.#deadUntilMs = 0;
  }

  /** Connections that both ends hold open. */
  open(): Link[] {
    return this.links.filter((link) => link.isOpen);
  }

  /** A thread has ended, and its connections with it: the gateway hears of it, the thread no more. */
  dropThread(thread: ThreadClock): void {
    for (const link of this.links) if (link.thread === thread) link.destroy();
  }

  forget(): void {
    for (const link of this.links) link.forget();
  }

  #open(thread: ThreadClock, options: OpenOptions, listener: ByteStreamListener): BackendStream {
    const { world, random, line, trace, watch } = this.#options;
    const own = random.fork();
    const id = this.links.length + 1;
    const link = new Link({ id, world, thread, random: () => own.next(), line: { ...line }, listener });
    link.watcher = watch(link);
    this.links.push(link);
    this.attemptsMs.push(world.now());
    const fate = this.#draw(own);
    trace.event(`connect ${fate}`, id);
    const wayMs = line.latencyMs + line.jitterMs;
    if (fate === 'refused') {
      const error = refusedError(options);
      world.setTimer(() => link.refuse(error), 2 * wayMs);
    } else if (fate === 'silent') {
      world.setTimer(() => link.accept(() => deaf), wayMs);
      link.blackHole('both');
    } else if (fate === 'through') {
      world.setTimer(() => this.#accept(link, options), wayMs + this.#slownessMs(own));
    }
    return link;
  }

  #accept(link: Link, options: OpenOptions): void {
    if (this.#options.isListening()) link.accept(this.#options.serve);
    else link.refuse(refusedError(options));
  }

  #draw(random: Prng): 'through' | 'refused' | 'dead' | 'silent' {
    const now = this.#options.world.now();
    if (now < this.#deadUntilMs) return 'dead';
    if (now < this.#outageUntilMs) return 'refused';
    const { refused, dead, silent } = this.#options.connect;
    const draw = random.next();
    if (this.#isHealthy || draw >= refused + dead + silent) return 'through';
    if (draw < refused) return 'refused';
    return draw < refused + dead ? 'dead' : 'silent';
  }

  /** One handshake in ten takes longer. */
  #slownessMs(random: Prng): number {
    return random.chance(0.1) ? random.next() * 2_000 : 0;
  }
}

const deaf: ByteStreamListener = { onOpen: () => {}, onBytes: () => {}, onClosed: () => {} };

function refusedError({ address }: OpenOptions): PealError {
  const message = `${address.host}:${address.port} refused the connection.`;
  return new PealError('ERR_PEAL_CONNECT', message, { origin: 'connect', retryable: true });
}
