/**
 * Conversations as servers hold them, drawn from a seed: SETTINGS, answers of every shape, resets, GOAWAY and what goes
 * on between them. Every frame is allowed by RFC 9113, apart from answers that are malformed on purpose, so it is known
 * what has to become of every request: the fuzz mutates them after that, the comparison with node:http2 lightly.
 */
import { ByteWriter } from '../../src/codec/byte-writer.js';
import { type EncodedField, HpackEncoder } from '../../src/codec/hpack/encoder.js';
import * as frames from '../../src/codec/http2/frames.js';
import { encodeSettings, type SettingsEntry } from '../../src/codec/http2/settings.js';
import type { Prng } from '../support/prng.js';
import { type Draft, draft, uint32Draft } from './draft.js';

/** What has to become of a request; `open`: no end of its answer comes. */
export type Expected = 'accepted' | 'rejected' | 'unsent' | 'unknown' | 'open';

export interface Conversation {
  /** The server's SETTINGS; the requests follow them. */
  readonly opening: Draft[];
  readonly drafts: Draft[];
  /** One for each request, in order: streams 1, 3, 5 …, then those of `more`. */
  readonly expected: readonly Expected[];
  /** How the server goes on, and deals with further requests, which it has on these streams. */
  more(streamIds: readonly number[]): Draft[];
}

type Step = (to: Builder) => void;

const apnsId = 'eabeae54-14a8-11e5-b60b-1697f925ec7b';
const statuses = [400, 403, 404, 405, 410, 413, 429, 500, 503];
const bodies = [
  '{"reason":"BadDeviceToken"}',
  '{"reason":"Unregistered","timestamp":1710000000000}',
  '{"reason":"TooManyRequests"}',
  '',
  'plain text',
  'x'.repeat(900),
].map((text) => new Uint8Array(Buffer.from(text)));
const resetCodes = [0, 1, 2, 3, 5, 7, 7, 7, 8, 11, 13, 0xdeadbeef];
const otherFields: readonly EncodedField[] = [
  { name: 'apns-id', value: apnsId, indexing: 'shared' },
  { name: 'apns-id', value: apnsId, indexing: 'none' },
  { name: 'apns-unique-id', value: 'c0ffee00-14a8-11e5-b60b-1697f925ec7b', indexing: 'shared' },
  { name: 'retry-after', value: '17', indexing: 'none' },
  { name: 'content-type', value: 'application/json', indexing: 'shared' },
  { name: 'server', value: 'gateway', indexing: 'first' },
  { name: 'x-long', value: 'abcdefghij'.repeat(12), indexing: 'shared' },
  { name: 'x-secret', value: 'never', indexing: 'never' },
];
/** Each makes an answer malformed (RFC 9113 §8). */
const malformations: readonly EncodedField[] = [
  { name: 'Server', value: 'x', indexing: 'none' },
  { name: 'connection', value: 'close', indexing: 'none' },
  { name: ':path', value: '/', indexing: 'none' },
  { name: 'x', value: 'a\nb', indexing: 'shared' },
  { name: 'x', value: ' blank', indexing: 'shared' },
  { name: ':status', value: '200', indexing: 'shared' },
  { name: 'content-length', value: '12345', indexing: 'none' },
];

/** Draws a conversation about `count` requests, on the streams 1, 3, 5 …; `more` goes on drawing from `prng`. */
export function drawConversation(prng: Prng, count: number): Conversation {
  const builder = new Builder(prng);
  const opening = [draft(frames.SETTINGS, 0, 0, encodeSettings(openingSettings(prng, count)))];
  const streamIds = Array.from({ length: count }, (_, index) => 2 * index + 1);
  const ack = draft(frames.SETTINGS, frames.FLAG_ACK, 0, new Uint8Array(0));
  const drafts = drawAnswers(prng, builder, streamIds, [ack], (to) => prng.chance(0.2) && betweenAnswers(prng, to));
  return {
    opening,
    drafts,
    expected: builder.expected,
    more: (further) => drawAnswers(prng, builder, further, [], (to) => betweenMore(prng, to)),
  };
}

