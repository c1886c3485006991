import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { isDeviceToken, parseDeviceToken } from '../../../src/apns/device-token.js';
import { maxBatchRecipients, maxInvalidTextCharacters, maxTokenLineBytes } from '../../../src/base/limits.js';
import { hexForm } from '../../../src/campaign/recipients/token-form.js';
import { type InvalidLine, TokenLineParser } from '../../../src/campaign/recipients/token-lines.js';
import type { TokenBlock } from '../../../src/push/token-block.js';
import { leastCpuMs } from '../../support/cpu-time.js';

interface Parsed {
  readonly blocks: TokenBlock[];
  readonly invalid: InvalidLine[];
  readonly lines: number;
}

/** Parses `bytes` cut at `cuts`, in one chunk buffer that is written over after each write. */
function parse(bytes: Uint8Array, cuts: readonly number[] = []): Parsed {
  const blocks: TokenBlock[] = [];
  const invalid: InvalidLine[] = [];
  const parser = new TokenLineParser({
    onBlock: (block) => blocks.push(block),
    onInvalid: (line) => invalid.push(line),
  });
  let from = 0;
  for (const to of [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)) {
    const chunk = bytes.slice(from, to);
    parser.write(chunk);
    chunk.fill(0x66);
    from = to;
  }
  parser.end();
  return { blocks, invalid, lines: parser.lines };
}

const parseText = (text: string) => parse(new TextEncoder().encode(text));

/** The tokens of one length in their order, as hex. */
function tokens(blocks: readonly TokenBlock[], tokenBytes = 32): string[] {
  return blocks
    .filter((block) => block.tokenBytes === tokenBytes)
    .flatMap((block) => Array.from({ length: block.count }, (_, index) => block.textAt(index)));
}

const token = (seed: number) => createHash('sha256').update(String(seed)).digest('hex');

