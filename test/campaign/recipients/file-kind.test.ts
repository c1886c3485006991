import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { Readable } from 'node:stream';
import { deflateSync, gzipSync } from 'node:zlib';
import { PealError } from '../../../src/base/errors.js';
import { readTokens } from '../../../src/campaign/recipients/token-file.js';

const tokens = Array.from({ length: 40 }, (_, i) => createHash('sha256').update(`s${i}`).digest('hex'));
const text = `${tokens.join('\n')}\n`;
const base64 = Buffer.from(tokens.join(''), 'hex').toString('base64');
const lines = (width: number): string[] => base64.match(new RegExp(`.{1,${width}}`, 'g'))!;

/** What reading ends with: how many tokens and invalid lines, and the fault. */
async function outcome(chunks: readonly (string | Uint8Array)[]): Promise<[string[], number, string | null]> {
  const read: string[] = [];
  let invalid = 0;
  try {
    for await (const block of readTokens(Readable.from(chunks), { onInvalid: () => void invalid++ }))
      for (let index = 0; index < block.count; index++) read.push(block.textAt(index));
  } catch (error) {
    assert.ok(error instanceof PealError && error.code === 'ERR_PEAL_INPUT', String(error));
    return [read, invalid, error.message];
  }
  return [read, invalid, null];
}

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, i * size + size));
}