/** The answers to requests on these streams, in steps that take turns, behind `first`; `between` goes before each. */
function drawAnswers(
  prng: Prng,
  builder: Builder,
  streamIds: readonly number[],
  first: Draft[],
  between: (to: Builder) => unknown,
): Draft[] {
  const scripts = streamIds.map((streamId) => scriptFor(prng, builder.add(streamId)));
  builder.drafts = first;
  while (scripts.length > 0) {
    between(builder);
    const which = prng.int(scripts.length);
    const script = scripts[which]!;
    const step = script.shift();
    if (step !== undefined) step(builder);
    if (script.length === 0) scripts.splice(which, 1);
  }
  if (builder.expected.length > 0 && prng.chance(0.1)) betweenAnswers(prng, builder);
  return builder.drafts;
}

function openingSettings(prng: Prng, count: number): SettingsEntry[] {
  const entries: SettingsEntry[] = [];
  if (prng.chance(0.6)) entries.push([frames.SETTINGS_MAX_CONCURRENT_STREAMS, count + prng.int(100)]);
  if (prng.chance(0.2))
    entries.push([frames.SETTINGS_INITIAL_WINDOW_SIZE, prng.pick([0, 1, 10, 1000, 65_535, 1 << 20])]);
  if (prng.chance(0.2)) entries.push([frames.SETTINGS_HEADER_TABLE_SIZE, prng.pick([0, 64, 200, 4096, 8192])]);
  if (prng.chance(0.2)) entries.push([frames.SETTINGS_MAX_FRAME_SIZE, prng.pick([16_384, 32_768, 16_777_215])]);
  if (prng.chance(0.2)) entries.push([frames.SETTINGS_MAX_HEADER_LIST_SIZE, prng.pick([8000, 65_536])]);
  if (prng.chance(0.1)) entries.push([0x99, prng.int(1000)]);
  return entries;
}

/** How the server deals with request `index`, as steps that others may come between. */
function scriptFor(prng: Prng, index: number): Step[] {
  const steps: Step[] = [];
  const shape = prng.int(20);
  if (prng.chance(0.1)) for (let n = 1 + prng.int(3); n > 0; n--) steps.push((to) => to.headers(index, 103, false));
  if (shape < 7) steps.push((to) => to.headers(index, 200, true));
  else if (shape < 9) steps.push((to) => to.headers(index, 200, false), ...bodySteps(prng, index));
  else if (shape < 13) steps.push((to) => to.headers(index, prng.pick(statuses), false), ...bodySteps(prng, index));
  else if (shape < 15) steps.push((to) => to.headers(index, prng.pick(statuses), true));
  else if (shape < 16) steps.push((to) => to.headers(index, 200, false));
  else if (shape < 18) steps.push((to) => to.reset(index, prng.pick(resetCodes)));
  else if (shape < 19) steps.push((to) => to.malformed(index, prng.pick(malformations)));
  // The others are never answered.
  if (shape < 16 && prng.chance(0.1)) steps.push((to) => to.reset(index, prng.pick(resetCodes)));
  return steps;
}

/** DATA in pieces, and its end: with the last piece, alone, or as trailers. */
function bodySteps(prng: Prng, index: number): Step[] {
  const body = prng.pick(bodies);
  const cut = prng.int(body.length + 1);
  const end = prng.int(4);
  const steps: Step[] = [];
  if (cut > 0 && prng.chance(0.5)) {
    steps.push((to) => to.data(index, body.subarray(0, cut), false));
    steps.push((to) => to.data(index, body.subarray(cut), end < 2));
  } else {
    steps.push((to) => to.data(index, body, end < 2));
  }
  if (end === 2) steps.push((to) => to.data(index, new Uint8Array(0), true));
  if (end === 3) steps.push((to) => to.trailers(index));
  return steps;
}

