/**
 * `peal rate`, `peal pause` and `peal resume`: steer a campaign that another process runs; `resume` also goes on with
 * one that no process runs. Main thread.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LockHolder } from '../../base/files/folder-lock.js';
import { shellWord } from '../../base/text.js';
import { type ControlCommand, sendControl } from '../../campaign/control/control-file.js';
import { type CampaignView, viewCampaign } from '../../campaign/view/campaign-view.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { printable, type Terminal, usageError } from '../shared/terminal.js';
import type { ResumeFlags } from './campaign-options.js';

const [lookAgainMs, settlingMs] = [100, 1000];

/** Goes on with a campaign that no process runs, by the command that its journal keeps. */
export type ResumeCampaign = (
  folder: string,
  view: CampaignView,
  flags: ResumeFlags,
  terminal: Terminal,
) => Promise<ExitCode>;

/** @throws PealError ERR_PEAL_OPTION (no process is at work), ERR_PEAL_INPUT (it does not answer) */
export async function rate(folder: string, text: string, terminal: Terminal): Promise<ExitCode> {
  const { pid } = await give(folder, { rate: text });
  const said = /^off$/i.test(text.trim()) ? 'without a limit' : `at the rate ${printable(text.trim())}`;
  return say(terminal, `The campaign in ${folder} is sent ${said} now (process ${pid}).`);
}

/** @throws PealError as `rate` */
export async function pause(folder: string, terminal: Terminal): Promise<ExitCode> {
  const { pid } = await give(folder, { pause: true });
  say(terminal, `The campaign in ${folder} is paused (process ${pid}). It goes on with:`);
  return say(terminal, `  peal resume ${shellWord(folder)}`);
}

/** @throws PealError as `rate`; what `resumeCampaign` throws */
export async function resume(
  folder: string,
  flags: ResumeFlags,
  terminal: Terminal,
  resumeCampaign: ResumeCampaign,
): Promise<ExitCode> {
  const view = await settledView(folder);
  const { holder, summary } = view;
  if (holder === null) return resumeCampaign(folder, view, flags, terminal);
  if (summary.state !== 'paused') {
    // On a busy machine the journal is late, and a campaign that was paused would wait for ever.
    await give(folder, { resume: true });
    return say(terminal, `The campaign in ${folder} is running, and not paused (process ${holder.pid}).`);
  }
  const others = Object.keys(flags).filter((name) => name !== 'rate');
  if (others.length > 0) {
    throw usageError(
      `The campaign in ${folder} is paused in a process that goes on with its own options: only --rate can be given.`,
    );
  }
  if (flags.rate !== undefined) await give(folder, { rate: flags.rate });
  const { pid } = await give(folder, { resume: true });
  return say(terminal, `The campaign in ${folder} goes on (process ${pid}).`);
}

/** The journal says a moment later than the run that it is paused. */
async function settledView(folder: string): Promise<CampaignView> {
  for (let waitedMs = 0; ; waitedMs += lookAgainMs) {
    const view = await viewCampaign(folder);
    if (view.holder === null || view.summary.state === 'paused' || waitedMs >= settlingMs) return view;
    await sleep(lookAgainMs);
  }
}

/** Refuses a directory without a campaign, and says what to do with one that nobody runs. */
async function give(folder: string, command: ControlCommand): Promise<LockHolder> {
  const { holder, summary } = await viewCampaign(folder);
  if (holder !== null) return sendControl(folder, command);
  const what = 'rate' in command ? ' with that --rate' : '';
  throw usageError(
    summary.state === 'finished'
      ? `The campaign in ${folder} is finished: peal status ${shellWord(folder)} shows it.`
      : `No process is at work on the campaign in ${folder}: peal resume ${shellWord(folder)} goes on with it${what}.`,
  );
}

function say(terminal: Terminal, sentence: string): ExitCode {
  terminal.stdout.write(`${printable(sentence)}\n`);
  return exitCodes.accepted;
}
