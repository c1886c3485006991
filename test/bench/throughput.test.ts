import assert from 'node:assert/strict';
import { medianOf, quickReport } from './quick-report.js';

describe('bench:throughput', () => {
  it('measures bulk sends over both protocols, beside node:http2, and the command', async () => {
    const [report, output] = await quickReport('macro/throughput');
    const rows = report.rows.map(({ contender, parameters }) => `${parameters.protocol}: ${contender}`);
    for (const row of [
      'HTTP/2: peal, in-process',
      'HTTP/2: peal, threads: auto',
      'HTTP/2: peal, in-process, journal',
      'HTTP/2: node:http2',
      'HTTP/2: peal send, tokens from a file',
      'binary: peal, in-process',
    ]) {
      assert.ok(rows.includes(row), row);
    }
    for (const row of report.rows) {
      for (const metric of ['cpuUs', 'perSecond', 'peakRssMb']) assert.ok(medianOf(row, metric) > 0);
    }
    assert.match(output, /^node:http2 .* 1\.0 x$/m);
  });
});
