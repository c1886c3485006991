import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { estimateLines, estimateRecipients } from '../../../src/campaign/input/estimate.js';
import { SeenTokens } from '../../../src/campaign/recipients/seen-tokens.js';
import { pipeEndDoubtMs, TokenInput } from '../../../src/cli/send/token-input.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { randomTokens } from '../fixture.js';

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

  async function allOf(input: TokenInput, read: string[] = []): Promise<string[]> {
    for await (const block of input) {
      for (let index = 0; index < block.count; index++) read.push(block.hexAt(index));
    }
    return read;
  }

  it('goes on for the second reader where the first one left', async () => {
    const list = randomTokens(5000);
    const input = new TokenInput({ sources: [await write('list', list.join('\n'))], ...quiet });
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

  it('goes through several lists in their order, as if they were one', async () => {
    const [one, two, three] = [randomTokens(3000), randomTokens(1), randomTokens(1500)] as [
      string[],
      string[],
      string[],
    ];
    const sources = [
      await write('one', [...one, 'bad'].join('\n')),
      await write('none', '\n'),
      await write('two.gz', gzipSync(two.join('\n'))),
      await write('three', ['worse', ...three].join('\n')),
    ];
    const invalid: string[] = [];
    const input = new TokenInput({
      sources,
      onInvalid: ({ line }, source) => invalid.push(`${path.basename(source)}:${line}`),
      pressure: () => null,
    });
    await input.probe();
    assert.deepEqual(await allOf(input), [...one, ...two, ...three]);
    assert.deepEqual(invalid.sort(), ['one:3001', 'three:1']);
  });

  it('reads what it can: a list that cannot be read is told of, and the next one follows', async () => {
    const [one, two] = [randomTokens(30), randomTokens(40)];
    const nowhere = path.join(folder, 'nowhere');
    const sources = [await write('one', one.join('\n')), nowhere, await write('two', two.join('\n'))];
    const input = new TokenInput({ sources, ...quiet });
    await assert.rejects(input.probe(), { code: 'ERR_PEAL_INPUT', message: /nowhere does not exist/ });
    const read: string[] = [];
    await assert.rejects(allOf(input, read), { message: /nowhere does not exist/ });
    assert.deepEqual([read, input.isDone], [one, false]);
    assert.deepEqual([await allOf(input), input.isDone], [two, true]);
  });

  it('ends when it is closed', async () => {
    const input = new TokenInput({ sources: [await write('list', randomTokens(9000).join('\n'))], ...quiet });
    await input.probe();
    let blocks = 0;
    for await (const _ of input) {
      blocks++;
      input.close();
    }
    assert.ok(blocks < 8);
  });

  it('drops what stood before in any of the lists, and counts it', async () => {
    const list = randomTokens(2000);
    const sources = [
      await write('first', [...list, ...list].join('\n')),
      await write('second', list.slice(5).join('\r')),
    ];
    const seen = new SeenTokens();
    assert.deepEqual(await allOf(new TokenInput({ sources, ...quiet, seen })), list);
    assert.equal(seen.duplicates, 2000 + 1995);
    assert.equal((await allOf(new TokenInput({ sources, ...quiet }))).length, 5995);
  });

  it('is whole once all was read, and not where it was closed or could not be read', async () => {
    const sources = [await write('whole', randomTokens(3000).join('\n'))];
    const whole = new TokenInput({ sources, ...quiet });
    await whole.probe();
    assert.ok(!whole.isWhole);
    await allOf(whole);
    assert.ok(whole.isWhole);
    const closed = new TokenInput({ sources, ...quiet });
    await closed.probe();
    closed.close();
    await allOf(closed);
    assert.ok(!closed.isWhole);
    const cut = new TokenInput({
      sources: [await write('cut.gz', gzipSync(randomTokens(99).join('\n')).subarray(0, 2000))],
      ...quiet,
    });
    await assert.rejects(allOf(cut), /cut off/);
    await allOf(cut);
    assert.ok(cut.isDone && !cut.isWhole);
  });

  describe('from standard input, which ends just before an interruption', () => {
    const usual = Object.getOwnPropertyDescriptor(process, 'stdin')!;
    afterEach(() => void Object.defineProperty(process, 'stdin', usual));

    const list = randomTokens(5);
    for (const [ending, afterMs, isCertain] of [
      [`\n${list[0]!.slice(0, 40)}`, 0, false],
      [`\n${list[0]!.slice(0, 40)}`, pipeEndDoubtMs - 1, false],
      [`\n${list[0]!.slice(0, 40)}`, pipeEndDoubtMs, true],
      ['', pipeEndDoubtMs - 1, false],
      ['\n', pipeEndDoubtMs - 1, false],
      ['\n', pipeEndDoubtMs, true],
    ] as const) {
      it(`${afterMs} ms, with ${JSON.stringify(ending.slice(0, 5))} at its end`, async () => {
        Object.defineProperty(process, 'stdin', {
          value: Readable.from([list.join('\n') + ending]),
          configurable: true,
        });
        const clock = new VirtualClock();
        let invalid = 0;
        const input = new TokenInput({ ...quiet, sources: ['-'], onInvalid: () => void invalid++, clock });
        const reading = input.probe().then(() => allOf(input));
        for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(afterMs);
        input.interrupted();
        const read = await reading;
        const isHalf = ending.length > 1;
        assert.equal(read.length, isCertain || ending !== '' ? 5 : 4);
        assert.deepEqual([invalid, input.isWhole], [isCertain && isHalf ? 1 : 0, isCertain]);
        assert.deepEqual(input.unread, isCertain ? [] : [{ source: '-', line: ending === '' ? 5 : 6 }]);
      });
    }
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
    if (process.platform === 'win32') return;
    const pipe = path.join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    assert.equal(await estimateRecipients(pipe), null);
    assert.equal(await estimateRecipients('/dev/null'), null);
    assert.equal(await estimateRecipients(folder), null);
  });

  it('does not count blank lines', () => {
    assert.equal(estimateLines(Buffer.from('a\n\n\r\nb\n'), 7), 2);
  });
});
