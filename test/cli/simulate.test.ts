/** `peal simulate` as a process: what it announces, and that its options reach the simulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { scriptedBinaryToken } from '../../src/simulator/binary-script.js';
import { jsonLines, runCommand } from '../support/command.js';

const token = scriptedBinaryToken(8);

describe('peal simulate', () => {
  it('opens what it is told to, says where in one line of JSON, and ends with 0 when it is interrupted', async () => {
    let pending: unknown;
    const where = ['--binary-port', '0', '--feedback-port', '0', '--json'];
    const how = ['--status-delay', '5', '--close-after', '100', '--feedback-token', `${token},2021-03-31T00:00:00Z`];
    const { code, stdout, stderr } = await runCommand(['simulate', ...where, ...how], {
      whileRunning: async (child, output) => {
        while (!output().includes('\n')) await once(child.stdout!, 'data');
        const controlUrl = String(jsonLines(output())[0]?.controlUrl);
        pending = await (await fetch(`${controlUrl}/peal/feedback`)).json();
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
    const [announced, ...more] = jsonLines(stdout);
    assert.deepEqual(more, []);
    assert.match(String(announced?.url), /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.match(String(announced?.binaryUrl), /^binary:\/\/127\.0\.0\.1:\d+$/);
    assert.match(String(announced?.feedbackUrl), /^feedback:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(pending, [{ token, timestamp: Date.UTC(2021, 2, 31) / 1000 }]);
  });

  it('refuses a feedback token without repeating it', async () => {
    const wrong = `${'ab'.repeat(31)}zz`;
    const { code, stderr } = await runCommand(['simulate', '--feedback-port', '0', '--feedback-token', wrong]);
    assert.equal(code, 2);
    assert.match(stderr, /feedback\[0\]\.token/);
    assert.ok(!stderr.includes('abab'));
  });
});
