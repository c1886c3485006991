/**
 * A world in which a campaign is run to its end by one process after another, in one thread and on virtual time: the
 * product's campaign, journal, files and engine over a simulated network to the product's simulator. The journal's
 * store and the disk outlive the processes. When one ends, its timers, its connections and all it waits for are gone.
 */
import { parseAddress } from '../../src/apns/address.js';
import { loadCredential } from '../../src/apns/credentials/load-credential.js';
import { minDispatchWindow } from '../../src/base/limits.js';
import { silentLogger } from '../../src/base/log.js';
import { Campaign } from '../../src/campaign/campaign.js';
import { DispatchWindow } from '../../src/campaign/journal/dispatch-window.js';
import { Journal } from '../../src/campaign/journal/journal.js';
import type { Change } from '../../src/campaign/journal/store.js';
import type { CampaignReport } from '../../src/campaign/run/run-report.js';
import { ConnectionPool } from '../../src/connection/pool/pool.js';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import { Gateway } from '../../src/session/gateway.js';
import { Message } from '../../src/session/message/message.js';
import { checkSessionOptions } from '../../src/session/options/session-options.js';
import { Template } from '../../src/session/personal/template.js';
import { GoneTokens } from '../../src/session/send/gone-tokens.js';
import { OpenSends } from '../../src/session/send/open-sends.js';
import { MemoryDisk, MemoryStore } from '../campaign/journal/memory-store.js';
import { Prng } from '../support/prng.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { CampaignReferee } from './campaign-referee.js';
import { CampaignSource } from './campaign-source.js';
import { FaultInjector } from './fault-injector.js';
import { GatewaySide, topic } from './gateway-side.js';
import { Network } from './network.js';
import type { Plan } from './plan.js';
import type { CampaignPlan, RunFault } from './plan-campaign.js';
import { pump } from './pump.js';
import { numberOf } from './recipients.js';
import { mountPoint, SimulatedDisk } from './simulated-disk.js';
import { ThreadClock } from './thread-clock.js';
import { Trace } from './trace.js';

const folder = `${mountPoint}/campaign`;
/**
 * Runs after which a campaign has to be over: those with a fault, those that the gateway's faults have stopped, and a
 * few.
 */
const maxRuns = 60;
/**
 * Runs that follow each other at once; later ones wait for a gateway that has recovered, and for the hours of
 * recipients.
 */
const hastyRuns = 8;
const hastyPauseMs = 3_000;
const longPauseMs = 20 * 60_000;
/** Virtual time in which a run is to end. */
const patienceMs = 4 * 60 * 60_000;
const maxCallbacksAtOnce = 400_000;
/** In which recipients of two zones have their hours, one of them from a moment after the beginning of the world. */
const hours = '22:15-23:55';

type RunEnd = 'crashed' | CampaignReport;

/** One process: everything in it ends with it. */
interface Process {
  readonly thread: ThreadClock;
  readonly dispatcher: Dispatcher;
  readonly store: WatchedStore;
  readonly campaign: Campaign;
  readonly abort: AbortController;
  /** Nothing is sent yet: only the disk is at work, and imports, which take real time. */
  isOpening: boolean;
  isOver: boolean;
  operations: number;
  /** Requests that the gateway had had when it began. */
  readonly requestsBefore: number;
}

/** The window of the run that is at work now. */
let onWindow: ((recipients: number) => void) | null = null;
const { room } = DispatchWindow.prototype;
DispatchWindow.prototype.room = function (open): number {
  onWindow?.(this.recipients);
  return room.call(this, open);
};

/** A store whose transactions take virtual time. */
class WatchedStore extends MemoryStore {
  isBusy = false;
  onDurable: (changes: readonly Change[]) => void = () => {};
  #underWay: readonly Change[] | null = null;

  override async commit(changes: readonly Change[]): Promise<void> {
    this.isBusy = true;
    this.#underWay = changes;
    try {
      await super.commit(changes);
    } finally {
      this.isBusy = false;
      this.#underWay = null;
    }
    this.onDurable(changes);
  }

