/**
 * Lets the faults of a plan strike: each when so many recipients were taken and its delay has passed, until the plan
 * says that there are to be no more. Measures how long the sender takes to notice a black hole.
 */
import type { ByteStream } from '../../src/transport/backend.js';
import type { Prng } from '../support/prng.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import type { Link } from './link.js';
import type { Network } from './network.js';
import type { Plan } from './plan.js';
import { drawBabble } from './plan-binary.js';
import type { NetworkFault } from './plan-network.js';
import type { ThreadClock } from './thread-clock.js';
import type { Trace } from './trace.js';

export interface FaultRoom {
  readonly world: VirtualClock;
  readonly random: Prng;
  readonly trace: Trace;
  readonly network: Network;
  readonly thread: ThreadClock;
  /** Ends the thread of a shard that runs; false where there is none. */
  crash(): boolean;
  /** A binary gateway shuts a connection down. */
  sayGoodbye(stream: ByteStream): boolean;
}

export class FaultInjector {
  /** Faults that struck, by kind. */
  readonly done: Record<string, number> = {};
  readonly #room: FaultRoom;
  readonly #waiting: NetworkFault[];
  #isOver = false;

  constructor(plan: Plan, room: FaultRoom) {
    this.#room = room;
    this.#waiting = [...plan.faults].sort((a, b) => a.atTaken - b.atTaken);
    room.world.setTimer(() => this.#end(), plan.faultsUntilMs);
  }

  /** So many recipients were taken by now. */
  onTaken(taken: number): void {
    while (!this.#isOver && this.#waiting.length > 0 && this.#waiting[0]!.atTaken <= taken) {
      const fault = this.#waiting.shift()!;
      this.#room.world.setTimer(() => this.#strike(fault), fault.delayMs);
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#room.network.heal();
    this.#room.trace.event('faults are over');
  }

  #strike(fault: NetworkFault): void {
    if (this.#isOver) return;
    const { kind, ms } = fault;
    const { network, thread, trace, random } = this.#room;
    const open = network.open();
    const links = fault.isForAll || kind === 'outage' ? open : open.length === 0 ? [] : [random.pick(open)];
    if (!this.#do(fault, links)) return;
    this.done[kind] = (this.done[kind] ?? 0) + 1;
    trace.event(`fault: ${kind}`, links[0]?.id ?? 0, ms, `${links.length} connections`);
    if (kind === 'stall') thread.stall(ms);
  }

  /** False where there is nothing that the fault could strike. */
  #do({ kind, ms, direction }: NetworkFault, links: readonly Link[]): boolean {
    const { network, thread, random } = this.#room;
    switch (kind) {
      case 'reset':
        for (const link of links) link.breakOff();
        return links.length > 0;
      case 'hole':
        for (const link of links) link.blackHole(direction);
        return links.length > 0;
      case 'hold':
        for (const link of links) link.hold(ms);
        return links.length > 0;
      case 'outage':
        for (const link of links) link.breakOff();
        network.refuseFor(ms);
        return true;
      case 'dead':
        network.ignoreFor(ms);
        return true;
      case 'wall':
        thread.stepWall(ms);
        return true;
      case 'crash':
        return this.#room.crash();
      case 'goodbye':
        return links.filter(({ server }) => this.#room.sayGoodbye(server)).length > 0;
      case 'fin':
        for (const link of links) link.server.end();
        return links.length > 0;
      case 'babble':
        return links.filter((link) => link.babble(drawBabble(random))).length > 0;
      default:
        return true;
    }
  }
}
