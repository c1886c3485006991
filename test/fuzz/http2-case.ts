/**
 * One fuzz case of the HTTP/2 client: a conversation drawn from a seed, mutated or not, fed to a ClientConnection in
 * pieces, with requests submitted and output taken in between; then the end of the connection. Every case is checked
 * for what has to hold whatever a server does.
 */
import type { Notification } from '../../src/apns/notification.js';
import { PealError } from '../../src/base/errors.js';
import { streamRingSlots } from '../../src/base/limits.js';
import { HpackDecoder } from '../../src/codec/hpack/index.js';
import { ClientConnection, type ResponseListener } from '../../src/codec/http2/index.js';
import type { RequestTemplate } from '../../src/codec/http2/request-template.js';
import { FrameJudge } from '../support/frame-judge.js';
import { Prng } from '../support/prng.js';
import { inOrder, plainNotification, someTokens } from '../support/scripted-peer.js';
import { type Conversation, drawConversation, type Expected } from './conversation.js';
import { writeDrafts } from './draft.js';
import { mutateBytes, mutateDrafts } from './mutations.js';
import { Traffic } from './traffic.js';

const maxRequests = 8;
const maxTags = 256;
const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });
const tokens = someTokens(maxRequests);
const order = inOrder(maxRequests);
/** The largest conversation, with its floods. */
const streamBytes = new Uint8Array(1 << 19);
/** What a socket would read into: overwritten with every piece. */
const readBytes = new Uint8Array(streamBytes.length);
/** Much more than requests, acknowledgements and resets can come to. */
const maxOutputBytes = 1 << 21;

const notifications = [0, 3000, 20_000].map((bytes) => ({ ...plainNotification, payload: Buffer.alloc(bytes, 'x') }));

const outcomes: readonly Expected[] = ['open', 'accepted', 'rejected', 'unprocessed', 'unanswered'];
const OPEN = 0;
const ACCEPTED = 1;
const REJECTED = 2;
const UNPROCESSED = 3;
const UNANSWERED = 4;

/** Books by tag. */
class Books implements ResponseListener {
  readonly outcomes = new Uint8Array(maxTags);
  reported = 0;
  problem = '';

  reset(): void {
    this.outcomes.fill(OPEN);
    this.reported = 0;
    this.problem = '';
  }

  onAccepted(tag: number): void {
    this.#book(tag, ACCEPTED);
  }

  onRejected(tag: number, status: number, body: Uint8Array): void {
    if (status === 200 || status < 200 || status > 999) this.problem = `rejected with status ${status}`;
    if (body.length > 65_536) this.problem = `a body of ${body.length} bytes`;
    this.#book(tag, REJECTED);
  }

  onUnprocessed(tag: number): void {
    this.#book(tag, UNPROCESSED);
  }

  onUnanswered(tag: number): void {
    this.#book(tag, UNANSWERED);
  }

  onGoaway(): void {}

  #book(tag: number, outcome: number): void {
    if (this.outcomes[tag] !== OPEN) this.problem = `tag ${tag} is reported twice`;
    this.outcomes[tag] = outcome;
    this.reported++;
  }
}

const books = new Books();
const sharedDecoder = new HpackDecoder();

/** A decoder as it is at the start of a connection. To make one costs as much as the rest of a case. */
function freshDecoder(): HpackDecoder {
  sharedDecoder.setMaxTableBytes(4096);
  sharedDecoder.decode(Uint8Array.of(0x20, 0x3f, 0xe1, 0x1f)); // table size 0, then 4,096
  return sharedDecoder;
}

/**
 * Runs the case of a seed.
 * @returns its verdict in a few words: how the connection ended
 * @throws Error when something does not hold
 */
export function runHttp2Case(seed: number): string {
  const prng = new Prng(seed);
  const count = prng.int(maxRequests + 1);
  const mutations = prng.chance(0.2) ? 0 : 1 + prng.int(prng.chance(0.7) ? 2 : 6);
  const conversation = drawConversation(prng, count);
  const [openingBytes, length] = bytesOf(conversation, mutations, prng);
  return new Http2Case(prng, conversation, count, mutations === 0).run(openingBytes, length);
}

