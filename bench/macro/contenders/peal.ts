/** Contender: the library, as a program uses it. Tokens are packed, as `readTokens` yields them. */
import { maxBatchRecipients } from '../../../src/base/limits.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { APNs } from '../../../src/session/apns.js';
import { Message } from '../../../src/session/message/message.js';
import { Session } from '../../../src/session/session.js';
import { measured } from '../../lib/usage.js';
import { payloadOf, randomTokens, readTask, tokenBytes, writeOutcome } from './contender.js';

const { target, count, warmUp, payloadBytes, threads } = readTask();
const { protocol, url, topic, ca, keyFile, keyId, teamId, certFile, certKeyFile } = target;
const session = new Session({ threads, ca });
const credential =
  protocol === 'http2'
    ? { key: { file: keyFile }, keyId, teamId }
    : { cert: { file: certFile }, key: { file: certKeyFile } };
const apns = new APNs(session.getConnection(url, credential));
const payload = payloadOf(payloadBytes);

function* blocks(tokens: Buffer): Generator<TokenBlock> {
  const blockBytes = maxBatchRecipients * tokenBytes;
  for (let start = 0; start < tokens.length; start += blockBytes) {
    const bytes = tokens.subarray(start, start + blockBytes);
    yield new TokenBlock(bytes, tokenBytes, bytes.length / tokenBytes);
  }
}

async function send(tokens: Buffer): Promise<number> {
  const message = new Message([], protocol === 'http2' ? { payload, topic } : { payload });
  return (await apns.send(message, { recipients: blocks(tokens) })).accepted;
}

await send(randomTokens(warmUp));
const tokens = randomTokens(count);
let accepted = 0;
const usage = await measured(async () => {
  accepted = await send(tokens);
});
writeOutcome({ ...usage, count, accepted });
await session.shutdown();
