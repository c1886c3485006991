/**
 * A whole sender and its gateway in one thread, on a clock that runs as fast as it can: the product's dispatcher,
 * shards, pools, connections and codec on one side, its simulator on the other, a network with faults between them. A
 * seed decides everything; the same seed gives the same run.
 */
import { flushIntervalMs, maxBatchCrashes } from '../../src/base/limits.js';
import { type Logger, silentLogger } from '../../src/base/log.js';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import { Mailbox } from '../../src/engine/dispatcher/mailbox.js';
import type { ProviderTokenSource } from '../../src/engine/dispatcher/route.js';
import type { ShardLink } from '../../src/engine/hosts/shard-host.js';
import type { RouteConfig } from '../../src/engine/messages.js';
import type { Protocol } from '../../src/push/address.js';
import { durationOf } from '../../src/push/request-rate.js';
import { linkWith } from '../support/link-options.js';
import { Prng } from '../support/prng.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { accessTokenSource } from './access-tokens.js';
import { Books } from './books.js';
import { FaultInjector } from './fault-injector.js';
import { GatewaySide } from './gateway-side.js';
import { outOfBounds } from './lasting-bounds.js';
import { LedgerWatch } from './ledger-watch.js';
import type { Link } from './link.js';
import { LinkRoom } from './link-room.js';
import { Network } from './network.js';
import type { JobPlan, Plan } from './plan.js';
import type { BinaryPlan } from './plan-binary.js';
import { fcmProject } from './plan-fcm.js';
import { credentialOf, tokenSource } from './provider-key.js';
import { pump } from './pump.js';
import { fcmBodyStart } from './recipients.js';
import { faultsOf, makeReport, mostWithin, type SeedReport } from './report.js';
import { Sender } from './sender.js';
import { SimulatedThreads } from './simulated-threads.js';
import { unjustified } from './stops.js';
import { ThreadClock } from './thread-clock.js';
import { Trace } from './trace.js';
import { watchedPools } from './watched-pools.js';

/** Time after the end of all faults in which a campaign has to be over. */
export const patienceMs = 20 * 60_000;
/** Time in which a black hole has to be found; on a binary connection, beside what its timeouts allow. */
const maxHoleMs = 20_000;
const binaryHoleSlackMs = 1_000;
/** What a plan allows for retries unless it says otherwise: patience has room for that. */
const defaultRetryMs = 60_000;
/** Attempts to connect of one thread within ten seconds that look like an attack. */
const maxConnects = 60;
const minuteMs = 60_000;
/** Callbacks at one instant that are too many: something spins. */
const maxCallbacksAtOnce = 200_000;
/** Turns of the real loop in which a message between two ports of one thread arrives; more where a thread has begun. */
const turnsOfPorts = 4;
const turnsOfStart = 100;
/** Before so much virtual time passes, calls of the control plane, which are not counted, must have arrived as well. */
const longLeapMs = 50;

/**
 * What a dispatcher opens: ledgers are its own affair, so each is looked at from where a mailbox posts it to a shard.
 * One world runs at a time in a thread.
 */
let onMailbox: ((mailbox: Mailbox) => LedgerWatch) | null = null;
let onPost: () => void;
const open = Mailbox.prototype.open;
Mailbox.prototype.open = function (epoch, link): void {
  if (onMailbox === null) {
    open.call(this, epoch, link);
    return;
  }
  const watch = onMailbox(this);
  const watched: ShardLink = {
    post: (message, transfer) => {
      onPost();
      if (message.kind === 'batch') watch.begin(message);
      link.post(message, transfer);
    },
  };
  open.call(this, epoch, watched);
};

export class World {
  readonly plan: Plan;
  readonly clock = new VirtualClock();
  readonly thread = new ThreadClock(this.clock);
  readonly trace: Trace;
  readonly books: Books;
  readonly random: Prng;
  readonly gateway: GatewaySide;
  readonly network: Network;
  readonly faults: FaultInjector;
  /** How long each black hole was waited for, in milliseconds. */
  readonly holesMs: number[] = [];
  readonly load: number;
  /** Virtual time at which the campaign has to be over. */
  readonly deadlineMs: number;
  /** Those who watch a link, in the order of the links. */
  readonly #rooms: LinkRoom[] = [];
  #threads: SimulatedThreads | null = null;
  #startedBefore = 0;
  #posted = 0;
  #postedBefore = 0;
  #ledger: LedgerWatch | null = null;
  /** The ledger of each shard's latest incarnation. */
  readonly #ledgers = new Map<Mailbox, LedgerWatch>();
  #sender!: Sender;
  #dispatcher!: Dispatcher;
  #isFinished = false;
  /** Connections that were open when the first fault of the gateway struck. */
  #openAtTrouble: number | null = null;
  #callbacksAtOnce = 0;
  #instantMs = -1;

