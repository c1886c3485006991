/** The series and the latencies of a campaign, and the file in which they outlive a process. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { reportHtml } from '../../../src/campaign/report/report.js';
import { RunRecord, type RunRecordData, readRunRecord } from '../../../src/campaign/report/run-record.js';
import type { SeriesSample } from '../../../src/campaign/report/run-series.js';
import { LatencyHistogram } from '../../../src/engine/latency-histogram.js';
import { mutationsOf } from '../../support/mutations.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { emptyReport } from './report-fixtures.js';

const quiet: SeriesSample = {
  accepted: 0,
  rejected: 0,
  unknown: 0,
  connections: 2,
  streamLimit: 1000,
  inFlight: 0,
  hasWork: true,
  pace: null,
};

describe('RunRecord', () => {
  let folder: string;
  let file: string;
  let clock: VirtualClock;
  let now: SeriesSample;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-record-'));
    file = path.join(folder, '.peal-series.json');
    clock = new VirtualClock();
    now = quiet;
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const opened = (isResumed = false, where: string | null = folder): Promise<RunRecord> =>
    RunRecord.open(where, clock, () => now, isResumed);

  /** Seconds in which recipients are accepted, each after 50 ms. */
  function pass(record: RunRecord, seconds: number, perSecond = 100): void {
    for (let second = 0; second < seconds; second++) {
      now = { ...now, accepted: now.accepted + perSecond };
      record.latencies.record(50, perSecond);
      clock.advance(1000);
    }
  }

  const notesOf = (record: RunRecord): string[] => record.series.toData().notes.map(({ text }) => text);

  /** Until the file is there, or has changed. */
  async function written(before = ''): Promise<string> {
    for (;;) {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (text !== before) return text;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  it('writes every five seconds and at the end, whole, for its owner only', async () => {
    const record = await opened();
    record.start();
    pass(record, 4);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(readdirSync(folder), []);
    pass(record, 1);
    const first = await written();
    assert.equal((await readRunRecord(folder))!.series.points.accepted.length, 4);
    pass(record, 5);
    const second = await written(first);
    pass(record, 1);
    await record.stop();
    assert.notEqual(readFileSync(file, 'utf8'), second);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['.peal-series.json']);
    const saved = await readRunRecord(folder);
    assert.deepEqual(saved!.series, record.series.toData());
    assert.deepEqual(saved!.latency, record.latencies.toData());
    assert.equal(
      saved!.series.points.accepted.reduce((sum, count) => sum + count, 0),
      1100,
    );
  });

  it('goes on where the run before has ended, with its latencies and its most connections', async () => {
    const first = await opened();
    first.start();
    pass(first, 3);
    now = { ...now, connections: 9 };
    pass(first, 1);
    now = { ...now, connections: 3 };
    pass(first, 2);
    await first.stop();
    assert.equal(first.mostConnections, 9);

    clock.advance(3_600_000);
    now = quiet;
    const second = await opened(true);
    assert.equal(second.mostConnections, 9);
    second.start();
    pass(second, 2, 50);
    await second.stop();
    const { series, latency } = (await readRunRecord(folder))!;
    assert.equal(series.runs, 2);
    assert.deepEqual([...new Set(series.points.run)], [0, 1]);
    assert.equal(second.latencies.count, 700);
    assert.deepEqual(latency, second.latencies.toData());
    assert.deepEqual(notesOf(second), []);
  });

  it('loses at most five seconds of a run that was killed, and takes over what it left of a file', async () => {
    const killed = await opened();
    killed.start();
    pass(killed, 5);
    await written();
    pass(killed, 4);
    writeFileSync(`${file}.partial`, 'half', { mode: 0o644 });
    now = quiet;
    const next = await opened(true);
    assert.equal(next.latencies.count, 500);
    next.start();
    await next.stop();
    assert.deepEqual(readdirSync(folder), ['.peal-series.json']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('begins anew with a note where the file is damaged, is no file or is missing', async () => {
    const record = await opened();
    record.start();
    pass(record, 2);
    await record.stop();
    const whole = readFileSync(file, 'utf8');
    for (const text of ['', '{', 'null', '[]', whole.slice(0, -10), whole.replace('100', '101'), 'x'.repeat(5 << 20)]) {
      writeFileSync(file, text);
      const next = await opened(true);
      assert.deepEqual(notesOf(next), ['The charts begin anew with this run: .peal-series.json is damaged.']);
      assert.equal(next.latencies.count, 0);
      assert.equal(await readRunRecord(folder), null);
    }
    rmSync(file);
    assert.deepEqual(notesOf(await opened(true)), [
      'The charts begin anew with this run: .peal-series.json is missing.',
    ]);
    assert.deepEqual(notesOf(await opened()), []);
    mkdirSync(file);
    assert.match(notesOf(await opened())[0]!, /\.peal-series\.json is damaged\.$/);
  });

  it('begins anew where another version has written the file', async () => {
    const record = await opened();
    record.start();
    pass(record, 2);
    await record.stop();
    const { check: _, ...saved } = JSON.parse(readFileSync(file, 'utf8')) as RunRecordData & { check: number };
    let read = 0;
    for (const { name, data } of mutationsOf(saved)) {
      writeFileSync(file, JSON.stringify({ check: crc32(JSON.stringify(data)), ...data }));
      const found = await readRunRecord(folder);
      if (found !== null) read += 1;
      const next = await opened(true);
      assert.equal(notesOf(next).at(-1)?.includes('is damaged') ?? false, found === null, name);
      if (found !== null) assert.doesNotThrow(() => reportHtml({ ...emptyReport(), ...found }), name);
    }
    assert.ok(read > 0);
  });

  it('says once that it cannot write, and goes on', async () => {
    const record = await opened();
    record.start();
    mkdirSync(file);
    for (let turn = 0; turn < 3; turn++) {
      pass(record, 5);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    while (notesOf(record).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(notesOf(record), [
      'The charts may lack a part: .peal-series.json cannot be written: it is a directory.',
    ]);
    // A machine that is busy may still be at the last attempt, which removes what it wrote.
    while (readdirSync(folder).length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(readdirSync(folder), ['.peal-series.json']);
    rmdirSync(file);
    await record.stop();
    assert.equal((await readRunRecord(folder))!.latency.counts[1], 1500);
    assert.equal(notesOf(record).length, 1);
  });

  it('ends without an error where the folder is gone', async () => {
    const record = await opened();
    record.start();
    rmSync(folder, { recursive: true });
    pass(record, 1);
    await record.stop();
    assert.match(notesOf(record)[0]!, /cannot be written: its directory does not exist\.$/);
  });

  it('writes nothing without a folder, and nothing before it has begun', async () => {
    const record = await opened(false, null);
    record.start();
    pass(record, 12);
    await record.stop();
    assert.equal(record.latencies.count, 1200);
    assert.equal(record.series.toData().points.accepted.length, 12);
    await (await opened()).stop();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('stays small, and a sample costs the same, however long the campaign is', async () => {
    const record = await opened(false, null);
    record.start();
    const hour = (): number => {
      const before = process.cpuUsage();
      for (let second = 0; second < 3600; second++) {
        if (second % 60 === 0)
          record.note(`At ${clock.now()} ${'something happened that takes a while to say '.repeat(99)}`);
        record.latencies.record(1 + (clock.now() % 997), 10);
        now = { ...now, accepted: now.accepted + 1000 };
        clock.advance(1000);
      }
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const size = (): number => JSON.stringify([record.series.toData(), record.latencies.toData()]).length;
    hour();
    const early = Math.min(hour(), hour());
    const sizeEarly = size();
    for (let more = 0; more < 40; more++) hour();
    const late = Math.min(hour(), hour());
    await record.stop();
    assert.ok(size() < 512 * 1024, `${size()} bytes`);
    assert.ok(size() < 2 * sizeEarly, `${size()} bytes, and ${sizeEarly} early`);
    assert.ok(late < 3 * early + 50_000, `${late} µs an hour, and ${early} early`);
  });

  it('keeps the latencies of each of two services, and those of both together', async () => {
    const openedForBoth = (isResumed: boolean): Promise<RunRecord> =>
      RunRecord.open(folder, clock, () => now, isResumed, 2);
    const first = await openedForBoth(false);
    first.start();
    first.serviceLatencies[0]!.record(10, 3);
    new LatencyHistogram(first.serviceLatencies[1]!.share()).record(100, 5);
    await first.stop();
    const next = await openedForBoth(true);
    next.start();
    next.serviceLatencies[1]!.record(200);
    assert.deepEqual(
      [next.latencies, ...next.serviceLatencies].map(({ count, longestMs }) => [count, longestMs]),
      [
        [9, 200],
        [3, 10],
        [6, 200],
      ],
    );
    await next.stop();
    const saved = (await readRunRecord(folder))!;
    assert.deepEqual(
      saved.services,
      next.serviceLatencies.map((each) => each.toData()),
    );
    assert.deepEqual(saved.latency, next.latencies.toData());
  });
});
