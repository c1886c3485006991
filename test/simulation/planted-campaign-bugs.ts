/**
 * The planted bugs of a campaign: worlds in which a campaign is killed and resumed find them. See planted-bugs.
 * Those worlds read recipients of a program, so that one of a campaign of files is in campaign-crashes.test.ts.
 */
import type { PlantedBug } from './planted-bugs.js';

const bugs: readonly PlantedBug[] = [
  {
    name: 'a block is handed out before its note is durable',
    file: 'campaign/run/campaign-feed.js',
    before: 'await unit.noted;',
    after: '',
    breaks: 'who was sent to before a crash is sent to again',
  },
  {
    name: 'rows that an earlier run has not written are forgotten',
    file: 'campaign/run/campaign-feed.js',
    before: 'if (missing.length > 0)',
    after: 'if (missing.length > 1e9)',
    breaks: 'recipients that were answered before a crash are in no file',
    firstSeed: 290,
  },
  {
    name: 'who was under way at a crash is unsent after it',
    file: 'campaign/journal/journal.js',
    before: 'record.turn(index, UNKNOWN, counts);',
    after: 'record.turn(index, UNSENT, counts);',
    breaks: 'who may have been sent to is sent to again',
    firstSeed: 340,
  },
  {
    name: 'the digest of a block is not compared',
    file: 'campaign/journal/journal.js',
    before: '&& Buffer.compare(record.digest, digest) === 0;',
    after: ';',
    breaks: 'another list is sent to under the outcomes of the first',
    firstSeed: 290,
  },
  {
    name: 'a canary that was passed is not remembered',
    file: 'campaign/run/campaign-run.js',
    before: 'new CanaryDecision(canary, earlier?.isCanaryPassed === true, {',
    after: 'new CanaryDecision(canary, false, {',
    breaks: 'each run asks again whether to go on',
  },
  {
    name: 'the window of a campaign is ignored',
    file: 'campaign/run/campaign-feed.js',
    before: 'return this.#window.room(journal.counts.underWay);',
    after: 'return Math.max(this.#window.room(journal.counts.underWay), maxBatchRecipients);',
    breaks: 'a crash leaves everybody unknown who was read by then',
  },
  {
    name: 'the files are not synced before the transaction',
    file: 'campaign/outputs/output-file.js',
    before: 'await durably.syncData(this.#handle);',
    after: ';',
    breaks: 'rows are lost with the power that the journal calls written',
    firstSeed: 470,
  },
  {
    name: 'files are not cut to where the journal left them',
    file: 'campaign/outputs/output-file.js',
    before: 'await handle.truncate(length);',
    after: '',
    breaks: 'recipients whose outcome was not durable are in two files',
    firstSeed: 1090,
  },
];

export const campaignBugs: readonly PlantedBug[] = bugs.map((bug) => ({ ...bug, worlds: 'campaign' }));
