import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { readTokens } from '../../../src/campaign/recipients/token-file.js';
import { UnpackFault } from '../../../src/campaign/recipients/unpack-fault.js';
import { unzstd } from '../../../src/campaign/recipients/unzstd.js';
import { token } from '../tables/read-table.js';

type Unpacker = NonNullable<Parameters<typeof unzstd>[1]>;

const list = Array.from({ length: 20_000 }, (_, index) => token(index));
const text = `${list.join('\n')}\n`;

function zstd(input: string | Buffer, ...options: string[]): Buffer {
  return spawnSync('zstd', ['-q', '-c', ...options], { input, maxBuffer: 1 << 26 }).stdout;
}

const hasProgram = spawnSync('zstd', ['--version']).status === 0;

/** What is unpacked of these bytes in pieces of `size`, and the fault it ends with. */
async function unpack(bytes: Buffer, unpacker?: Unpacker, size = 50_000): Promise<[string, string | null]> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of unzstd(Readable.from(pieces), unpacker)) chunks.push(Buffer.from(chunk as Uint8Array));
  } catch (error) {
    assert.ok(error instanceof UnpackFault, String(error));
    return [Buffer.concat(chunks).toString('latin1'), error.kind];
  }
  return [Buffer.concat(chunks).toString('latin1'), null];
}

describe('campaign/recipients/unzstd', () => {
  before(function () {
    if (!hasProgram) this.skip();
  });

  const unpackers: Unpacker[] = [
    'program',
    'javascript',
    ...('createZstdDecompress' in zlib ? (['node'] as const) : []),
  ];
  for (const unpacker of unpackers) {
    describe(`by ${unpacker}`, () => {
      it('unpacks one frame and several, with and without check sums and sizes', async () => {
        const packed = zstd(text);
        const half = text.length / 2;
        const skippable = Buffer.from('502a4d1803000000616263', 'hex');
        for (const bytes of [
          packed,
          zstd(text, '--no-check'),
          zstd(text, '-9'),
          zstd(text, '--stream-size=1300000', '--single-thread'),
          Buffer.concat([skippable, zstd(text.slice(0, half)), skippable, zstd(''), zstd(text.slice(half)), skippable]),
        ]) {
          assert.deepEqual(await unpack(bytes, unpacker), [text, null]);
          assert.deepEqual(await unpack(bytes, unpacker, 7919), [text, null]);
        }
        const few = zstd(list.slice(0, 5).join('\n'));
        assert.deepEqual(await unpack(few, unpacker, 1), [list.slice(0, 5).join('\n'), null]);
        assert.deepEqual(await unpack(zstd('a'.repeat(1_000_000)), unpacker, 3), ['a'.repeat(1_000_000), null]);
      });

      it('gives all that can be unpacked of what was cut off', async () => {
        const packed = zstd(text);
        for (const share of [0.2, 0.5, 0.9, 1]) {
          const [plain, fault] = await unpack(packed.subarray(0, Math.floor(packed.length * share) - 2), unpacker);
          assert.equal(fault, 'cut');
          assert.ok(text.startsWith(plain));
          assert.ok(plain.length > text.length * share - 300_000, `${plain.length} of ${text.length * share}`);
        }
        assert.deepEqual(await unpack(packed.subarray(0, 7), unpacker), ['', 'cut']);
        assert.deepEqual(await unpack(Buffer.concat([packed, packed.subarray(0, 3)]), unpacker), [text, 'cut']);
      });

      it('tells of damage and of other bytes behind its end', async () => {
        const packed = zstd(text);
        const damaged = Buffer.from(packed);
        damaged.fill(0xff, packed.length >> 1, (packed.length >> 1) + 200);
        const [plain, fault] = await unpack(damaged, unpacker);
        assert.ok(fault === 'damaged' || fault === 'cut', String(fault));
        assert.ok(plain.length <= text.length);
        const wrongSum = Buffer.from(packed);
        wrongSum[packed.length - 1]! ^= 1;
        assert.equal((await unpack(wrongSum, unpacker))[1], 'damaged');
        for (const behind of ['junk', 'x', `${list[0]}\n`])
          assert.deepEqual(await unpack(Buffer.concat([packed, Buffer.from(behind)]), unpacker), [text, 'trailing']);
      });
    });
  }

  it('ends the program when its reader leaves', async () => {
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) yield zstd(text);
    };
    for await (const _chunk of unzstd(endless(), 'program')) break;
  });

  it('is read by its bytes, and told of as gzip is', async () => {
    const read = async (bytes: Buffer): Promise<[string[], string | null]> => {
      const tokens: string[] = [];
      try {
        for await (const block of readTokens(Readable.from([bytes])))
          for (let index = 0; index < block.count; index++) tokens.push(block.textAt(index));
      } catch (error) {
        return [tokens, (error as Error).message];
      }
      return [tokens, null];
    };
    assert.deepEqual(await read(zstd(text)), [list, null]);
    const [some, message] = await read(zstd(text).subarray(0, -100_000));
    assert.equal(
      message,
      `The stream of tokens is zstd that was cut off: fetch or pack it again. Lines 1 to ${some.length} were read and count; ` +
        `go on with line ${some.length + 1} of a whole copy (tail -n +${some.length + 1}).`,
    );
    assert.match(
      (await read(zstd('PK\x03\x04, a spreadsheet in zstd')))[1]!,
      /is zstd, and its content is a ZIP archive/,
    );
    assert.match((await read(zstd(zstd(text))))[1]!, /is zstd, and its content is compressed with zstd/);
  });
});
