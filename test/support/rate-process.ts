/**
 * A process of a cluster that sends nothing, and uses all that the rate of a campaign lets it: for tests of the rate.
 * Its arguments are the URL of Redis and the id of the campaign. It says what it used, and when, each 50 ms, and how
 * long the store took to answer: lines of JSON.
 */
import { systemClock } from '../../src/base/clock.js';
import { SharedRate } from '../../src/cluster/limits/shared-rate.js';
import { RedisClusterStore } from '../../src/cluster/store/redis-store.js';
import { openRedis } from '../../src/stores/redis-client.js';

const [url = '', campaign = ''] = process.argv.slice(2);
const store = new RedisClusterStore(await openRedis({ url }), { prefix: 'peal' });
let used = 0;
let calls = 0;
let waitedMs = 0;

const rate = new SharedRate({
  takeFromStore: async (wanted) => {
    calls += 1;
    const fromMs = performance.now();
    const taken = await store.take(campaign, wanted);
    waitedMs = Math.max(waitedMs, performance.now() - fromMs);
    return taken;
  },
  clock: systemClock,
  chance: Math.random,
  onStock: pump,
});

function pump(): void {
  for (let leave = rate.take(1024); leave > 0; leave = rate.take(1024)) used += leave;
}

async function poll(): Promise<void> {
  const steering = await store.steering(campaign);
  rate.perSecond = steering?.ratePerSecond ?? 1;
  pump();
}

await poll();
// As a worker does: it hears of a change within a quarter of a second.
setInterval(() => void poll(), 250);
setInterval(() => {
  console.log(JSON.stringify({ atMs: Date.now(), used, calls, waitedMs }));
  used = 0;
  calls = 0;
  waitedMs = 0;
}, 50);