/** Something that concerns no answer, or all of them. */
function betweenAnswers(prng: Prng, to: Builder): void {
  const { drafts } = to;
  switch (prng.int(9)) {
    case 0:
      drafts.push(uint32Draft(frames.PING, 0, prng.int(1 << 30), prng.int(1 << 30)));
      break;
    case 1:
      drafts.push(uint32Draft(frames.WINDOW_UPDATE, 0, 1 + prng.int(100_000)));
      break;
    case 2:
      drafts.push(uint32Draft(frames.WINDOW_UPDATE, to.anyStream(), prng.pick([1, 2, 9, 1 + prng.int(1000), 30_000])));
      break;
    case 3:
      drafts.push(draft(frames.SETTINGS, 0, 0, encodeSettings(laterSettings(prng))));
      break;
    case 4:
      drafts.push(draft(frames.PRIORITY, 0, to.anyStream(), Uint8Array.of(0, 0, 0, 0, 16)));
      break;
    case 5:
      drafts.push(draft(prng.pick([0x0a, 0x0c, 0x10, 0xff]), prng.int(256), prng.int(12), new Uint8Array(prng.int(9))));
      break;
    case 6:
      to.goaway(prng.pick([0, 1, 3, 5, 0x7fffffff, 0x7fffffff]), prng.pick([0, 0, 0, 2, 11]));
      break;
    case 7:
      drafts.push(draft(frames.PING, frames.FLAG_ACK, 0, new Uint8Array(8)));
      break;
    case 8:
      drafts.push(uint32Draft(frames.RST_STREAM, to.endedStream(), frames.NO_ERROR));
      break;
  }
}

/** Later in a conversation more happens between answers, and to the windows above all. */
function betweenMore(prng: Prng, to: Builder): void {
  if (prng.chance(0.2)) betweenAnswers(prng, to);
  if (!prng.chance(0.2)) return;
  const initial = prng.pick([0, 5, 15, 40, 2000, 65_535]);
  to.drafts.push(draft(frames.SETTINGS, 0, 0, encodeSettings([[frames.SETTINGS_INITIAL_WINDOW_SIZE, initial]])));
  for (let n = prng.int(4); n > 0; n--) {
    to.drafts.push(uint32Draft(frames.WINDOW_UPDATE, to.anyStream(), 1 + prng.int(40)));
  }
}

function laterSettings(prng: Prng): SettingsEntry[] {
  const all: SettingsEntry[] = [
    [frames.SETTINGS_MAX_CONCURRENT_STREAMS, prng.pick([0, 1, 5, 1000])],
    [frames.SETTINGS_INITIAL_WINDOW_SIZE, prng.pick([0, 5, 30, 65_535, 1_000_000])],
    [frames.SETTINGS_HEADER_TABLE_SIZE, prng.pick([0, 100, 4096])],
    [frames.SETTINGS_HEADER_TABLE_SIZE, prng.pick([0, 300, 4096])],
    [frames.SETTINGS_MAX_HEADER_LIST_SIZE, prng.pick([100, 8000])],
  ];
  return all.filter(() => prng.chance(0.3));
}

/** Gathers frames and keeps the books of what each has to lead to. */
class Builder {
  /** Where frames are put. */
  drafts: Draft[] = [];
  readonly expected: Expected[] = [];
  readonly #prng: Prng;
  readonly #encoder = new HpackEncoder();
  readonly #out = new ByteWriter(1024);
  // By request:
  readonly #streamIds: number[] = [];
  readonly #hasBegun: boolean[] = [];
  readonly #statuses: number[] = [];
  #lastStreamId = 0x7fffffff;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** One request more; returns its index. */
  add(streamId: number): number {
    this.#streamIds.push(streamId);
    this.#hasBegun.push(false);
    this.#statuses.push(0);
    return this.expected.push('open') - 1;
  }

  anyStream(): number {
    return this.#streamIds[this.#prng.int(this.expected.length)]!;
  }

  /** A stream whose outcome stands; the first where there is none, which a reset then ends. */
  endedStream(): number {
    const index = this.expected.findIndex((outcome) => outcome !== 'open');
    if (index >= 0) return this.#streamIds[index]!;
    this.#end(0, 'unknown');
    return this.#streamIds[0]!;
  }

