/**
 * What a program pays to make a message, as a service does that makes one for each notification: the same options,
 * options that are equal but for the text, options with values of their own, and whole payloads. Beside them stand what
 * JSON.stringify and the encoder of UTF-8 cost alone, reading a token, and the result of a single send.
 */
import { deviceTokenOf } from '../../src/apns/device-token.js';
import { Failure } from '../../src/session/message/failure.js';
import { Message, type MessageOptions } from '../../src/session/message/message.js';
import { Result } from '../../src/session/message/result.js';
import { RecipientList } from '../../src/session/recipients/recipient-list.js';
import type { MicroItem } from './suite.js';

const items = 256;
const topic = 'com.example.app';
const token = 'a5'.repeat(32);
const textAt = (index: number): string => `Your order ${index} has left the house and comes today between 2 and 4.`;
const optionsAt = (index: number): MessageOptions => ({ topic, alert: textAt(index), badge: 1, sound: 'default' });
const encoder = new TextEncoder();
const bytesPerItem = new Message([], optionsAt(100)).notification.payload.length;

/** Each run goes on where the last one ended, so that no text comes twice. */
function item(name: string, make: (index: number) => unknown): MicroItem {
  let next = 0;
  let last: unknown = null;
  const run = (): void => {
    for (let i = 0; i < items; i++) last = make(next++);
    if (last === undefined) throw new Error('nothing was made');
  };
  return { name: `message: ${name}`, bytesPerItem, itemsPerRun: items, run };
}

function whole(index: number): { aps: object } {
  return { aps: { alert: textAt(index), badge: 1, sound: 'default' } };
}

function idAt(index: number): string {
  return `eabeae54-14a8-11e5-b60b-${(0x1697f925ec00 + index).toString(16)}`;
}

export function register(): readonly MicroItem[] {
  const same = optionsAt(0);
  const until = new Date(2_000_000_000_000);
  const { retryStates } = singleParts();
  return [
    item('JSON.stringify and UTF-8 alone', (index) => encoder.encode(JSON.stringify(whole(index)))),
    item('the same options', () => new Message([], same)),
    item('a text of its own', (index) => new Message([], optionsAt(index))),
    item('a text of its own, one token', (index) => new Message([token], optionsAt(index))),
    item('title and body of its own', (index) => {
      return new Message([], { topic, alert: { title: 'On its way', body: textAt(index) }, sound: 'default' });
    }),
    item('extra of its own', (index) => new Message([], { ...optionsAt(index), extra: { order: { id: index } } })),
    item('priority and expiration', (index) => {
      return new Message([], { ...optionsAt(index), priority: 10, expiration: 1_900_000_000 + index });
    }),
    item('priority and a Date', (index) => new Message([], { ...optionsAt(index), priority: 10, expiration: until })),
    item('expiration from now', (index) => new Message([], { ...optionsAt(index), expiration: { seconds: 3600 } })),
    item('collapse id', (index) => new Message([], { ...optionsAt(index), collapseId: `order-${index}` })),
    item('apns-id, one token', (index) => new Message([token], { ...optionsAt(index), apnsId: idAt(index) })),
    item('a header of its own', (index) => new Message([], { ...optionsAt(index), headers: { 'x-trace': 'a' } })),
    item('a topic of its own', (index) => new Message([], { ...optionsAt(index), topic: `com.example.app${index}` })),
    item('payload as an object', (index) => new Message([], { topic, payload: whole(index) })),
    item('payload as text', (index) => new Message([], { topic, payload: JSON.stringify(whole(index)) })),
    item('bytes of one token', () => deviceTokenOf(token)),
    item('result of one accepted recipient', () => new Result(singleParts(retryStates))),
    item('failure of one recipient', () => new Failure(answer, 'http2')),
  ];
}

const answer = {
  status: 400,
  reason: 'BadDeviceToken',
  timestampMs: null,
  apnsId: null,
  apnsUniqueId: null,
  retryAfterSeconds: null,
};

type Parts = NonNullable<ConstructorParameters<typeof Result>[0]>;

function singleParts(retryStates: Parts['retryStates'] = [acceptedState()]): Parts {
  const counts = { recipients: 1, accepted: 1, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };
  return { counts, reasons: new Map(), rejections: new Map(), errors: [], invalid: [], retryStates };
}

function acceptedState(): Parts['retryStates'][number] {
  const { empty } = RecipientList;
  const message = new Message([token], optionsAt(0));
  return { message, unsent: empty, unknown: empty, transient: empty, refused: empty, stopped: null, isFruitful: true };
}
