/**
 * Notifications over one HTTP/2 connection, the client's side, without I/O: bytes in, bytes out, and reports to one
 * listener. Joins the protocol (codec/http2) with the requests and answers of this folder. Owned by
 * connection/http2/http2-connection, on the thread of its shard; never called from within its own listener.
 *
 *              start()          first SETTINGS            GOAWAY, close(), ids used up
 *   (new) ──────────────▶ waiting ─────────────▶ ready ─────────────────────────────────▶ draining
 *                            │                     │                                          │
 *                            └──── peer's fault: GOAWAY in the output, `failure` set ─────────┤
 *                                                                                             ▼
 *                                            abandon(): every open stream is reported ──▶  (over)
 *
 * Requests are taken in `ready` only, as many as credit() allows. A stream's way is drawn in http2/stream-table and
 * response-reader. What was put into the output counts as sent once takeOutput() has handed it out: until then
 * a request can be withdrawn, and its stream is idle to the peer.
 */
import { assert } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import {
  headerTableBytes,
  maxHeaderListBytes,
  maxStreamId,
  maxStreamsPerConnection,
  receiveConnectionWindowBytes,
  receiveMaxFrameBytes,
  receiveStreamWindowBytes,
} from '../../base/limits.js';
import type { Notification } from '../../push/notification.js';
import { fieldMask } from '../../push/personal-fields.js';
import { HpackEncoder } from '../hpack/encoder.js';
import { connectionFaultOf } from '../http2/connection-fault.js';
import { ControlFrames } from '../http2/control-frames.js';
import { SendWindow } from '../http2/flow-control.js';
import { FrameReader } from '../http2/frame-reader.js';
import {
  DEFAULT_WINDOW_BYTES,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_FRAME_SIZE,
  SETTINGS_MAX_HEADER_LIST_SIZE,
} from '../http2/frames.js';
import { type Goaway, Goaways } from '../http2/goaways.js';
import { handOut } from '../http2/hand-out.js';
import { Output } from '../http2/output.js';
import { PeerFrames } from '../http2/peer-frames.js';
import { PeerSettings } from '../http2/settings.js';
import type { StreamCause } from '../http2/stream-causes.js';
import { StreamEndings } from '../http2/stream-endings.js';
import { StreamInput } from '../http2/stream-input.js';
import { ringSlotsFor, StreamTable } from '../http2/stream-table.js';
import type { Recipients } from '../recipients.js';
import { Answers } from './answers.js';
import { RequestTemplate, type RequestTemplateOptions } from './request-template.js';
import { RequestWriter } from './request-writer.js';
import type { ResponseListener } from './response-listener.js';
import { ResponseReader } from './response-reader.js';

export interface ClientConnectionOptions {
  readonly listener: ResponseListener;
  /** The `:authority` of every request. */
  readonly authority: string;
  /** The path of every request, or its part before the token. */
  readonly path: string;
  /** The word before the token in `authorization`. */
  readonly authorizationScheme: string;
  /** Whether `authorization` may enter the peer's header table; otherwise it goes out as a never-indexed literal. */
  readonly indexAuthorization: boolean;
  /** Requests in flight at most. Default and maximum: maxStreamsPerConnection. */
  readonly maxStreams?: number;
  /** One request at a time until the first answer that is not a 403 (token authentication). */
  readonly probeFirst: boolean;
}