  /** @param print Gets a line for each event. */
  constructor(plan: Plan, print: ((line: string) => void) | null = null) {
    const { seed } = plan;
    this.plan = plan;
    this.load = plan.load;
    const programMs = Math.max(plan.faultsUntilMs, ...plan.jobs.map(longestMs), longestPushesMs(plan));
    this.deadlineMs = programMs + plan.retryTimeMs - defaultRetryMs + leastMs(plan) + pacedMs(plan) + patienceMs;
    this.random = new Prng(seed ^ 0x0b5e55ed);
    this.trace = new Trace(() => this.clock.now(), print);
    // An expired provider token is replaced even where a push is not retried.
    const attempts = plan.pushes === null ? plan.attempts : Math.max(2, plan.attempts);
    const protocol = protocolOf(plan);
    const now = (): number => this.clock.now();
    this.books = new Books(plan.recipients, attempts, now, plan.pushes !== null, protocol, waitsMs(plan));
    this.gateway = new GatewaySide(this.clock, plan, this.books);
    this.network = new Network({
      ...{ world: this.clock, random: this.random.fork(), trace: this.trace, line: plan.line, connect: plan.connect },
      serve: (stream) => this.gateway.serve(stream),
      isListening: () => this.gateway.isListening,
      watch: (link) => this.#watch(link),
    });
    this.gateway.onMalformed = () => {
      for (const room of this.#rooms) room.onBroken();
    };
    this.gateway.onFault = () => {
      this.#openAtTrouble ??= this.network.open().length;
    };
    this.faults = new FaultInjector(plan, {
      ...{ world: this.clock, random: this.random.fork(), trace: this.trace },
      ...{ network: this.network, thread: this.thread },
      crash: () => this.#threads?.crashOne(this.random) ?? false,
      sayGoodbye: (stream) => this.gateway.sayGoodbye(stream),
    });
    this.books.onTaken = (taken) => {
      this.faults.onTaken(taken);
      this.#sender.onTaken(taken);
    };
  }

  async run(): Promise<SeedReport> {
    this.#open();
    // The engine loads its host with a dynamic import, which is real time: none of the world's may pass meanwhile.
    const done = this.#sender.run().then(
      () => this.#finish(null),
      (error: unknown) => this.#finish(error),
    );
    // Lanes dispatch at the end of the turn.
    if (this.plan.pushes !== null) await new Promise((resolve) => setImmediate(resolve));
    await this.#dispatcher.stats();
    await pump(() => this.#step(), this.plan.threads === 0 ? null : () => this.#realTurns());
    if (this.#isFinished) await done;
    this.#end();
    onMailbox = null;
    return makeReport(this);
  }

  /** What the engine calls an error is a violation, but for the one that a plan brings about. */
  get log(): Logger {
    return {
      ...silentLogger,
      error: (fields, message) => {
        if (!message.startsWith('a shard ended')) this.books.violate(`${message} ${JSON.stringify(fields)}`);
      },
    };
  }

  /** Virtual time at which the campaign was over. */
  get nowMs(): number {
    return this.clock.now();
  }

  get sender(): Sender {
    return this.#sender;
  }

  #open(): void {
    const { plan, thread } = this;
    onPost = () => this.onPost();
    onMailbox = (mailbox) => {
      const watch = new LedgerWatch((what) => this.books.violate(what));
      this.#ledgers.set(mailbox, watch);
      this.#ledger = watch;
      return watch;
    };
    const random = this.random.fork();
    this.#dispatcher = new Dispatcher({
      threads: plan.threads,
      backend: this.network.backendFor(thread),
      clock: thread,
      log: this.log,
      creditBatches: plan.creditBatches,
      random: () => random.next(),
      openPool: watchedPools(this, () => this.#ledger!, []),
      openThreads: () => this.#openThreads(),
    });
    const config: RouteConfig = {
      address: {
        ...{ protocol: protocolOf(plan), host: 'gateway.test', port: 443 },
        ...(plan.fcm !== null && { project: fcmProject }),
      },
      rate: plan.fcm?.rate ?? null,
      credential: credentialOf(plan.credential),
      link: linkWith({
        ...plan.binary?.settings,
        maxConnections: plan.maxConnections,
        indexAuthorization: plan.seed % 2 === 0,
      }),
    };
    const route = this.#dispatcher.openRoute(config, this.#tokenSource());
    const mayGiveUp = (): boolean => (this.faults.done.crash ?? 0) >= maxBatchCrashes;
    const awakeMs = (): number => this.clock.now() - this.thread.stalledMs;
    const room = { world: this.clock, thread, plan, books: this.books, trace: this.trace, awakeMs, mayGiveUp };
    this.#sender = new Sender(room, this.#dispatcher, route);
  }

