/** The columns that a campaign needs of its recipients, and the refusal of lists without them. Pure; main thread. */
import { optionError } from '../../base/options.js';
import { option } from '../../base/wording.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';

/** Columns that a sentence names. */
const maxNamed = 20;

export function neededColumns({ services, localWindow }: CheckedCampaign): readonly string[] {
  return [...services.columns, ...(localWindow === null ? [] : [localWindow.timezoneColumn])];
}

/** Throws PealError ERR_PEAL_OPTION for a column that no list has. Recipients of a program may come to have it. */
export function checkColumns(options: CheckedCampaign, columns: readonly string[]): void {
  if (!isFiles(options.recipients)) return;
  const missing = neededColumns(options).find((column) => !columns.includes(column));
  if (missing === undefined) return;
  const where =
    missing === options.localWindow?.timezoneColumn
      ? option('localWindow.timezoneColumn', 'the option ')
      : missing === options.services.column
        ? option('platforms.column', 'the option ')
        : 'the message';
  const has =
    columns.length === 0
      ? 'the lists are plain lists of tokens, without columns'
      : `the lists have the columns ${columns.slice(0, maxNamed).join(', ')}${columns.length > maxNamed ? ' …' : ''}`;
  throw optionError(`No list has the column "${missing}" that ${where} names: ${has}.`);
}
