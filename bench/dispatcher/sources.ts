/** Recipients as programs have them, made of packed random tokens. Used by contenders of several benchmarks. */
import { maxBatchRecipients } from '../../src/base/limits.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { Template } from '../../src/session/personal/template.js';
import type { StreamedRecipient } from '../../src/session/recipients/recipient.js';
import { Rows, type TextColumn } from '../../src/session/recipients/rows.js';
import { tokenBytes } from '../macro/contenders/contender.js';

/**
 * `blocks`: packed tokens, as `readTokens` yields them. `strings`: one token at a time, as hex. `rows`: packed rows for
 * a template with two fields, as readers of tables yield them.
 */
export type Source = 'blocks' | 'strings' | 'rows';

export function recipientsOf(source: Source, tokens: Buffer): Iterable<StreamedRecipient> {
  if (source === 'blocks') return blocks(tokens);
  return source === 'strings' ? strings(tokens) : rows(tokens);
}

export function* blocks(tokens: Buffer): Generator<TokenBlock> {
  const blockBytes = maxBatchRecipients * tokenBytes;
  for (let start = 0; start < tokens.length; start += blockBytes) {
    const bytes = tokens.subarray(start, start + blockBytes);
    yield new TokenBlock(bytes, tokenBytes, bytes.length / tokenBytes);
  }
}

export function* strings(tokens: Buffer): Generator<string> {
  for (let start = 0; start < tokens.length; start += tokenBytes) {
    yield tokens.toString('hex', start, start + tokenBytes);
  }
}

/** Characters of each cell. */
const cellLength = 10;

/** A payload of so many bytes once it is rendered. */
export function templateOf(payloadBytes: number): Template {
  const frame = JSON.stringify({ aps: { alert: `Hello , your order ` } });
  const filling = 'x'.repeat(Math.max(0, payloadBytes - frame.length - 2 * cellLength));
  return new Template({ payload: { aps: { alert: `Hello {{name}}, your order {{order}}${filling}` } } });
}

function* rows(tokens: Buffer): Generator<Rows> {
  const columns = columnsOf(maxBatchRecipients);
  for (const block of blocks(tokens)) yield new Rows(block, columns);
}

/** Both columns of a run of rows in one piece of memory, cell after cell. */
function columnsOf(count: number): Map<string, TextColumn> {
  const bytes = new Uint8Array(count * 2 * cellLength);
  const spans = new Uint32Array(count * 4);
  for (let cell = 0; cell < count * 2; cell++) {
    bytes.set(Buffer.from(String(1e9 + cell * 7919)), cell * cellLength);
    spans[cell * 2] = cell * cellLength;
    spans[cell * 2 + 1] = (cell + 1) * cellLength;
  }
  return new Map([
    ['name', { bytes, spans, first: 0, step: 4 }],
    ['order', { bytes, spans, first: 2, step: 4 }],
  ]);
}
