/** The files of a report in a directory. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PealError } from '../../../src/base/errors.js';
import { reportHtml } from '../../../src/campaign/report/report.js';
import { summaryJson } from '../../../src/campaign/report/summary.js';
import { writeReport } from '../../../src/campaign/report/write-report.js';
import { emptyReport, stoppedReport } from './report-fixtures.js';

describe('writeReport', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-report-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes both files whole, for their owner only, in place of older ones, and leaves nothing else', async () => {
    for (const data of [emptyReport(), stoppedReport()]) {
      const [summary, report] = await writeReport(folder, data);
      assert.equal(readFileSync(summary!, 'utf8'), summaryJson(data.title, data.summary));
      assert.equal(readFileSync(report!, 'utf8'), reportHtml(data));
    }
    assert.deepEqual(readdirSync(folder).sort(), ['report.html', 'summary.json']);
    for (const name of readdirSync(folder)) assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600);
  });

  it('says which file cannot be written and why, and keeps the older one', async () => {
    mkdirSync(path.join(folder, 'report.html'));
    writeFileSync(path.join(folder, 'summary.json'), 'older');
    await assert.rejects(writeReport(folder, emptyReport()), (error: PealError) => {
      assert.ok(error instanceof PealError);
      assert.equal(error.code, 'ERR_PEAL_INPUT');
      assert.match(error.message, /report\.html cannot be written: it is a directory\.$/);
      return true;
    });
    assert.deepEqual(readdirSync(folder).sort(), ['report.html', 'summary.json']);

    const missing = path.join(folder, 'missing');
    await assert.rejects(
      writeReport(missing, emptyReport()),
      /summary\.json cannot be written: its directory does not/,
    );
  });
});
