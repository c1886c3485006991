/** A session, a gateway in memory and the clock of both, for tests of single pushes: time passes as fast as it can. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/base/clock.js';
import { APNs } from '../../src/session/apns.js';
import type { Message, MessageOptions } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import type { PushOptions } from '../../src/session/single/push-options.js';
import type { PushOutcome } from '../../src/session/single/push-outcome.js';
import { createMemoryGateway, type MemoryGateway } from '../../src/simulator/memory-gateway.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import type { Scenario } from '../../src/simulator/settings/scenario.js';
import { createMemoryBackend, type MemoryAccept } from '../../src/transport/memory.js';
import { turn } from './engine-fixtures.js';
import { VirtualClock } from './virtual-clock.js';

/** Turns of the real loop without anything to do, before virtual time passes: modules are loaded in real time. */
const idleTurns = 30;

export const token = (number: number): string => number.toString(16).padStart(64, '0');
export const hello = { topic: 'com.example.app', alert: 'Hello' } as const;

/** One push, as a test began it. */
export interface Pushed {
  readonly token: string;
  readonly outcome: PushOutcome;
  /** How long it took. */
  readonly ms: number;
}

export class PushWorld {
  readonly clock = new VirtualClock();
  readonly gateway: MemoryGateway;
  readonly session: Session;
  /** Answers attempts to connect in place of the gateway; null: the gateway does. */
  onConnect: MemoryAccept | null = null;

  private constructor(options: SimulatorOptions, maxConnections: number) {
    const { clock } = this;
    this.gateway = createMemoryGateway({ ledger: 'full', ...options, clock });
    const accept: MemoryAccept = (stream, open) => (this.onConnect ?? this.gateway.accept)(stream, open);
    const backend = createMemoryBackend(accept, { clock });
    this.session = new Session({ threads: 0, clock, backend, maxConnections });
  }

  static async open(options: SimulatorOptions = {}, maxConnections = 2): Promise<PushWorld> {
    loaded ??= loadAll();
    await loaded;
    return new PushWorld(options, maxConnections);
  }

  static withFaults(faults: Scenario['faults'], processingMs = 0): Promise<PushWorld> {
    return PushWorld.open({ scenario: { faults, processingMs } });
  }

  apns(credential: Parameters<Session['getConnection']>[1] = null): APNs {
    return new APNs(this.session.getConnection('https://gateway.test', credential));
  }

  async push(
    apns: APNs,
    to: string,
    options?: PushOptions,
    message: Message | MessageOptions = hello,
  ): Promise<Pushed> {
    const beganMs = this.clock.now();
    const outcome = await apns.push(message, to, options);
    return { token: to, outcome, ms: this.clock.now() - beganMs };
  }

  /** Pushes to tokens `from` to before `from + count`, all in one turn. */
  pushes(apns: APNs, count: number, options?: PushOptions, from = 0): Promise<Pushed[]> {
    return Promise.all(Array.from({ length: count }, (_, index) => this.push(apns, token(from + index), options)));
  }

  /** Lets time pass until `done` is settled. */
  async run<T>(done: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    done.then(end, end);
    await this.#pass(() => isOver);
    return done;
  }

  /** Lets so much time pass. */
  async advance(ms: number): Promise<void> {
    let isOver = false;
    this.clock.setTimer(() => {
      isOver = true;
    }, ms);
    await this.#pass(() => isOver);
  }

  async close(): Promise<void> {
    await this.run(this.session.close());
    this.gateway.close();
    await this.advance(10_000);
    assert.equal(this.gateway.connections, 0);
  }

  /** What the gateway knows does not contradict any of these outcomes. */
  check(pushed: readonly Pushed[]): void {
    const { ledger } = this.gateway;
    for (const { token: to, outcome } of pushed) {
      const record = ledger.recordOf(to);
      const told = `${outcome.outcome} ${outcome.reason ?? outcome.error?.message ?? ''}; the gateway: ${record?.answer}`;
      if (outcome.outcome === 'accepted') assert.equal(record?.answer, 'accepted', told);
      if (outcome.outcome === 'rejected') assert.equal(record?.answer, outcome.reason, told);
      if (outcome.outcome === 'unsent') assert.equal(record, null, told);
      assert.ok(
        (record?.requests ?? 0) <= outcome.attempts,
        `${record?.requests} requests, ${outcome.attempts} attempts`,
      );
    }
  }

  /** One callback of the clock at a time, and everything that promises have to do after it. */
  async #pass(isOver: () => boolean): Promise<void> {
    for (let idle = 0; !isOver(); ) {
      await turn();
      if (this.clock.runDeferred()) idle = 0;
      else if (++idle > idleTurns) {
        idle = idleTurns - 2;
        assert.ok(isOver() || this.clock.runTimer(), 'nothing is due any more');
      }
    }
  }
}

/** Modules are loaded in real time, with the first push of a process. */
let loaded: Promise<void> | null = null;

async function loadAll(): Promise<void> {
  const gateway = createMemoryGateway();
  const session = new Session({ backend: createMemoryBackend(gateway.accept, { clock: systemClock }) });
  const apns = new APNs(session.getConnection('https://gateway.test', null));
  assert.equal((await apns.push(hello, token(0))).outcome, 'accepted');
  await session.close();
  gateway.close();
}

/** How many of each outcome there are. */
export function countsOf(pushed: readonly Pushed[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of pushed) counts[outcome.outcome] = (counts[outcome.outcome] ?? 0) + 1;
  return counts;
}
