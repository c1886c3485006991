/**
 * How a run is steered while it goes on: its pauses and its rate, as its program asks for them, or another process does
 * (control/control-file). Owned by CampaignRun; main thread.
 */
import { PealError } from '../../base/errors.js';
import { theOption } from '../../base/wording.js';
import type { ControlCommand } from '../control/control-file.js';
import { noLimit, type Pacer, parseRate } from '../control/rate.js';
import type { RemoteSender } from '../senders/campaign-sender.js';
import type { CampaignFeed } from './campaign-feed.js';
import type { SendingTime } from './sending-time.js';

interface SteeredRun {
  readonly feed: CampaignFeed;
  readonly pacer: Pacer;
  readonly time: SendingTime;
  /** The machines that send, which are told; null: the engine of this process. */
  readonly remote: RemoteSender | null;
  /** Told of each change, in a sentence. */
  readonly onNote: (said: string) => void;
  readonly onTurn: (kind: 'paused' | 'resumed') => void;
}

export class RunSteering {
  readonly #run: SteeredRun;
  #hasBegun = false;

  /** Nothing is handed out until `begin`. */
  constructor(run: SteeredRun) {
    this.#run = run;
    run.feed.pause();
  }

  /** From now on recipients are handed out, unless the run is paused. */
  begin(): void {
    this.#hasBegun = true;
    if (!this.isPaused) this.#run.feed.resume();
  }

  get isPaused(): boolean {
    return this.#run.time.isPaused;
  }

  pause(): void {
    if (this.isPaused) return;
    const { feed, time, onNote, onTurn } = this.#run;
    time.begin('pause');
    feed.pause();
    this.tellMachines();
    onNote('The campaign was paused.');
    onTurn('paused');
  }

  resume(): void {
    if (!this.isPaused) return;
    const { feed, time, onNote, onTurn } = this.#run;
    time.end('pause');
    if (this.#hasBegun) feed.resume();
    this.tellMachines();
    onNote('The campaign goes on.');
    onTurn('resumed');
  }

  /** As it was written; null: no limit. */
  get rate(): string | null {
    const { rate } = this.#run.pacer;
    return rate === noLimit ? null : rate.text;
  }

  set rate(text: string | null) {
    const rate = text === null ? noLimit : parseRate(text);
    if (typeof rate === 'string') {
      throw new PealError('ERR_PEAL_OPTION', `${theOption('rate')} ${rate}.`, { origin: 'usage' });
    }
    const { feed, pacer, onNote } = this.#run;
    pacer.rate = rate;
    this.tellMachines();
    feed.wake();
    onNote(`${rate.text === noLimit.text ? 'There is no limit of the rate' : `The rate is ${rate.text}`} now.`);
  }

  /** Recipients a second that the rate allows now; null: no limit. */
  get perSecond(): number | null {
    return this.#run.pacer.perSecond;
  }

  /** What another process asks for. */
  obey(command: ControlCommand): void {
    if ('rate' in command) this.rate = command.rate;
    else if ('pause' in command) this.pause();
    else this.resume();
  }

  /** Tells the machines that send, which forget it when they start anew. */
  tellMachines(): void {
    this.#run.remote?.steer(this.perSecond, this.isPaused);
  }
}
