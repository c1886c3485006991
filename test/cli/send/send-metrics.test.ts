/** `peal send` that is scraped while it runs: what /metrics says is what summary.json says in the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { type ReadMetrics, readMetrics } from '../../support/metrics-text.js';
import { Fixture, randomTokens } from '../fixture.js';

const outcomes = ['accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'duplicate'] as const;

/** What is read of summary.json. */
interface Summary extends Readonly<Record<(typeof outcomes)[number], number>> {
  readonly recipients: number;
  readonly resent: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly answers: number };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Scrapes until nobody answers any more. The first one waits until somebody does. */
async function scrapeAll(port: number): Promise<ReadMetrics[]> {
  const reads: ReadMetrics[] = [];
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } }).catch(
      () => null,
    );
    const text = await response?.text().catch(() => null);
    if (text != null) {
      reads.push(readMetrics(text));
      assert.doesNotMatch(text, /[0-9a-f]{40}|eyJ|PRIVATE/i, 'no device token, provider token or key');
    } else if (reads.length > 0) return reads;
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

const countOf = (read: ReadMetrics, outcome: string): number => read.sum('peal_notifications_total', { outcome });

describe('peal send --metrics-port', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  async function summary(): Promise<Summary> {
    return JSON.parse(await fixture.output('summary.json')) as Summary;
  }

  for (const threads of ['0', '1']) {
    it(`agrees with summary.json at the end, and only grows on the way there, threads: ${threads}`, async () => {
      const list = [
        ...randomTokens(15_000),
        ...Array.from({ length: 40 }, (_, at) => scriptedToken('Unregistered', at)),
        ...Array.from({ length: 30 }, (_, at) => scriptedToken('BadDeviceToken', at)),
        'no token',
      ];
      const tokens = await fixture.write('tokens.txt', `${[...list, ...list.slice(0, 25)].join('\n')}\n`);
      const port = await freePort();
      const own = [
        '--metrics-port',
        String(port),
        '--metrics-linger',
        '60s',
        '--rate',
        '15000/s',
        '--threads',
        threads,
      ];
      const args = fixture.send(tokens, { without: ['--threads'], with: own });
      const [{ code, stderr }, reads] = await Promise.all([
        runCommand(args, { ownProcess: true, whileRunning: () => {} }),
        scrapeAll(port),
      ]);
      assert.equal(code, 3, stderr);
      assert.match(stderr, new RegExp(`peal: metrics are served at http://127\\.0\\.0\\.1:${port}/metrics\n`));
      assert.ok(reads.length >= 3, `${reads.length} scrapes`);

      for (const outcome of outcomes) {
        const counts = reads.map((read) => countOf(read, outcome));
        assert.deepEqual(
          counts,
          counts.toSorted((a, b) => a - b),
          `${outcome} only grows`,
        );
      }
      const answers = reads.map((read) => read.sum('peal_answer_duration_seconds_count'));
      assert.deepEqual(
        answers,
        answers.toSorted((a, b) => a - b),
      );

      const last = reads.at(-1)!;
      const said = await summary();
      for (const outcome of outcomes) {
        assert.equal(countOf(last, outcome), said[outcome], outcome);
        assert.equal(last.sum('peal_campaign_recipients', { outcome }), said[outcome], outcome);
      }
      for (const [reason, count] of Object.entries(said.reasons)) {
        assert.equal(last.sum('peal_notifications_total', { reason }), count, reason);
      }
      assert.equal(said.reasons.Unregistered, 40);
      assert.equal(last.sum('peal_answer_duration_seconds_count'), said.latencyMs.answers);
      assert.equal(last.sum('peal_requests_resent_total'), said.resent);
      assert.equal(last.sum('peal_campaign_read_recipients'), said.recipients);
      assert.equal(last.sum('peal_campaign_state', { state: 'finished' }), 1);
      assert.equal(last.sum('peal_campaign_state'), 1);
      // On a busy machine the pool opens a second one.
      const opened = last.sum('peal_connections_opened_total');
      assert.ok(opened >= 1, `${opened} connections`);
      assert.equal(last.sum('peal_connections_ended_total', { cause: 'normal' }), opened);
      assert.equal(last.sum('peal_campaign_noted_recipients'), 0);
      assert.ok(reads.some((read) => read.sum('peal_campaign_state', { state: 'running' }) === 1));
      assert.ok(reads.some((read) => read.sum('peal_connections', { state: 'open' }) >= 1));
      assert.ok(reads.some((read) => read.sum('peal_provider_token_age_seconds') > 0));
    });
  }

  it('counts a resumed campaign for this process, and the campaign over all of its runs', async () => {
    const list = [...randomTokens(500), scriptedToken('Unregistered'), ...randomTokens(1500)];
    const tokens = await fixture.write('tokens.txt', `${list.join('\n')}\n`);
    const canary = ['--canary', '1000', '--canary-share', '100', '--yes'];
    const first = await runCommand(fixture.send(tokens, { with: canary }));
    assert.equal(first.code, 7, first.stderr);
    const before = await summary();
    assert.deepEqual([before.accepted, before.rejected, before.unsent], [999, 1, 1001]);
    const port = await freePort();
    const own = ['--metrics-port', String(port), '--metrics-linger', '60s'];
    const [{ code }, reads] = await Promise.all([
      runCommand(fixture.send(tokens, { without: ['--force'], with: own }), {
        ownProcess: true,
        whileRunning: () => {},
      }),
      scrapeAll(port),
    ]);
    assert.equal(code, 3);
    const last = reads.at(-1)!;
    const said = await summary();
    for (const outcome of outcomes) assert.equal(last.sum('peal_campaign_recipients', { outcome }), said[outcome]);
    assert.deepEqual(
      outcomes.map((outcome) => countOf(last, outcome)),
      [1001, 0, 0, 0, 0, 0],
    );
    assert.equal(last.sum('peal_answer_duration_seconds_count'), 1001);
  });

  it('ends before anything is sent where the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    fixture.simulator.ledger.reset();
    const tokens = await fixture.write('tokens.txt', `${randomTokens(5).join('\n')}\n`);
    const { code, stderr } = await runCommand(fixture.send(tokens, { with: ['--metrics-port', String(port)] }));
    assert.equal(code, 2);
    assert.equal(
      stderr,
      `peal: --metrics-port: another process listens at port ${port} of 127.0.0.1. Give another port, or 0 for a free one.\n`,
    );
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('does not keep the process for readers that stay connected', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(5).join('\n')}\n`);
    const own = ['--metrics-port', '0', '--quiet', '--not-before', '1s'];
    let reader: Promise<Response> | null = null;
    const { code } = await runCommand(fixture.send(tokens, { with: own }), {
      ownProcess: true,
      whileRunning: async (child) => {
        const url = await new Promise<string>((resolve) => {
          child.stderr!.on('data', (text: string) => {
            const said = /http:\S+/.exec(text)?.[0];
            if (said !== undefined) resolve(said);
          });
        });
        reader = fetch(url);
        const waiting = await fetch(url.replace('metrics', 'readyz'));
        assert.equal(waiting.status, 503);
        assert.match(await waiting.text(), /\.\n$/);
      },
    });
    assert.equal(code, 0);
    assert.ok(reader !== null);
  });

  it('ends the wait for a last scrape at a signal, and when its time is over, with the code of the run', async () => {
    const tokens = await fixture.write('tokens.txt', `${randomTokens(5).join('\n')}\n`);
    const lingering = (time: string): string[] =>
      fixture.send(tokens, { with: ['--metrics-port', '0', '--metrics-linger', time] });
    const interrupted = await runCommand(lingering('1h'), {
      ownProcess: true,
      whileRunning: async (child, output) => {
        while (!output().includes('report.html')) await once(child.stdout!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([interrupted.code, interrupted.signal], [0, null], interrupted.stderr);
    const beganMs = performance.now();
    assert.equal((await runCommand(lingering('1s'))).code, 0);
    assert.ok(performance.now() - beganMs >= 1000);
  });

  it('is taken by peal resume, with a log', async () => {
    const list = [...randomTokens(300), scriptedToken('Unregistered'), ...randomTokens(1500)];
    const tokens = await fixture.write('tokens.txt', `${list.join('\n')}\n`);
    const canary = ['--canary', '1000', '--canary-share', '100', '--yes', '--max-duration', '60s'];
    assert.equal((await runCommand(fixture.send(tokens, { with: canary }))).code, 7);
    const own = ['--canary-share', '10', '--metrics-port', '0', '--log-format', 'json'];
    const { code, stderr } = await runCommand(['resume', fixture.path('out'), ...own]);
    assert.equal(code, 3, stderr);
    const said = jsonLines(stderr).map(({ msg }) => msg as string);
    assert.ok(said.some((msg) => msg.startsWith('metrics are served at http://127.0.0.1:')));
    assert.ok(said.includes('the campaign began') && said.includes('the campaign is finished'), said.join('\n'));
  });

  it('refuses options that have no server', async () => {
    for (const [name, value] of [
      ['--metrics-host', '0.0.0.0'],
      ['--metrics-linger', '5s'],
    ] as const) {
      const { code, stderr } = await runCommand(fixture.send('none.txt', { with: [name, value] }));
      assert.equal(code, 2);
      assert.equal(stderr, `peal: ${name} goes with --metrics-port PORT, which is missing.\n`);
    }
  });
});