  #tokenSource(): ProviderTokenSource | null {
    const { plan, thread } = this;
    if (plan.fcm !== null) return accessTokenSource(this.gateway.gateway.fcm!, plan.fcm, thread);
    return plan.credential === 'token' ? tokenSource(thread) : null;
  }

  #openThreads(): SimulatedThreads {
    const { clock: world, network, books, trace, random, load, log } = this;
    const room = { world, network, books, trace, random, load, log, onPost: () => this.onPost() };
    this.#threads = new SimulatedThreads(room);
    return this.#threads;
  }

  #watch(link: Link): LinkRoom {
    const room = new LinkRoom(link, {
      ...{ books: this.books, trace: this.trace, isJudged: this.plan.isJudged, binary: this.plan.binary },
      bodyStart: this.plan.fcm === null ? null : fcmBodyStart,
      now: () => this.clock.now(),
      awakeMs: () => this.clock.now() - this.thread.stalledMs,
      onHoleFound: (ms) => this.#noteHole(ms),
    });
    this.#rooms.push(room);
    return room;
  }

  #noteHole(ms: number): void {
    this.holesMs.push(ms);
    if (ms > longestHoleMs(this.plan)) this.books.violate(`a black hole was found after ${(ms / 1000).toFixed(1)} s`);
  }

  #realTurns(): number {
    const { started } = this.#threads!;
    const isNew = started > this.#startedBefore;
    const isPosted = this.#posted > this.#postedBefore;
    this.#startedBefore = started;
    this.#postedBefore = this.#posted;
    if (isNew) return turnsOfStart;
    const leapMs = this.clock.hasDeferred ? 0 : (this.clock.nextTimerMs ?? Number.POSITIVE_INFINITY) - this.clock.now();
    return isPosted || leapMs > longLeapMs ? turnsOfPorts : 0;
  }

  /** A message is on its way between two ports. */
  onPost(): void {
    this.#posted += 1;
  }

  /** One callback of the world; false when nothing more is to be done. */
  #step(): boolean {
    const { clock } = this;
    if (this.#isFinished || this.books.violations.length > 0) return false;
    try {
      if (!clock.runDeferred() && !clock.runTimer())
        this.books.violate('the campaign is stuck: nothing is due any more');
    } catch (error) {
      this.books.violate(`a callback threw: ${error instanceof Error ? error.stack : String(error)}`);
    }
    for (const watch of this.#ledgers.values()) watch.look();
    if (clock.now() !== this.#instantMs) {
      this.#instantMs = clock.now();
      this.#callbacksAtOnce = 0;
    } else if (++this.#callbacksAtOnce > maxCallbacksAtOnce) {
      this.books.violate(`something spins: ${maxCallbacksAtOnce} callbacks at ${clock.now()} ms`);
    }
    if (clock.now() > this.deadlineMs) {
      this.books.violate(`the campaign is not over ${patienceMs / 60_000} minutes after the last fault`);
    }
    return true;
  }

  #finish(error: unknown): void {
    this.#isFinished = true;
    if (error !== null)
      this.books.violate(`the program failed: ${error instanceof Error ? error.stack : String(error)}`);
  }

  #end(): void {
    this.network.forget();
    this.clock.settle();
    if (this.books.violations.length > 0) return;
    if (this.thread.timerCount > 0) this.books.violate(`${this.thread.timerCount} timers are left after the end`);
    const connects = mostWithin(this.#unaskedMs(), 10_000);
    if (connects > maxConnects * Math.max(1, this.plan.threads)) {
      this.books.violate(`${connects} attempts to connect within ten seconds`);
    }
    this.#checkRate();
    this.books.close(this.plan.isCalm);
    this.#checkStops();
  }

  #checkRate(): void {
    const { rate = null } = this.plan.fcm ?? {};
    if (rate === null) return;
    const most = mostWithin(this.books.takenMs, minuteMs - 1e-3);
    if (most > rate.perMinute) this.books.violate(`${most} requests in a minute, and the quota is ${rate.perMinute}`);
  }

  /** When attempts to connect began, but for those that a binary gateway brought about by answering. */
  #unaskedMs(): number[] {
    if (this.plan.binary === null) return this.network.attemptsMs;
    return this.network.attemptsMs.filter((_, index) => !this.#rooms[index]!.wasAnswered);
  }

  #checkStops(): void {
    if (this.plan.lasting !== null) {
      const { plan, nowMs: endMs } = this;
      const { recipients, taken } = this.books;
      const facts = {
        plan,
        recipients,
        taken,
        endMs,
        stops: this.#sender.stops,
        openAtTrouble: this.#openAtTrouble ?? 0,
        connects: this.network.attemptsMs.length,
      };
      for (const what of outOfBounds(this.plan.lasting, facts)) this.books.violate(what);
      return;
    }
    const facts = {
      plan: this.plan,
      faults: faultsOf(this),
      inconclusiveConnections: this.#rooms.filter((room) => room.wasInconclusive).length,
    };
    for (const { job, code } of this.#sender.stops) {
      const what = unjustified(code, job, facts, this.books.trouble);
      if (what !== null) this.books.violate(what);
    }
  }
}