  /** The process ends from outside. A transaction under way may be durable, and nobody is told. */
  end(isDurable: boolean): void {
    if (!this.hasCrashed && isDurable && this.#underWay !== null) {
      for (const { key, value } of this.#underWay) {
        this.disk.entries.set(Buffer.from(key).toString('latin1'), new Uint8Array(value));
      }
    }
    this.hasCrashed = true;
  }
}

export class CampaignWorld {
  readonly plan: Plan;
  readonly referee: CampaignReferee;
  readonly trace: Trace;
  readonly clock = new VirtualClock();
  readonly network: Network;
  readonly gateway: GatewaySide;
  readonly faults: FaultInjector;
  /** Processes that ended before their run did, by how. */
  readonly crashes: Record<string, number> = {};
  readonly stops: string[] = [];
  /** Most recipients that were under way when a process ended. */
  mostUnderWay = 0;
  runs = 0;
  readonly #campaign: CampaignPlan;
  readonly #random: Prng;
  readonly #disk: SimulatedDisk;
  readonly #journalDisk = new MemoryDisk();
  #process: Process | null = null;
  #fault: RunFault | null = null;
  #onCrash: (how: RunEnd) => void = () => {};
  /** Nothing of the world moves: something takes real time. */
  #isHeld = false;
  #waits = 0;
  #isFinished = false;
  #deadlineMs = patienceMs;
  #instantMs = -1;
  #callbacksAtOnce = 0;
  /** Recipients beyond the canary were sent to: it is never asked about again. */
  #isCanaryKept = false;
  /** This run was told to go on. */
  #isCanaryPassed = false;
  /** Some run was. The next one may ask again, or know it. */
  #wasCanaryPassed = false;

