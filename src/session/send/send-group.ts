/**
 * Several messages in one call: each is a send of its own, some at once, and the results are taken together in the
 * order of the messages. Made by APNs.send; main thread.
 */
import { maxMessagesAtOnce } from '../../base/limits.js';
import { optionError } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import type { Message } from '../message/message.js';
import { Result } from '../message/result.js';
import { countRecipients } from '../recipients/recipient.js';
import { type Progress, ProgressReporter } from './progress.js';
import { Send, type SendTarget } from './send.js';
import { type CheckedSendOptions, checkSendOptions, type SendOptions } from './send-options.js';

/** One message of the group. */
interface Member {
  readonly message: Message;
  readonly options: CheckedSendOptions;
  /** Recipients of the messages before it. */
  readonly firstIndex: number;
}

const counted = ['done', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'queued'] as const;

export class SendGroup {
  readonly #members: readonly Member[];
  readonly #total: number;

  /** Throws PealError ERR_PEAL_OPTION that names the option. */
  constructor(messages: readonly Message[], options: SendOptions = {}) {
    const { recipients, total, ...each } = options;
    if (recipients !== undefined) {
      throw optionError(`${theOption('recipients')} goes with one message: of several each has its own tokens.`);
    }
    let firstIndex = 0;
    const members = messages.map((message) => {
      const member = { message, options: checkSendOptions(message, each), firstIndex };
      firstIndex += countRecipients(message.tokens);
      return member;
    });
    this.#members = members.filter(({ message }) => message.tokens.length > 0);
    this.#total = total ?? firstIndex;
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  async run(target: SendTarget): Promise<Result> {
    const onProgress = this.#members[0]?.options.onProgress ?? null;
    const watch = onProgress === null ? null : new GroupProgress(onProgress, target, this.#total);
    const results = new Array<Result>(this.#members.length);
    const waiting = this.#members.entries();
    const work = async (): Promise<void> => {
      for (const [index, member] of waiting) {
        results[index] = await new Send(target, member.message, optionsOf(member, watch)).run();
      }
    };
    await Promise.all(Array.from({ length: Math.min(maxMessagesAtOnce, this.#members.length) }, work));
    watch?.end();
    return Result.mergeAll(results);
  }
}

/** Positions of invalid recipients count over all messages, and so does progress. */
function optionsOf({ options, firstIndex }: Member, watch: GroupProgress | null): CheckedSendOptions {
  const { onInvalid } = options;
  return {
    ...options,
    onInvalid: onInvalid && ((recipient) => onInvalid({ ...recipient, index: recipient.index + firstIndex })),
    onProgress: watch?.member() ?? null,
  };
}

/** Adds up what the sends of a group report. */
class GroupProgress {
  readonly #reporter: ProgressReporter;
  readonly #sums: Record<(typeof counted)[number], number> = {
    done: 0,
    accepted: 0,
    rejected: 0,
    unsent: 0,
    unknown: 0,
    invalid: 0,
    queued: 0,
  };

  constructor(onProgress: (progress: Progress) => void, { clock }: SendTarget, total: number) {
    this.#reporter = new ProgressReporter(onProgress, clock, total);
  }

  /** Where one send reports to. */
  member(): (progress: Progress) => void {
    const last: Partial<Progress> = {};
    return (progress) => {
      for (const name of counted) this.#sums[name] += progress[name] - (last[name] ?? 0);
      Object.assign(last, progress);
      if (this.#reporter.isDue()) this.#report();
    };
  }

  end(): void {
    this.#report();
  }

  #report(): void {
    const { done, queued, ...sums } = this.#sums;
    this.#reporter.report({ ...sums, recipients: done }, queued);
  }
}
