/**
 * The program of a world with single pushes: begins them in waves, enters their outcomes into the books, and checks
 * what only the program can see: that each comes once and in time, and says why.
 */
import type { Clock } from '../../src/base/clock.js';
import { deadlineStepMs, laneIdleMs, withdrawalTimeMs } from '../../src/base/limits.js';
import type { Credential } from '../../src/push/credentials/credential.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { classOf } from '../../src/push-services/reasons.js';
import { Message } from '../../src/session/message/message.js';
import { GoneTokens } from '../../src/session/send/gone-tokens.js';
import { OpenSends } from '../../src/session/send/open-sends.js';
import type { SendTarget } from '../../src/session/send/send.js';
import { Lanes } from '../../src/session/single/lanes.js';
import type { PushOutcome } from '../../src/session/single/push-outcome.js';
import type { Prng } from '../support/prng.js';
import type { Books } from './books.js';
import { topic } from './gateway-side.js';
import type { Plan } from './plan.js';
import type { PushesPlan } from './plan-pushes.js';
import { writeToken } from './recipients.js';
import type { Trace } from './trace.js';

export interface PushesRoom {
  readonly target: SendTarget;
  readonly plan: Plan;
  readonly books: Books;
  readonly trace: Trace;
  readonly random: Prng;
  readonly clock: Clock;
  /** Time that the program's thread was awake. */
  awakeMs(): number;
  wait(ms: number): Promise<void>;
}

/** How long a push took, and how much of it the program's thread was awake. */
interface Took {
  readonly ms: number;
  readonly awakeMs: number;
}

/** Tokens that are gone, as lanes tell of them: each once. */
class CountedGone extends GoneTokens {
  readonly counts = new Map<string, number>();

  override add(token: string, timestampMs: number | null): void {
    super.add(token, timestampMs);
    this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
  }
}

export class Pushes {
  readonly #pushes: PushesPlan;
  readonly #room: PushesRoom;
  readonly #lanes: Lanes;
  readonly #gone: CountedGone;

  constructor(pushes: PushesPlan, room: PushesRoom) {
    const { target, plan, random, clock } = room;
    this.#pushes = pushes;
    this.#room = room;
    this.#gone = new CountedGone(clock);
    this.#lanes = new Lanes({
      address: { protocol: 'http2', host: 'localhost', port: 443 },
      credential: { kind: plan.credential, topics: null, environments: null } as unknown as Credential,
      clock,
      sends: new OpenSends(),
      gone: this.#gone,
      random: () => random.next(),
      acquire: () => target,
      release: () => {},
    });
  }

  async run(): Promise<void> {
    const { waves, pauseMs, closesAtOnce } = this.#pushes;
    const { random, trace, wait } = this.#room;
    const done: Promise<void>[] = [];
    for (const count of waves) {
      const from = done.length;
      for (let number = from; number < from + count; number++) done.push(this.#push(number));
      trace.event('pushed', from, count);
      await wait(random.next() * pauseMs);
    }
    await Promise.all(done);
    trace.event('all pushes have their outcomes');
    if (!closesAtOnce) await wait(2.5 * laneIdleMs);
  }

  /** The engine is closed, so every batch has come back. */
  async end(): Promise<void> {
    const { wait, books } = this.#room;
    await wait(2.5 * laneIdleMs);
    for (const { token, said, reason, plan } of books.recipients) {
      const isGone = said === 'rejected' && classOf(reason === 'Unregistered' ? 410 : 400, reason) === 'gone';
      const hex = Buffer.from(token ?? []).toString('hex');
      const told = this.#gone.counts.get(hex) ?? 0;
      if (told !== (isGone ? 1 : 0)) books.violate(`recipient ${plan.number} was told as gone ${told} times`);
    }
  }

  #push(number: number): Promise<void> {
    const { plan, books, random, awakeMs } = this.#room;
    const { tokenBytes, timeoutMs, isRetried, abortAfterMs } = this.#pushes.each[number]!;
    const { payload, apnsId, collapseId } = plan.recipients[number]!;
    const bytes = new Uint8Array(tokenBytes);
    writeToken(random, bytes, 0, tokenBytes, plan.recipients[number]!);
    books.onMade(new TokenBlock(bytes, tokenBytes, 1));
    const message = Message.forPush({
      payload: JSON.parse(Buffer.from(payload).toString('utf8')),
      ...{ topic, pushType: 'alert', apnsId: apnsId! },
      ...(collapseId === null ? {} : { collapseId }),
    });
    const aborter = abortAfterMs === null ? null : new AbortController();
    if (aborter !== null) {
      this.#room.clock.setTimer(() => {
        // A thread may not know it yet.
        if (plan.threads === 0) books.onAborted(number);
        aborter.abort();
      }, abortAfterMs!);
    }
    const { attempts, retryTimeMs: timeMs } = plan;
    const budget = isRetried && attempts > 1 ? { attempts, timeMs } : null;
    const [beganMs, beganAwakeMs] = [this.#room.clock.now(), awakeMs()];
    return new Promise((resolve) => {
      this.#lanes.start(
        message.parts,
        random.chance(0.5) ? Buffer.from(bytes) : Buffer.from(bytes).toString('hex'),
        { timeoutMs, budget, signal: aborter?.signal ?? null, isStreamed: false },
        (outcome) => {
          const took = { ms: this.#room.clock.now() - beganMs, awakeMs: awakeMs() - beganAwakeMs };
          this.#enter(number, outcome, took, aborter?.signal.aborted === true);
          resolve();
        },
      );
    });
  }

  #enter(number: number, outcome: PushOutcome, took: Took, isAborted: boolean): void {
    const { plan, books, trace } = this.#room;
    const { timeoutMs, isRetried } = this.#pushes.each[number]!;
    const code = outcome.error?.code ?? '';
    const what = `push ${number} was ${outcome.outcome} ${outcome.reason ?? code}`;
    trace.event('push is', number, outcome.attempts, `${outcome.outcome} ${outcome.reason ?? code}`);
    if (outcome.outcome === 'invalid') {
      books.violate(`${what}: ${outcome.error?.message}`);
      return;
    }
    if (outcome.apnsId !== plan.recipients[number]!.apnsId) books.violate(`${what} and has the apns-id of another`);
    // A connection has times of its own, and the same code for them.
    const isLate = code === 'ERR_PEAL_TIMEOUT' && outcome.error!.message.startsWith('The push was');
    const mostMs = timeoutMs + 2 * deadlineStepMs + (plan.threads === 0 ? 0 : withdrawalTimeMs + deadlineStepMs);
    if (took.awakeMs > mostMs) books.violate(`${what} after ${took.awakeMs} of ${timeoutMs} ms`);
    if (isLate && took.ms < timeoutMs) books.violate(`${what} after only ${took.ms} of ${timeoutMs} ms`);
    const isClosing = plan.closeAtTaken !== null;
    if (code === 'ERR_PEAL_ABORTED' && !isAborted && !isClosing) books.violate(`${what} though nothing was aborted`);
    const isAnswered = outcome.outcome === 'accepted' || outcome.outcome === 'rejected';
    if (isAnswered !== (outcome.error === null)) books.violate(`${what} with the error ${code}`);
    books.settlePush(number, outcome, {
      isLate,
      isRetried: isRetried && plan.attempts > 1,
      isExact: plan.threads === 0,
    });
  }
}
