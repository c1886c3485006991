/** The simulator's book and its digest. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { reasonCode } from '../../../src/push-services/reasons.js';
import { TokenHash } from '../../../src/simulator/books/digest.js';
import { SimulatorLedger as Ledger } from '../../../src/simulator/books/ledger.js';
import { LedgerDigest, type SimulatorLedger } from '../../../src/simulator/index.js';
import { ACCEPTED_ANSWER, NO_ANSWER, REFUSED } from '../../../src/simulator/settings/answers.js';

const hash = new TokenHash();

function book(ledger: SimulatorLedger, hex: string, answer: number): void {
  const token = Buffer.from(hex, 'hex');
  hash.take(token, 0, token.length);
  const entry = ledger.locate(token, token.length, hash.a);
  ledger.record(entry, hash.a, hash.b, answer, 10);
}

function tokenOf(index: number): string {
  return index.toString(16).padStart(64, '0');
}

describe('simulator: ledger', () => {
  it('keeps 100,000 tokens apart, with their counts and last answers', () => {
    const ledger = new Ledger('tokens');
    const gone = reasonCode('Unregistered');
    for (let index = 0; index < 100_000; index++) book(ledger, tokenOf(index), ACCEPTED_ANSWER);
    for (let index = 0; index < 100_000; index += 10) book(ledger, tokenOf(index), gone);
    let records = 0;
    for (const record of ledger.records()) {
      const isTenth = records % 10 === 0;
      assert.equal(record.token, tokenOf(records++));
      assert.deepEqual(
        [record.requests, record.answer, record.status],
        isTenth ? [2, 'Unregistered', 410] : [1, 'accepted', 200],
      );
    }
    assert.equal(records, 100_000);
    const { digest, ...rest } = ledger.summary();
    assert.match(digest, /^[0-9a-f]{16}$/);
    assert.deepEqual(rest, {
      mode: 'tokens',
      requests: 110_000,
      accepted: 100_000,
      rejected: 10_000,
      unanswered: 0,
      refused: 0,
      reasons: { Unregistered: 10_000 },
      distinctTokens: 100_000,
      duplicates: 10_000,
      withoutToken: 0,
      flushes: 0,
      unprocessed: 0,
      faults: {},
      payloadBytes: 1_100_000,
      connections: 0,
      dropped: 0,
    });
  });

  it('says what a map says, for tokens of any length (property)', () => {
    const request = fc.record({
      token: fc.oneof(
        fc.constantFrom('00', '0000', 'ab'),
        fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      ),
      answer: fc.constantFrom(ACCEPTED_ANSWER, NO_ANSWER, reasonCode('BadDeviceToken'), reasonCode('Shutdown')),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 200 }), (requests) => {
        const ledger = new Ledger('tokens');
        const model = new Map<string, { count: number; answer: number }>();
        for (const { token, answer } of requests) {
          book(ledger, token, answer);
          model.set(token, { count: (model.get(token)?.count ?? 0) + 1, answer });
        }
        assert.equal(ledger.summary().distinctTokens, model.size);
        assert.deepEqual(
          [...ledger.records()].map((record) => record.token),
          [...model.keys()],
        );
        for (const [token, { count }] of model) assert.equal(ledger.recordOf(token.toUpperCase())?.requests, count);
      }),
    );
  });

  it('knows nothing of a token that only its headers came of', () => {
    const ledger = new Ledger('tokens');
    const token = Buffer.from(tokenOf(1), 'hex');
    hash.take(token, 0, 32);
    ledger.locate(token, 32, hash.a);
    assert.equal(ledger.answerOf(tokenOf(1)), null);
    assert.equal(ledger.summary().distinctTokens, 0);
    assert.deepEqual([...ledger.records()], []);
  });

  it('forgets on reset, and books requests that were under way as new ones', () => {
    const ledger = new Ledger('tokens');
    book(ledger, tokenOf(1), ACCEPTED_ANSWER);
    const token = Buffer.from(tokenOf(2), 'hex');
    hash.take(token, 0, 32);
    const underWay = ledger.locate(token, 32, hash.a);
    const empty = new Ledger('tokens').summary();
    ledger.reset();
    assert.deepEqual(ledger.summary(), empty);
    ledger.record(underWay, hash.a, hash.b, ACCEPTED_ANSWER, 1);
    assert.deepEqual(
      [...ledger.records()].map((record) => record.token),
      [tokenOf(2)],
    );
    assert.equal(ledger.summary().distinctTokens, 1);
  });

  it('counts without tokens in mode counts, with the same digest', () => {
    const counts = new Ledger('counts');
    const tokens = new Ledger('tokens');
    for (const ledger of [counts, tokens])
      for (let index = 0; index < 100; index++) book(ledger, tokenOf(index), ACCEPTED_ANSWER);
    assert.equal(counts.summary().digest, tokens.summary().digest);
    assert.equal(counts.summary().accepted, 100);
    assert.equal(counts.summary().distinctTokens, null);
    assert.throws(() => counts.answerOf(tokenOf(1)), { code: 'ERR_PEAL_OPTION' });
  });

  it('does not count refused streams as requests', () => {
    const ledger = new Ledger('tokens');
    ledger.recordRefused();
    book(ledger, tokenOf(1), NO_ANSWER);
    const { requests, refused, unanswered, accepted } = ledger.summary();
    assert.deepEqual(
      { requests, refused, unanswered, accepted },
      { requests: 1, refused: 1, unanswered: 1, accepted: 0 },
    );
    assert.equal(REFUSED > NO_ANSWER, true);
  });
});

describe('simulator: digest', () => {
  const answered = fc.record({
    token: fc.uint8Array({ minLength: 1, maxLength: 100 }),
    reason: fc.constantFrom('', 'Unregistered', 'BadDeviceToken'),
  });

  it('does not depend on order, and tells whether an answer differs (property)', () => {
    fc.assert(
      fc.property(fc.array(answered, { minLength: 1, maxLength: 50 }), fc.nat(), (items, pick) => {
        const forwards = new LedgerDigest();
        const backwards = new LedgerDigest();
        const changed = new LedgerDigest();
        for (const item of items) forwards.add(item.token, item.reason);
        for (const item of items.toReversed()) backwards.add(item.token, item.reason);
        items.forEach((item, index) => {
          changed.add(item.token, index === pick % items.length ? 'Shutdown' : item.reason);
        });
        assert.equal(forwards.toString(), backwards.toString());
        assert.notEqual(forwards.toString(), changed.toString());
      }),
    );
  });

  it('keeps the values that other languages compute', () => {
    const digest = new LedgerDigest();
    assert.equal(digest.toString(), '0000000000000000');
    digest.add(Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex'));
    assert.equal(
      digest.toString(),
      bigIntDigest([['000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', '']]),
    );
    digest.add(Buffer.from('abcdef', 'hex'), 'Unregistered');
    assert.equal(
      digest.toString(),
      bigIntDigest([
        ['000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', ''],
        ['abcdef', 'Unregistered'],
      ]),
    );
  });
});

/** The definition of docs/simulator.md, written down once more without the tricks. */
function bigIntDigest(items: [token: string, reason: string][]): string {
  const mask = 0xffffffffn;
  const lanes = [
    { start: 0x9e3779b9n, factor: 0xcc9e2d51n, shift: 15n },
    { start: 0x7f4a7c15n, factor: 0x1b873593n, shift: 13n },
  ];
  return lanes
    .map(({ start, factor, shift }) => {
      let sum = 0n;
      for (const [hex, reason] of items) {
        const bytes = Buffer.from(hex, 'hex');
        let lane = start ^ BigInt(bytes.length);
        for (let at = 0; at < bytes.length; at += 4) {
          const word = Buffer.alloc(4);
          bytes.copy(word, 0, at);
          lane = ((lane ^ BigInt(word.readUInt32LE(0))) * factor) & mask;
          lane ^= lane >> shift;
        }
        let fnv = 0x811c9dc5n;
        for (const octet of Buffer.from(reason)) fnv = ((fnv ^ BigInt(octet)) * 0x01000193n) & mask;
        let item = ((lane ^ fnv) * 0x85ebca6bn) & mask;
        item ^= item >> 13n;
        item = (item * 0xc2b2ae35n) & mask;
        item ^= item >> 16n;
        sum = (sum + item) & mask;
      }
      return sum.toString(16).padStart(8, '0');
    })
    .join('');
}
