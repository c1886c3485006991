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
import { among, anyNumber, anyText, anyValue, fieldsOf, listOf, namesTo, optional, orNull } from '../../base/shape.js';
import type { CampaignIdentity, IdentityPart, InputIdentity } from './identity.js';
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

const isIdentity = fieldsOf<IdentityRecord>({
  version: among(1),
  key: anyText,
  identity: fieldsOf<CampaignIdentity>({
    parts: listOf(fieldsOf<IdentityPart>({ name: anyText, digest: anyText })),
    inputs: listOf(
      fieldsOf<InputIdentity>({
        name: anyText,
        size: orNull(anyNumber),
        mtimeMs: orNull(anyNumber),
        head: orNull(anyText),
        tail: orNull(anyText),
      }),
    ),
  }),
});

const counts = fieldsOf<JournalCounts>({
  underWay: anyNumber,
  accepted: anyNumber,
  rejected: anyNumber,
  unsent: anyNumber,
  unknown: anyNumber,
});

/** The facts are checked by who reads them. */
const isProgress = fieldsOf<JournalProgress>({
  counts,
  parts: optional(listOf(counts)),
  inputBlocks: orNull(anyNumber),
  files: namesTo(anyNumber),
  facts: namesTo(anyValue),
  wallMs: anyNumber,
});

const isEvent = fieldsOf<JournalEvent>({ kind: anyText, wallMs: anyNumber, why: optional(anyText) });

/**
 * What `sealJson` was given. Throws PealError ERR_PEAL_INPUT for other bytes, and for what this version does not know.
 *
 * @param name of the journal
 */
function openJson<T>(sealed: Uint8Array, name: string, is: (value: unknown) => value is T): T {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
  const json = bytes.subarray(0, -sumBytes);
  if (bytes.length <= sumBytes || crc32(json) !== bytes.readUInt32LE(json.length)) throw damagedError(name);
  const value: unknown = JSON.parse(json.toString());
  if (is(value)) return value;
  const message = `The journal ${name} was written by another version of peal: continue the campaign with that one.`;
  throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}

/**
 * Null where the journal is new. Throws PealError ERR_PEAL_INPUT for a record that is damaged, or of another version.
 */
export function readIdentity(store: ReadableStore, name: string): IdentityRecord | null {
  const sealed = store.get(identityKey);
  return sealed === null ? null : openJson(sealed, name, isIdentity);
}

/** The same. */
export function readProgress(store: ReadableStore, name: string): JournalProgress | null {
  const sealed = store.get(progressKey);
  return sealed === null ? null : openJson(sealed, name, isProgress);
}

/** The same. */
export function readEvents(store: ReadableStore, name: string): JournalEvent[] {
  return Array.from(store.range(...allEvents), ([, sealed]) => openJson(sealed, name, isEvent));
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
