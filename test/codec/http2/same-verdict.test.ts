/**
 * Our client and node's (nghttp2) read the same octets of servers and come to the same verdict on every stream and
 * connection, or to one of a named list of differences (test/support/same-octets.ts).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { cases } from '../../support/cases.js';

const program = path.resolve(import.meta.dirname, '..', '..', 'fuzz', 'against-node.js');
const sequences = cases(5000, 500);
/** The nghttp2 whose differences are known; that of another node may have a few more. */
const knownVersion = '1.61.';

describe('codec/http2: verdicts on servers, ours and those of node:http2', () => {
  it(`are the same for ${sequences} generated sequences, but for known differences`, async () => {
    const args = [program, '--sequences', String(sequences), '--from', '1'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 }).catch(
      (error: { stdout: string; stderr: string }) => {
        assert.match(error.stdout, /same verdicts/, error.stderr);
        return error;
      },
    );
    for (const line of stdout.trimEnd().split('\n')) console.log(`      ${line}`);
    const summary = /^(\d+) sequences .*: (\d+) same verdicts, (\d+) unexplained/m.exec(stdout) ?? [];
    const [, compared, same, unexplained] = summary;
    assert.equal(Number(compared), sequences);
    const tolerated = process.versions.nghttp2?.startsWith(knownVersion) ? 0 : sequences / 100;
    assert.ok(Number(unexplained) <= tolerated, `${unexplained} differences that nothing explains`);
    assert.ok(Number(same) > 0.6 * sequences, `${same} of ${sequences} are the same: too few to show anything`);
  });
});
