import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { TokenBlock } from '../../../src/apns/token-block.js';
import { SeenTokens } from '../../../src/campaign/recipients/seen-tokens.js';

const key = Uint8Array.from({ length: 16 }, (_, i) => i * 7);

/** Tokens of the shape that fools poor hashes: all but a counter are zeros. */
function counters(first: number, count: number, tokenBytes = 32): TokenBlock {
  const bytes = new Uint8Array(count * tokenBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setUint32(i * tokenBytes + tokenBytes - 4, first + i);
  return new TokenBlock(bytes, tokenBytes, count);
}

function hexOf(block: TokenBlock): string[] {
  return Array.from({ length: block.count }, (_, index) => block.hexAt(index));
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
    const seen = new SeenTokens(key);
    const count = 300_000;
    for (let first = 0; first < count; first += 1000) assert.equal(seen.unique(counters(first, 1000)).count, 1000);
    assert.equal(seen.size, count);
    for (let first = 0; first < count; first += 1000) assert.equal(seen.unique(counters(first, 1000)).count, 0);
    assert.equal(seen.duplicates, count);
  });

  it('tells tokens of different lengths apart that begin alike', () => {
    const seen = new SeenTokens(key);
    for (const tokenBytes of [16, 20, 32, 48]) {
      assert.equal(seen.unique(new TokenBlock(new Uint8Array(tokenBytes), tokenBytes, 1)).count, 1);
    }
  });

  it('takes at most 24 bytes for a token, at every size', () => {
    const seen = new SeenTokens(key);
    for (let first = 0; first < 400_000; first += 1000) {
      seen.unique(counters(first, 1000));
      if (first >= 10_000) assert.ok(seen.memoryBytes <= 24 * seen.size, `${seen.memoryBytes} for ${seen.size}`);
    }
  });
});
