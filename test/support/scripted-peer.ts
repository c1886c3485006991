/**
 * A gateway in memory for tests of the HTTP/2 codec: it says exactly the frames that a test scripts, and reads what the
 * client connection puts out. Whatever that is, a strict judge reads it too. No sockets and no timers.
 */

import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import * as frames from '../../src/codec/http2/frames.js';
import type { SettingsEntry } from '../../src/codec/http2/settings.js';
import type { StreamCause } from '../../src/codec/http2/stream-causes.js';
import { readU32 } from '../../src/codec/octets.js';
import { ClientConnection, type ClientConnectionOptions } from '../../src/codec/requests/client-connection.js';
import type { RequestTemplate, RequestTemplateOptions } from '../../src/codec/requests/request-template.js';
import type { ResponseListener } from '../../src/codec/requests/response-listener.js';
import type { AnswerFields } from '../../src/push/answer.js';
import type { Notification, PersonalParts } from '../../src/push/notification.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { FrameJudge } from './frame-judge.js';
import { type RawFrame, settingsAck, settingsFrame, splitFrames } from './frames.js';
import { PeerDecoder } from './peer-decoder.js';

/** One request as the peer has read it. */
export interface PeerRequest {
  readonly streamId: number;
  readonly headers: readonly (readonly [string, string])[];
  body: string;
  isComplete: boolean;
}

export type Report =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'rejected';
      readonly status: number;
      readonly body: string;
      readonly apnsId: string | null;
      readonly retryAfter: string | null;
    }
  | { readonly kind: 'unsent' | 'unknown'; readonly cause: StreamCause };

/** Keeps every report and fails when a tag is reported twice. */
export class RecordingListener implements ResponseListener {
  readonly reports = new Map<number, Report>();
  readonly goaways: { lastStreamId: number; errorCode: number; debug: string }[] = [];

  onAccepted(tag: number): void {
    this.#add(tag, { kind: 'accepted' });
  }

  onRejected(tag: number, status: number, body: Uint8Array, fields: AnswerFields): void {
    const { apnsId, retryAfter } = fields;
    this.#add(tag, { kind: 'rejected', status, body: Buffer.from(body).toString('latin1'), apnsId, retryAfter });
  }

  onUnsent(tag: number, cause: StreamCause): void {
    this.#add(tag, { kind: 'unsent', cause });
  }

  onUnknown(tag: number, cause: StreamCause): void {
    this.#add(tag, { kind: 'unknown', cause });
  }

  onGoaway(lastStreamId: number, errorCode: number, debug: Uint8Array): void {
    this.goaways.push({ lastStreamId, errorCode, debug: Buffer.from(debug).toString('latin1') });
  }

  /** Kinds by tag, as "0 accepted, 1 unknown". */
  summary(): string {
    return [...this.reports]
      .sort(([a], [b]) => a - b)
      .map(([tag, report]) => `${tag} ${report.kind}`)
      .join(', ');
  }

  #add(tag: number, report: Report): void {
    assert.equal(this.reports.has(tag), false, `tag ${tag} is reported twice`);
    this.reports.set(tag, report);
  }
}

export const plainNotification: Notification = {
  headers: [
    ['apns-topic', 'com.example.app'],
    ['apns-push-type', 'alert'],
    ['apns-priority', '10'],
  ],
  payload: Buffer.from('{"aps":{"alert":"hello"}}'),
  expiration: null,
  priority: 10,
};

/** `count` tokens that differ from each other in every place. */
export function someTokens(count: number, tokenBytes = 32): TokenBlock {
  const bytes = new Uint8Array(count * tokenBytes);
  let state = 12345;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return new TokenBlock(bytes, tokenBytes, count);
}

export function inOrder(count: number): Uint16Array {
  return Uint16Array.from({ length: count }, (_, index) => index);
}

export class ScriptedPeer {
  readonly listener = new RecordingListener();
  readonly connection: ClientConnection;
  readonly requests = new Map<number, PeerRequest>();
  /** Feeds received bytes in pieces of at most this size. */
  chunkBytes = Number.POSITIVE_INFINITY;
  readonly decoder = new PeerDecoder();
  /** Every output is held against it as it is taken. */
  readonly judge = new FrameJudge();
  /** SETTINGS of announce() that are not yet acknowledged. */
  readonly #announced: (readonly SettingsEntry[])[] = [];

