/** The pages about programs, services and machines of docs/how-to, run as a reader runs them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { scriptedToken } from '../../src/simulator/index.js';
import { pealFaultOf } from '../support/command-options.js';
import { snippetsOf } from '../support/snippets.js';
import { gone, list } from './lists.js';
import { PageWorld } from './page-world.js';
import { runPage } from './run-page.js';

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

describe('docs/how-to: programs and machines', () => {
  let world: PageWorld;

  before(async () => {
    world = await PageWorld.open();
  });

  after(() => world[Symbol.asyncDispose]());

  it('test your own code without Apple', async () => {
    await runPage(world, 'how-to/test-without-apple', {
      files: { 'tokens.txt': list(20, [gone(0), gone(1), gone(2)]) },
      beside: { 'peal simulate': /https:/ },
      codes: { 'peal send': 3 },
      ledger: 'untouched', // it has simulators of its own
    });
  });

  it('watch a campaign with Prometheus', async () => {
    await runPage(world, 'how-to/watch-with-prometheus', {
      files: { 'tokens.txt': list(2000) },
      beside: { '--metrics-port 9464': /metrics/ },
      before: { '/readyz': (page) => page.untilAccepted(20) },
      ledger: 'left to after', // the page leaves it running
    });
  });

  it('consume a queue', async () => {
    const busy = [scriptedToken('TooManyRequests', 0), scriptedToken('ServiceUnavailable', 1)];
    await runPage(world, 'how-to/consume-a-queue', {
      files: { 'orders.txt': `${list(30, [gone(0), gone(1), ...busy])}no token\n` },
      ledger: { accepted: 30, rejected: 4 },
    });
  });

  it('embed in Fastify', async () => {
    await runPage(world, 'how-to/embed-in-fastify', {
      beside: { 'node service.mjs': /listening/ },
      ledger: { accepted: 1, rejected: 1 },
    });
  });

  it('send from another language', async function () {
    if (!has('python3')) return this.skip();
    await runPage(world, 'how-to/send-from-another-language', {
      files: { 'tokens.txt': list(20, [gone(0)]) },
      beside: { 'peal serve': /http:/ },
      ledger: { accepted: 21, rejected: 1 },
    });
  });

  it('make peal faster, or let it take less memory', async () => {
    await runPage(world, 'how-to/send-faster', { files: { 'tokens.txt': list(500) }, ledger: 'of campaigns' });
  });

  it('trace with OpenTelemetry', async () => {
    await runPage(world, 'how-to/trace-with-opentelemetry', {
      files: { 'tokens.txt': list(20, [gone(0)]) },
      ledger: { accepted: 21, rejected: 1 },
    });
  });

  it('run peal in a container', async () => {
    await runPage(world, 'how-to/run-in-a-container', {
      files: { 'tokens.txt': list(20) },
      left: { 'docker build': 'it needs a registry of images', 'docker run': 'there is no image' },
      ledger: 'of campaigns',
    });
    const commands = snippetsOf('docs/how-to/run-in-a-container.md').flatMap(({ text }) =>
      [...text.replaceAll(/\\\n\s*/g, '').matchAll(/^docker run .*? (peal (?:send|serve) .*)$/gm)].map(
        ([, one]) => one!,
      ),
    );
    assert.equal(commands.length, 2);
    for (const command of commands) assert.equal(pealFaultOf(command), null, command);
  });

  it('run peal as a systemd timer', async function () {
    if (!has('systemd-analyze')) return this.skip();
    await runPage(world, 'how-to/run-as-a-systemd-timer', {
      files: { 'tokens.txt': list(50) },
      left: { systemctl: 'a test changes no units of its machine' },
      ledger: 'of campaigns',
    });
  });

  it('check a machine before the campaign', async () => {
    await runPage(world, 'how-to/check-a-machine', { ledger: 'left to after' });
    // Its pushes are to a device token that cannot exist.
    const { accepted, reasons } = world.simulator.ledger.summary();
    assert.deepEqual([accepted, Object.keys(reasons).sort()], [0, ['BadDeviceToken', 'InvalidProviderToken']]);
  });
});
