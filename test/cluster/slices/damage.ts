/** What each codec of slices must do with bytes that are not those that it wrote. */
import assert from 'node:assert/strict';
import fc from 'fast-check';

/** Bytes cut off, one bit turned, bytes added: each ends in ERR_PEAL_STORE. */
export function checkDamage<T>(
  drawn: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (b: Uint8Array) => unknown,
) {
  const place = fc.nat();
  fc.assert(
    fc.property(drawn, place, fc.integer({ min: 0, max: 7 }), (value, at, bit) => {
      const bytes = encode(value);
      const turned = Uint8Array.from(bytes);
      turned[at % bytes.length]! ^= 1 << bit;
      const isStoreError = { name: 'PealError', code: 'ERR_PEAL_STORE', origin: 'store' };
      assert.throws(() => decode(turned), isStoreError);
      assert.throws(() => decode(bytes.slice(0, at % bytes.length)), isStoreError);
      assert.throws(() => decode(Uint8Array.from([...bytes, at & 0xff])), isStoreError);
    }),
  );
}

/** Any bytes at all, with a check sum that matches: an error of the store, or a value. */
export function checkAnyBytes(seal: (content: Uint8Array) => Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
      try {
        decode(seal(content));
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'ERR_PEAL_STORE', String(error));
      }
    }),
    { numRuns: 2000 },
  );
}
