/**
 * The keys of a journal, and its records besides those of blocks: JSON with a check sum behind it. Pure; main thread.
 *
 *   i                  what the campaign is (identity)
 *   p                  totals, lengths of output files, facts of the campaign
 *   e <number>         events: began, was resumed, stopped …
 *   b <number>         blocks (block-record); numbers have four bytes, the highest first
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { PealError } from '../../base/errors.js';
import type { CampaignIdentity } from './identity.js';
import type { ReadableStore } from './store.js';

const sumBytes = 4;
const [eventLetter, blockLetter] = [0x65, 0x62];

export const identityKey: Uint8Array = Buffer.from('i');
export const progressKey: Uint8Array = Buffer.from('p');

export const eventKey = (number: number): Uint8Array => numberedKey(eventLetter, number);
export const blockKey = (number: number): Uint8Array => numberedKey(blockLetter, number);

/** The keys of all events, as bounds of a range; and those of all blocks from one number on. */
export const allEvents = [Buffer.from([eventLetter]), Buffer.from([eventLetter + 1])] as const;
export const blocksFrom = (number: number): readonly [Uint8Array, Uint8Array] => [
  blockKey(number),
  Buffer.from([blockLetter + 1]),
];

/** The number in the key of a block or an event. */
export const numberOf = (key: Uint8Array): number => Buffer.from(key).readUInt32BE(1);

function numberedKey(letter: number, number: number): Uint8Array {
  const key = Buffer.alloc(5);
  key[0] = letter;
  key.writeUInt32BE(number, 1);
  return key;
}

export interface IdentityRecord {
  /** Of the journal's form. */
  readonly version: 1;
  /** A random key of 16 bytes in hex, from which apns-ids are derived. */
  readonly key: string;
  readonly identity: CampaignIdentity;
}

/** Recipients by what the journal knows of them. */
export interface JournalCounts {
  /** Noted, and no outcome yet; after a crash they become unknown. */
  readonly underWay: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
}

/** What a campaign wants to keep beside the outcomes: numbers of invalid rows and duplicates, rates, settings … */
export type Facts = Readonly<Record<string, unknown>>;

export interface JournalProgress {
  readonly counts: JournalCounts;
  /** The same for each of two services, where the list is for both and both have recipients that were noted. */
  readonly parts?: readonly [JournalCounts, JournalCounts];
  /** How many blocks the input has; null until it was read to its end once. */
  readonly inputBlocks: number | null;
  /** By the name of an output file: how long it is with the rows of all outcomes in the journal, and no others. */
  readonly files: Readonly<Record<string, number>>;
  readonly facts: Facts;
  /** When it was written, by the wall clock: to be shown only. */
  readonly wallMs: number;
}

export interface JournalEvent {
  /** `began`, `resumed`, `stopped`, `finished`, and what else the campaign wants to tell. */
  readonly kind: string;
  /** By the wall clock, to be shown only: the order of events is that of their numbers. */
  readonly wallMs: number;
  /** Why, as a sentence or a code. */
  readonly why?: string;
}

export function sealJson(value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value));
  const sum = Buffer.alloc(sumBytes);
  sum.writeUInt32LE(crc32(text));
  return Buffer.concat([text, sum]);
}

/** What `sealJson` was given; null for other bytes. */
function openJson<T>(sealed: Uint8Array): T | null {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
  const text = bytes.subarray(0, -sumBytes);
  if (bytes.length <= sumBytes || crc32(text) !== bytes.readUInt32LE(text.length)) return null;
  return JSON.parse(text.toString()) as T;
}

/** Null where the journal is new. Throws PealError ERR_PEAL_INPUT for a record that is damaged, or of another version. */
export function readIdentity(store: ReadableStore, name: string): IdentityRecord | null {
  const sealed = store.get(identityKey);
  if (sealed === null) return null;
  const record = openJson<IdentityRecord>(sealed);
  if (record === null) throw damagedError(name);
  if (record.version === 1) return record;
  const message = `The journal ${name} was written by a later version of peal: continue the campaign with that one.`;
  throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}

export function readProgress(store: ReadableStore, name: string): JournalProgress | null {
  const sealed = store.get(progressKey);
  if (sealed === null) return null;
  const progress = openJson<JournalProgress>(sealed);
  if (progress === null) throw damagedError(name);
  return progress;
}

export function readEvents(store: ReadableStore, name: string): JournalEvent[] {
  return Array.from(store.range(...allEvents), ([, sealed]) => {
    const event = openJson<JournalEvent>(sealed);
    if (event === null) throw damagedError(name);
    return event;
  });
}

export function damagedError(name: string): PealError {
  const message =
    `The journal ${name} is damaged, and was left as it is. Bring it back from a copy; without it nothing says who ` +
    'was sent to.';
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}

/** @param how the rest of a sentence about the list: `differs in block 3` */
export function changedError(name: string, how: string): PealError {
  const message =
    `The list of recipients has changed since the campaign of ${name} began: it ${how} ` +
    '(blocks have up to 1,024 recipients each). To resume the campaign, give the list as it was; for a new campaign ' +
    'choose another directory.';
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
