/** The pages of docs/guide, run as a reader runs them. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../src/simulator/index.js';
import { RedisServer } from '../support/redis-server.js';
import { gone, list } from './lists.js';
import { PageWorld } from './page-world.js';
import { runPage } from './run-page.js';

describe('docs/guide', () => {
  let world: PageWorld;

  before(async () => {
    world = await PageWorld.open();
  });

  after(() => world[Symbol.asyncDispose]());

  it('the first minute', async () => {
    await runPage(world, 'guide/first-minute', {
      beside: { 'peal simulate': /https:/ },
      codes: { '--out first': 3 },
      ledger: { accepted: 1, rejected: 1 }, // that of doctor is rejected
    });
  });

  it('the first campaign', async () => {
    await runPage(world, 'guide/first-campaign', {
      beside: { 'peal simulate': /https:/, '--canary 100': /canary|accepted|^/ },
      before: { 'peal status doors\n': (page) => page.untilBegun('doors') },
      codes: { '--dry-run': 3, 'peal resume doors': 3 },
      ledger: 'untouched', // it has a simulator of its own
      after: (page) => {
        const { recipients, accepted, rejected, invalid, unknown } = page.books('doors');
        assert.deepEqual([recipients, invalid, accepted + rejected + unknown], [12_001, 1, 12_000]);
      },
    });
  });

  it('embedding', async () => {
    await runPage(world, 'guide/embedding', {
      files: { 'tokens.txt': list(100, [gone(0), scriptedToken('DeviceTokenNotForTopic')]) },
      beside: { 'node service.mjs': /listening/ },
      ledger: { accepted: 102, rejected: 3 },
    });
  });

  it('operations', async () => {
    await runPage(world, 'guide/operations', {
      files: { 'tokens.txt': list(100, [gone(0)]) },
      codes: { '--out doors': 3 },
      ledger: 'left to after', // doctor asks as well
      after: (page) => {
        const { accepted, rejected } = page.books('today');
        assert.deepEqual([accepted, rejected], [100, 1]);
        assert.equal(world.simulator.ledger.summary().accepted, 200);
      },
    });
  });

  it('several machines', async function () {
    if (!RedisServer.isInstalled) return this.skip();
    await runPage(world, 'guide/several-machines', {
      files: { 'tokens.txt': list(3000) },
      instead: {
        // A worker uses its credential at Apple's gateways, and at others only if it is told so.
        '--credentials redis': `${world.trust} --credentials redis`,
      },
      beside: {
        'redis-server': /Ready to accept connections/,
        'peal worker': /./,
        '--out closing': /^/,
      },
      before: { 'kill "$(cat': (page) => page.untilAccepted(3500) },
      ledger: 'of campaigns',
    });
  });
});