function tar(): Buffer {
  const head = Buffer.alloc(512);
  head.write('tokens.txt');
  head.write('ustar', 257);
  return Buffer.concat([head, Buffer.from(text), Buffer.alloc(1024)]);
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const body = pem.split('\n').slice(1, -2).join('\n');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

describe('campaign/recipients/file-kind', () => {
  const otherKinds: readonly (readonly [name: string, content: string | Buffer, problem: RegExp])[] = [
    ['the key of a provider', pem, /is a PEM file \(a private key\), not a list/],
    [
      'an RSA key with attributes before it',
      `Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n${rsa.export({ type: 'pkcs1', format: 'pem' })}`,
      /PEM file \(a private key\)/,
    ],
    ['a key in one line, escaped', `APNS_KEY="${pem.replaceAll('\n', '\\n')}"`, /PEM file \(a private key\)/],
    [
      'a certificate',
      `-----BEGIN CERTIFICATE-----\n${lines(64).join('\n')}\n-----END CERTIFICATE-----\n`,
      /PEM file \(a certificate\)/,
    ],
    ['a public key of ssh', `---- BEGIN SSH2 PUBLIC KEY ----\n${lines(70).join('\n')}`, /PEM file \(SSH2 PUBLIC KEY\)/],
    ['a key without its first line', `${body}\n-----END PRIVATE KEY-----\n`, /PEM file \(a private key\)/],
    ['a key without its first and last line', body, /one text in base64, divided into lines/],
    ['base64 in lines of 76', `${lines(76).join('\r\n')}\r\n`, /one text in base64, divided into lines/],
    ['a key as DER', privateKey.export({ type: 'pkcs8', format: 'der' }), /DER or PKCS#12/],
    ['an RSA key as DER', rsa.export({ type: 'pkcs8', format: 'der' }), /DER or PKCS#12/],
    ['a JSON array on many lines', JSON.stringify(tokens, null, 2), /is a JSON array/],
    ['a JSON array behind blanks', `${' \n'.repeat(40_000)}${JSON.stringify(tokens, null, 1)}`, /is a JSON array/],
    ['a JSON object', JSON.stringify({ tokens }, null, 2), /is a JSON object/],
    [
      'a JSON object that begins in its first line',
      `{"app": "x", "tokens": [\n"${tokens.join('",\n"')}"\n]}`,
      /is a JSON object/,
    ],
    [
      'JSON objects one behind the other',
      tokens.map((token) => JSON.stringify({ token }, null, 2)).join('\n'),
      /is a JSON object/,
    ],
    ['lz4', Buffer.concat([Buffer.from('04224d186440a7', 'hex'), Buffer.from(text)]), /lz4 -dc/],
    ['zlib', deflateSync(text), /compressed with zlib/],
    ['compress', Buffer.concat([Buffer.from('1f9d90', 'hex'), Buffer.from(text)]), /uncompress -c/],
    ['tar', tar(), /is a tar archive/],
    ['UTF-16', Buffer.from(`\uFEFF${text}`, 'utf16le'), /is UTF-16 text: .*-f UTF-16/],
    ['UTF-32', utf32(`\uFEFF${text}`), /is UTF-32 text: .*-f UTF-32/],
    ['UTF-32 without a mark', utf32(text), /is UTF-32 text/],
    ['UTF-32, big-endian', utf32(`\uFEFF${text}`).swap32(), /is UTF-32 text/],
    ['gzip within gzip', gzipSync(text), /gzip again|^never$/],
    ['RTF', `{\\rtf1\\ansi\n${tokens.join('\\\n')}}`, /is RTF/],
    ['XML', `<?xml version="1.0"?>\n<tokens>\n${text}</tokens>`, /is XML or HTML/],
  ];
  for (const [name, content, problem] of otherKinds) {
    it(`refuses ${name} before anything is read of it, packed and unpacked, in pieces of any size`, async () => {
      const bytes = Buffer.from(content as string);
      const packed = gzipSync(bytes);
      const forms =
        name === 'gzip within gzip'
          ? []
          : [[bytes], cut(bytes, bytes.length > 20_000 ? 700 : 7), cut(bytes, 64 * 1024)];
      for (const chunks of [...forms, [packed], cut(packed, 50)]) {
        const [read, invalid, message] = await outcome(chunks);
        if (name.includes('attributes') && chunks.length > 10) {
          assert.match(message ?? '', /has PEM \(a private key\) in line 4/);
          // Lines that come before it, one by one, are read: none of them is of the key.
          assert.deepEqual(read, []);
          continue;
        }
        assert.deepEqual([read, invalid], [[], 0]);
        assert.match(message ?? '', problem);
        assert.equal(
          message!.includes('is gzip, and its content is '),
          chunks[0]![0] === 0x1f && chunks[0]![1] !== 0x9d,
        );
        for (const line of [...lines(64), ...body.split('\n'), ...tokens])
          assert.ok(!message!.includes(line.slice(0, 12)));
      }
    });
  }

  it('ends where a key begins in the middle of a list', async () => {
    for (const [at, content] of [
      [1, 'a private key'],
      [20, 'a private key'],
      [40, 'a certificate'],
    ] as const) {
      const label = content === 'a certificate' ? 'CERTIFICATE' : 'PRIVATE KEY';
      const head = 'x'.repeat(70).concat('\n').repeat(1000);
      const before = `${tokens.slice(0, at).join('\n')}\n`;
      const all = `${head}${before}-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n${tokens.slice(at).join('\n')}`;
      const [read, invalid, message] = await outcome([Buffer.from(all)]);
      assert.deepEqual([read, invalid], [tokens.slice(0, at), 1000]);
      assert.ok(
        message!.includes(`has PEM (${content}) in line ${1001 + at}, and nothing after it was read`),
        message!,
      );
      assert.ok(message!.endsWith(`Lines 1 to ${1000 + at} were read and count.`), message!);
    }
  });

  const lists: readonly (readonly [name: string, content: string, count: number, invalid: number])[] = [
    ['hex', text, 40, 0],
    ['base64 of 32 bytes', tokens.map((hex) => Buffer.from(hex, 'hex').toString('base64')).join('\n'), 40, 0],
    ['base64 of 48 bytes', `${lines(64).slice(0, 20).join('\n')}\n`, 20, 0],
    ['hex behind blank lines and a mark', `\uFEFF\n\n  \n${text}`, 40, 0],
    ['NDJSON', tokens.map((token) => JSON.stringify({ token })).join('\n'), 0, 40],
    ['a line in braces, and tokens', `{length = 32, bytes = 0x12 ... 34 }\n${text}`, 40, 1],
    ['a line of dashes that ends something', `${text}-----END OF LIST-----\n`, 40, 1],
    ['a line in base64 among hex', `${tokens[0]}\n${lines(64)[0]}\n${tokens[1]}`, 3, 0],
    ['NSData', tokens.map((hex) => `<${hex}>`).join('\n'), 40, 0],
  ];
  for (const [name, content, count, invalid] of lists) {
    it(`takes ${name} for a list`, async () => {
      for (const chunks of [[content], cut(Buffer.from(content), 5), [gzipSync(content)]]) {
        const [read, lines, message] = await outcome(chunks);
        assert.deepEqual([read.length, lines, message], [count, invalid, null]);
      }
    });
  }

  it('holds up no list that comes line by line', async () => {
    for (const [line, isToken] of [
      [tokens[0]!, true],
      ['abc', false],
      ['{"a":1}', false],
    ] as const) {
      let isTold = false;
      const source = new Readable({ read() {} });
      const blocks = readTokens(source, {
        onInvalid: () => {
          isTold = true;
        },
      });
      source.push(`${line}\n${'\n'.repeat(16)}`);
      source.push(`${tokens[1]}\n`);
      const { value } = await blocks.next();
      assert.equal(value?.textAt(0), isToken ? line : tokens[1]);
      assert.equal(isTold, !isToken);
      await blocks.return();
    }
  });
});

function utf32(of: string): Buffer {
  const bytes = Buffer.alloc(of.length * 4);
  for (let i = 0; i < of.length; i++) bytes.writeUInt32LE(of.charCodeAt(i), i * 4);
  return bytes;
}
