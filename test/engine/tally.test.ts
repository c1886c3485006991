import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../src/engine/ledger.js';
import { Tally } from '../../src/engine/tally.js';
import { reasonCode } from '../../src/push-services/reasons.js';

const detail = (index: number, status: number, reason: string) => ({
  index,
  status,
  reason,
  timestampMs: null,
  apnsId: null,
  retryAfterSeconds: null,
});

describe('tally', () => {
  it('counts outcomes and reasons', () => {
    const tally = new Tally();
    const gone = REJECTED + reasonCode('Unregistered');
    tally.add({ ledger: Uint8Array.of(ACCEPTED, ACCEPTED, gone, UNSENT, UNKNOWN, gone), details: [] });
    assert.deepEqual(tally.toJSON(), {
      recipients: 6,
      accepted: 2,
      rejected: 2,
      unsent: 1,
      unknown: 1,
      reasons: { Unregistered: 2 },
    });
  });

  it('names reasons that are not in the table by their text, and answers without one by their status', () => {
    const tally = new Tally();
    const details = [detail(0, 400, 'BrandNew'), detail(1, 502, ''), detail(2, 502, '')];
    tally.add({ ledger: Uint8Array.of(REJECTED, REJECTED, REJECTED), details });
    assert.deepEqual(tally.toJSON().reasons, { 'HTTP 502': 2, BrandNew: 1 });
  });

  it('keeps its memory bounded when a gateway invents reasons', () => {
    const tally = new Tally();
    for (let n = 0; n < 1_000; n++) {
      tally.add({ ledger: Uint8Array.of(REJECTED), details: [detail(0, 400, `Invented${n}`)] });
    }
    assert.ok(tally.reasons().length <= 101);
    assert.equal(
      tally.reasons().reduce((sum, [, count]) => sum + count, 0),
      1_000,
    );
  });

  it('merges to the same counts in any grouping and order', () => {
    const known = [ACCEPTED, UNSENT, UNKNOWN, REJECTED + 1, REJECTED + 26];
    const ledgers = fc.array(fc.array(fc.constantFrom(...known), { maxLength: 20 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(ledgers, (parts) => {
        const [a, b, c] = parts.map((bytes) => {
          const tally = new Tally();
          tally.add({ ledger: Uint8Array.from(bytes), details: [] });
          return tally;
        });
        const merged = (...tallies: Tally[]): Tally => {
          const sum = new Tally();
          for (const tally of tallies) sum.merge(tally);
          return sum;
        };
        const left = merged(merged(a!, b!), c!).toJSON();
        assert.deepEqual(merged(a!, merged(b!, c!)).toJSON(), left);
        assert.deepEqual(merged(c!, b!, a!).toJSON(), left);
        const whole = new Tally();
        whole.add({ ledger: Uint8Array.from(parts.flat()), details: [] });
        assert.deepEqual(whole.toJSON(), left);
      }),
    );
  });
});
