/**
 * Contender: the library with a journal: each block is noted durably before it is sent, and settled afterwards. The
 * blocks that a crash would leave unknown are a fixed number here.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { maxBatchRecipients } from '../../../src/base/limits.js';
import { blockDigest } from '../../../src/campaign/journal/block-digest.js';
import type { Journal } from '../../../src/campaign/journal/journal.js';
import { openJournal } from '../../../src/campaign/journal/journal-folder.js';
import type { OutcomeSink } from '../../../src/engine/batch.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { APNs } from '../../../src/session/apns.js';
import { Message } from '../../../src/session/message/message.js';
import type { RowBatch } from '../../../src/session/recipients/row-batch.js';
import { Rows } from '../../../src/session/recipients/rows.js';
import { Session } from '../../../src/session/session.js';
import { measured } from '../../lib/usage.js';
import { payloadOf, randomTokens, readTask, tokenBytes, writeOutcome } from './contender.js';

const { target, count, warmUp, payloadBytes, threads } = readTask();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const session = new Session({ threads, ca });
const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
const payload = payloadOf(payloadBytes);
/** In the working directory: what is measured is a disk, where a temporary directory may be memory. */
const folder = mkdtempSync(path.resolve('.bench-journal-'));
const windowBlocks = 96;
/** Resolves a wait for room in the window. */
let onSettled: (() => void) | null = null;

async function* noted(tokens: Buffer, journal: Journal, numbers: Map<Rows, number>): AsyncGenerator<Rows> {
  const blockBytes = maxBatchRecipients * tokenBytes;
  const notes: { readonly rows: Rows; readonly noted: Promise<void> }[] = [];
  let number = 0;
  for (let start = 0; start < tokens.length || notes.length > 0; ) {
    while (start < tokens.length && numbers.size < windowBlocks) {
      const bytes = tokens.subarray(start, start + blockBytes);
      const rows = new Rows(new TokenBlock(bytes, tokenBytes, bytes.length / tokenBytes), {});
      const digest = blockDigest(rows);
      if (!journal.block(number, digest, rows.count).isNew) throw new Error('the journal is not new');
      notes.push({ rows, noted: journal.note(number, digest, rows.count) });
      numbers.set(rows, number++);
      start += blockBytes;
    }
    const next = notes.shift();
    if (next === undefined) await new Promise<void>((resolve) => (onSettled = resolve));
    else {
      await next.noted;
      yield next.rows;
    }
  }
}

async function send(tokens: Buffer, name: string): Promise<number> {
  const journal = await openJournal(mkdtempSync(path.join(folder, name)), { parts: [], inputs: [] });
  const numbers = new Map<Rows, number>();
  const outcomes: OutcomeSink = {
    settled: ({ batch, ledger }) => {
      const { rows } = batch as RowBatch;
      journal.settle(numbers.get(rows)!, ledger);
      numbers.delete(rows);
      onSettled?.();
    },
  };
  const message = new Message([], { payload, topic });
  const result = await apns.send(message, { recipients: noted(tokens, journal, numbers), outcomes });
  await journal.close();
  return result.accepted;
}

try {
  await send(randomTokens(warmUp), 'warm');
  const tokens = randomTokens(count);
  let accepted = 0;
  const usage = await measured(async () => {
    accepted = await send(tokens, 'run');
  });
  writeOutcome({ ...usage, count, accepted });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
await session.shutdown();
