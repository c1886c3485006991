import assert from 'node:assert/strict';
import { hasPeer } from '../../bench/lib/peers.js';
import { h2o, nginx } from '../../bench/servers/other-servers.js';
import { simulator } from '../../bench/servers/our-servers.js';
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

  it('sends to the simulator, and to servers written by others where they are installed', async () => {
    const [report] = await quickReport('comparison/main', ['--server', 'simulator,nginx,h2o', '--contender', 'peal']);
    const labels = new Set(report.rows.map(({ parameters }) => String(parameters.server)));
    for (const { name, missing } of [simulator, nginx, h2o]) {
      const isMeasured = [...labels].some((label) => label.includes(name));
      const isLeftOut = report.skipped.some(({ contender }) => contender === `server ${name}`);
      assert.deepEqual([isMeasured, isLeftOut], missing() === null ? [true, false] : [false, true], name);
    }
    for (const row of report.rows) assert.equal(medianOf(row, 'failed'), 0);
  });

  it('refuses a server that it does not know', async () => {
    await assert.rejects(quickReport('comparison/main', ['--server', 'apache']), /"apache" is not known/);
  });
});
