/**
 * A campaign that three worker processes send: the same files, counts and exit code as those of one process, and the
 * simulator's books.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mixedTokens } from '../../campaign/campaign-fixture.js';
import { Fixture, randomTokens } from '../../cli/fixture.js';
import { runCommand } from '../../support/command.js';
import { RedisServer } from '../../support/redis-server.js';
import { ClusterFixture } from './cluster-fixture.js';
import { assertSameOutputs } from './cluster-judge.js';

describe('a campaign on several machines', () => {
  let cluster: ClusterFixture;
  let alone: Fixture;

  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  beforeEach(async () => {
    cluster = await ClusterFixture.open();
    alone = await Fixture.open();
  });

  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await alone[Symbol.asyncDispose]();
  });

  /** Sends the list in both ways, and compares all that is left of them. */
  async function compare(list: string, options: readonly string[], seen: number): Promise<void> {
    const without = options.includes('--payload') ? ['--alert'] : [];
    const args = alone.send(list, { without, with: ['--json', ...options] });
    const sending = runCommand(args, { ownProcess: true });
    await cluster.workers(3);
    const dispatcher = cluster.dispatch(list, ['--json', ...options]);
    const [one, { code }] = await Promise.all([sending, dispatcher.ended]);
    assert.equal(code, one.code, dispatcher.stderr);
    assert.equal(dispatcher.stderr, one.stderr);
    assertSameOutputs(cluster.base.path('out'), alone.path('out'));
    const [books, others] = [cluster.base.simulator, alone.simulator].map(({ ledger }) => ledger.summary());
    const { connections, ...same } = books!;
    // A list of two slices leaves one of the three workers without any.
    const workers = Math.min(3, Math.floor(seen / 9_000));
    assert.ok(connections >= workers, `${connections} connections of ${workers} workers that have slices`);
    assert.deepEqual({ ...same, connections: others!.connections }, others);
    const { accepted, rejected, duplicates, reasons, distinctTokens } = books!;
    const summary = JSON.parse(readFileSync(cluster.base.path('out/summary.json'), 'utf8'));
    assert.deepEqual([summary.accepted, summary.rejected, summary.reasons], [accepted, rejected, reasons]);
    assert.deepEqual([duplicates, distinctTokens], [0, seen]);
    assert.deepEqual(await cluster.cluster.store.campaigns(), [], 'nothing of it is left in the store');
    assert.equal(cluster.redis.cli('--scan', '--pattern', '*s[0-9]*'), '', 'no slice and no job is left in Redis');
  }

  it('of 200,000 recipients, with bad tokens, duplicates and invalid rows: all is as one process leaves it', async () => {
    const tokens = mixedTokens(200_000);
    const lines = tokens.flatMap((token, index) => {
      if (index % 1000 === 7) return [token, 'not a token'];
      return index % 500 === 3 ? [token, tokens[index >> 1]!] : [token];
    });
    const list = await alone.write('list.txt', lines.join('\n'));
    await compare(list, ['--accepted'], 200_000);
  });

  it('with personal messages out of CSV, rows without a value and rows that are not valid', async () => {
    const rows = randomTokens(20_000).map((token, index) => {
      const badge = index % 1000 === 5 ? 'many' : index % 90;
      return `${index},${token},${index % 7 === 0 ? '' : `Name ${index}`},${badge}`;
    });
    const list = await alone.write('list.csv', ['user_id,device,name,badge', ...rows].join('\n'));
    const payload = { aps: { alert: 'Hello {{name|there}}', badge: '{{badge:number}}' } };
    await alone.write('payload.json', JSON.stringify(payload));
    await compare(list, ['--payload', alone.path('payload.json'), '--accepted'], 19_980);
  });
});
