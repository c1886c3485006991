import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { TokenBlock } from '../../../src/apns/token-block.js';
import { PealError } from '../../../src/base/errors.js';
import { type ByteSource, type ReadTokensOptions, readTokens } from '../../../src/campaign/recipients/token-file.js';

const list = Array.from({ length: 5000 }, (_, i) => createHash('sha256').update(String(i)).digest('hex'));
const text = `${list.join('\n')}\n`;

async function read(source: string | URL | ByteSource, options?: ReadTokensOptions): Promise<string[]> {
  const tokens: string[] = [];
  for await (const block of readTokens(source, options)) tokens.push(...hexOf(block));
  return tokens;
}

function hexOf(block: TokenBlock): string[] {
  return Array.from({ length: block.count }, (_, index) => block.hexAt(index));
}

function refused(source: string | ByteSource, message: RegExp): Promise<void> {
  return assert.rejects(read(source), (error: unknown) => {
    assert.ok(error instanceof PealError, String(error));
    assert.equal(error.code, 'ERR_PEAL_INPUT');
    assert.equal(error.origin, 'input');
    assert.match(error.message, message);
    return true;
  });
}

describe('campaign/recipients/token-file', () => {
  let directory: string;
  const file = (name: string, contents: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, contents);
    return path;
  };

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'peal-tokens-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('reads a file by path and URL, and streams of bytes and text', async () => {
    const path = file('tokens.txt', text);
    assert.deepEqual(await read(path), list);
    assert.deepEqual(await read(pathToFileURL(path)), list);
    assert.deepEqual(await read(createReadStream(path, { highWaterMark: 777 })), list);
    assert.deepEqual(await read(createReadStream(path, { encoding: 'utf8' })), list);
    assert.deepEqual(await read(new Blob([text]).stream() as unknown as ByteSource), list);
    assert.deepEqual(await read(Readable.from([])), []);
  });

  it('reads gzip, by its bytes and not by its name, also of several members and in small pieces', async () => {
    const half = text.length / 2;
    const packed = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]);
    assert.deepEqual(await read(file('tokens.txt.gz', packed)), list);
    assert.deepEqual(await read(file('packed', packed)), list);
    assert.deepEqual(await read(file('plain.gz', text)), list);
    const few = gzipSync(list.slice(0, 3).join('\n'));
    assert.deepEqual(await read(Readable.from(Array.from(few, (byte) => Uint8Array.of(byte)))), list.slice(0, 3));
    assert.deepEqual(await read(file('nothing.gz', gzipSync(''))), []);
  });

  it('reads standard input', async () => {
    const script = `
      import { readTokens } from '${new URL('../../../src/campaign/recipients/token-file.js', import.meta.url)}';
      let count = 0;
      for await (const block of readTokens('-')) count += block.count;
      console.log(count);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(gzipSync(text));
    let said = '';
    for await (const chunk of child.stdout) said += String(chunk);
    assert.equal(said, '5000\n');
  });

  it('tells of invalid lines and goes on', async () => {
    const invalid: string[] = [];
    const path = file('some.txt', `${list[0]}\nnonsense\n${list[1]}\nabc`);
    const tokens = await read(path, { onInvalid: ({ line, text: said }) => void invalid.push(`${line} ${said}`) });
    assert.deepEqual(tokens, [list[0], list[1]]);
    assert.deepEqual(invalid, ['2 nonsense', '4 abc']);
    assert.deepEqual(await read(path), [list[0], list[1]]);
  });

  it('waits for whoever is told of invalid lines, and passes his errors on as they are', async () => {
    let running = 0;
    await read(Readable.from(['x\n'.repeat(100)]), {
      onInvalid: async () => {
        assert.equal(++running, 1);
        await Promise.resolve();
        running--;
      },
    });
    const own = new Error('disk full');
    const failing = read(Readable.from(['x\n']), { onInvalid: () => Promise.reject(own) });
    await assert.rejects(failing, (error) => error === own);
  });

  it('reads no further ahead than one chunk and what the stream itself holds', async () => {
    let pulled = 0;
    async function* endless(): ByteSource {
      for (;;) {
        pulled++;
        yield text;
      }
    }
    const blocks = readTokens(endless());
    for (let i = 0; i < 12; i++) await blocks.next();
    assert.ok(pulled <= 4, `${pulled} chunks of 5000 tokens for 12 blocks of 1024`);
    await blocks.return();
  });

  it('closes its source when the reader has had enough', async () => {
    const source = createReadStream(file('closing.txt', text), { highWaterMark: 1000 });
    for await (const _block of readTokens(source)) break;
    assert.ok(source.destroyed);
    const packed = createReadStream(file('closing.gz', gzipSync(text)), { highWaterMark: 1000 });
    for await (const _block of readTokens(packed)) break;
    assert.ok(packed.destroyed);
  });

  it('ends when told to, also while it waits for input, without taking half a line for a token', async () => {
    const source = new PassThrough();
    source.write(`${text}${list[0]!.slice(0, 10)}`);
    const controller = new AbortController();
    const tokens: string[] = [];
    for await (const block of readTokens(source, { signal: controller.signal })) {
      tokens.push(...hexOf(block));
      if (tokens.length === 4096) setImmediate(() => controller.abort());
    }
    assert.deepEqual(tokens, list.slice(0, 4096));
    assert.ok(source.destroyed);
    assert.deepEqual(await read(file('aborted.txt', text), { signal: AbortSignal.abort() }), []);
  });

  it('says which file cannot be read, and why', async () => {
    const missing = join(directory, 'missing.txt');
    await refused(missing, new RegExp(`^The file ${missing} does not exist\\.$`));
    await refused(directory, /is a directory, not a file\.$/);
    await refused(join(file('a-file', ''), 'below'), /not a directory/);
    const folder = join(directory, 'folder.gz');
    mkdirSync(folder);
    await refused(folder, /is a directory/);
  });

  it('says when gzip is damaged or cut off, after the tokens before it', async () => {
    const packed = gzipSync(text);
    await refused(file('cut.gz', packed.subarray(0, packed.length / 2)), /cut\.gz is gzip that was cut off/);
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, packed.length / 2, packed.length / 2 + 50);
    await refused(file('damaged.gz', damaged), /damaged\.gz is damaged gzip/);
    await refused(Readable.from([packed.subarray(0, 20)]), /^The stream of tokens is gzip that was cut off/);
  });

  it('says what a file is that is no list', async () => {
    await refused(file('utf16.txt', Buffer.from(`\uFEFF${text}`, 'utf16le')), /is UTF-16 text: save it as UTF-8/);
    await refused(file('list.zip', Buffer.from('504b030414000000', 'hex')), /ZIP archive/);
    await refused(file('list.zst', Buffer.from('28b52ffd04000000', 'hex')), /zstd -dc/);
    await refused(file('list.xz', Buffer.from('fd377a585a000004', 'hex')), /xz -dc/);
    await refused(file('list.bz2', Buffer.from('425a683931415926', 'hex')), /bzip2 -dc/);
  });

  it('puts the error of a stream into a sentence and keeps it as the cause', async () => {
    const broken = new Readable({
      read() {
        this.destroy(Object.assign(new Error('lost'), { code: 'EIO' }));
      },
    });
    await assert.rejects(read(broken), {
      code: 'ERR_PEAL_INPUT',
      message: /^The stream of tokens cannot be read: the device/,
    });
  });
});