  constructor(options: Partial<ClientConnectionOptions> = {}) {
    this.connection = new ClientConnection({
      authority: 'api.example.com',
      path: '/3/device/',
      authorizationScheme: 'bearer',
      indexAuthorization: true,
      probeFirst: false,
      ...options,
      listener: this.listener,
    });
  }

  /** A connection past its preface and SETTINGS, both sides acknowledged. */
  static opened(settings: readonly SettingsEntry[] = [], options: Partial<ClientConnectionOptions> = {}): ScriptedPeer {
    const peer = new ScriptedPeer(options);
    peer.connection.start();
    const first = peer.output();
    assert.equal(Buffer.from(first.subarray(0, 24)).toString('latin1'), frames.CONNECTION_PREFACE);
    peer.announce(settings);
    peer.send(settingsAck);
    peer.read();
    return peer;
  }

  /** Sends SETTINGS; once they are acknowledged the peer's decoder insists on the table size they name. */
  announce(settings: readonly SettingsEntry[]): void {
    this.#announced.push(settings);
    this.send(settingsFrame(settings));
  }

  send(...pieces: readonly Uint8Array[]): void {
    for (const bytes of pieces) {
      const step = Math.min(bytes.length, this.chunkBytes);
      for (let at = 0; at < bytes.length; at += step) {
        const part = Uint8Array.from(bytes.subarray(at, at + step));
        this.judge.onServerBytes(part);
        this.connection.receive(part, part.length);
        part.fill(0xee);
      }
    }
  }

  /** All that the connection wants written, as one copy; the next output begins behind it. */
  output(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let view = this.connection.takeOutput(); view !== null; view = this.connection.takeOutput()) {
      this.judge.onClientBytes(view);
      parts.push(Uint8Array.from(view));
      this.connection.outputWritten();
    }
    this.judge.assertClean();
    return new Uint8Array(Buffer.concat(parts));
  }

  /** The frames of the next output; requests among them are decoded into `requests`. */
  read(): RawFrame[] {
    const found = splitFrames(this.output());
    for (const each of found) this.#follow(each);
    return found;
  }

  template(options: Partial<RequestTemplateOptions> = {}, notification = plainNotification): RequestTemplate {
    return this.connection.template(notification, { tokenBytes: 32, providerToken: null, ...options });
  }

  /** Submits `count` requests with tags from `tagBase` on; returns how many were taken. */
  submit(count: number, tagBase = 0, template = this.template(), personal: PersonalParts | null = null): number {
    const tokens = someTokens(count, template.tokenBytes);
    return this.connection.submit(template, { tokens, personal, order: inOrder(count), head: 0, tagBase }, count);
  }

  /** Submits and hands out; the first request has stream id 1. */
  request(count: number, tagBase = 0): void {
    assert.equal(this.submit(count, tagBase), count);
    this.read();
  }

  /** The connection has given up with that code, and says so to the peer. */
  assertFailed(errorCode: number, pealCode?: string): void {
    const failure = this.connection.failure;
    assert.ok(failure instanceof PealError, 'the connection did not fail');
    if (pealCode !== undefined) assert.equal(failure.code, pealCode);
    const goaway = this.read().at(-1);
    assert.equal(goaway?.type, frames.GOAWAY);
    assert.equal(readU32(goaway.payload, 4), errorCode, `GOAWAY with ${failure.message}`);
    assert.equal(this.connection.credit(10), 0);
  }

  #follow({ type, flags, streamId, payload }: RawFrame): void {
    if (type === frames.SETTINGS && flags === frames.FLAG_ACK) {
      for (const [identifier, value] of this.#announced.shift() ?? []) {
        if (identifier === frames.SETTINGS_HEADER_TABLE_SIZE) this.decoder.announced(value);
      }
    } else if (type === frames.HEADERS) {
      assert.equal(streamId & 1, 1);
      assert.equal(this.requests.has(streamId), false, `stream ${streamId} was opened before`);
      assert.ok((flags & frames.FLAG_END_HEADERS) !== 0);
      const headers = this.decoder.decode(payload);
      const isComplete = (flags & frames.FLAG_END_STREAM) !== 0;
      this.requests.set(streamId, { streamId, headers, body: '', isComplete });
    } else if (type === frames.DATA) {
      const request = this.requests.get(streamId);
      assert.ok(request !== undefined && !request.isComplete, `DATA on stream ${streamId}`);
      request.body += Buffer.from(payload).toString('latin1');
      request.isComplete = (flags & frames.FLAG_END_STREAM) !== 0;
    }
  }
}
