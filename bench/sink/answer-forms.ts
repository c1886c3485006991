/**
 * The bytes of one answer of the sink, for APNs and for FCM. Nothing in them depends on the table that a client keeps
 * for header fields.
 *
 *   apns   00 00 2f | 01 05 | id id id id | 88 | 00 07 a p n s - i d | 24 b e n c h 0 0 0 - … 36 octets
 *          length     HEADERS  stream       200   a literal without indexing
 *   fcm    HEADERS with 200 and content-type, then DATA with { "name": "projects/bench/messages/0:…%…" } and the end
 */
import {
  DATA,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  HEADERS,
  writeFrameHeader,
} from '../../src/codec/http2/frames.js';

export interface AnswerForm {
  readonly bytes: Buffer;
  /** Where the ids of its frames stand. */
  readonly idsAt: readonly number[];
  /** Where the eight digits stand that differ, so that no two answers of a connection have one id. */
  readonly digitsAt: number;
  /** Of DATA, which the window of the client bounds. */
  readonly bodyBytes: number;
}

export type AnswerKind = 'apns' | 'fcm';

/** Where the id of a stream stands in the header of a frame. */
const idOffset = 5;
const status200 = 0x88;
/** A literal without indexing whose name is content-type, number 31 of the static table. */
const contentTypeIs = [0x0f, 0x10];

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  writeFrameHeader(head, 0, payload.length, type, flags, 0);
  return Buffer.concat([head, payload]);
}

/** Text with its length before it, not Huffman coded. */
const string = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);

function apnsForm(): AnswerForm {
  const uuid = string('5ca1ab1e-0000-4000-8000-000000000000');
  const fields = Buffer.concat([Buffer.from([status200, 0x00]), string('apns-id'), uuid]);
  const bytes = frame(HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, fields);
  return { bytes, idsAt: [idOffset], digitsAt: bytes.length - 8, bodyBytes: 0 };
}

function fcmForm(): AnswerForm {
  const contentType = string('application/json; charset=UTF-8');
  const headers = frame(
    HEADERS,
    FLAG_END_HEADERS,
    Buffer.concat([Buffer.from([status200, ...contentTypeIs]), contentType]),
  );
  const end = '"\n}\n';
  const body = Buffer.from(`{\n  "name": "projects/bench/messages/0:1700000000000000%31bd1c9600000000${end}`);
  const bytes = Buffer.concat([headers, frame(DATA, FLAG_END_STREAM, body)]);
  return {
    bytes,
    idsAt: [idOffset, headers.length + idOffset],
    digitsAt: bytes.length - end.length - 8,
    bodyBytes: body.length,
  };
}

export const answerForms: Readonly<Record<AnswerKind, AnswerForm>> = { apns: apnsForm(), fcm: fcmForm() };
