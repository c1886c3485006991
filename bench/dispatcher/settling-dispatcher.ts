/**
 * Contender: the dispatcher over shards that accept everything at once, each in a thread. There is no gateway. Measures
 * the CPU time of the dispatcher's own thread, and that of all threads.
 */
import type { Batch } from '../../src/engine/batch.js';
import { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import { openPiscina } from '../../src/engine/hosts/thread-pool.js';
import { ACCEPTED } from '../../src/engine/ledger.js';
import type { RouteConfig } from '../../src/engine/messages.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { checkSessionOptions } from '../../src/session/options/session-options.js';
import { readTask, writeResult } from '../lib/contender-process.js';
import { mainThreadCpuUs } from '../lib/thread-cpu.js';
import { measured } from '../lib/usage.js';
import { payloadOf, randomTokens, tokenBytes } from '../macro/contenders/contender.js';

export interface SettlingTask {
  readonly threads: number;
  /** Recipients of each batch, 1 to 1,024. */
  readonly batch: number;
  readonly batches: number;
}

export interface SettlingResult {
  readonly accepted: number;
  /** CPU time of the dispatcher's thread. */
  readonly dispatcherUs: number;
  /** CPU time of all threads. */
  readonly cpuUs: number;
  readonly seconds: number;
}

const { threads, batch, batches } = readTask<SettlingTask>();
const config: RouteConfig = {
  address: { protocol: 'http2', host: 'localhost', port: 443 },
  credential: { kind: 'none', fingerprint: 'none' },
  link: checkSessionOptions({}).link,
};
const notification = { headers: [], payload: payloadOf(120), expiration: null, priority: null };
const workerUrl = new URL('./settling-shard.js', import.meta.url);
const dispatcher = new Dispatcher({ threads, openThreads: (shards) => openPiscina(shards, workerUrl) });
const route = dispatcher.openRoute(config, null);
/** Used again and again: the dispatcher copies tokens and looks at none. */
const differentBatches = 64;
const tokens = randomTokens(batch * differentBatches);

function batchAt(number: number): Batch {
  const start = (number % differentBatches) * batch * tokenBytes;
  const bytes = tokens.subarray(start, start + batch * tokenBytes);
  return { tokens: new TokenBlock(bytes, tokenBytes, batch), personal: null };
}

/** Returns how many were accepted. */
async function send(howMany: number): Promise<number> {
  let accepted = 0;
  const job = dispatcher.send(route, notification, {
    settled: ({ ledger }) => {
      for (const outcome of ledger) if (outcome === ACCEPTED) accepted += 1;
    },
  });
  for (let number = 0; number < howMany; number++) await job.dispatch(batchAt(number));
  await job.finish();
  return accepted;
}

await send(Math.min(batches, 256 * threads));
const startedUs = mainThreadCpuUs();
let accepted = 0;
const { cpuUs, seconds } = await measured(async () => {
  accepted = await send(batches);
});
const dispatcherUs = mainThreadCpuUs() - startedUs;
writeResult({ accepted, dispatcherUs, cpuUs, seconds } satisfies SettlingResult);
await dispatcher.close();
