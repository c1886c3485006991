import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { estimateAll, estimateLines, estimateRecipients } from '../../../src/campaign/input/estimate.js';
import { randomTokens } from '../../cli/fixture.js';

describe('the number of recipients', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function write(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(path.join(folder, name), content);
    return path.join(folder, name);
  }

  it('is estimated from the size of a list, exactly where all lines are of one length', async () => {
    assert.equal(await estimateRecipients(await write('list', randomTokens(9000).join('\n'))), 9000);
    assert.equal(await estimateRecipients(await write('list', `${randomTokens(9000).join('\r\n')}\r\n`)), 9000);
    assert.equal(await estimateRecipients(await write('list', randomTokens(7).join('\n'))), 7);
  });

  it('is estimated from lines of all parts of a list, because later ones are often longer', async () => {
    const rows = Array.from(
      { length: 50_000 },
      (_, row) => `${row},${'ab'.repeat(32)},Name ${row},${'x'.repeat(row / 1000)}`,
    );
    const estimated = await estimateRecipients(await write('rows.csv', rows.join('\n')));
    assert.ok(Math.abs(estimated! - rows.length) < rows.length / 30, String(estimated));
  });

  it('is not estimated where its size says nothing', async () => {
    assert.equal(await estimateRecipients('-'), null);
    assert.equal(await estimateRecipients(path.join(folder, 'nowhere')), null);
    assert.equal(await estimateRecipients(await write('list.gz', gzipSync(randomTokens(9).join('\n')))), null);
    assert.equal(estimateLines([new Uint8Array(65536).fill(0x61)], 1e9), null);
    if (process.platform === 'win32') return;
    const pipe = path.join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    assert.equal(await estimateRecipients(pipe), null);
    assert.equal(await estimateRecipients('/dev/null'), null);
    assert.equal(await estimateRecipients(folder), null);
  });

  it('is that of all lists together, where each can be estimated', async () => {
    const [one, two] = [await write('one', randomTokens(5).join('\n')), await write('two', randomTokens(6).join('\n'))];
    assert.equal(await estimateAll([one, two]), 11);
    assert.equal(await estimateAll([one, '-']), null);
  });

  it('does not count blank lines', () => {
    assert.equal(estimateLines([Buffer.from('a\n\n\r\nb\n')], 7), 2);
  });
});
