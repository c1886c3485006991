/** What is idle keeps no process alive, and what somebody waits for does: programs in processes of their own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { closeTimeoutMs } from '../../src/base/limits.js';
import { Http2Gateway } from '../support/http2-gateway.js';

const run = promisify(execFile);
const child = fileURLToPath(new URL('../support/exit-child.js', import.meta.url));
/**
 * The shortest of peal's waits that could keep a process. An idle session kept it for as long as its gateway wanted.
 */
const soonMs = closeTimeoutMs;

describe('a process that uses peal', () => {
  let folder: string;
  let gateway: Http2Gateway;
  const ca = (): string => join(folder, 'ca.pem');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'peal-end-'));
  });

  afterEach(async () => {
    await gateway.close();
    await rm(folder, { recursive: true });
  });

  /**
   * What the program printed, how long it stayed after it had nothing more to do, and how long after it had what it
   * printed last: on a busy machine a thread may take long to start before that.
   */
  async function end(
    program: string,
    threads: number,
  ): Promise<{ said: string[]; leftAfterMs: number; stayedMs: number }> {
    await writeFile(ca(), gateway.ca);
    const args = [child, program, String(threads), url(), ca()];
    const { stdout } = await run(process.execPath, args, { timeout: 300_000 });
    const lines = stdout.trimEnd().split('\n');
    const [, leftAfterMs, stayedMs] = /^left (\d+) ms after the end, (\d+) ms/.exec(lines.pop()!)!;
    return { said: lines, leftAfterMs: Number(leftAfterMs), stayedMs: Number(stayedMs) };
  }

  const url = (): string => `https://127.0.0.1:${gateway.address.port}`;

  for (const threads of [0, 1, 2]) {
    it(`ends by itself while its session is idle, threads: ${threads}`, async () => {
      gateway = await Http2Gateway.open();
      const { said, stayedMs } = await end('idle', threads);
      assert.deepEqual(said, ['accepted 3000']);
      assert.ok(stayedMs < soonMs, `it stayed for ${stayedMs} ms`);
    });
  }

  it('does not end before a broadcast is answered, and ends while its connection is idle', async () => {
    gateway = await Http2Gateway.open({ answer: () => ({ status: 200 }), delayMs: 1_000 });
    const { said, leftAfterMs, stayedMs } = await end('broadcast', 0);
    assert.deepEqual(said, ['accepted 2']);
    assert.ok(leftAfterMs >= 900, `it left after ${leftAfterMs} ms`);
    assert.ok(stayedMs < soonMs, `it stayed for ${stayedMs} ms`);
  });

  for (const threads of [0, 1]) {
    it(`does not end before a send that waits to go again, threads: ${threads}`, async () => {
      const retryAfter = { 'retry-after': '2' };
      gateway = await Http2Gateway.open({
        answer: (_hex, requests) => (requests > 3 ? { status: 200 } : { status: 503, headers: retryAfter }),
      });
      const { said, leftAfterMs } = await end('pending', threads);
      assert.deepEqual(said, ['accepted 3']);
      assert.ok(leftAfterMs >= 2_000, `it left after ${leftAfterMs} ms`);
      assert.equal(gateway.requests, 6);
    });

    it(`does not end before a gateway that takes its time has answered, threads: ${threads}`, async () => {
      gateway = await Http2Gateway.open({ answer: () => ({ status: 200 }), delayMs: 1_500 });
      const { said } = await end('pending', threads);
      assert.deepEqual(said, ['accepted 3']);
    });

    it(`does not end before the stream that is read from, threads: ${threads}`, async () => {
      gateway = await Http2Gateway.open();
      const { said, stayedMs } = await end('each', threads);
      assert.deepEqual(said, ['accepted 3']);
      assert.ok(stayedMs < soonMs, `it stayed for ${stayedMs} ms`);
    });

    it(`does not end before pushes of a stream that was left, threads: ${threads}`, async () => {
      gateway = await Http2Gateway.open({ answer: () => ({ status: 200 }), delayMs: 1_500 });
      const { said, leftAfterMs } = await end('leave', threads);
      assert.deepEqual(said, ['left the stream']);
      assert.equal(gateway.requests, 3);
      assert.ok(leftAfterMs >= 1_400, `it left after ${leftAfterMs} ms`);
    });

    it(`does not end within shutdown() or stats(), threads: ${threads}`, async () => {
      gateway = await Http2Gateway.open();
      const { said, stayedMs } = await end('stats', threads);
      assert.deepEqual(said, ['threads 1', 'shut down', 'accepted 3']);
      assert.ok(stayedMs < soonMs, `it stayed for ${stayedMs} ms`);
    });
  }

  for (const threads of [0, 1, 2]) {
    it(`does not end before a push has its outcome, and then by itself, threads: ${threads}`, async () => {
      const delayMs = 1_200;
      gateway = await Http2Gateway.open({ answer: () => ({ status: 200 }), delayMs });
      const { said, leftAfterMs, stayedMs } = await end('push', threads);
      assert.deepEqual(said, ['accepted']);
      assert.ok(leftAfterMs >= delayMs, `it left after ${leftAfterMs} ms`);
      assert.ok(stayedMs < soonMs, `it stayed for ${stayedMs} ms`);
    });
  }

  it('ends by itself after a send over a connection of its own', async () => {
    gateway = await Http2Gateway.open();
    const { said, stayedMs } = await end('newConnection', 1);
    assert.deepEqual(said, ['accepted 3']);
    assert.ok(stayedMs < soonMs, `it stayed for ${stayedMs} ms`);
  });
});
