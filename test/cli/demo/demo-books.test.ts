import assert from 'node:assert/strict';
import { compareBooks, SenderDigest } from '../../../src/cli/demo/demo-books.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Rows } from '../../../src/session/recipients/rows.js';
import { LedgerDigest } from '../../../src/simulator/books/digest.js';
import type { LedgerSummary } from '../../../src/simulator/books/ledger.js';

const tokens = new TokenBlock(
  new Uint8Array(96).map((_, index) => index),
  32,
  3,
);
const rows = new Rows(tokens, new Map());
const files = { recipients: 3, scripted: { Unregistered: 1 } };
const sender = {
  ...{ recipients: 3, accepted: 2, rejected: 1, unsent: 0, unknown: 0, invalid: 0 },
  reasons: [{ reason: 'Unregistered', status: 410, count: 1 }],
};

function senderDigest(): SenderDigest {
  const digest = new SenderDigest();
  digest.accepted(rows, 0);
  digest.rejected(rows, 1, 'Unregistered');
  digest.accepted(rows, 2);
  return digest;
}

function ledger(change: Partial<LedgerSummary> = {}, goneAt = 1): LedgerSummary {
  const digest = new LedgerDigest();
  for (const index of [2, 1, 0]) {
    digest.add(tokens.bytes.subarray(index * 32, (index + 1) * 32), index === goneAt ? 'Unregistered' : '');
  }
  return {
    ...{ mode: 'tokens' as const, requests: 3, accepted: 2, rejected: 1, unanswered: 0, refused: 0 },
    ...{ unprocessed: 0, faults: {} },
    reasons: { Unregistered: 1 },
    ...{ distinctTokens: 3, duplicates: 0, withoutToken: 0, flushes: 0, payloadBytes: 0, connections: 1 },
    dropped: 0,
    digest: digest.toString(),
    ...change,
  };
}

describe('the books of the demo', () => {
  it('are equal when both sides say the same, in whatever order', () => {
    const { isEqual, text } = compareBooks(sender, senderDigest(), ledger(), files);
    assert.ok(isEqual, text);
    assert.match(text, /Both books are equal/);
  });

  const differences: readonly [name: string, change: Partial<LedgerSummary>][] = [
    ['a notification arrived twice', { requests: 4, duplicates: 1 }],
    ['one never arrived', { requests: 2, accepted: 1 }],
    ['another reason was answered', { reasons: { ExpiredToken: 1 } }],
    ['the digest differs', { digest: '0000000000000000' }],
  ];
  for (const [name, change] of differences) {
    it(`differ when ${name}`, () => {
      const { isEqual, text } = compareBooks(sender, senderDigest(), ledger(change), files);
      assert.ok(!isEqual);
      assert.match(text, /THE BOOKS DIFFER/);
    });
  }

  it('differ when the same answers went to other tokens', () => {
    assert.ok(!compareBooks(sender, senderDigest(), ledger({}, 0), files).isEqual);
  });
});