  headers(index: number, status: number, endsStream: boolean): void {
    const fields: EncodedField[] = [{ name: ':status', value: String(status), indexing: 'shared' }];
    for (let n = this.#prng.int(3); n > 0; n--) fields.push(this.#prng.pick(otherFields));
    this.#block(this.#streamIds[index]!, fields, endsStream);
    this.#hasBegun[index] = true;
    if (status < 200) return;
    this.#statuses[index] = status;
    if (endsStream) this.#end(index, status === 200 ? 'accepted' : 'rejected');
  }

  trailers(index: number): void {
    this.#block(this.#streamIds[index]!, [{ name: 'x-trailer', value: 'end', indexing: 'shared' }], true);
    this.#complete(index);
  }

  data(index: number, body: Uint8Array, endsStream: boolean): void {
    const flags = endsStream ? frames.FLAG_END_STREAM : 0;
    const streamId = this.#streamIds[index]!;
    if (this.#prng.chance(0.1)) {
      const padding = this.#prng.pick([0, 1, 255]);
      const padded = new Uint8Array(1 + body.length + padding);
      padded[0] = padding;
      padded.set(body, 1);
      this.drafts.push(draft(frames.DATA, flags | frames.FLAG_PADDED, streamId, padded));
    } else {
      this.drafts.push(draft(frames.DATA, flags, streamId, body));
    }
    if (endsStream) this.#complete(index);
  }

  reset(index: number, errorCode: number): void {
    this.drafts.push(uint32Draft(frames.RST_STREAM, this.#streamIds[index]!, errorCode));
    const isRefused = errorCode === frames.REFUSED_STREAM && !this.#hasBegun[index];
    this.#end(index, isRefused ? 'unsent' : 'unknown');
  }

  malformed(index: number, wrong: EncodedField): void {
    const fields: EncodedField[] = [{ name: ':status', value: '200', indexing: 'shared' }, otherFields[0]!, wrong];
    this.#block(this.#streamIds[index]!, fields, true);
    this.#end(index, 'unknown');
  }

  goaway(lastStreamId: number, errorCode: number): void {
    this.drafts.push(uint32Draft(frames.GOAWAY, 0, lastStreamId, errorCode));
    this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId);
    for (let index = 0; index < this.expected.length; index++) {
      if (this.#streamIds[index]! <= this.#lastStreamId) continue;
      this.#end(index, this.#hasBegun[index] ? 'unknown' : 'unsent');
    }
  }

  #complete(index: number): void {
    this.#end(index, this.#statuses[index] === 200 ? 'accepted' : 'rejected');
  }

  /** The first end of a stream counts; what follows is discarded. */
  #end(index: number, outcome: Expected): void {
    if (this.expected[index] === 'open') this.expected[index] = outcome;
  }

  /** HEADERS, now and then padded, with priority, or continued. */
  #block(streamId: number, fields: readonly EncodedField[], endsStream: boolean): void {
    const out = this.#out;
    out.reset();
    this.#encoder.encode(fields, out, this.#prng.chance(0.5) ? 'raw' : 'compact');
    const bytes = out.bytes.slice(0, out.length);
    const ends = endsStream ? frames.FLAG_END_STREAM : 0;
    const shape = this.#prng.int(10);
    if (shape === 0) {
      const cut = this.#prng.int(bytes.length + 1);
      this.drafts.push(draft(frames.HEADERS, ends, streamId, bytes.subarray(0, cut)));
      this.drafts.push(draft(frames.CONTINUATION, frames.FLAG_END_HEADERS, streamId, bytes.subarray(cut)));
    } else if (shape === 1) {
      const padding = this.#prng.pick([0, 3, 255]);
      const payload = new Uint8Array(6 + bytes.length + padding);
      payload[0] = padding;
      payload[5] = 16;
      payload.set(bytes, 6);
      const flags = ends | frames.FLAG_END_HEADERS | frames.FLAG_PADDED | frames.FLAG_PRIORITY;
      this.drafts.push(draft(frames.HEADERS, flags, streamId, payload));
    } else {
      this.drafts.push(draft(frames.HEADERS, ends | frames.FLAG_END_HEADERS, streamId, bytes));
    }
  }
}
