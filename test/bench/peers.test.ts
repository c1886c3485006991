import assert from 'node:assert/strict';
import { hasPeer } from '../../bench/lib/peers.js';
import { medianOf, quickReport } from './quick-report.js';

describe('bench:peers', () => {
  it('measures peal beside others, and names what is not installed', async () => {
    const [report, output] = await quickReport('comparison/main');
    const named = [...report.rows, ...report.skipped].map(({ contender }) => contender);
    for (const name of ['peal', '@parse/node-apn', 'apns2', 'hapns', 'node:http2', 'h2load']) {
      assert.ok(named.includes(name), name);
    }
    const own = report.rows.find(({ contender }) => contender === 'peal')!;
    assert.deepEqual(own.parameters, { server: 'the sink', way: 'bulk' });
    for (const row of report.rows) {
      assert.ok(medianOf(row, 'cpuUs') > 0 && medianOf(row, 'perSecond') > 0);
      if (row.contender.startsWith('peal')) assert.equal(medianOf(row, 'failed'), 0);
    }
    if (!hasPeer('hapns')) assert.match(output, /Left out: hapns\. It is not installed: npm ci/);
  });
});