describe('campaign/recipients/token-lines', () => {
  it('reads one token a line, the last one with or without a line feed', () => {
    const list = [token(1), token(2), token(3)];
    for (const text of [list.join('\n'), `${list.join('\n')}\n`, `${list.join('\r\n')}\r\n`, list.join('\r\n')]) {
      const { blocks, invalid, lines } = parseText(text);
      assert.deepEqual(tokens(blocks), list);
      assert.deepEqual(invalid, []);
      assert.equal(lines, 3);
    }
  });

  for (const [name, list, isHalf] of [
    ['half a token', `${token(1)}\n${token(2)}\n${token(3).slice(0, 44)}`, true],
    ['half a token after CR LF', `${token(1)}\r\n${token(3).slice(0, 62)}`, true],
    ['half of one in angle brackets or in quotes', `"${token(1)}"\n"${token(3).slice(0, 40)}`, true],
    ['half a token of 80 bytes', `${'ab'.repeat(80)}\n${'cd'.repeat(70)}`, true],
    ['a token of 32 bytes after longer ones', `${'ab'.repeat(80)}\n${token(3)}`, false],
    ['a short token among others of its length', `${'ab'.repeat(20)}\n${token(1)}\n${'cd'.repeat(20)}`, false],
    ['a short token with a line end', `${token(1)}\n${'cd'.repeat(20)}\n`, false],
    ['a list of one short token', 'cd'.repeat(20), false],
  ] as const) {
    it(`${isHalf ? 'does not take' : 'takes'} a last line that is ${name}`, () => {
      const { blocks, invalid } = parseText(list);
      const lines = list.trim().split(/\r?\n/).length;
      assert.equal(invalid.length, isHalf ? 1 : 0);
      assert.equal(
        blocks.reduce((sum, block) => sum + block.count, 0),
        isHalf ? lines - 1 : lines,
      );
      if (isHalf) assert.equal(invalid[0]!.line, lines);
      if (isHalf && !list.includes('"'))
        assert.match(
          invalid[0]!.why,
          /has no line end, and is shorter than every token before it.*: the file was probably cut off/,
        );
    });
  }

  it('skips empty lines and blanks, and counts them as lines', () => {
    const { blocks, invalid, lines } = parseText(`\n \t\n${token(1)}\r\n\r\n  ${token(2)} \nnonsense\n`);
    assert.deepEqual(tokens(blocks), [token(1), token(2)]);
    assert.deepEqual(
      invalid.map(({ line, text }) => [line, text]),
      [[6, 'nonsense']],
    );
    assert.equal(lines, 6);
  });

  it('reads lines that end with CR alone, also beside others and cut anywhere', () => {
    const list = [token(1), token(2).toUpperCase(), token(3), `<${token(4)}>`, token(5)];
    const expected = [1, 2, 3, 4, 5].map(token);
    for (const text of [list.join('\r'), `${list.join('\r')}\r`, list.join('\r\n\r'), `${list.join('\n\r')}\r\n`]) {
      const bytes = new TextEncoder().encode(text);
      assert.deepEqual(tokens(parse(bytes).blocks), expected);
      for (let cut = 1; cut < bytes.length; cut++) assert.deepEqual(tokens(parse(bytes, [cut]).blocks), expected);
    }
    assert.equal(parseText(list.join('\r')).lines, 5);
  });

  it('costs no more for each line of a long list that ends its lines with CR', () => {
    const line = `"${token(1)}"\r`;
    const cost = (lines: number): number => {
      const bytes = new TextEncoder().encode(line.repeat(lines));
      return leastCpuMs(() => assert.equal(parse(bytes).lines, lines));
    };
    const [few, many] = [cost(4_000), cost(40_000)];
    assert.ok(many < 40 * few, `${few} ms, and ${many} ms for ten times as many lines`);
  });

  it('reads quotes around a whole line', () => {
    const quoted = [
      `"${token(1)}"`,
      `'${token(2)}'`,
      ` "<${token(3)}>" `,
      `"${Buffer.from(token(4), 'hex').toString('base64')}"`,
    ];
    assert.deepEqual(tokens(parseText(quoted.join('\n')).blocks), [1, 2, 3, 4].map(token));
    assert.equal(parseText(`"${token(1)}\n${token(2)}"\n""`).invalid.length, 3);
  });

  it('takes shorter tokens where it is told to, and says how long one is otherwise', () => {
    assert.match(parseText('cafe\n').invalid[0]!.why, /has 4 hex digits; a device token has at least 32/);
    const taken: TokenBlock[] = [];
    const parser = new TokenLineParser(
      { onBlock: (block) => taken.push(block), onInvalid: () => assert.fail() },
      hexForm(2),
    );
    parser.write(new TextEncoder().encode('cafe\n1001\n'));
    parser.end();
    assert.deepEqual(tokens(taken, 2), ['cafe', '1001']);
  });

  it('reads an empty list as nothing', () => {
    assert.deepEqual(parseText(''), { blocks: [], invalid: [], lines: 0 });
  });

  it('skips a byte order mark before the first line only', () => {
    const { blocks, invalid } = parseText(`\uFEFF${token(1)}\n${token(2)}\n`);
    assert.deepEqual(tokens(blocks), [token(1), token(2)]);
    assert.deepEqual(invalid, []);
  });

  it('reads all forms of a token: upper case, NSData, base64', () => {
    const hex = token(1);
    const forms = [hex.toUpperCase(), `<${hex.match(/.{8}/g)!.join(' ')}>`, Buffer.from(hex, 'hex').toString('base64')];
    assert.deepEqual(tokens(parseText(forms.join('\n')).blocks), [hex, hex, hex]);
  });

  it('packs tokens of each length into blocks of their own, in the order of their lines', () => {
    const short = ['a1', 'b2', 'a3'].map((pair) => pair.repeat(16));
    const list = [short[0]!, token(1), short[1]!, 'cc'.repeat(100), token(2), short[2]!];
    const { blocks } = parseText(list.join('\n'));
    assert.deepEqual(tokens(blocks, 16), short);
    assert.deepEqual(tokens(blocks, 32), [token(1), token(2)]);
    assert.deepEqual(tokens(blocks, 100), ['cc'.repeat(100)]);
    assert.equal(blocks.length, 3);
  });

  it('hands out full blocks as they fill up, each the owner of an ArrayBuffer that can be transferred', () => {
    for (const digits of [64, 80]) {
      const list = Array.from({ length: 2 * maxBatchRecipients + 5 }, (_, i) => `${i}`.padStart(digits, '0'));
      const { blocks } = parseText(list.join('\n'));
      assert.deepEqual(
        blocks.map((block) => block.count),
        [maxBatchRecipients, maxBatchRecipients, 5],
      );
      assert.deepEqual(tokens(blocks, digits / 2), list);
      for (const { bytes, count, tokenBytes } of blocks) {
        assert.equal(bytes.byteOffset, 0);
        assert.equal(bytes.byteLength, count * tokenBytes);
        const { buffer } = bytes;
        assert.equal(buffer.byteLength, bytes.byteLength);
        structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
        assert.equal(buffer.byteLength, 0);
      }
    }
  });

  it('says of each bad line where it stands, what it says and why it is none', () => {
    const { blocks, invalid } = parseText(
      `${token(1)}\n${token(2).slice(1)}\n\x1b[2Jx\0\n${token(3)}\n${token(4).slice(0, 63)}g\n`,
    );
    assert.deepEqual(tokens(blocks), [token(1), token(3)]);
    assert.deepEqual(invalid, [
      { line: 2, text: token(2).slice(1), why: 'has 63 hex digits, an odd number' },
      { line: 3, text: '\\u{1b}[2Jx\\u{0}', why: 'is neither hex nor base64 of a device token' },
      { line: 5, text: `${token(4).slice(0, 63)}g`, why: 'has "g" at position 64, where a hex digit is expected' },
    ]);
  });

  it('bounds lines: one of any length is one invalid line', () => {
    const text = `${token(1)}\n${'x'.repeat(3_000_000)}\n${token(2)}\n${'y'.repeat(maxTokenLineBytes + 1)}`;
    for (const { blocks, invalid, lines } of [
      parseText(text),
      parse(new TextEncoder().encode(text), everyNth(text, 1000)),
    ]) {
      assert.deepEqual(tokens(blocks), [token(1), token(2)]);
      assert.deepEqual(
        invalid.map(({ line, why }) => [line, why]),
        [
          [2, 'is longer than 4096 bytes'],
          [4, 'is longer than 4096 bytes'],
        ],
      );
      for (const { text: shown } of invalid) assert.equal(shown.length, maxInvalidTextCharacters);
      assert.equal(lines, 4);
    }
  });

  it('gives the same for every way of cutting the list into chunks', () => {
    const line = fc.oneof(
      { weight: 6, arbitrary: fc.nat({ max: 50 }).map(token) },
      { weight: 1, arbitrary: fc.nat({ max: 50 }).map((n) => token(n).toUpperCase()) },
      {
        weight: 1,
        arbitrary: fc.uint8Array({ minLength: 1, maxLength: 100 }).map((b) => Buffer.from(b).toString('hex')),
      },
      { weight: 1, arbitrary: fc.nat({ max: 50 }).map((n) => `<${token(n)}>`) },
      { weight: 1, arbitrary: fc.nat({ max: 50 }).map((n) => Buffer.from(token(n), 'hex').toString('base64')) },
      {
        weight: 1,
        arbitrary: fc.nat({ max: 63 }).map((n) => token(n).replace(/./g, (c, i: number) => (i === n ? '~' : c))),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 90 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '',
          ' ',
          'é'.repeat(100),
          'z'.repeat(4095),
          'z'.repeat(4096),
          'z'.repeat(4097),
          'z'.repeat(9000),
        ),
      },
    );
    const list = fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', '\r', '\r\r\n')), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(list, fc.array(fc.nat({ max: 12_000 }), { maxLength: 20 }), fc.boolean(), (pairs, cuts, isEnded) => {
        const text = pairs.map((pair) => pair.join('')).join('');
        const bytes = new TextEncoder().encode(isEnded ? text : text.trimEnd());
        const whole = parse(bytes);
        assert.deepEqual(
          parse(
            bytes,
            cuts.filter((cut) => cut < bytes.length),
          ),
          whole,
        );
        assert.deepEqual(outcomes(whole), expectedOf(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same for a cut at every byte', () => {
    const bytes = new TextEncoder().encode(`\uFEFF${token(1)}\r\n${token(2)}\n\n<${token(3)}>\nbad\r\n${token(4)}`);
    const whole = parse(bytes);
    for (let cut = 1; cut < bytes.length; cut++) assert.deepEqual(parse(bytes, [cut]), whole, `cut at ${cut}`);
    assert.deepEqual(parse(bytes, everyNth(bytes, 1)), whole);
  });
});

function everyNth(of: { length: number }, n: number): number[] {
  return Array.from({ length: Math.floor(of.length / n) }, (_, i) => (i + 1) * n);
}

/** Tokens by length, and the numbers of invalid lines. */
function outcomes({ blocks, invalid }: Parsed): { tokens: Record<number, string[]>; invalid: number[] } {
  const byLength: Record<number, string[]> = {};
  for (const { tokenBytes } of blocks) byLength[tokenBytes] = tokens(blocks, tokenBytes);
  return { tokens: byLength, invalid: invalid.map(({ line }) => line) };
}

/** The same by the plainest means. */
function expectedOf(text: string): ReturnType<typeof outcomes> {
  const byLength: Record<number, string[]> = {};
  const invalid: number[] = [];
  text.split(/\r\n|\n|\r/).forEach((line, index) => {
    if (line.trim() === '') return;
    const parsed = parseDeviceToken(line);
    if (!isDeviceToken(parsed)) {
      invalid.push(index + 1);
      return;
    }
    byLength[parsed.length] ??= [];
    byLength[parsed.length]!.push(Buffer.from(parsed).toString('hex'));
  });
  return { tokens: byLength, invalid };
}
