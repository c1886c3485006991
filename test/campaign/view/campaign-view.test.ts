/** A campaign as its folder shows it: at work, paused, killed, stopped, finished. The journals are real. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PealError } from '../../../src/base/errors.js';
import { identityPart } from '../../../src/campaign/journal/identity.js';
import type { Journal } from '../../../src/campaign/journal/journal.js';
import { openJournal } from '../../../src/campaign/journal/journal-folder.js';
import { RunRecord } from '../../../src/campaign/report/run-record.js';
import { writeReport } from '../../../src/campaign/report/write-report.js';
import type { CampaignFacts } from '../../../src/campaign/view/campaign-facts.js';
import { reportDataOf, summaryOf, viewCampaign } from '../../../src/campaign/view/campaign-view.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../../src/engine/ledger.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { runningFacts, startMs } from './view-facts.js';

const running = runningFacts;
const identity = { parts: [identityPart('the payload', 'Hi')], inputs: [] };
const digest = Uint8Array.of(1, 2, 3);
const noCounts = { underWay: 0, accepted: 0, rejected: 0, unsent: 0, unknown: 0 };

const ended = { startMs, endMs: startMs + 4000, seconds: 4, answered: 4, end: 'All recipients have an outcome.' };
const finished: CampaignFacts = { ...running, state: 'finished', exitCode: 0, runs: [ended] };

describe('viewCampaign', () => {
  let folder: string;
  let clock: VirtualClock;
  let facts: CampaignFacts;
  /** Those that are open. */
  let journals: Journal[];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-view-'));
    clock = new VirtualClock(startMs);
    facts = running;
    journals = [];
  });

  afterEach(async () => {
    for (const journal of journals) await journal.close().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });

  async function begin(): Promise<Journal> {
    const journal = await openJournal(folder, identity);
    journals.push(journal);
    return journal;
  }

  /** Keeps `facts` with each transaction. */
  async function work(): Promise<Journal> {
    const journal = await begin();
    journal.cutWith(() => ({ files: {}, facts: { ...facts }, written: null }));
    return journal;
  }

  /** Six recipients: two accepted, one of each other outcome, and one that is under way. */
  async function sendSix(journal: Journal): Promise<void> {
    await journal.note(0, digest, 6);
    journal.settle(0, Uint8Array.of(ACCEPTED, ACCEPTED, REJECTED + 26, UNSENT, UNKNOWN), [0, 1, 2, 3, 4]);
    await journal.flush();
  }

  const refused = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof PealError);
    assert.equal(error.code, 'ERR_PEAL_INPUT');
    assert.match(error.message, pattern);
    assert.equal(error.message.split('\n').length, 1);
    return true;
  };

  it('shows one at work: who is, what is under way, nothing to be done', async () => {
    facts = { ...running, neverNoted: 10, invalid: 3, duplicate: 7 };
    await sendSix(await work());
    const view = await viewCampaign(folder);
    assert.equal(view.holder!.pid, process.pid);
    assert.equal(view.underWay, 1);
    assert.ok(view.updatedMs! > 0);
    assert.deepEqual(
      view.events.map(({ kind }) => kind),
      ['began'],
    );
    const { summary } = view;
    assert.equal(summary.state, 'running');
    assert.deepEqual(
      [summary.accepted, summary.rejected, summary.unsent, summary.unknown, summary.invalid, summary.duplicate],
      [2, 1, 11, 1, 3, 7],
    );
    assert.equal(summary.recipients, 19);
    assert.equal(summary.perSecond, 0.75);
    assert.deepEqual(summary.next, []);
    assert.deepEqual(summary.files, []);
    assert.equal(summary.runs[0]!.end, null);
    assert.equal(view.series, null);
    assert.equal(summary.latency, null);
  });

  it('says how a paused one goes on', async () => {
    facts = { ...running, state: 'paused', why: 'A person paused it.' };
    await sendSix(await work());
    const { summary } = await viewCampaign(folder);
    assert.equal(summary.state, 'paused');
    assert.equal(summary.why, 'A person paused it.');
    assert.deepEqual(summary.next, [{ text: 'It goes on when you say so.', command: `peal resume ${folder}` }]);
  });

  for (const state of ['running', 'paused'] as const) {
    it(`shows one as killed that was ${state} when its process ended: what was under way is unknown`, async () => {
      facts = { ...running, state, expected: 6 };
      const journal = await work();
      await sendSix(journal);
      // As a kill leaves it: nothing more is said.
      await journal.close();
      const view = await viewCampaign(folder);
      assert.equal(view.holder, null);
      assert.equal(view.underWay, 0);
      const { summary } = view;
      assert.equal(summary.state, 'stopped');
      assert.equal(summary.stopped, null);
      assert.equal(summary.exitCode, null);
      assert.equal(summary.why, 'Its process was killed, the machine went down, or the disk was full.');
      assert.equal(summary.unknown, 2);
      assert.equal(summary.recipients, 6);
      assert.deepEqual(summary.runs, [{ ...running.runs[0], end: 'It was killed, or the disk was full.' }]);
      assert.deepEqual(
        summary.next.map(({ command }) => command),
        [`peal resume ${folder}`, `peal resume ${folder} --on-unknown resend`],
      );
      assert.match(summary.next[0]!.text, /^Go on with it\. 1 recipient is unsent\. /);
      assert.match(summary.next[1]!.text, /the 2 unknown recipients, which were sent to without an answer: /);
    });
  }

  it('advises no resending of what workers had when the dispatcher was killed: their books are asked first', async () => {
    facts = { ...running, isSentElsewhere: true, expected: 6 };
    const journal = await work();
    await journal.note(0, digest, 6);
    journal.settle(0, Uint8Array.of(ACCEPTED), [0]);
    await journal.flush();
    await journal.close();
    const { summary } = await viewCampaign(folder);
    assert.equal(summary.unknown, 5);
    assert.deepEqual(
      summary.next.map(({ command }) => command),
      [`peal resume ${folder}`],
    );
    assert.match(summary.next[0]!.text, / 5 unknown recipients are at workers, whose books are asked first: /);
  });

  it('sees a process of its own at work, and that it was killed', async () => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'viewed-child.js'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    try {
      const view = await viewCampaign(folder);
      assert.equal(view.holder!.pid, child.pid);
      assert.deepEqual([view.summary.state, view.summary.accepted, view.underWay], ['running', 60, 40]);
      assert.ok(view.series!.points.seconds.length >= 1);
    } finally {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    const { holder, underWay, summary, series } = await viewCampaign(folder);
    assert.deepEqual([holder, underWay], [null, 0]);
    assert.deepEqual([summary.state, summary.accepted, summary.unknown], ['stopped', 60, 40]);
    assert.ok(series!.points.seconds.length >= 1);
  });

  it('shows a run that has begun to go on, before it has said anything, as running', async () => {
    facts = { ...running, state: 'stopped', why: 'It was interrupted.', stopped: 'ERR_PEAL_ABORTED', exitCode: 130 };
    const first = await work();
    await sendSix(first);
    first.event('stopped', 'It was interrupted.');
    await first.close();
    const { summary } = await viewCampaign(folder);
    assert.deepEqual([summary.state, summary.stopped, summary.exitCode], ['stopped', 'ERR_PEAL_ABORTED', 130]);
    assert.equal(summary.why, 'It was interrupted.');
    await begin();
    const again = (await viewCampaign(folder)).summary;
    assert.deepEqual([again.state, again.stopped, again.exitCode, again.why], ['running', null, null, null]);
    assert.deepEqual(again.next, []);
  });

  it('shows earlier runs that were killed while the next one is at work', async () => {
    const later = { ...ended, startMs: startMs + 60_000, endMs: null, end: null };
    facts = { ...running, runs: [running.runs[0]!, later] };
    await sendSix(await work());
    const { summary } = await viewCampaign(folder);
    assert.deepEqual(
      summary.runs.map(({ end }) => end),
      ['It was killed, or the disk was full.', null],
    );
    assert.equal(summary.seconds, 8);
    assert.equal(summary.perSecond, 7 / 8);
  });

  it('refuses in one sentence what is no campaign, or has not begun', async () => {
    await assert.rejects(viewCampaign(folder), refused(/holds no journal of a campaign/));
    const journal = await begin();
    await assert.rejects(viewCampaign(folder), refused(/has only just begun: look again in a moment\.$/));
    await journal.close();
    await assert.rejects(viewCampaign(folder), refused(/ended before it sent anything: run the same program again\.$/));
  });

  it('refuses one of two services whose facts lack what this version shows, also where it goes on', async () => {
    const services = [{ service: 'apns', invalid: 0, neverNoted: 0 }];
    facts = { ...running, services: services as unknown as CampaignFacts['services'] & object };
    await sendSix(await work());
    await assert.rejects(viewCampaign(folder), refused(/was written by another version of peal: use that one/));
  });

  it('refuses one of a later version, and a journal that is damaged', async () => {
    facts = { ...running, version: 2 as 1 };
    const journal = await work();
    journal.event('finished');
    await journal.close();
    await assert.rejects(viewCampaign(folder), refused(/was written by another version of peal: use that one/));
    writeFileSync(path.join(folder, 'journal.lmdb'), 'not a journal');
    await assert.rejects(viewCampaign(folder), refused(/journal\.lmdb/));
  });

  it('refuses a journal that was made before its first transaction', async () => {
    const { LmdbStore } = await import('../../../src/campaign/journal/lmdb-store.js');
    await (await LmdbStore.open(path.join(folder, 'journal.lmdb'))).close();
    await assert.rejects(viewCampaign(folder), refused(/ended before it sent anything/));
  });

  it('shows a finished one with its series and latencies, and makes the report of it', async () => {
    facts = { ...finished, reasons: [{ reason: 'Unregistered', status: 410, count: 1 }] };
    const journal = await work();
    const sample = { accepted: 0, rejected: 0, unknown: 0, connections: 2, streamLimit: 100, inFlight: 1 };
    let accepted = 0;
    const look = () => ({ ...sample, accepted, hasWork: true, pace: null });
    const record = await RunRecord.open(folder, clock, look);
    record.start();
    for (let second = 0; second < 8; second++) {
      accepted += 10;
      record.latencies.record(40, 10);
      clock.advance(1000);
    }
    await record.stop();
    await journal.note(0, digest, 4);
    journal.settle(0, Uint8Array.of(ACCEPTED, ACCEPTED, ACCEPTED, REJECTED + 26));
    journal.event('finished');
    await journal.close();
    for (const name of ['gone.csv', 'rejected.csv', 'accepted.ndjson']) writeFileSync(path.join(folder, name), '');

    const view = await viewCampaign(folder);
    assert.equal(view.summary.latency!.answers, 80);
    assert.equal(view.series!.points.accepted.length, 8);
    assert.deepEqual(
      view.summary.files.map(({ name, rows }) => [name, rows]),
      [
        ['gone.csv', 1],
        ['rejected.csv', 0],
        ['accepted.ndjson', 3],
      ],
    );
    const data = reportDataOf(view, '1.2.3', 'Europe/Berlin', startMs + 9000);
    assert.deepEqual(
      data.summary.files.map(({ name }) => name),
      ['gone.csv', 'rejected.csv', 'accepted.ndjson', 'summary.json'],
    );
    await writeReport(folder, data);
    assert.ok(readdirSync(folder).includes('report.html'));
    const written = (await viewCampaign(folder)).summary.files.map(({ name }) => name);
    assert.deepEqual(written.slice(-2), ['summary.json', 'report.html']);
    const html = readFileSync(path.join(folder, 'report.html'), 'utf8');
    for (const text of ['Weekend offers', 'com.example.app', 'Delete the 1 token of gone.csv', 'peal 1.2.3']) {
      assert.ok(html.includes(text), text);
    }
    const summary = JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as Record<string, unknown>;
    assert.equal(summary.accepted, 3);
    assert.equal(summary.state, 'finished');
    const { files, ...again } = (await viewCampaign(folder)).summary;
    assert.deepEqual({ ...again, files: files.slice(0, -2) }, view.summary);
  });

  it('makes the report also of one at work, and of one that has sent nothing', async () => {
    facts = { ...running, runs: [] };
    const journal = await work();
    journal.event('waits');
    await journal.flush();
    const view = await viewCampaign(folder);
    assert.equal(view.summary.perSecond, 0);
    await writeReport(folder, reportDataOf(view, '1.2.3', 'UTC', startMs));
    assert.ok(readdirSync(folder).includes('report.html'));
  });
});

