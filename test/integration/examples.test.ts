import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
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

  it('queue-consumer.ts settles each job once by its outcome, and ends by itself', async () => {
    const example = fileURLToPath(new URL('../../examples/queue-consumer.js', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [example]);
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'consuming, until the queue is empty or SIGTERM',
      'accepted: 1984',
      'invalid: ERR_PEAL_TOKEN: 1',
      'rejected: TooManyRequests: 5',
      'rejected: Unregistered: 10',
      '2000 jobs acknowledged after 2010 deliveries; 0 left unsettled',
      'never more than 600 jobs at a time: true',
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

  it('queue-consumer.ts leaves no job unsettled when it is told to end', async function () {
    if (process.platform === 'win32') this.skip();
    const example = fileURLToPath(new URL('../../examples/queue-consumer.js', import.meta.url));
    const child = spawn(process.execPath, [example], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (printed === '') child.kill('SIGTERM');
      printed += text;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    assert.match(printed, /^\d+ jobs acknowledged after \d+ deliveries; 0 left unsettled$/m);
  });
});