  constructor(plan: Plan, campaign: CampaignPlan, print: ((line: string) => void) | null = null) {
    this.plan = plan;
    this.#campaign = campaign;
    this.#random = new Prng(plan.seed ^ 0x0ca3bea7);
    this.trace = new Trace(() => this.clock.now(), print);
    this.referee = new CampaignReferee(plan, campaign);
    this.#disk = new SimulatedDisk(this.#random.fork(), campaign.diskMs);
    this.gateway = new GatewaySide(this.clock, plan, this.referee);
    this.network = new Network({
      ...{ world: this.clock, random: this.#random.fork(), trace: this.trace, line: plan.line, connect: plan.connect },
      serve: (stream) => this.gateway.serve(stream),
      isListening: () => true,
      watch: () => ({ onClientBytes: () => {}, onServerBytes: () => {}, onHole: () => {}, onClientClosed: () => {} }),
    });
    const world = this;
    this.faults = new FaultInjector(plan, {
      ...{ world: this.clock, random: this.#random.fork(), trace: this.trace, network: this.network },
      get thread() {
        return world.#process?.thread ?? new ThreadClock(world.clock);
      },
      crash: () => false,
      sayGoodbye: () => false,
    });
    this.referee.onProcessing = () => this.#onProcessed();
  }

  async run(): Promise<void> {
    this.#disk.mount();
    try {
      const done = this.#runAll().then(
        () => this.#finish(null),
        (error: unknown) => this.#finish(error),
      );
      await pump(() => this.#step());
      if (this.#isFinished) await done;
    } finally {
      onWindow = null;
      this.#disk.unmount();
      this.network.forget();
      this.clock.settle();
    }
  }

  get nowMs(): number {
    return this.clock.now();
  }

  get resent(): number {
    return 0;
  }

  async #runAll(): Promise<void> {
    const { referee, trace } = this;
    const { runFaults } = this.#campaign;
    let isDone = false;
    // Once all is done, one more run has nothing to do.
    for (let extra = this.#random.int(2); !isDone || extra-- > 0; this.runs++) {
      if (this.runs > maxRuns)
        return referee.violate(`the campaign is not over after ${maxRuns} runs: ${this.stops.at(-1)}`);
      const requests = referee.processed;
      const end = await this.#runOnce(isDone ? null : (runFaults[this.runs] ?? null));
      if (referee.violations.length > 0) return;
      if (isDone && referee.processed > requests) referee.violate('a campaign that is finished sends');
      if (end !== 'crashed') {
        trace.event(`run ${end.summary.state}`, this.runs, 0, end.stopped?.message);
        if (end.stopped !== null) this.stops.push(end.stopped.code);
        isDone = end.summary.state === 'finished';
        // One more run would send to those again.
        if (isDone && this.#campaign.onUnknown === 'resend' && end.summary.unknown > 0) extra = 0;
        if (isDone) referee.close(this.#disk.list(folder), end.summary);
        if (referee.violations.length > 0) return;
      }
      await this.#wait(this.runs < hastyRuns ? this.#random.next() * hastyPauseMs : longPauseMs);
    }
  }

  /** One process, from its beginning to its end or that of its run. */
  async #runOnce(fault: RunFault | null): Promise<RunEnd> {
    const { referee, trace } = this;
    const isOtherList = fault?.stroke === 'list' && referee.knownNumber !== null;
    trace.event('run begins', this.runs, 0, JSON.stringify(fault));
    this.#deadlineMs = this.clock.now() + patienceMs;
    referee.beginRun();
    const process = await this.#begin(isOtherList ? referee.knownNumber : null);
    this.#fault = fault?.stroke === 'list' ? null : fault;
    this.#arm(process);
    const crashed = new Promise<RunEnd>((resolve) => {
      this.#onCrash = resolve;
    });
    const end = await Promise.race([this.#runCampaign(process), crashed]);
    if (end === 'crashed') return end;
    if (isOtherList && end.stopped?.code !== 'ERR_PEAL_INPUT') {
      referee.violate(`another list was taken for that of the campaign: ${end.stopped?.code ?? end.summary.state}`);
    }
    this.#fault = null;
    await process.dispatcher.close();
    process.isOver = true;
    this.#disk.freeBytes = Number.POSITIVE_INFINITY;
    if (process.thread.timerCount > 0) referee.violate(`${process.thread.timerCount} timers are left after a run`);
    process.thread.end();
    return end;
  }

  async #runCampaign(process: Process): Promise<RunEnd> {
    try {
      return await process.campaign.run();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return { summary: { state: 'stopped' }, stopped: error } as unknown as CampaignReport;
    } finally {
      process.isOpening = false;
    }
  }

  /** @param stranger the recipient that another list has replaced; null: the list is as it was */
  async #begin(stranger: number | null): Promise<Process> {
    const { plan, clock, network, referee } = this;
    const campaign = this.#campaign;
    const thread = new ThreadClock(clock);
    const random = this.#random.fork();
    const dispatcher = new Dispatcher({
      ...{ threads: 0, backend: network.backendFor(thread), clock: thread, creditBatches: plan.creditBatches },
      log: { ...silentLogger, error: (fields, message) => referee.violate(`${message} ${JSON.stringify(fields)}`) },
      random: () => random.next(),
      openPool: ({ config, source, ...rest }) => {
        const taken = source.taken.bind(source);
        source.taken = (run, count) => {
          const { order, head, tokens } = run;
          for (let at = head; at < head + count; at++) referee.onTaken(numberOf(tokens, order[at]!));
          if (this.#isCanaryPassed) this.#isCanaryKept = true;
          taken(run, count);
        };
        const own = random.fork();
        return new ConnectionPool({
          ...{ ...config, ...rest, source },
          ...{ random: () => own.next(), loadProbe: () => plan.load },
        });
      },
    });
    // The first send loads the host of the shards with an import, which is real time.
    const send = dispatcher.send.bind(dispatcher);
    dispatcher.send = (...job) => {
      const begun = send(...job);
      this.#isHeld = true;
      void dispatcher.stats().then(() => {
        this.#isHeld = false;
      });
      return begun;
    };
    const store = this.#openStore(thread, random);
    const abort = new AbortController();
    const made = new CampaignSource(plan, campaign, stranger, (ms) => this.#waitOn(thread, ms));
    const gateway = Gateway.of({
      owner: {
        options: checkSessionOptions({ threads: 0, clock: thread, maxConnections: plan.maxConnections }),
        ...{
          threads: 0,
          sends: new OpenSends(),
          closings: 0,
          engine: () => dispatcher,
          release: () => {},
          keepsConnections: true,
        },
      },
      ...{ address: parseAddress('https://gateway.test'), credential: loadCredential(null) },
      ...{ tokens: null, gone: new GoneTokens(thread) },
    });
    const { attempts, retryTimeMs: timeMs } = plan;
    const { isPersonal, onUnknown, keepsAccepted, outputFormat, rate, canary } = campaign;
    const payload = { aps: { alert: 'Hello {{name|you}}' }, n: '{{n}}' };
    const running = new Campaign(
      {
        ...{ gateway, folder, onUnknown, outputFormat, recipients: () => made.recipients(), signal: abort.signal },
        message: new Message([], { topic, pushType: 'alert', ...(!isPersonal && { alert: 'Hello' }) }),
        ...(isPersonal && { personal: new Template({ payload }) }),
        ...(keepsAccepted && { accepted: true }),
        ...(rate !== null && { rate }),
        ...(attempts > 1 && { retry: { attempts, timeMs } }),
        ...(campaign.hours !== null && {
          localWindow: { hours, timezoneColumn: 'zone', outside: campaign.hours },
        }),
        ...(canary !== null && {
          canary: { recipients: canary, minAccepted: 0.01, confirm: () => this.#confirmCanary() },
        }),
      },
      {
        openJournal: async (identity) => {
          const journal = await Journal.open(store, identity, { name: 'the journal', clock: thread });
          const cutWith = journal.cutWith.bind(journal);
          journal.cutWith = (cut) => {
            process.isOpening = false;
            cutWith(cut);
          };
          const close = journal.close.bind(journal);
          journal.close = () => {
            process.isOpening = false;
            return close();
          };
          return journal;
        },
      },
    );
    referee.canary = this.#wasCanaryPassed ? null : canary;
    this.#isCanaryPassed = false;
    const process: Process = {
      ...{ thread, dispatcher, store, campaign: running, abort },
      ...{ isOpening: true, isOver: false, operations: 0, requestsBefore: referee.processed },
    };
    onWindow = (recipients) => {
      referee.widestWindow = Math.max(referee.widestWindow, recipients, minDispatchWindow);
    };
    this.#disk.attach({
      after: (ms, callback) => this.#after(thread, ms, callback),
      onOperation: () => {
        process.operations += 1;
        this.#strikeAt('operation', process.operations);
      },
    });
    this.#process = process;
    return process;
  }

  #openStore(thread: ThreadClock, random: Prng): WatchedStore {
    const store = new WatchedStore(this.#journalDisk);
    const { diskMs } = this.#campaign;
    store.latency = () =>
      new Promise((resolve) => this.#after(thread, random.chance(0.5) ? 0 : random.next() * diskMs, resolve));
    store.onDurable = (changes) => {
      this.trace.event('transaction', changes.length);
      this.referee.onDurable(changes);
    };
    return store;
  }

  /** What the run's fault waits for. */
  #arm(process: Process): void {
    const { pauses } = this.#campaign;
    for (let pause = 0; pause < pauses; pause++) {
      const [atMs, forMs] = [this.#random.next() * 2_000, this.#random.next() * 1_500];
      this.clock.setTimer(() => {
        if (process.isOver) return;
        process.campaign.pause();
        this.clock.setTimer(() => {
          if (!process.isOver) process.campaign.resume();
        }, forMs);
      }, atMs);
    }
    const fault = this.#fault;
    if (fault === null) return;
    const { moment } = fault;
    if (moment.at === 'time') {
      this.clock.setTimer(() => this.#strikeAt('time', 0, fault), moment.ms);
    } else if (moment.at === 'transaction' && (fault.stroke === 'kill' || fault.stroke === 'power')) {
      process.store.crashAt = { commit: this.#journalDisk.commits + moment.number, point: moment.point };
      void process.store.crashed.then(() => this.#kill(fault));
    } else if (moment.at === 'transaction') {
      const { store } = process;
      const onDurable = store.onDurable;
      const first = this.#journalDisk.commits;
      store.onDurable = (changes) => {
        onDurable(changes);
        if (this.#journalDisk.commits - first > moment.number) this.#strikeAt('transaction', moment.number, fault);
      };
    }
  }

  #onProcessed(): void {
    const { referee } = this;
    this.trace.event('processed', referee.processed);
    this.faults.onTaken(referee.processed);
    if (this.#process !== null) this.#strikeAt('requests', referee.processed - this.#process.requestsBefore);
  }

  /** Something of the kind that a fault waits for has happened so often. */
  #strikeAt(at: string, number: number, only: RunFault | null = null): void {
    const fault = this.#fault;
    if (fault === null || fault.moment.at !== at || (only !== null && only !== fault)) return;
    if ('number' in fault.moment && number < fault.moment.number) return;
    const process = this.#process!;
    if (fault.stroke === 'abort' || fault.stroke === 'full') {
      this.#fault = null;
      this.trace.event(`fault: ${fault.stroke}`, this.runs);
      this.#count(fault.stroke);
      if (fault.stroke === 'abort') this.clock.defer(() => process.abort.abort());
      else this.#disk.freeBytes = this.#random.int(3_000);
      return;
    }
    if (fault.stroke === 'abandon') process.campaign.abandon();
    this.#kill(fault);
  }

  /** The process is no more. */
  #kill(fault: RunFault): void {
    if (this.#fault !== fault) return;
    this.#fault = null;
    const process = this.#process!;
    const { stroke } = fault;
    this.#process = null;
    process.isOver = true;
    process.store.end(this.#random.chance(0.5));
    this.#disk.crash(stroke !== 'power');
    process.thread.end();
    this.network.dropThread(process.thread);
    process.isOpening = false;
    const underWay = this.referee.onCrash(this.#journalDisk);
    this.mostUnderWay = Math.max(this.mostUnderWay, underWay);
    this.#count(stroke);
    this.trace.event(`fault: ${stroke}`, this.runs, underWay, JSON.stringify(fault.moment));
    this.#onCrash('crashed');
  }

  #count(stroke: string): void {
    this.crashes[stroke] = (this.crashes[stroke] ?? 0) + 1;
  }

  #confirmCanary(): boolean {
    if (this.#isCanaryKept) this.referee.violate('the canary is asked again though it was passed');
    this.referee.canary = null;
    this.#isCanaryPassed = true;
    this.#wasCanaryPassed = true;
    return true;
  }

  #after(thread: ThreadClock, ms: number, callback: () => void): void {
    this.#waits += 1;
    const run = (): void => {
      this.#waits -= 1;
      thread.io(callback);
    };
    if (ms === 0) this.clock.defer(run);
    else this.clock.setTimer(run, ms);
  }

  #waitOn(thread: ThreadClock, ms: number): Promise<void> {
    return new Promise((resolve) => this.#after(thread, ms, resolve));
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(resolve, ms);
    });
  }

  /** One callback of the world; false when nothing more is to be done. */
  #step(): boolean {
    const { clock, referee } = this;
    if (this.#isFinished || referee.violations.length > 0) return false;
    if (this.#isHeld) return true;
    if (this.#process?.isOpening === true && this.#waits === 0 && !clock.hasDeferred) return true;
    try {
      if (!clock.runDeferred() && !clock.runTimer()) referee.violate('the campaign is stuck: nothing is due any more');
    } catch (error) {
      referee.violate(`a callback threw: ${error instanceof Error ? error.stack : String(error)}`);
    }
    if (clock.now() !== this.#instantMs) {
      this.#instantMs = clock.now();
      this.#callbacksAtOnce = 0;
    } else if (++this.#callbacksAtOnce > maxCallbacksAtOnce) {
      referee.violate(`something spins: ${maxCallbacksAtOnce} callbacks at ${clock.now()} ms`);
    }
    if (clock.now() > this.#deadlineMs) referee.violate(`a run is not over after ${patienceMs / 60_000} minutes`);
    return true;
  }

  #finish(error: unknown): void {
    this.#isFinished = true;
    if (error !== null) this.referee.violate(`a run failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && /(?:ENOSPC|no space|full)/i.test(error.message);
}
