/** What it costs to say to each recipient what is meant for him: rows into payloads, and batches into their buffers. */
import { maxBatchRecipients } from '../../src/base/limits.js';
import { BatchBuffers } from '../../src/engine/dispatcher/buffers.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { Template } from '../../src/session/personal/template.js';
import { Rows, type TextColumn } from '../../src/session/recipients/rows.js';
import type { MicroItem, Register } from './suite.js';

const tokenBytes = 32;
const context = { pushType: 'alert', protocol: 'http2' } as const;

/** Rows with two columns in one piece of memory, as a reader of tables leaves them. */
function rowsOf(cell: (number: number) => string): Rows {
  const cells = Array.from({ length: maxBatchRecipients * 2 }, (_, number) => Buffer.from(cell(number)));
  const bytes = Buffer.concat(cells);
  const spans = new Uint32Array(cells.length * 2);
  let at = 0;
  cells.forEach((text, number) => {
    spans[number * 2] = at;
    at += text.length;
    spans[number * 2 + 1] = at;
  });
  const columns = new Map<string, TextColumn>([
    ['name', { bytes, spans, first: 0, step: 4 }],
    ['order', { bytes, spans, first: 2, step: 4 }],
  ]);
  const tokens = new Uint8Array(maxBatchRecipients * tokenBytes);
  return new Rows(new TokenBlock(tokens, tokenBytes, maxBatchRecipients), columns);
}

/** Two fields in a payload of about that length. */
function templateOf(payloadBytes: number): Template {
  const filling = 'x'.repeat(Math.max(0, payloadBytes - 70));
  return new Template({ payload: { aps: { alert: `Hello {{name}}, your order {{order}} is here.${filling}` } } });
}

function renderItem(name: string, template: Template, rows: Rows): MicroItem {
  const bytes = template.render(rows, context).batches[0]!.personal!.payloads!.length;
  return {
    name,
    bytesPerItem: Math.round(bytes / maxBatchRecipients),
    itemsPerRun: maxBatchRecipients,
    run: () => {
      template.render(rows, context);
    },
  };
}

export const register: Register = () => {
  const plain = rowsOf((number) => String(1e9 + number * 7919));
  const quoted = rowsOf((number) => `"${number}"\n`);
  const template = templateOf(120);
  const [batch] = template.render(plain, context).batches;
  const buffers = new BatchBuffers(4);
  return [
    renderItem('template: two fields, 120 bytes', template, plain),
    renderItem('template: two fields with quotes, 120 bytes', template, quoted),
    renderItem('template: two fields, 2,000 bytes', templateOf(2000), plain),
    {
      name: 'template: copy a batch of 120-byte payloads into its buffer',
      bytesPerItem: 120 + tokenBytes,
      itemsPerRun: maxBatchRecipients,
      run: () => buffers.giveBack(buffers.copyOf(batch!).buffer),
    },
  ];
};
