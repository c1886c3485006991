import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { estimateLines, estimateRecipients, TokenInput } from '../../src/cli/token-input.js';
import { randomTokens } from './fixture.js';

const quiet = { onInvalid: () => {}, pressure: () => null };

describe('the list of recipients', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function write(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(path.join(folder, name), content);
    return path.join(folder, name);
  }

  it('goes on for the second reader where the first one left', async () => {
    const list = randomTokens(5000);
    const input = new TokenInput({ source: await write('list', list.join('\n')), ...quiet });
    await input.probe();
    const read: string[] = [];
    for (let reader = 0; reader < 10; reader++) {
      for await (const block of input) {
        for (let index = 0; index < block.count; index++) read.push(block.hexAt(index));
        if (reader < 9) break;
      }
    }
    assert.deepEqual(read, list);
    assert.equal(input.tokens, 5000);
    assert.ok(input.isDone);
  });

  it('ends when it is closed', async () => {
    const input = new TokenInput({ source: await write('list', randomTokens(9000).join('\n')), ...quiet });
    await input.probe();
    let blocks = 0;
    for await (const _ of input) {
      blocks++;
      input.close();
    }
    assert.ok(blocks < 8);
  });

  it('is estimated from its size, exactly where all lines are of one length', async () => {
    assert.equal(await estimateRecipients(await write('list', randomTokens(9000).join('\n'))), 9000);
    assert.equal(await estimateRecipients(await write('list', `${randomTokens(9000).join('\r\n')}\r\n`)), 9000);
    assert.equal(await estimateRecipients(await write('list', randomTokens(7).join('\n'))), 7);
  });

  it('is not estimated where its size says nothing', async () => {
    assert.equal(await estimateRecipients('-'), null);
    assert.equal(await estimateRecipients(path.join(folder, 'nowhere')), null);
    assert.equal(await estimateRecipients(await write('list.gz', gzipSync(randomTokens(9).join('\n')))), null);
    assert.equal(estimateLines(new Uint8Array(65536).fill(0x61), 1e9), null);
  });

  it('does not count blank lines', () => {
    assert.equal(estimateLines(Buffer.from('a\n\n\r\nb\n'), 7), 2);
  });
});
