/**
 * A job whose recipients come one by one out of an async generator, through the library's send (session/send/send):
 * what a program with a cursor over its database does. Checks that every recipient that was pulled is counted, and no
 * other.
 */
import { PealError } from '../../src/base/errors.js';
import { lastPullMs } from '../../src/base/limits.js';
import type { OutcomeSink } from '../../src/engine/batch.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { Message } from '../../src/session/message/message.js';
import { Send, type SendTarget } from '../../src/session/send/send.js';
import { checkSendOptions } from '../../src/session/send/send-options.js';
import type { Prng } from '../support/prng.js';
import type { Books } from './books.js';
import { topic } from './gateway-side.js';
import type { JobPlan, Plan } from './plan.js';
import type { StreamPlan } from './plan-stream.js';
import { type RecipientPlan, writeToken } from './recipients.js';

/** Longer than any send may take to end. */
const stallMs = 3_600_000;

export interface StreamRoom {
  readonly target: SendTarget;
  readonly plan: Plan;
  readonly books: Books;
  readonly random: Prng;
  readonly sink: OutcomeSink;
  wait(ms: number): Promise<void>;
  /** Shuts the engine down. */
  close(): void;
}

/** Why it stopped, by code; null where it was not stopped. */
export async function runStreamedJob(job: JobPlan, stream: StreamPlan, room: StreamRoom): Promise<string | null> {
  const { books, plan, target } = room;
  const aborter = new AbortController();
  const source = new StreamedSource(job, stream, room, {
    abort: () => aborter.abort(),
    stopAgain: () => send.stop(new PealError('ERR_PEAL_ABORTED', 'Stopped again.', { origin: 'usage' })),
  });
  const message = new Message([], {
    payload: JSON.parse(Buffer.from(job.payload).toString('utf8')),
    topic,
    pushType: 'alert',
  });
  const { attempts, retryTimeMs: timeMs } = plan;
  const options = checkSendOptions(message, {
    recipients: source.recipients(),
    signal: aborter.signal,
    afterStop: stream.takesRest ? 'unsent' : 'leave',
    retry: attempts > 1 ? { attempts, timeMs } : false,
    outcomes: room.sink,
  });
  const send = new Send(target, message, options);
  const result = await send.run();
  const { counts, stopped } = result;
  const sum = counts.accepted + counts.rejected + counts.unsent + counts.unknown + counts.invalid;
  if (counts.recipients !== source.given || sum !== source.given) {
    books.violate(
      `${source.given} recipients were pulled, and ${counts.recipients} are in the books (${sum} by outcome)`,
    );
  }
  const isTakenWhole = stream.takesRest && ['abort', 'abortTwice', 'abortAtOnce'].includes(stream.end);
  if (isTakenWhole && source.given !== source.total) {
    books.violate(`${source.given} of ${source.total} recipients were pulled, though the rest was to count as unsent`);
  }
  return stopped?.code ?? null;
}

/** What a stream does to the send that it is for. */
interface SendControl {
  abort(): void;
  stopAgain(): void;
}

class StreamedSource {
  /** Recipients that were handed out. */
  given = 0;
  /** Those that it has. */
  readonly total: number;
  readonly #job: JobPlan;
  readonly #stream: StreamPlan;
  readonly #room: StreamRoom;
  readonly #control: SendControl;

  constructor(job: JobPlan, stream: StreamPlan, room: StreamRoom, control: SendControl) {
    this.#job = job;
    this.#stream = stream;
    this.#room = room;
    this.#control = control;
    this.total = job.batches.reduce((sum, { count }) => sum + count, 0);
  }

  async *recipients(): AsyncGenerator<Buffer, void, void> {
    const { pauseEvery, pauseMs, recipients: most, takesRest } = this.#stream;
    const first = this.#job.batches[0]!.first;
    const end = first + this.total;
    for (let number = first; number < end; number++) {
      if (number - first === most && (await this.#end())) return;
      // After the end only what was asked for before it is still given.
      if (number - first > most && !takesRest) return;
      if ((number - first) % pauseEvery === pauseEvery - 1) await this.#room.wait(this.#room.random.next() * pauseMs);
      const token = this.#tokenOf(this.#room.plan.recipients[number]!);
      this.given += 1;
      yield token;
    }
  }

  /** Ends the stream as its plan wants it. Returns whether it gives nothing any more. */
  async #end(): Promise<boolean> {
    const { end } = this.#stream;
    if (end === 'end') return true;
    if (end === 'throw') throw new Error('the cursor is gone');
    if (end === 'shutdown') this.#room.close();
    else this.#control.abort();
    if (end === 'abortAtOnce') return false;
    // The pull is open meanwhile; a send waits lastPullMs for it, and the stream may pause in it, too.
    const soonMs = 0.9 * (lastPullMs - this.#stream.pauseMs);
    const waitMs = end === 'stall' ? stallMs : soonMs * this.#room.random.next();
    if (end === 'abortTwice') {
      await this.#room.wait(waitMs / 2);
      this.#control.stopAgain();
      await this.#room.wait(waitMs / 2);
    } else await this.#room.wait(waitMs);
    return end === 'stall';
  }

  #tokenOf(recipient: RecipientPlan): Buffer {
    const bytes = new Uint8Array(32);
    writeToken(this.#room.random, bytes, 0, bytes.length, recipient);
    this.#room.books.onMade(new TokenBlock(bytes, bytes.length, 1));
    return Buffer.from(bytes);
  }
}

/** Codes with which a stream that ends so may stop its send. */
export function isStreamStop(code: string, { end }: StreamPlan): boolean {
  if (end === 'throw') return code === 'ERR_PEAL_INPUT';
  return end !== 'end' && code === 'ERR_PEAL_ABORTED';
}
