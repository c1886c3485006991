import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RedisServer } from '../support/redis-server.js';

describe('examples', () => {
  it('embed.ts sends, retries, cleans up, and ends by itself', async () => {
    const example = fileURLToPath(new URL('../../examples/embed.js', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [example]);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(stderr, '');
    assert.equal(lines[0], 'sending to 20000 devices through 2 threads');
    assert.ok(lines.includes('  Unregistered: 100') && lines.includes('attempt 2'), stdout);
    assert.equal(lines.at(-1), 'accepted in all: 19885; devices left: 19900');
  });

  it('fcm.ts sends, drops what is gone, sends again, tells a topic, and ends by itself', async () => {
    const example = fileURLToPath(new URL('../../examples/fcm.js', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [example]);
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'sending to 2022 devices',
      '  accepted 2000, rejected 22, unsent 0, unknown 0, invalid 0',
      '  QUOTA_EXCEEDED (device): 1',
      '  SENDER_ID_MISMATCH: 1',
      '  UNREGISTERED: 20',
      'attempt 2',
      '  accepted 0, rejected 1, unsent 0, unknown 0, invalid 0',
      '  QUOTA_EXCEEDED (device): 1',
      'accepted in all: 2000; devices left: 2002',
      'the topic: accepted',
    ]);
  });

  it('cluster.ts sends a campaign of a program by a worker, and ends by itself', async function () {
    if (!RedisServer.isInstalled) this.skip();
    await using redis = await RedisServer.start();
    const example = fileURLToPath(new URL('../../examples/cluster.js', import.meta.url));
    const env = { ...process.env, PEAL_REDIS: redis.url };
    const { stdout } = await promisify(execFile)(process.execPath, [example], { env });
    assert.equal(stdout, '30000 of 30000 accepted by the workers, 0 unknown\n');
  });
});
