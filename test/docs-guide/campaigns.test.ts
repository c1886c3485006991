/** The pages about campaigns of docs/how-to, run as a reader runs them. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../src/simulator/index.js';
import { gone, list, table, token, users } from './lists.js';
import { PageWorld } from './page-world.js';
import { runPage } from './run-page.js';

describe('docs/how-to: campaigns', () => {
  let world: PageWorld;

  before(async () => {
    world = await PageWorld.open();
  });

  after(() => world[Symbol.asyncDispose]());

  it('read a list from a spreadsheet', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => ['Zoë', token(index), 'Köln', 3]);
    await runPage(world, 'how-to/read-a-spreadsheet', {
      files: {
        'customers.csv': `\ufeff${table(['Name', 'Device token', 'City', 'Unread'], [...rows, ['Bo', '', 'Ulm', 1]], ';')}`,
      },
      codes: { '--dry-run': 3, '--out doors': 3 },
      ledger: 'of campaigns',
    });
  });

  it('send different texts by language', async () => {
    await runPage(world, 'how-to/send-by-language', {
      files: { 'users.csv': users(60) },
      ledger: 'of campaigns',
      after: () => {
        const said = world.simulator.ledger.received().map(({ payload }) => payload);
        const count = (text: string): number => said.filter((payload) => payload.includes(text)).length;
        assert.deepEqual(['on its way', 'unterwegs', 'en route', 'loc-key'].map(count), [20, 20, 20, 60]);
      },
    });
  });

  it('limit the rate', async () => {
    await runPage(world, 'how-to/limit-the-rate', {
      files: { 'tokens.txt': list(2000) },
      beside: { '--out sale': /^/ },
      before: { 'peal rate sale': (page) => page.untilAccepted(20) },
      ledger: { accepted: 4000, rejected: 0 },
    });
  });

  it("send at nine in each recipient's own time zone", async () => {
    // The hour of the page is the one that it is in Berlin now: a third of the recipients are there.
    const clock = (minutes: number): string =>
      new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'Europe/Berlin' }).format(
        Date.now() + minutes * 60_000,
      );
    await runPage(world, 'how-to/send-at-nine', {
      files: { 'users.csv': users(30) },
      instead: { '09:00-10:00': `${clock(-30)}-${clock(30)}` },
      beside: { '--outside-window hold': /^/ },
      before: { 'peal status morning': (page) => page.untilAccepted(10) },
      codes: { '--out hourly': 3, 'peal resume hourly': 3 },
      ledger: { accepted: 20, rejected: 0 },
    });
  });

  it('stop when too much is rejected', async () => {
    const old = Array.from({ length: 400 }, (_, index) => (index % 4 === 0 ? token(index) : gone(index)));
    await runPage(world, 'how-to/stop-on-rejections', {
      files: { 'old-list.txt': `${old.join('\n')}\n`, 'tokens.txt': list(300, [scriptedToken('Unregistered', 9)]) },
      codes: { '--canary 100': 7, '--out again': 3, 'peal resume back': 3 },
      ledger: 'of campaigns',
    });
  });

  it('resume after a kill', async () => {
    await runPage(world, 'how-to/resume-after-a-kill', {
      files: { 'tokens.txt': list(600) },
      before: { 'kill -9': (page) => page.untilAccepted(60) },
      // Where nothing was under way at the moment of the kill, nothing is unknown.
      codes: { 'peal resume doors --rate off': [0, 3] },
      ledger: 'left to after',
      after: (page) => {
        const { accepted, unknown, unsent } = page.books('doors');
        assert.deepEqual([accepted, unknown, unsent], [600, 0, 0]);
        const { distinctTokens, duplicates } = world.simulator.ledger.summary();
        assert.equal(distinctTokens, 600);
        assert.ok(duplicates! <= 64, `${duplicates} were sent to twice`);
      },
    });
  });
});
