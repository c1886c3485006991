/**
 * A campaign for a test that kills it. Prints a line when recipients are answered, and ends with 0 when it is through.
 * What it is stands in its argument as JSON.
 */
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.js';
import { Campaign } from '../../src/campaign/campaign.js';
import { Message, Session } from '../../src/index.js';
import { Template } from '../../src/session/personal/template.js';

export interface KilledCampaign {
  readonly url: string;
  /** The file with the simulator's authority. */
  readonly ca: string;
  readonly folder: string;
  readonly list: string;
  readonly isPersonal: boolean;
  readonly threads: number;
  /** What is added to the wall clock. Only without threads. */
  readonly wallStepMs: number;
}

const { url, ca, folder, list, isPersonal, threads, wallStepMs } = JSON.parse(process.argv[2]!) as KilledCampaign;
const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + wallStepMs };
const session = new Session({ ca: readFileSync(ca, 'utf8'), threads, ...(threads === 0 && { clock }) });
const payload = { aps: { alert: 'Hello {{name}}', badge: '{{badge:number}}' } };
const campaign = new Campaign({
  gateway: session.getConnection(url, null),
  message: new Message([], { topic: 'com.example.app', pushType: 'alert', ...(!isPersonal && { alert: 'Hello' }) }),
  ...(isPersonal && { personal: new Template({ payload }) }),
  recipients: { files: list },
  folder,
  accepted: true,
});
const running = campaign.run();
let isSaid = false;
for await (const { accepted, resumed } of campaign) {
  if (!isSaid && accepted > resumed) console.log('sending');
  isSaid ||= accepted > resumed;
}
const { summary, problems } = await running;
await session.close();
process.exitCode = summary.state === 'finished' && problems.length === 0 ? 0 : 3;
