import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { SeenTokens } from '../../../src/campaign/recipients/seen-tokens.js';
import { TokenBlock } from '../../../src/push/token-block.js';

/** Tokens of the shape that fools poor hashes: all but a counter are zeros. */
function counters(first: number, count: number, tokenBytes = 32): TokenBlock {
  const bytes = new Uint8Array(count * tokenBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setUint32(i * tokenBytes + tokenBytes - 4, first + i);
  return new TokenBlock(bytes, tokenBytes, count);
}

function hexOf(block: TokenBlock): string[] {
  return Array.from({ length: block.count }, (_, index) => block.textAt(index));
}

/**
 * Two tokens with one MurmurHash3 (x86, 128 bits), whatever its seed: their first halves differ by a bit that moves to
 * the top of the first lane and out of the fourth, and their second halves take it out of the first one, too.
 */
function murmurTwins(token: Buffer): [Buffer, Buffer] {
  const other = Buffer.from(token);
  const change = (at: number, lane: Lane, bit: number): void => {
    other.writeInt32LE(unmix(mix(token.readInt32LE(at), lane) ^ bit, lane), at);
  };
  change(0, first, 0x80000000 >>> 19);
  change(12, fourth, 0x80000000 >>> 13);
  change(16, first, 0x80000000 | 0);
  return [token, other];
}

type Lane = readonly [before: number, bits: number, behind: number];
const first: Lane = [0x239b961b, 15, 0xab0e9789];
const fourth: Lane = [0xa1e38b93, 18, 0x239b961b];

function mix(word: number, [before, bits, behind]: Lane): number {
  return Math.imul(turn(Math.imul(word, before), bits), behind);
}

function unmix(word: number, [before, bits, behind]: Lane): number {
  return Math.imul(turn(Math.imul(word, inverse(behind)), 32 - bits), inverse(before));
}

function turn(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Of an odd number, modulo 2^32: each round doubles the bits that are right. */
function inverse(odd: number): number {
  let found = odd;
  for (let round = 0; round < 5; round++) found = Math.imul(found, 2 - Math.imul(odd, found));
  return found;
}

describe('campaign/recipients/seen-tokens', () => {
  it('keeps the first of each token and drops the others, whatever the lengths and the blocks', () => {
    const token = fc
      .nat({ max: 40 })
      .chain((n) => fc.constantFrom(16, 32, 33, 100).map((bytes) => [n, bytes] as const));
    fc.assert(
      fc.property(fc.array(fc.array(token, { minLength: 1, maxLength: 50 }), { maxLength: 20 }), (lists) => {
        const seen = new SeenTokens();
        const known = new Set<string>();
        let dropped = 0;
        for (const list of lists) {
          for (const tokenBytes of [16, 32, 33, 100]) {
            const hex = list
              .filter(([, bytes]) => bytes === tokenBytes)
              .map(([n]) => createHash('shake256', { outputLength: tokenBytes }).update(`${n}`).digest('hex'));
            if (hex.length === 0) continue;
            const expected = hex.filter((each) => !known.has(each) && known.add(each));
            dropped += hex.length - expected.length;
            const block = new TokenBlock(new Uint8Array(Buffer.from(hex.join(''), 'hex')), tokenBytes, hex.length);
            const unique = seen.unique(block);
            assert.deepEqual(hexOf(unique), expected);
            if (expected.length < hex.length) assert.equal(unique.bytes.buffer.byteLength, unique.count * tokenBytes);
          }
        }
        assert.deepEqual([seen.size, seen.duplicates], [known.size, dropped]);
      }),
    );
  });

  it('takes no token for another, not even among 300,000 counters, and knows them all again', () => {
    const seen = new SeenTokens();
    const count = 300_000;
    for (let first = 0; first < count; first += 1000) assert.equal(seen.unique(counters(first, 1000)).count, 1000);
    assert.equal(seen.size, count);
    for (let first = 0; first < count; first += 1000) assert.equal(seen.unique(counters(first, 1000)).count, 0);
    assert.equal(seen.duplicates, count);
  });

  it('takes a block that is larger than those of a list', () => {
    const seen = new SeenTokens();
    assert.equal(seen.unique(counters(0, 5000)).count, 5000);
    assert.equal(seen.unique(counters(4000, 5000)).count, 4000);
    assert.equal(seen.unique(counters(0, 5000, 20)).count, 5000);
  });

  it('counts a token that fills a block', () => {
    const seen = new SeenTokens();
    for (let round = 0; round < 100; round++) seen.unique(new TokenBlock(new Uint8Array(32 * 1000), 32, 1000));
    assert.deepEqual([seen.size, seen.duplicates], [1, 99_999]);
  });

  it('tells tokens apart that were made to be alike for a fast hash (MurmurHash3) under every key', () => {
    const seen = new SeenTokens();
    for (let seed = 0; seed < 500; seed++) {
      const [one, other] = murmurTwins(createHash('sha256').update(`${seed}`).digest());
      assert.notDeepEqual(one, other);
      assert.equal(seen.unique(new TokenBlock(Uint8Array.from([...one, ...other]), 32, 2)).count, 2);
    }
  });

  it('tells tokens of different lengths apart that begin alike', () => {
    const seen = new SeenTokens();
    for (const tokenBytes of [16, 20, 32, 48]) {
      assert.equal(seen.unique(new TokenBlock(new Uint8Array(tokenBytes), tokenBytes, 1)).count, 1);
    }
  });

  it('takes at most 24 bytes for a token, at every size from 100,000 on', () => {
    const seen = new SeenTokens();
    for (let first = 0; first < 400_000; first += 1000) {
      seen.unique(counters(first, 1000));
      if (first >= 100_000) assert.ok(seen.memoryBytes <= 24 * seen.size, `${seen.memoryBytes} for ${seen.size}`);
    }
  });
});
