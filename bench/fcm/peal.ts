/** Sender: peal, by each call of its class FCM. */
import { maxBatchRecipients } from '../../src/base/limits.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { FCM } from '../../src/session/fcm.js';
import { FcmMessage } from '../../src/session/message/fcm-message.js';
import { Template } from '../../src/session/personal/template.js';
import { Rows } from '../../src/session/recipients/rows.js';
import { Session } from '../../src/session/session.js';
import { driveInFlight } from '../single/drive.js';
import { accessToken, type FcmSender, type OpenFcmSender, project, type Way } from './sender.js';
import { bodyOf, messageOf, orderAt, title, tokenCharacters } from './texts.js';

type Send = FcmSender['send'];

export const open: OpenFcmSender = async ({ target, way, threads, isPaced, atOnce }) => {
  const session = new Session({ threads, ca: target.ca });
  const address = target.url.replace('https:', 'fcm:');
  const credential = { accessToken, project };
  const gateway = isPaced
    ? session.getConnection(address, credential)
    : session.getConnection(address, credential, { messagesPerMinute: false });
  const fcm = new FCM(gateway);
  const sendAll = async (recipients: Iterable<TokenBlock | Rows>, personal?: Template): Promise<number> =>
    (await fcm.send(new FcmMessage([], shared), { recipients, ...(personal !== undefined && { personal }) })).accepted;
  const ways: Readonly<Partial<Record<Way, Send>>> = {
    send: async ({ texts }) => (await fcm.send(new FcmMessage(texts, shared))).accepted,
    packed: ({ packed }) => sendAll(blocks(packed)),
    personal: ({ packed }) => sendAll(rows(packed), template),
    push: async ({ texts }) => {
      const pushAt = async (index: number): Promise<boolean> =>
        (await fcm.push(optionsOf(orderAt(index)), texts[index]!)).outcome === 'accepted';
      const { count, failed } = await driveInFlight(pushAt, atOnce, Number.POSITIVE_INFINITY, 0, texts.length);
      return count - failed;
    },
  };
  return { send: ways[way]!, close: () => session.shutdown() };
};

/** The fields of `messageOf` as a program writes them for peal. */
const optionsOf = (order: string) => ({ title, body: bodyOf(order), data: { order }, priority: 10 }) as const;
const shared = optionsOf(orderAt(0));
const template = new Template({ service: 'fcm', payload: messageOf('{{order}}') });

const orders = Array.from({ length: maxBatchRecipients }, (_, index) => orderAt(index));

function* blocks(packed: Buffer): Generator<TokenBlock> {
  const blockBytes = maxBatchRecipients * tokenCharacters;
  for (let start = 0; start < packed.length; start += blockBytes) {
    const block = packed.subarray(start, start + blockBytes);
    yield new TokenBlock(block, tokenCharacters, block.length / tokenCharacters, 'text');
  }
}

/** With a column of text. */
function* rows(packed: Buffer): Generator<Rows> {
  for (const block of blocks(packed)) yield new Rows(block, { order: orders.slice(0, block.count) });
}
