/**
 * What sessions, gateways and connections take in memory where a process has 200 of them, as one that sends for many
 * tenants does. Programs in processes of their own; docs/library.md has the figures.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Simulator, startSimulator } from '../../src/index.js';
import type { Footprint } from '../support/footprint-child.js';

const run = promisify(execFile);
const child = fileURLToPath(new URL('../support/footprint-child.js', import.meta.url));
const tenants = 200;
const kib = 1024;

describe('memory of many tenants', () => {
  let folder: string;
  let simulator: Simulator;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'peal-footprint-'));
    simulator = await startSimulator({ controlPort: null });
    await writeFile(join(folder, 'ca.pem'), simulator.caCertificate!);
  });

  afterEach(async () => {
    await simulator.close();
    await rm(folder, { recursive: true });
  });

  async function footprint(kind: string, count: number, recipients: number): Promise<Footprint> {
    const own = [kind, String(count), String(recipients), simulator.url, join(folder, 'ca.pem')];
    const { stdout } = await run(process.execPath, ['--expose-gc', child, ...own]);
    return JSON.parse(stdout) as Footprint;
  }

  it('is next to nothing for a session that has not sent yet', async () => {
    const { buffers, resident } = await footprint('unused', tenants, 0);
    assert.ok(buffers < kib && resident < 64 * kib, `${buffers} bytes of buffers, ${resident} resident`);
  });

  for (const kind of ['session', 'gateway']) {
    it(`is little more than its connection for a ${kind} that sends a notification now and then`, async () => {
      const { buffers, resident } = await footprint(kind, tenants, 1);
      assert.ok(buffers < 256 * kib, `${buffers} bytes of buffers`);
      assert.ok(resident < 1024 * kib, `${resident} bytes resident`);
    });
  }

  it('is given back after each send of a gateway with connections of its own', async () => {
    const { buffers, heap } = await footprint('newConnection', tenants, 1);
    assert.ok(buffers < 16 * kib && heap < 64 * kib, `${buffers} bytes of buffers, ${heap} of the heap`);
  });

  it('is given back after a campaign, but for the connection', async () => {
    const { buffers } = await footprint('session', 5, 40_000);
    assert.ok(buffers < 1024 * kib, `${buffers} bytes of buffers`);
  });
});