/** Writes the conversation to `streamBytes`; returns the lengths of its opening and of all. */
function bytesOf({ opening, drafts }: Conversation, mutations: number, prng: Prng): [opening: number, all: number] {
  // A connection that ends with its first frame shows little: the opening is mostly left alone.
  for (let i = 0; i < mutations; i++) mutateDrafts(prng.chance(0.04) ? opening : drafts, prng);
  const openingBytes = writeDrafts(opening, streamBytes, 0);
  const length = writeDrafts(drafts, streamBytes, openingBytes);
  if (mutations === 0 || !prng.chance(0.15)) return [openingBytes, length];
  const rest = streamBytes.subarray(openingBytes, length);
  return [openingBytes, openingBytes + mutateBytes(rest, rest.length, prng)];
}

class Http2Case {
  readonly #prng: Prng;
  readonly #conversation: Conversation;
  readonly #count: number;
  readonly #isUntouched: boolean;
  readonly #judge = new FrameJudge(freshDecoder());
  readonly #traffic = new Traffic();
  readonly #connection: ClientConnection;
  #template: RequestTemplate | null = null;
  #submitted = 0;
  /** Tags from here on were never handed out. */
  #handedOut = 0;
  #isWriting = false;
  #outputBytes = 0;

  constructor(prng: Prng, conversation: Conversation, count: number, isUntouched: boolean) {
    this.#prng = prng;
    this.#conversation = conversation;
    this.#count = count;
    this.#isUntouched = isUntouched;
    books.reset();
    const isSmall = !prng.chance(0.02);
    this.#connection = new ClientConnection({
      listener: books,
      authority: 'api.example.com',
      indexAuthorization: prng.chance(0.5),
      maxStreams: isSmall ? 16 : streamRingSlots,
      probeFirst: count <= 1 && prng.chance(0.3),
    });
  }

  run(openingBytes: number, length: number): string {
    const connection = this.#connection;
    connection.start();
    this.#takeAll();
    this.#feed(0, openingBytes);
    this.#submit(this.#count);
    const taken = this.#submitted;
    if (this.#isUntouched) check(taken === this.#count, `${taken} of ${this.#count} requests were taken`);
    this.#takeAll();
    this.#feedInPieces(openingBytes, length);
    const failure = connection.failure;
    this.#takeAll();
    if (failure === null) this.#judge.finish();
    else check(this.#judge.hasGivenUp, 'no GOAWAY says why the connection failed');
    connection.abandon(gone);
    this.#checkEnd(failure);
    return failure === null ? this.#goesOn() : `${failure.code} ${failure.message}`;
  }

  #feedInPieces(from: number, to: number): void {
    const prng = this.#prng;
    const longest = prng.pick([1, 7, 40, 40, 300, 300, 1 << 20, 1 << 20]);
    let at = from;
    while (at < to) {
      const end = Math.min(to, at + 1 + prng.int(longest));
      // Few actions where pieces are small, so that they stand between frames and not between octets.
      this.#feed(at, end);
      at = end;
      if (prng.chance(longest < 40 ? 0.01 : 0.3)) this.#act();
    }
  }

  #feed(from: number, to: number): void {
    if (to - from > 64) readBytes.set(streamBytes.subarray(from, to));
    else for (let i = 0; i < to - from; i++) readBytes[i] = streamBytes[from + i]!;
    this.#judge.onServerBytes(readBytes, to - from);
    this.#traffic.onServerBytes(readBytes, to - from);
    this.#connection.receive(readBytes, to - from);
    this.#checkBooks();
  }

  /** What the owner of a connection does between two reads. */
  #act(): void {
    const prng = this.#prng;
    switch (prng.int(6)) {
      case 0:
        this.#submit(1 + prng.int(3));
        break;
      case 1:
        if (this.#connection.failure === null) this.#connection.ping(1 + prng.int(1000));
        break;
      case 2:
        if (prng.chance(0.1)) this.#connection.close(0);
        break;
      case 3:
        if (this.#isWriting) this.#written();
        break;
      default:
        this.#take();
    }
  }

  #submit(count: number): void {
    const connection = this.#connection;
    if (count === 0 || this.#submitted + count > maxTags) return;
    if (!connection.isReady || connection.failure !== null) return;
    this.#template ??= connection.template(this.#notification(), {
      tokenBytes: 32,
      providerToken: this.#prng.chance(0.3) ? 'header.claims.signature' : null,
    });
    const taken = connection.submit(this.#template, tokens, null, order, 0, count, this.#submitted);
    check(taken >= 0 && taken <= count, `${taken} of ${count} requests were taken`);
    this.#submitted += taken;
  }

  /** Small payloads mostly; now and then one that uses the windows up, and none at all. */
  #notification(): Notification {
    if (this.#prng.chance(0.8)) return plainNotification;
    return this.#prng.pick(this.#count > 3 ? notifications.slice(0, 2) : notifications);
  }

  #take(): void {
    const isFailed = this.#connection.failure !== null;
    const view = this.#connection.takeOutput();
    if (view === null) return;
    this.#isWriting = true;
    this.#judge.onClientBytes(view);
    this.#traffic.onClientBytes(view);
    this.#outputBytes += view.length;
    if (!isFailed) this.#handedOut = this.#submitted;
    if (this.#prng.chance(0.8)) this.#written();
  }

  #written(): void {
    this.#isWriting = false;
    this.#connection.outputWritten();
  }

  #takeAll(): void {
    for (let turns = 0; turns < 4; turns++) {
      if (this.#isWriting) this.#written();
      this.#take();
    }
    if (this.#isWriting) this.#written();
  }

  #checkBooks(): void {
    if (books.problem !== '') throw new Error(books.problem);
    const open = this.#submitted - books.reported;
    const { activeStreams } = this.#connection;
    check(activeStreams === open, `${activeStreams} active streams where ${open} requests are open`);
  }

  #checkEnd(failure: PealError | null): void {
    this.#checkBooks();
    const { faults } = this.#judge;
    if (faults.length > 0) throw new Error(`the judge: ${faults.join('; ')}`);
    check(books.reported === this.#submitted, `${books.reported} of ${this.#submitted} requests were reported`);
    check(this.#outputBytes <= maxOutputBytes, `${this.#outputBytes} bytes of output`);
    for (let tag = this.#handedOut; tag < this.#submitted; tag++) {
      check(books.outcomes[tag] === UNPROCESSED, `tag ${tag} was never handed out and is not unprocessed`);
    }
    this.#checkOutcomes();
    if (!this.#isUntouched) return;
    check(failure === null, `an allowed conversation failed: ${failure?.message}`);
    this.#conversation.expected.forEach((expected, tag) => {
      const actual = outcomes[books.outcomes[tag]!]!;
      check(this.#isAsExpected(expected, actual), `tag ${tag} is ${actual} and not ${expected}`);
    });
  }

  /** Each outcome is one that what went both ways allows. */
  #checkOutcomes(): void {
    for (let tag = 0; tag < this.#submitted; tag++) {
      const outcome = books.outcomes[tag]!;
      let isAllowed = this.#traffic.mayBeAnswered(tag);
      if (outcome === UNPROCESSED) isAllowed = this.#traffic.mayBeUnprocessed(tag);
      else if (outcome === UNANSWERED) isAllowed = this.#traffic.mayBeUnanswered(tag);
      check(isAllowed, `tag ${tag} cannot be ${outcomes[outcome]}`);
    }
  }

  /** The outcomes that there were, in words. */
  #goesOn(): string {
    const seen = outcomes.filter((_, outcome) => outcome !== OPEN && books.outcomes.includes(outcome));
    return `goes on: ${seen.join(', ') || 'no requests'}`;
  }

  #isAsExpected(expected: Expected, actual: Expected): boolean {
    // What never went out whole for want of window is unprocessed where it would be unanswered.
    const isSpared = actual === 'unprocessed' && this.#conversation.hasSmallWindow;
    if (expected === 'open' || expected === 'unanswered') return actual === 'unanswered' || isSpared;
    return actual === expected;
  }
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