/** Flushes that are due and not answered, and writes that are not taken: each has its own time. */
function longestHoleMs({ binary }: Plan): number {
  if (binary === null) return maxHoleMs;
  const { readTimeoutMs, writeTimeoutMs } = binary.settings;
  // A write that gets through late begins the wait for the answer to its flush.
  return flushIntervalMs + writeTimeoutMs + readTimeoutMs + binaryHoleSlackMs;
}

function protocolOf({ binary, fcm }: Plan): Protocol {
  if (fcm !== null) return 'fcm';
  return binary === null ? 'http2' : 'binary';
}

/** For how long a recipient is surely sent to again: behind a narrow gateway that time may pass in the queue. */
function waitsMs({ gateway, retryTimeMs }: Plan): number {
  return gateway.maxStreams >= 50 && gateway.initialWindowBytes >= 1_000 ? retryTimeMs : 0;
}

/** What a rate makes the requests of a list take, with all that are sent again. */
function pacedMs({ fcm, recipients, attempts }: Plan): number {
  if (fcm?.rate == null) return 0;
  return durationOf(2 * recipients.length * attempts, fcm.rate);
}

/** How long a job takes if the program makes its batches, and takes what comes out, as slowly as it may. */
function longestMs({ paceMs, sinkMs, batches }: JobPlan): number {
  return (paceMs + sinkMs) * batches.length;
}

/** Pushes have their time after the last of them began. */
function longestPushesMs({ pushes }: Plan): number {
  if (pushes === null) return 0;
  return pushes.waves.length * pushes.pauseMs + Math.max(...pushes.each.map(({ timeoutMs }) => timeoutMs));
}

/** What a narrow gateway at the end of a long line takes at least: it takes bodies in pieces, and few at a time. */
function leastMs(plan: Plan): number {
  const { recipients, gateway, line, attempts, binary } = plan;
  if (binary !== null) return leastBinaryMs(plan, binary);
  const { initialWindowBytes, maxStreams } = gateway;
  const pieces = recipients.reduce((sum, { payload }) => sum + 1 + Math.ceil(payload.length / initialWindowBytes), 0);
  return (pieces * attempts * 2 * (line.latencyMs + line.jitterMs)) / maxStreams;
}

/** A connection for each recipient that a binary gateway answers, and one or a silence for each batch. */
function leastBinaryMs({ recipients, jobs, line }: Plan, { settings, gateway }: BinaryPlan): number {
  const bad = recipients.filter(({ kind }) => kind !== 'good');
  const waits = bad.reduce((sum, { delayMs }) => sum + delayMs + (gateway.statusDelayMs ?? 0), 0);
  const batches = jobs.reduce((sum, job) => sum + job.batches.length, 0);
  const short = Math.min(gateway.closeAfter ?? recipients.length, gateway.shutdownAfter ?? recipients.length);
  const connections = bad.length + batches + recipients.length / short;
  return waits + connections * (4 * (line.latencyMs + line.jitterMs) + settings.readTailTimeoutMs);
}
