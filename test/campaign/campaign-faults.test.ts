/**
 * Campaigns whose disk, directory, journal or list fails them: each says so in one sentence, forgets nothing that it
 * knew, and ends with balanced books when it is run again after the cause was mended.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { PealError } from '../../src/base/errors.js';
import { readJournal } from '../../src/campaign/journal/journal-folder.js';
import type { CampaignReport } from '../../src/campaign/run/run-report.js';
import { CampaignFixture, mixedTokens } from './campaign-fixture.js';
import { judge, underWayIn } from './campaign-judge.js';

const count = 12_000;

describe('a campaign that fails', () => {
  let fixture: CampaignFixture;
  let disk: string | null;

  beforeEach(async () => {
    disk = null;
    fixture = await CampaignFixture.open();
  });

  afterEach(async () => {
    if (disk !== null) spawnSync('umount', [disk]);
    await fixture.close();
  });

  function mount(options: string): boolean {
    mkdirSync(fixture.out);
    disk = fixture.out;
    return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status === 0;
  }

  async function run(files: string, maxFailures?: number): Promise<CampaignReport> {
    const bound = maxFailures === undefined ? {} : { maxFailures, rate: '20000/s' };
    return fixture.campaign({ recipients: { files }, folder: fixture.out, accepted: true, ...bound }).run();
  }

  /** Stops it by a bound, so that another run goes on. */
  async function runInPart(files: string): Promise<number> {
    const { stopped, summary } = await run(files, 20);
    assert.equal(stopped?.code, 'ERR_PEAL_BOUND');
    assert.ok(summary.accepted > 0 && summary.unsent > 0);
    return fixture.simulator.ledger.summary().requests;
  }

  /** Runs it to its end, and compares its books with those of the simulator. */
  async function endWell(files: string, tokens: readonly string[], underWay: ReadonlySet<string>): Promise<void> {
    const report = await run(files);
    const { summary } = report;
    assert.deepEqual([summary.state, summary.unsent, report.problems], ['finished', 0, []]);
    const { ledger } = fixture.simulator;
    judge({ folder: fixture.out, tokens, ledger, underWay, resendsUnknown: false });
  }

  async function underWayNow(tokens: readonly string[]): Promise<ReadonlySet<string>> {
    const journal = await readJournal(fixture.out);
    const found = new Set(underWayIn(journal, tokens));
    await journal.close();
    return found;
  }

  const refused = (files: string, message: RegExp): Promise<void> =>
    assert.rejects(run(files), (error: PealError) => {
      assert.match(error.message, message);
      assert.match(error.code, /^ERR_PEAL_(?:INPUT|OPTION)$/);
      return true;
    });

  for (const kilobytes of [600, 900, 1_300, 1_700]) {
    it(`on a disk with ${kilobytes} kB: goes on when there is more (a tmpfs, as root)`, async function () {
      if (!mount(`size=${kilobytes}k`)) this.skip();
      const tokens = mixedTokens(count);
      const list = await fixture.list(tokens);
      const report = await run(list);
      const sentences = report.problems.map(({ message }) => message).join('\n');
      assert.match(sentences, /disk is full/);
      const { accepted, rejected, unsent, unknown, recipients } = report.summary;
      assert.equal(accepted + rejected + unsent + unknown, recipients);
      assert.equal(recipients, count);
      assert.equal(report.summary.state, 'stopped');
      const underWay = await underWayNow(tokens);
      spawnSync('mount', ['-o', 'remount,size=64m', disk!]);
      await endWell(list, tokens, underWay);
    });
  }

  it('in a directory that is read-only', async function () {
    const list = await fixture.list(mixedTokens(100));
    if (process.getuid?.() === 0) {
      if (!mount('size=1m,ro')) this.skip();
    } else {
      mkdirSync(fixture.out);
      chmodSync(fixture.out, 0o500);
    }
    await refused(list, /may not be written|read-only/);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
    if (disk === null) chmodSync(fixture.out, 0o700);
  });

  it('on a journal that is damaged: sends nothing, and goes on with the one that was kept', async () => {
    const tokens = mixedTokens(count);
    const list = await fixture.list(tokens);
    const requests = await runInPart(list);
    const journal = path.join(fixture.out, 'journal.lmdb');
    const kept = readFileSync(journal);
    for (const [from, to] of [
      [0, 8_192],
      [8_192, kept.length],
    ] as const) {
      const damaged = Buffer.from(kept);
      damaged.fill(0x5a, from, to);
      writeFileSync(journal, damaged);
      await refused(list, /damaged|is not a journal/);
    }
    writeFileSync(journal, kept.subarray(0, 10_000));
    await refused(list, /damaged|is not a journal/);
    assert.equal(fixture.simulator.ledger.summary().requests, requests);
    writeFileSync(journal, kept);
    await endWell(list, tokens, new Set());
  });

  it('on a gzip that is cut off since: sends nothing, and goes on with the whole one', async () => {
    const tokens = mixedTokens(count);
    const list = path.join(fixture.folder, 'list.gz');
    const whole = gzipSync(tokens.join('\n'));
    writeFileSync(list, whole);
    const requests = await runInPart(list);
    writeFileSync(list, whole.subarray(0, whole.length >> 1));
    await refused(list, /had .* bytes and not/);
    assert.equal(fixture.simulator.ledger.summary().requests, requests);
    writeFileSync(list, whole);
    await endWell(list, tokens, new Set());
  });

  it('on a gzip that was cut off from the start: keeps what it has sent, and says so again', async () => {
    const tokens = mixedTokens(count);
    const list = path.join(fixture.folder, 'list.gz');
    const whole = gzipSync(tokens.join('\n'));
    writeFileSync(list, whole.subarray(0, whole.length >> 1));
    const first = await run(list);
    assert.match(first.problems.map(({ message }) => message).join('\n'), /list\.gz/);
    assert.equal(first.summary.state, 'stopped');
    const { requests, accepted } = fixture.simulator.ledger.summary();
    assert.equal(first.summary.accepted, accepted);
    const second = await run(list);
    assert.equal(second.summary.accepted, accepted);
    assert.equal(second.summary.state, 'stopped');
    assert.equal(fixture.simulator.ledger.summary().requests, requests);
    writeFileSync(list, whole);
    await refused(list, /had .* bytes and not/);
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });

  it('on a Parquet file of another schema: sends nothing, and goes on with the first one', async () => {
    const tokens = mixedTokens(count);
    const list = path.join(fixture.folder, 'list.parquet');
    const text = (name: string, data: readonly string[]) => ({ name, data: [...data], type: 'STRING' as const });
    const names = tokens.map((_, index) => `Name ${index}`);
    const write = (columns: ReturnType<typeof text>[]): void =>
      writeFileSync(list, Buffer.from(parquetWriteBuffer({ columnData: columns })));
    write([text('token', tokens), text('name', names)]);
    cpSync(list, `${list}.kept`);
    const requests = await runInPart(list);
    write([text('name', names), text('device', tokens), text('city', names)]);
    await refused(list, /had .* bytes and not|is another/);
    write([text('name', tokens.toReversed()), text('token', names)]);
    await refused(list, /list\.parquet/);
    assert.equal(fixture.simulator.ledger.summary().requests, requests);
    cpSync(`${list}.kept`, list);
    await endWell(list, tokens, new Set());
  });
});