export class ClientConnection {
  readonly #options: ClientConnectionOptions;
  readonly #maxStreams: number;
  readonly #probeFirst: boolean;
  readonly #streams: StreamTable;
  readonly #settings = new PeerSettings();
  readonly #window = new SendWindow();
  readonly #encoder = new HpackEncoder();
  readonly #output = new Output();
  readonly #control = new ControlFrames(this.#output);
  readonly #requests: RequestWriter;
  readonly #answers: Answers;
  readonly #endings: StreamEndings;
  readonly #responses: ResponseReader;
  readonly #goaways: Goaways;
  readonly #frames: PeerFrames;
  readonly #reader: FrameReader;
  #failure: PealError | null = null;
  #isClosing = false;
  /** The listener is being called, or may be. */
  #isReporting = false;
  #isAbandoned = false;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.#maxStreams = Math.min(options.maxStreams ?? maxStreamsPerConnection, maxStreamsPerConnection);
    this.#probeFirst = options.probeFirst;
    this.#streams = new StreamTable(ringSlotsFor(this.#maxStreams));
    this.#requests = new RequestWriter(this.#streams, this.#output, this.#settings, this.#window, this.#encoder);
    this.#answers = new Answers(this.#streams, options.listener);
    this.#endings = new StreamEndings(this.#streams, this.#control, this.#answers);
    this.#responses = new ResponseReader(this.#streams, this.#endings, this.#answers);
    const parts = {
      listener: options.listener,
      streams: this.#streams,
      settings: this.#settings,
      window: this.#window,
      encoder: this.#encoder,
      output: this.#output,
      control: this.#control,
      endings: this.#endings,
      reader: this.#responses,
    };
    this.#goaways = new Goaways(parts);
    this.#frames = new PeerFrames({ ...parts, goaways: this.#goaways, input: new StreamInput(parts) });
    this.#reader = new FrameReader(this.#frames, receiveMaxFrameBytes);
  }

  /**
   * What the peer did wrong, once it did: a GOAWAY that says so waits in the output, nothing more is read or sent.
   * Write the output, then abandon().
   */
  get failure(): PealError | null {
    return this.#failure;
  }

  /** The peer's first SETTINGS have come. */
  get isReady(): boolean {
    return this.#frames.isReady;
  }

  /** The peer goes away: no request is taken any more; those up to lastStreamId may still be answered. */
  get goaway(): Goaway | null {
    return this.#goaways.current;
  }

  /** Requests that await their answer, those still in the output included. */
  get activeStreams(): number {
    return this.#streams.active;
  }

  /** The stream that awaits its answer for the longest time; 0 when no stream is open. */
  get oldestOpenStreamId(): number {
    return this.#streams.oldestOpenId();
  }

  /** Streams opened from now on have this id or a higher one. */
  get nextStreamId(): number {
    return this.#streams.nextId;
  }

  /** The peer has acknowledged our SETTINGS (RFC 9113 §6.5.3). */
  get isSettingsAcked(): boolean {
    return this.#frames.unackedSettings === 0;
  }

  /** SETTINGS_MAX_CONCURRENT_STREAMS as it stands; Infinity while the peer names none. */
  get peerMaxStreams(): number {
    return this.#settings.maxConcurrentStreams;
  }

  /** Whether bodies of requests wait for a window. */
  get hasBlockedBodies(): boolean {
    return !this.#requests.blocked.isEmpty;
  }

  /** All stream ids are used up: another connection is needed (RFC 9113 §5.1.1). */
  get isExhausted(): boolean {
    return this.#streams.nextId > maxStreamId;
  }

  /** The number given to ping() that was acknowledged last; 0 before the first. */
  get lastPingAcked(): number {
    return this.#frames.lastPingAcked;
  }

  /** Puts the preface, our SETTINGS and the connection's receive window into the output. Call it once, first. */
  start(): void {
    assert(this.#frames.unackedSettings === 0 && !this.#frames.isReady, 'start() is called once, first');
    this.#control.preface();
    this.#control.settings([
      [SETTINGS_HEADER_TABLE_SIZE, headerTableBytes],
      [SETTINGS_ENABLE_PUSH, 0],
      [SETTINGS_INITIAL_WINDOW_SIZE, receiveStreamWindowBytes],
      [SETTINGS_MAX_FRAME_SIZE, receiveMaxFrameBytes],
      [SETTINGS_MAX_HEADER_LIST_SIZE, maxHeaderListBytes],
    ]);
    this.#frames.unackedSettings++;
    this.#control.windowUpdate(0, receiveConnectionWindowBytes - DEFAULT_WINDOW_BYTES);
  }

  /**
   * Takes the next `length` octets of the stream from the start of `bytes`, which may be used again afterwards. Reports
   * what they settle. Never throws for what a peer sends (see `failure`).
   */
  receive(bytes: Uint8Array, length: number): void {
    assert(!this.#isReporting, 'a connection is not called from within its listener');
    if (this.#failure !== null || this.#isAbandoned) return;
    this.#isReporting = true;
    try {
      this.#reader.read(bytes, length);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isReporting = false;
    }
  }

  /**
   * Prepares requests for one notification. Keep the template while notification, provider token and connection stay
   * the same; its `refusal` says when it cannot be sent here.
   * @throws PealError `ERR_PEAL_TOKEN` for a token length that cannot be
   */
  template(notification: Notification, options: RequestTemplateOptions): RequestTemplate {
    const template = new RequestTemplate(notification, this.#options, options);
    template.adapt(this.#settings);
    return template;
  }

  /**
   * How many requests with payloads of that size may be submitted now: what stream limit, windows and room in the
   * output leave. 0 before the first SETTINGS, and after GOAWAY, close(), failure and abandon(). submit() may take
   * fewer.
   */
  credit(payloadBytes: number): number {
    const streams = this.#streamsLeft();
    return streams > 0 ? this.#requests.credit(payloadBytes, streams) : 0;
  }

  /**
   * Puts requests for the first `count` waiting recipients into the output, each under the tag `tagBase + index`.
   * Returns how many it took: never more than is allowed now. Payloads, the template's and personal ones, must stay
   * untouched until their recipients are reported.
   *
   * 0 with `template.refusal` set means that none of this template can ever be taken under the peer's present SETTINGS.
   */
  submit(template: RequestTemplate, recipients: Recipients, count: number): number {
    assert(!this.#isReporting, 'requests are not submitted from within the listener');
    const streams = this.#streamsLeft();
    if (streams <= 0 || !template.adapt(this.#settings)) return 0;
    checkParts(template, recipients);
    return this.#requests.submit(template, recipients, count, streams);
  }

  /**
   * All that waits to be written, as one view that stays untouched until outputWritten(); null while a view is out or
   * nothing waits. From here on its requests count as sent.
   *
   * @param mark what `answerMark` says of them, where marks are kept
   */
  takeOutput(mark = 0): Uint8Array | null {
    assert(!this.#isReporting, 'output is not taken from within the listener');
    if (this.#output.isTaken) return null;
    // After a failure there is nothing but the GOAWAY.
    if (this.#failure !== null) return this.#output.take();
    return handOut(this.#output, this.#requests.blocked, this.#streams, mark);
  }

  /** The view that takeOutput() gave was written; its memory is used again. */
  outputWritten(): void {
    this.#output.written();
  }

  /** Asks the peer for a sign of life. `number`: 1 to 2^32 - 1, comes back in `lastPingAcked`. */
  ping(number: number): void {
    assert(number > 0, 'PINGs are numbered from 1: 0 stands for those of others');
    this.#control.ping(number);
  }

  /**
   * Reports the ids of accepted notifications, too, from now on: that costs strings for each answer.
   *
   * @param keepsBodies the ids stand in the bodies of answers
   */
  keepIds(keepsBodies = false): void {
    this.#responses.keepIds();
    this.#answers.pool.keepsAccepted ||= keepsBodies;
  }

  /** From now on requests keep the mark of their hand-out. */
  keepMarks(): void {
    this.#streams.keepMarks();
  }

  /** While an answer is being reported: the mark of its request; 0 if that was handed out before marks were kept. */
  get answerMark(): number {
    return this.#answers.mark;
  }

  /** Says goodbye: a GOAWAY behind all that waits. No request is taken any more; answers may still come. */
  close(errorCode: number, debug = ''): void {
    if (this.#isClosing || this.#failure !== null) return;
    this.#isClosing = true;
    this.#control.goaway(errorCode, debug);
  }

  /**
   * The byte stream is gone. Reports every open stream: what was never handed out to its last byte as unsent, all
   * else as unknown (RFC 9113 §6.8: without a GOAWAY any of them may have been processed). No request is handed out
   * any more.
   */
  abandon(cause: StreamCause): void {
    assert(!this.#isReporting, 'a connection is not abandoned from within its listener');
    this.#isAbandoned = true;
    // After a failure there is nothing but the GOAWAY.
    if (this.#failure === null) this.#output.filling.dropBody();
    this.#isReporting = true;
    this.#endings.all(cause);
    this.#isReporting = false;
  }

  #streamsLeft(): number {
    if (!this.#frames.isReady || this.#failure !== null || this.#goaways.current !== null) return 0;
    if (this.#isClosing || this.#isAbandoned) return 0;
    let most = Math.min(this.#maxStreams, this.#settings.maxConcurrentStreams);
    if (this.#probeFirst && this.#answers.isUnproven) most = Math.min(most, 1);
    return most - this.#streams.active;
  }

  /** Ends the connection for the peer's fault; any other error is a fault of ours and thrown on. */
  #fail(error: unknown): void {
    const fault = connectionFaultOf(error);
    if (fault === null) throw error;
    this.#failure = fault.error;
    this.#output.filling.dropBody();
    this.#control.goaway(fault.errorCode, '');
  }
}

/** A template that is used with other parts than it was made for would send one recipient's data to another. */
function checkParts(template: RequestTemplate, { tokens, personal }: Recipients): void {
  const isRight =
    template.tokenBytes === tokens.tokenBytes &&
    template.hasPersonalIds === (personal?.apnsIds != null) &&
    template.hasPersonalPayloads === (personal?.payloads != null && personal.payloadOffsets !== null) &&
    template.ownFields === fieldMask(personal?.fields);
  if (isRight) return;
  throw new PealError('ERR_PEAL_OPTION', 'recipients and request template do not match; make a template for them', {
    origin: 'usage',
  });
}
