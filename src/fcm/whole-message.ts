/**
 * A message to FCM that is given as a whole (`message`): plain data, or JSON as text or bytes, which is sent as it was
 * written. Called by compile-fcm, and for templates; main thread.
 */
import { PealError } from '../base/errors.js';
import { maxRawMessageBytes } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { option, quoting } from '../base/wording.js';
import { compactJson, keyGivenTwice, NotPlainError, plainJson } from '../push/plain-json.js';
import { isJsonObject, type JsonObject, messageFields, readFields } from './message-fields.js';
import { contentNames, type Given } from './message-options.js';

/** A message as compact JSON text, and as what JSON.parse makes of it, by the names of the wire. */
export interface ReadMessage {
  readonly text: string;
  readonly value: JsonObject;
}

/** Members that name the recipient, and one that FCM gives. */
const notInMessage = ['token', 'topic', 'condition', 'fid', 'name'];

export function wholeMessage(given: Given): ReadMessage {
  const rival = contentNames.find((name) => given[name] !== undefined);
  if (rival !== undefined) {
    throw messageError(`The options ${option('message')} and ${option(rival)} are both given: leave one out.`);
  }
  const text = messageText(given.message);
  const parsed: unknown = parsedText(text);
  if (!isJsonObject(parsed)) throw messageError('The message is JSON, but not an object: write { … }.');
  const twice = keyGivenTwice(text, parsed);
  if (twice !== null) {
    const shown = quoting(`the key "${escapeUnprintable(twice, 40)}"`, 'a key');
    throw messageError(`The message has ${shown} twice in one object: leave one out.`);
  }
  if (Object.hasOwn(parsed, 'message')) {
    throw new NotPlainError('message', 'has a message within it: give what stands within, and dryRun beside it');
  }
  const target = notInMessage.find((name) => Object.hasOwn(parsed, name));
  if (target !== undefined) {
    throw new NotPlainError('message', `has ${target}: leave it out; recipients are the first argument`);
  }
  const value = readFields(parsed, messageFields, 'message');
  if (Object.keys(value).length === 0) throw messageError('The message is empty: give notification, data or android.');
  return { text, value };
}

/**
 * A whole message as compact JSON text. Numbers and order stay as they were written.
 *
 * @throws PealError ERR_PEAL_PAYLOAD for what is no JSON object
 */
export function messageText(message: unknown): string {
  const isText = typeof message === 'string' || message instanceof Uint8Array;
  if (!isText) {
    try {
      if (!isJsonObject(message)) throw new NotPlainError('message', 'must be an object, JSON text or bytes');
      return plainJson(message, 'message');
    } catch (error) {
      throw inSentence(error);
    }
  }
  if (message.length > maxRawMessageBytes) {
    throw messageError(`The message is longer than ${maxRawMessageBytes} bytes, so it is not a message.`);
  }
  const text = (typeof message === 'string' ? message : decoded(message)).replace(/^\ufeff/, '');
  if (!text.isWellFormed()) throw messageError('The message holds half of a surrogate pair: text was cut in between.');
  if (text.trim() === '') throw messageError('The message is empty: give a JSON object.');
  parsedText(text);
  return compactJson(text);
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw messageError('The message is not UTF-8.');
  }
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw messageError(
      `The message is not JSON${quoting(`: ${escapeUnprintable((error as Error).message, 120)}`, '')}.`,
    );
  }
}

/** What is wrong with a message, in a sentence about the message. */
export function inSentence(error: unknown): unknown {
  if (!(error instanceof NotPlainError)) return error;
  return messageError(`The message cannot be sent: ${error.marked.replace(/([^?])$/, '$1.')}`);
}

export function messageError(message: string): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
