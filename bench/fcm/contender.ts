/** One run of the benchmark of FCM, in a process of its own. */
import { readTask, writeResult } from '../lib/contender-process.js';
import { measured, type Usage } from '../lib/usage.js';
import type { FcmSenderOptions, OpenFcmSender } from './sender.js';
import { registrationTokens } from './texts.js';

export interface FcmTask extends FcmSenderOptions {
  /** Module of this folder. */
  readonly sender: 'peal' | 'firebase-admin' | 'node-http2';
  /** Messages that are measured. */
  readonly count: number;
  /** Messages before them, which open the connections. */
  readonly warmUp: number;
}

export interface FcmResult extends Usage {
  /** As the sender says, those to warm up included. */
  readonly acceptedInAll: number;
}

const task = readTask<FcmTask>();
const { open } = (await import(new URL(`./${task.sender}.js`, import.meta.url).href)) as { open: OpenFcmSender };
const sender = await open(task);
let acceptedInAll = await sender.send(registrationTokens(task.warmUp));
const tokens = registrationTokens(task.count);
const usage = await measured(async () => {
  acceptedInAll += await sender.send(tokens);
});
await sender.close();
const result: FcmResult = { ...usage, acceptedInAll };
writeResult(result);
process.exit(0);
