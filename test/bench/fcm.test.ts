import assert from 'node:assert/strict';
import { medianOf, quickReport } from './quick-report.js';

describe('bench: fcm', () => {
  it('measures each call of peal to FCM, and node:http2, and checks what arrived', async () => {
    const [{ rows }, printed] = await quickReport('fcm/main', ['--count', '300', '--slow-count', '300']);
    const contenders = rows.map(({ contender }) => contender).filter((name) => !name.startsWith('firebase-admin'));
    const calls = [
      'send',
      'send, one thread',
      'send, packed tokens',
      'send, a field of each',
      'push',
      'send, usual rate',
    ];
    assert.deepEqual(contenders, [...calls.map((call) => `peal, ${call}`), 'node:http2']);
    for (const row of rows) assert.ok(medianOf(row, 'cpuUs') > 0 && medianOf(row, 'connections') >= 1, row.contender);
    assert.match(printed, /peal, push/);
  });
});
