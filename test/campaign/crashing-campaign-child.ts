/**
 * Crashes campaigns at the last transactions of their journal and resumes them, until the books of one do not agree: prints at
 * which, and ends with 1. Started with a bug in it.
 */
import { Prng } from '../support/prng.js';
import { CrashingCampaign, kindsOfCampaign, openSeeds, points } from './crashing-campaign.js';

const lastTransactions = 6;
const fixture = await openSeeds();
let number = 0;

async function campaign(): Promise<CrashingCampaign> {
  const one = new CrashingCampaign(fixture, kindsOfCampaign[0]!, number++);
  await one.open();
  return one;
}

const whole = await campaign();
await whole.run(null, new Prng(0));
const { commits } = whole.disk;
for (let back = 0; back < lastTransactions && process.exitCode === undefined; back++) {
  for (const point of points) {
    const one = await campaign();
    const random = new Prng(back);
    try {
      let isWhole = await one.run({ commit: commits - back, point }, random);
      while (!isWhole) isWhole = await one.run(null, random);
      one.judge();
    } catch (error) {
      console.log(`found ${back} transactions before the last, ${point}: ${(error as Error).message.split('\n')[0]}`);
      process.exitCode = 1;
      break;
    }
  }
}
await fixture.close();
process.exit();
