/** The cost of reading one answer of APNs: 200 with an apns-id, as servers code it in different ways. */

import { ByteWriter } from '../../src/codec/byte-writer.js';
import { HpackEncoder, type Indexing } from '../../src/codec/hpack/encoder.js';
import * as frames from '../../src/codec/http2/frames.js';
import { writeU32 } from '../../src/codec/octets.js';
import { ClientConnection } from '../../src/codec/requests/client-connection.js';
import type { ResponseListener } from '../../src/codec/requests/response-listener.js';
import { TokenBlock } from '../../src/push/token-block.js';
import type { MicroItem } from './suite.js';

const answers = 256;

class Counter implements ResponseListener {
  accepted = 0;
  other = 0;
  tags = 0;
  onAccepted(tag: number): void {
    this.accepted++;
    this.tags += tag;
  }
  onRejected(): void {
    this.other++;
  }
  onUnsent(): void {
    this.other++;
  }
  onUnknown(): void {
    this.other++;
  }
  onGoaway(): void {}
}

interface Answers {
  readonly bytes: Uint8Array;
  /** Where the stream ids stand. */
  readonly idsAt: readonly number[];
}

/** `answers` answers of one peer, coded by `encoder`, whose table stays from run to run, as a real one does. */
function encodeAnswers(indexing: Indexing, endsWithData: boolean, encoder: HpackEncoder): Answers {
  const out = new ByteWriter(1 << 16);
  const idsAt: number[] = [];
  for (let i = 0; i < answers; i++) {
    const block = new ByteWriter();
    const id = `eabeae54-14a8-11e5-b60b-${(0x1697f925ec00 + i).toString(16)}`;
    encoder.encode(
      [
        { name: ':status', value: '200', indexing: 'shared' },
        { name: 'apns-id', value: id, indexing },
      ],
      block,
    );
    const flags = frames.FLAG_END_HEADERS | (endsWithData ? 0 : frames.FLAG_END_STREAM);
    idsAt.push(out.length + 5);
    const at = out.skip(frames.FRAME_HEADER_BYTES);
    frames.writeFrameHeader(out.bytes, at, block.length, frames.HEADERS, flags, 0);
    out.append(block.view());
    if (!endsWithData) continue;
    idsAt.push(out.length + 5);
    const dataAt = out.skip(frames.FRAME_HEADER_BYTES);
    frames.writeFrameHeader(out.bytes, dataAt, 0, frames.DATA, frames.FLAG_END_STREAM, 0);
  }
  return { bytes: out.bytes.slice(0, out.length), idsAt };
}

/** Requests and answers: the requests' part is measured by its own item and hardly differs from that. */
function roundTrip(name: string, indexing: Indexing, endsWithData: boolean): MicroItem {
  const counter = new Counter();
  const connection = new ClientConnection({
    listener: counter,
    authority: 'api.push.apple.com',
    path: '/3/device/',
    authorizationScheme: 'bearer',
    indexAuthorization: true,
    probeFirst: false,
  });
  const encoder = new HpackEncoder();
  // The first round spells out the name that later ones refer to.
  const first = encodeAnswers(indexing, endsWithData, encoder);
  const later = encodeAnswers(indexing, endsWithData, encoder);
  const payload = new Uint8Array(120).fill(0x20);
  const template = connection.template(
    { headers: [['apns-topic', 'com.example.app']], payload, expiration: null, priority: null },
    { tokenBytes: 32, providerToken: null },
  );
  const tokens = new TokenBlock(new Uint8Array(answers * 32), 32, answers);
  const order = Uint16Array.from({ length: answers }, (_, i) => i);
  const perAnswer = endsWithData ? 2 : 1;
  let streamId = 1;
  const windowUpdate = new Uint8Array(13);
  frames.writeFrameHeader(windowUpdate, 0, 4, frames.WINDOW_UPDATE, 0, 0);
  writeU32(windowUpdate, 9, answers * payload.length);

  connection.start();
  connection.takeOutput();
  connection.outputWritten();
  const settings = new Uint8Array(9);
  settings[3] = frames.SETTINGS;
  connection.receive(settings, 9);
  const round = ({ bytes, idsAt }: Answers): void => {
    if (connection.submit(template, { tokens, personal: null, order, head: 0, tagBase: 0 }, answers) !== answers)
      throw new Error(`no credit: ${connection.failure}`);
    connection.takeOutput();
    connection.outputWritten();
    for (let i = 0; i < idsAt.length; i++) {
      writeU32(bytes, idsAt[i]!, streamId);
      if ((i + 1) % perAnswer === 0) streamId += 2;
    }
    connection.receive(windowUpdate, 13);
    connection.receive(bytes, bytes.length);
    if (counter.other > 0 || connection.activeStreams > 0) throw new Error('an answer was not read');
  };
  round(first);
  const requestBytes = 9 + 80 + 9 + payload.length;
  const bytesPerItem = later.bytes.length / answers + requestBytes;
  return { name, bytesPerItem, itemsPerRun: answers, run: () => round(later) };
}

export function register(): readonly MicroItem[] {
  return [
    roundTrip('request and answer: apns-id entered into the table', 'shared', false),
    roundTrip('request and answer: apns-id as a literal', 'none', false),
    roundTrip('request and answer: 200 ended by an empty DATA', 'shared', true),
  ];
}
