import assert from 'node:assert/strict';
import { maxShardHeapMb } from '../../../src/base/limits.js';
import { openPiscina } from '../../../src/engine/hosts/thread-pool.js';
import type { ShardTask } from '../../../src/engine/shard/shard-task.js';
import type { ThreadSurroundings } from '../../support/environment-worker.js';

const secret = 'PEAL_TEST_SECRET';
const workerUrl = new URL('../../support/environment-worker.js', import.meta.url);

describe('engine/hosts/thread-pool', () => {
  afterEach(() => {
    delete process.env[secret];
  });

  it('gives threads the environment without secrets of the command line, and a bounded heap', async () => {
    process.env[secret] = 'PEAL-CANARY-SECRET';
    const pool = openPiscina(1, workerUrl);
    const run = pool.run({} as ShardTask, { transferList: [], signal: new AbortController().signal });
    const { environment, maxHeapMb } = (await run) as ThreadSurroundings;
    await pool.destroy();
    assert.equal(environment.PATH, process.env.PATH);
    assert.deepEqual(
      Object.keys(environment).filter((name) => name.startsWith('PEAL_')),
      [],
    );
    assert.equal(maxHeapMb, maxShardHeapMb);
    assert.deepEqual(pool.threads, []);
  });
});
