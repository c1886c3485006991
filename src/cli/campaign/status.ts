/**
 * `peal status`: shows a campaign in its directory once, or again and again until it ends. It only reads, beside the
 * process that writes. Main thread.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { summaryJson } from '../../campaign/report/summary.js';
import { type CampaignView, viewCampaign } from '../../campaign/view/campaign-view.js';
import { RateMeter } from '../send/rate-meter.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { hasColour, type Terminal, usageError } from '../shared/terminal.js';

import { LiveStatus } from './live-status.js';
import type { StatusFlags } from './status-options.js';
import { answeredOf, type Pace, statusLines, totalOf } from './status-text.js';

/** What a test sets. */
export interface StatusTimes {
  readonly view?: (folder: string) => Promise<CampaignView>;
  /** Between two looks. */
  readonly lookMs?: number;
  /** Between two blocks where the output is no terminal. */
  readonly blockMs?: number;
}

/**
 * Resolves with the exit code: 0, whatever became of the campaign; with `--watch` that of an interrupt.
 *
 * @throws PealError ERR_PEAL_INPUT when the directory holds no campaign that can be read, ERR_PEAL_OPTION for options
 *   that contradict each other
 */
export async function status(
  folder: string,
  flags: StatusFlags,
  terminal: Terminal,
  times: StatusTimes = {},
): Promise<ExitCode> {
  if (flags.watch === true) {
    if (flags.json === true) throw usageError('--json prints one line, and --watch looks again and again: give one.');
    return watch(folder, terminal, times);
  }
  const look = new Looks(folder, times.view);
  const view = await look.next();
  if (flags.json === true) {
    const summary = JSON.parse(summaryJson(view.facts.title, view.summary)) as object;
    terminal.stdout.write(`${JSON.stringify({ ...summary, pid: view.holder?.pid ?? null })}\n`);
    return exitCodes.accepted;
  }
  if (view.summary.state !== 'running') return print(terminal, view, look.pace);
  // The rate of now needs a second reading.
  await sleep(times.lookMs ?? 1000);
  return print(terminal, await look.next(), look.pace);
}

function print(terminal: Terminal, view: CampaignView, pace: Pace): ExitCode {
  const { stdout } = terminal;
  const style = { columns: stdout.columns ?? 80, colour: hasColour(terminal, stdout), bar: null, isBrief: false };
  stdout.write(`${statusLines(view, pace, style).join('\n')}\n`);
  return exitCodes.accepted;
}

async function watch(folder: string, terminal: Terminal, times: StatusTimes): Promise<ExitCode> {
  const { stdout } = terminal;
  const stopping = new AbortController();
  using interrupt = new Interrupt(
    process,
    () => stopping.abort(),
    (code) => process.exit(code),
  );
  const isScreen = stdout.isTTY === true && terminal.env.TERM !== 'dumb';
  const waitMs = isScreen ? (times.lookMs ?? 1000) : (times.blockMs ?? 10_000);
  const looks = new Looks(folder, times.view);
  const first = await looks.next();
  using block = isScreen ? await LiveStatus.open(stdout, hasColour(terminal, stdout)) : null;
  for (let view = first; ; view = await looks.next()) {
    if (view.holder === null) {
      block?.clear();
      return print(terminal, view, looks.pace);
    }
    if (block !== null) block.draw(view, looks.pace);
    else {
      print(terminal, view, looks.pace);
      stdout.write('\n');
    }
    await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    if (interrupt.exitCode !== null) return interrupt.exitCode;
  }
}

/** Readings of one campaign, and the rate between them. */
class Looks {
  readonly #folder: string;
  readonly #view: (folder: string) => Promise<CampaignView>;
  readonly #rate = new RateMeter();
  #pace: Pace = { perSecond: null, secondsLeft: null };
  #count = 0;

  constructor(folder: string, view = viewCampaign) {
    this.#folder = folder;
    this.#view = view;
  }

  async next(): Promise<CampaignView> {
    const view = await this.#view(this.#folder);
    this.#rate.note(performance.now(), answeredOf(view));
    this.#count += 1;
    if (this.#count > 1) this.#pace = this.#paceOf(view);
    return view;
  }

  /** As of the latest reading. */
  get pace(): Pace {
    return this.#pace;
  }

  #paceOf(view: CampaignView): Pace {
    const total = totalOf(view);
    if (view.summary.state !== 'running') return { perSecond: null, secondsLeft: null };
    const secondsLeft = total === null ? null : this.#rate.secondsLeft(total);
    return { perSecond: Math.max(0, this.#rate.perSecond()), secondsLeft };
  }
}
