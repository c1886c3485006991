import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

describe('examples', () => {
  it('embed.ts sends, retries, cleans up, and ends by itself', async () => {
    const example = fileURLToPath(new URL('../../examples/embed.js', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [example]);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(stderr, '');
    assert.equal(lines[0], 'sending to 20000 devices through 2 threads');
    assert.ok(lines.includes('  Unregistered: 100') && lines.includes('attempt 2'), stdout);
    assert.equal(lines.at(-1), 'accepted in all: 19885; devices left: 19900');
  });
});
