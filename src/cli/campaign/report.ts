/** `peal report`: writes summary.json and report.html of a campaign anew, also while it runs. Main thread. */

import { viewCampaign, writeReportOf } from '../../campaign/view/campaign-view.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { printable, type Terminal } from '../shared/terminal.js';

/**
 * Prints the paths of the files that it wrote.
 *
 * @throws PealError ERR_PEAL_INPUT when the directory holds no campaign that can be read, or a file cannot be written
 */
export async function report(folder: string, terminal: Terminal): Promise<ExitCode> {
  const files = await writeReportOf(await viewCampaign(folder), Date.now());
  for (const file of files) terminal.stdout.write(`${printable(file)}\n`);
  return exitCodes.accepted;
}
