/**
 * Contender: the library with a payload for each recipient, from a template with two fields. Rows are packed, as
 * readers of tables yield them; the payloads are as long as the shared one of the contender beside it.
 */
import { maxBatchRecipients } from '../../../src/base/limits.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { APNs } from '../../../src/session/apns.js';
import { Message } from '../../../src/session/message/message.js';
import { Template } from '../../../src/session/personal/template.js';
import { Rows, type TextColumn } from '../../../src/session/recipients/rows.js';
import { Session } from '../../../src/session/session.js';
import { measured } from '../../lib/usage.js';
import { randomTokens, readTask, tokenBytes, writeOutcome } from './contender.js';

const { target, count, warmUp, payloadBytes, threads } = readTask();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const session = new Session({ threads, ca });
const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));

/** Characters of each cell. */
const cellLength = 10;
const frame = JSON.stringify({ aps: { alert: `Hello , your order ` } });
const filling = 'x'.repeat(Math.max(0, payloadBytes - frame.length - 2 * cellLength));
const template = new Template({ payload: { aps: { alert: `Hello {{name}}, your order {{order}}${filling}` } } });

/** Both columns of a run of rows in one piece of memory, cell after cell. */
function columnsOf(rows: number): Map<string, TextColumn> {
  const bytes = new Uint8Array(rows * 2 * cellLength);
  const spans = new Uint32Array(rows * 4);
  for (let cell = 0; cell < rows * 2; cell++) {
    bytes.set(Buffer.from(String(1e9 + cell * 7919)), cell * cellLength);
    spans[cell * 2] = cell * cellLength;
    spans[cell * 2 + 1] = (cell + 1) * cellLength;
  }
  return new Map([
    ['name', { bytes, spans, first: 0, step: 4 }],
    ['order', { bytes, spans, first: 2, step: 4 }],
  ]);
}

const columns = columnsOf(maxBatchRecipients);

function* rows(tokens: Buffer): Generator<Rows> {
  const blockBytes = maxBatchRecipients * tokenBytes;
  for (let start = 0; start < tokens.length; start += blockBytes) {
    const bytes = tokens.subarray(start, start + blockBytes);
    yield new Rows(new TokenBlock(bytes, tokenBytes, bytes.length / tokenBytes), columns);
  }
}

async function send(tokens: Buffer): Promise<number> {
  const message = new Message([], { topic, pushType: 'alert' });
  return (await apns.send(message, { recipients: rows(tokens), personal: template })).accepted;
}

await send(randomTokens(warmUp));
const tokens = randomTokens(count);
let accepted = 0;
const usage = await measured(async () => {
  accepted = await send(tokens);
});
writeOutcome({ ...usage, count, accepted });
await session.shutdown();
