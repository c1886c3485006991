/**
 * Crashes a campaign as soon as its journal calls it finished, resumes it, and says whether its books agree: ends with
 * 1 where they do not. Started with a bug in it.
 */
import { Buffer } from 'node:buffer';
import { Prng } from '../support/prng.js';
import { CrashingCampaign, kindsOfCampaign, openSeeds } from './crashing-campaign.js';
import type { Crash } from './journal/memory-store.js';

const crash: Crash = {
  commit: (changes) => changes.some(({ value }) => Buffer.from(value).includes('"state":"finished"')),
  point: 'untold',
};
const fixture = await openSeeds();
const campaign = new CrashingCampaign(fixture, kindsOfCampaign[0]!, 0);
await campaign.open();
let isWhole = await campaign.run(crash, new Prng(1));
if (isWhole) console.log('it did not crash');
while (!isWhole) isWhole = await campaign.run(null, new Prng(2));
try {
  campaign.judge();
} catch (error) {
  console.log(`found: ${(error as Error).message.split('\n')[0]}`);
  process.exitCode = 1;
}
await fixture.close();
process.exit();
