/**
 * The words in which the cases for a strict receiver are told: frames, header blocks, and what has to come of them.
 */
import { frame, literals, rstStream, settingsFrame, uint32, windowUpdate } from '../../support/frames.js';

export { uint32 };

import * as frames from '../../../src/codec/http2/frames.js';
import type { SettingsEntry } from '../../../src/codec/http2/settings.js';
import { tokenNumber } from '../../support/push-client.js';

import { payload, pushFields } from '../raw-client.js';

export const {
  DATA,
  HEADERS,
  SETTINGS,
  PING,
  GOAWAY,
  RST_STREAM,
  WINDOW_UPDATE,
  CONTINUATION,
  PRIORITY,
  PUSH_PROMISE,
} = frames;
export const END_HEADERS = frames.FLAG_END_HEADERS;
export const END_STREAM = frames.FLAG_END_STREAM;
export const WHOLE = END_HEADERS | END_STREAM;
export const { FLAG_PADDED: PADDED, FLAG_PRIORITY: WITH_PRIORITY } = frames;
export const none = Buffer.alloc(0);
export const half = payload.length >> 1;

export type Field = readonly [string, string];

export const fields = (...extra: Field[]): Field[] => [...pushFields(tokenNumber(1)), ...extra];
export const block = literals(fields());
export const without = (name: string): Buffer => literals(fields().filter((field) => field[0] !== name));
export const instead = (name: string, value: string): Buffer =>
  literals(fields().map((field) => (field[0] === name ? ([name, value] as const) : field)));
export const get = instead(':method', 'GET');

export const headers = (bytes: Uint8Array = block, flags = END_HEADERS, streamId = 1): Buffer =>
  frame(HEADERS, flags, streamId, bytes);
export const data = (bytes: Uint8Array = payload, flags = END_STREAM, streamId = 1): Buffer =>
  frame(DATA, flags, streamId, bytes);
export const goOn = (bytes: Uint8Array, flags = END_HEADERS, streamId = 1): Buffer =>
  frame(CONTINUATION, flags, streamId, bytes);
export const reset = (errorCode: number = frames.CANCEL, streamId = 1): Buffer => rstStream(streamId, errorCode);
export const widen = windowUpdate;
export const settings = (...entries: SettingsEntry[]): Buffer => settingsFrame(entries);
export const ping = (flags = 0, streamId = 0, length = 8): Buffer =>
  frame(PING, flags, streamId, Buffer.alloc(length, 7));
/** @param dependency The stream that it depends on, with the bit of exclusiveness. */
export const priority = (streamId: number, dependency: number, weight = 0): Buffer =>
  frame(PRIORITY, 0, streamId, concat(uint32(dependency), Buffer.from([weight])));
/** The reserved bit of the stream id, which has to be ignored. */
export const reserved = (bytes: Buffer): Buffer => {
  bytes[5]! |= 0x80;
  return bytes;
};
export const padded = (bytes: Uint8Array, padding: number): Buffer =>
  Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]);
export const concat = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);

/**
 * What has to come of it: `goaway CODE` ends the connection, `reset CODE` the stream 1, a number is its status, and
 * `served` means that the connection goes on as if nothing had come.
 */
export type Outcome = `goaway ${string}` | `reset ${string}` | number | 'served';
export type Case = readonly [section: string, what: string, outcome: Outcome, ...parts: Buffer[]];
