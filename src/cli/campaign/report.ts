/** `peal report`: writes summary.json and report.html of a campaign anew, also while it runs. Main thread. */

import { writeReport } from '../../campaign/report/write-report.js';
import { reportDataOf, viewCampaign } from '../../campaign/view/campaign-view.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { printable, type Terminal } from '../shared/terminal.js';

/**
 * Prints the paths of the files that it wrote.
 *
 * @param version of peal
 * @throws PealError ERR_PEAL_INPUT when the directory holds no campaign that can be read, or a file cannot be written
 */
export async function report(folder: string, version: string, terminal: Terminal): Promise<ExitCode> {
  const view = await viewCampaign(folder);
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const files = await writeReport(folder, reportDataOf(view, version, timeZone, Date.now()));
  for (const file of files) terminal.stdout.write(`${printable(file)}\n`);
  return exitCodes.accepted;
}