describe('summaryOf', () => {
  it('is the summary of a campaign without a folder, too', () => {
    const summary = summaryOf({
      facts: { ...finished, reasons: [{ reason: 'Unregistered', status: 410, count: 3 }], neverNoted: 2 },
      counts: { ...noCounts, accepted: 4, rejected: 3, unknown: 1 },
      latency: null,
      isHeld: true,
      willReport: false,
      folder: null,
    });
    assert.equal(summary.recipients, 10);
    assert.deepEqual(summary.files, []);
    assert.deepEqual(summary.next, [
      {
        text:
          'No file names the recipients that are 2 unsent, 1 unknown and 3 gone: ' +
          'a campaign with a folder keeps them, and can be resumed.',
        command: null,
      },
    ]);
  });

  it('orders reasons by how often they came', () => {
    const reasons = [
      { reason: 'BadDeviceToken', status: 400, count: 2 },
      { reason: 'Unregistered', status: 410, count: 5 },
    ];
    const facts = { ...finished, reasons };
    const summary = summaryOf({
      facts,
      counts: noCounts,
      latency: null,
      isHeld: false,
      willReport: false,
      folder: null,
    });
    assert.deepEqual(summary.reasons, reasons.toReversed());
    assert.equal(summary.state, 'finished');
  });
});

describe('the facts of a campaign', () => {
  it('stay below 64 KiB with 100 runs and 30 reasons, because each transaction writes them', () => {
    const facts: CampaignFacts = {
      ...finished,
      runs: Array.from({ length: 100 }, () => ({ ...ended, end: `It was stopped: ${'x'.repeat(300)}.` })),
      reasons: Array.from({ length: 30 }, (_, at) => ({ reason: `ReasonOfManyWords${at}`, status: 400, count: 1e7 })),
      causes: Array.from({ length: 20 }, () => ({
        code: 'ERR_PEAL_CONNECT_TIMEOUT',
        message: 'y'.repeat(300),
        unsent: 1e7,
        unknown: 1e7,
      })),
    };
    assert.ok(JSON.stringify(facts).length < 64 * 1024);
  });
});
