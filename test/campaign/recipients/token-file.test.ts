import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { createGzip, gzipSync } from 'node:zlib';
import { PealError } from '../../../src/base/errors.js';
import type { ByteSource } from '../../../src/campaign/recipients/byte-source.js';
import { type ReadTokensOptions, readTokens } from '../../../src/campaign/recipients/token-file.js';
import type { TokenBlock } from '../../../src/push/token-block.js';

const list = Array.from({ length: 5000 }, (_, i) => createHash('sha256').update(String(i)).digest('hex'));
const text = `${list.join('\n')}\n`;

async function read(source: string | URL | ByteSource, options?: ReadTokensOptions): Promise<string[]> {
  const tokens: string[] = [];
  for await (const block of readTokens(source, options)) tokens.push(...hexOf(block));
  return tokens;
}

function hexOf(block: TokenBlock): string[] {
  return Array.from({ length: block.count }, (_, index) => block.textAt(index));
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

  it('ends when told to, also while it waits for input, with all lines that were read and without half a line', async () => {
    const sources = [new PassThrough(), new PassThrough().setEncoding('utf8')];
    for (const source of sources) {
      source.write(`${text}${list[0]!.slice(0, 10)}`);
      const controller = new AbortController();
      const tokens: string[] = [];
      for await (const block of readTokens(source, { signal: controller.signal })) {
        tokens.push(...hexOf(block));
        if (tokens.length === 4096) setImmediate(() => controller.abort());
      }
      assert.deepEqual(tokens, list);
      assert.ok(source.destroyed);
    }
    assert.deepEqual(await read(file('aborted.txt', text), { signal: AbortSignal.abort() }), []);
  });

  it('ends when told to where a generator has nothing to give', async () => {
    const controller = new AbortController();
    async function* stuck(): ByteSource {
      yield `${list[0]}\n${list[1]}\n`;
      setImmediate(() => controller.abort());
      await new Promise(() => {});
    }
    assert.deepEqual(await read(stuck(), { signal: controller.signal }), list.slice(0, 2));
  });

  it('does not take a last line without its end where the end of the source proves nothing', async () => {
    const cut = `${list[0]}\n${list[1]!.slice(0, 20)}`;
    const invalid: string[] = [];
    const onInvalid = ({ text: said }: { text: string }): void => void invalid.push(said);
    assert.deepEqual(await read(Readable.from([cut]), { isEndCertain: () => false, onInvalid }), list.slice(0, 1));
    assert.deepEqual(invalid, []);
    assert.deepEqual(await read(Readable.from([cut]), { isEndCertain: () => true, onInvalid }), list.slice(0, 1));
    assert.equal(invalid.length, 1);
  });

  describe('hands out what was read when the source pauses', () => {
    const first = async (source: PassThrough): Promise<[number, AsyncGenerator<TokenBlock, void, void>]> => {
      const blocks = readTokens(source);
      const { value } = await blocks.next();
      return [(value as TokenBlock).count, blocks];
    };

    it('a pipe of 300 lines', async () => {
      const source = new PassThrough();
      source.write(`${list.slice(0, 300).join('\n')}\n`);
      const [count, blocks] = await first(source);
      assert.equal(count, 300);
      await blocks.return();
      assert.ok(source.destroyed);
    });

    it('a full block and a little more', async () => {
      const source = new PassThrough();
      source.write(`${list.slice(0, 1025).join('\n')}\n`);
      const [count, blocks] = await first(source);
      assert.equal(count, 1024);
      assert.equal(((await blocks.next()).value as TokenBlock).count, 1);
      await blocks.return();
    });

    it('one line at a time, each as soon as it is there', async () => {
      const source = new PassThrough();
      const blocks = readTokens(source);
      for (const token of list.slice(0, 5)) {
        source.write(`${token}\n`);
        assert.deepEqual(hexOf((await blocks.next()).value as TokenBlock), [token]);
      }
      source.end();
      assert.equal((await blocks.next()).done, true);
    });

    it('gzip, as far as it can be unpacked', async () => {
      const packed = createGzip();
      const source = new PassThrough();
      packed.pipe(source);
      packed.write(`${list.slice(0, 300).join('\n')}\n`);
      packed.flush();
      const [count, blocks] = await first(source);
      assert.equal(count, 300);
      await blocks.return();
      packed.destroy();
    });
  });

  describe('reads a named pipe', () => {
    before(function () {
      if (process.platform === 'win32') this.skip();
    });
    const pipe = (name: string): string => {
      const path = join(directory, name);
      spawnSync('mkfifo', [path]);
      return path;
    };

    it('to its end, also where its writer comes late and pauses', async () => {
      const path = pipe('late');
      const blocks = readTokens(path);
      const first = blocks.next();
      const writer = spawn('sh', ['-c', 'exec cat > "$0"', path], { stdio: ['pipe', 'ignore', 'inherit'] });
      writer.stdin.write(`${list[0]}\n`);
      assert.deepEqual(hexOf((await first).value as TokenBlock), [list[0]]);
      writer.stdin.end(`${list.slice(1).join('\n')}\n`);
      const rest: string[] = [];
      for await (const block of blocks) rest.push(...hexOf(block));
      assert.deepEqual(rest, list.slice(1));
    });

    it('with gzip in it', async () => {
      const path = pipe('packed-pipe');
      const reading = read(path);
      spawn('sh', ['-c', 'exec cat > "$0"', path], { stdio: ['pipe', 'ignore', 'inherit'] }).stdin.end(gzipSync(text));
      assert.deepEqual(await reading, list);
    });

    for (const [name, shell] of [
      ['that nobody writes', 'exec "$@" "$PIPE"'],
      ['whose writer says nothing', 'sleep 60 > "$PIPE" & "$@" "$PIPE"; code=$?; kill $!; exit $code'],
      ['of a shell', '"$@" <(cat)'],
    ] as const) {
      it(`${name} as long as it is not told to end, and then the process ends`, async () => {
        const script = `
          import { readTokens } from '${new URL('../../../src/campaign/recipients/token-file.js', import.meta.url)}';
          const end = new AbortController();
          setTimeout(() => end.abort(), 50);
          let count = 0;
          for await (const block of readTokens(process.argv.at(-1), { signal: end.signal })) count += block.count;
          console.log('ended', count);
          process.exit(0);`;
        const child = spawn(
          'bash',
          ['-c', shell, 'bash', process.execPath, '--input-type=module', '-e', script, '--'],
          {
            stdio: ['pipe', 'pipe', 'inherit'],
            env: { ...process.env, PIPE: pipe(`silent-${name.length}`) },
          },
        );
        let said = '';
        for await (const chunk of child.stdout) said += String(chunk);
        assert.equal(said, 'ended 0\n');
        child.stdin.end();
        assert.equal(child.exitCode ?? (await once(child, 'exit'))[0], 0);
      });
    }
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

  describe('when the list ends too soon', () => {
    const readUntilFault = async (source: string | ByteSource): Promise<[string[], string]> => {
      const tokens: string[] = [];
      try {
        for await (const block of readTokens(source)) tokens.push(...hexOf(block));
      } catch (error) {
        assert.ok(error instanceof PealError && error.code === 'ERR_PEAL_INPUT', String(error));
        return [tokens, error.message];
      }
      return assert.fail('the fault was not told');
    };

    it('takes of gzip that was cut off exactly what zcat gets out of it, and says where to go on', async () => {
      const packed = gzipSync(text);
      for (const share of [0.1, 0.5, 0.9, 0.999]) {
        const cut = packed.subarray(0, Math.floor(packed.length * share));
        const path = file('cut.gz', cut);
        const plain = spawnSync('zcat', [path], { encoding: 'utf8', maxBuffer: 1 << 24 }).stdout;
        const whole = plain
          .slice(0, plain.lastIndexOf('\n') + 1)
          .split('\n')
          .slice(0, -1);
        assert.ok(whole.length > 0);
        for (const source of [
          path,
          Readable.from(Array.from({ length: cut.length / 97 + 1 }, (_, i) => cut.subarray(i * 97, i * 97 + 97))),
        ]) {
          const [tokens, message] = await readUntilFault(source);
          assert.deepEqual(tokens, whole);
          assert.match(message, /is gzip that was cut off: fetch or pack it again\. /);
          const next = whole.length + 1;
          assert.ok(
            message.endsWith(
              `Lines 1 to ${whole.length} were read and count; go on with line ${next} of a whole copy (tail -n +${next}).`,
            ),
            message,
          );
        }
      }
      const [none, message] = await readUntilFault(Readable.from([packed.subarray(0, 20)]));
      assert.deepEqual(none, []);
      assert.equal(message, 'The stream of tokens is gzip that was cut off: fetch or pack it again.');
    });

    const pieces = (bytes: Buffer, size: number): Readable =>
      Readable.from(
        Array.from({ length: bytes.length / size + 1 }, (_, i) => bytes.subarray(i * size, i * size + size)),
      );
    const zcat = (bytes: Buffer): string[] =>
      spawnSync('zcat', { input: bytes, encoding: 'utf8', maxBuffer: 1 << 24 }).stdout.split('\n');

    it('counts what zcat unpacks of damaged gzip, and calls none of its lines safe', async () => {
      const packed = gzipSync(text);
      const wrongSum = Buffer.from(packed);
      wrongSum[packed.length - 6]! ^= 1;
      const wrongSize = Buffer.from(packed);
      wrongSize[packed.length - 1]! ^= 1;
      const overwritten = Buffer.from(packed);
      overwritten.fill(0xff, packed.length / 2, packed.length / 2 + 50);
      const flipped = Buffer.from(packed);
      flipped[packed.length >> 1]! ^= 0xff;
      const secondMember = Buffer.concat([packed, wrongSum]);
      for (const damaged of [wrongSum, wrongSize, overwritten, flipped, secondMember]) {
        const expected = zcat(damaged);
        for (const source of [file('damaged.gz', damaged), pieces(damaged, 997), pieces(damaged, 1 << 20)]) {
          const [tokens, message] = await readUntilFault(source);
          const place =
            /is damaged gzip: fetch or pack it again\. Lines 1 to (\d+) were read and count, but any of them may be wrong: /;
          assert.match(message, place);
          assert.doesNotMatch(message, /go on with line|tail/);
          assert.ok(Number(place.exec(message)![1]) >= expected.length - 1, `${message} ${expected.length}`);
          assert.deepEqual(tokens.slice(0, 2000), list.slice(0, 2000));
          if (damaged === wrongSum || damaged === wrongSize) assert.deepEqual(tokens, list);
        }
      }
    });

    it('counts all of gzip with other bytes behind its end, and says that those were not read', async () => {
      const packed = gzipSync(list.join('\n'));
      for (const behind of ['junkjunk', `${list[0]}\n`, '\u001f\u001f', `\0\0\0${list[0]}\n`]) {
        const bytes = Buffer.concat([packed, Buffer.from(behind)]);
        for (const source of [file('trailing.gz', bytes), pieces(bytes, 997), pieces(bytes, 1 << 20)]) {
          const [tokens, message] = await readUntilFault(source);
          assert.deepEqual(tokens, list);
          assert.match(
            message,
            /has other bytes behind the end of its gzip data, and they were not read: .*\. Lines 1 to 5000 were read and count\.$/,
          );
        }
      }
      assert.deepEqual(await read(pieces(Buffer.concat([packed, Buffer.alloc(1000)]), 99)), list);
    });

    it('takes a trailer or a next member that is cut off for gzip that was cut off', async () => {
      const packed = gzipSync(text);
      for (const cut of [
        packed.subarray(0, packed.length - 8),
        packed.subarray(0, packed.length - 3),
        Buffer.concat([packed, Buffer.of(0x1f)]),
        Buffer.concat([packed, packed.subarray(0, 5)]),
      ]) {
        for (const source of [file('cut.gz', cut), pieces(cut, 997)]) {
          const [tokens, message] = await readUntilFault(source);
          assert.deepEqual(tokens, list);
          assert.match(message, /is gzip that was cut off.* go on with line 5001 of a whole copy/);
        }
      }
    });

    it('reads the optional fields of a gzip header', async () => {
      const packed = gzipSync(list.slice(0, 20).join('\n'));
      const fields = Buffer.concat([Buffer.from('0300', 'hex'), Buffer.from('abcname\0comment\0hh')]);
      const head = Buffer.from(packed.subarray(0, 10));
      head[3] = 2 | 4 | 8 | 16;
      const bytes = Buffer.concat([head, fields, packed.subarray(10)]);
      for (const size of [1, 7, 1 << 20]) assert.deepEqual(await read(pieces(bytes, size)), list.slice(0, 20));
    });

    it('counts what came before a read error', async () => {
      async function* broken(): ByteSource {
        yield `${list.slice(0, 1500).join('\n')}\n${list[1500]!.slice(0, 9)}`;
        throw Object.assign(new Error('lost'), { code: 'EIO' });
      }
      const [tokens, message] = await readUntilFault(broken());
      assert.deepEqual(tokens, list.slice(0, 1500));
      assert.match(message, /device reports an error\. Lines 1 to 1500 were read/);
    });

    it('says so of a file that was cut while it was read', async () => {
      const path = file('shrinking.txt', text.repeat(4));
      const tokens: string[] = [];
      await assert.rejects(async () => {
        for await (const block of readTokens(path)) {
          if (tokens.length === 0) truncateSync(path, 600_000);
          tokens.push(...hexOf(block));
        }
      }, /was cut while it was read: it had 1300000 bytes when it was opened, and ended after 600000\. Lines 1 to 9230 were read/);
      assert.equal(tokens.length, 9230);
    });
  });

  it('says what a file is that is no list', async () => {
    await refused(file('utf16.txt', Buffer.from(`\uFEFF${text}`, 'utf16le')), /is UTF-16 text: save it as UTF-8/);
    await refused(file('utf16.txt', Buffer.from(text, 'utf16le')), /is UTF-16 text: save it as UTF-8/);
    await refused(file('utf16.txt', Buffer.from(text, 'utf16le').swap16()), /is UTF-16 text: save it as UTF-8/);
    await refused(file('list.parquet', Buffer.from('PAR1\x15\x04\x15\x10')), /is Parquet/);
    await refused(file('list.zip', Buffer.from('504b030414000000', 'hex')), /ZIP archive/);
    await refused(file('list.zst', Buffer.from('28b52ffd04000000', 'hex')), /is zstd that was cut off/);
    await refused(file('list.xz', Buffer.from('fd377a585a000004', 'hex')), /xz -dc/);
    await refused(file('list.bz2', Buffer.from('425a683931415926', 'hex')), /bzip2 -dc/);
    for (const array of ['["12"]', '[\n  "12"\n]', '\uFEFF[ {"token": "12"} ]'])
      await refused(file('list.json', Buffer.from(array)), /is a JSON array: .* \(jq -r/);
  });

  it('takes no base64 for a file of another kind that begins with the same letters', async () => {
    const list = ['BZh9', 'PAR1', 'BZhX'].map((head, index) => {
      const base64 = createHash('sha256').update(`${index}`).digest('base64');
      return `${head}${base64.slice(4)}`;
    });
    for (const first of list) {
      const read64 = await read(file('base64.txt', Buffer.from(`${first}\n${list.join('\n')}\n`)));
      assert.deepEqual(
        read64,
        [first, ...list].map((base64) => Buffer.from(base64, 'base64').toString('hex')),
      );
    }
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
